"""Where a dataset's files lie, by name alone: for a look at data that no trial has been planned for."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal, get_args

import yaml  # type: ignore[import-untyped]

from dss_worker.config import Layout, Metric, Teacher
from dss_worker.data.formats import FOLDER_FIELDS, RELEASE_READERS
from dss_worker.errors import DataError

SplitName = Literal["train", "valid", "test"]
SPLITS: tuple[SplitName, ...] = get_args(SplitName)

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}")
_TEMPLATES = ("input", "predict", "explain")
_MAX_YAML_BYTES = 65_536
# The others have 10 % of their training rows split off.
_WITH_VALID_FILE = ("esnli", "anli1")


@dataclass(frozen=True, slots=True, kw_only=True)
class DatasetFiles:
    """The files of a dataset. All paths are relative to the datasets root, with forward slashes."""

    layout: Layout
    metric: Metric
    # By split, those that are there.
    splits: Mapping[SplitName, str]
    # In reading order; layout "release" only.
    teachers: Mapping[tuple[Teacher, SplitName], tuple[str, ...]] = field(default_factory=dict)
    # Layout "folder" only, as in `DatasetSource`.
    fields: Mapping[str, str] = field(default_factory=dict)
    templates: Mapping[str, str] = field(default_factory=dict)
    # What a sweep needs and is not there.
    missing: tuple[str, ...] = ()


def find_dataset(root: Path, name: str) -> DatasetFiles:
    """The files of a dataset below a datasets root.

    Raises: DataError: DATASET_MISSING if there are none, DATASET_INVALID for a dataset.yaml that is none.
    """
    if not _NAME.fullmatch(name):
        raise DataError(f'expected the name of a folder below {root}, got "{name}"')
    candidates = [_folder(root, name)]
    if name in RELEASE_READERS:
        candidates.insert(0, _release(root, name))
    for found in candidates:
        if found.splits or found.teachers:
            return found
    missing = [path for found in candidates for path in found.missing]
    raise DataError(
        f'dataset "{name}" has no file at {root / missing[0]}',
        code="DATASET_MISSING",
        hint=f"looked for {', '.join(missing)} below {root}; --datasets names another folder",
    )


def _release(root: Path, name: str) -> DatasetFiles:
    paths = {split: f"{name}/{name}_{split}.json" for split in SPLITS}
    needed = [split for split in SPLITS if split != "valid" or name in _WITH_VALID_FILE]
    teachers: dict[tuple[Teacher, SplitName], tuple[str, ...]] = {}
    missing = [paths[split] for split in needed if not (root / paths[split]).is_file()]
    for split in SPLITS:
        palm = _palm_paths(root, name, split)
        gaps = [path for path in palm if not (root / path).is_file()]
        missing.extend(gaps)
        if palm and not gaps:
            teachers["palm", split] = palm
        gpt = f"gpt-neox/{name}/{split}.json"
        if (root / gpt).is_file():
            teachers["gpt", split] = (gpt,)
    return DatasetFiles(
        layout="release",
        metric="equation" if name == "svamp" else "text",
        splits={split: path for split, path in paths.items() if (root / path).is_file()},
        teachers=teachers,
        missing=tuple(missing),
    )


def _palm_paths(root: Path, name: str, split: SplitName) -> tuple[str, ...]:
    """In the order of their numbers, up to the last one there: a gap would move later outputs to other rows."""
    found = (
        re.fullmatch(rf"{split}_CoT_(0|[1-9]\d{{0,5}})\.json", path.name) for path in (root / name / "llm").glob("*")
    )
    numbers = [int(each[1]) for each in found if each]
    return tuple(f"{name}/llm/{split}_CoT_{number}.json" for number in range(max(numbers, default=-1) + 1))


def _folder(root: Path, name: str) -> DatasetFiles:
    paths = {split: f"{name}/{split}.jsonl" for split in SPLITS}
    splits = {split: path for split, path in paths.items() if (root / path).is_file()}
    settings = f"{name}/dataset.yaml"
    described = _read_description(root / settings, settings) if splits and (root / settings).exists() else {}
    metric: Metric = "equation" if described.get("metric") == "equation" else "text"
    return DatasetFiles(
        layout="folder",
        metric=metric,
        splits=splits,
        fields=_texts(described, "fields", FOLDER_FIELDS, settings),
        templates=_texts(described, "templates", _TEMPLATES, settings),
        missing=tuple(paths[split] for split in SPLITS if split != "valid" and split not in splits),
    )


def _read_description(path: Path, shown: str) -> Mapping[str, object]:
    """dataset.yaml, its top level checked."""
    if path.stat().st_size > _MAX_YAML_BYTES:
        raise DataError(f"{shown}: expected at most {_MAX_YAML_BYTES} bytes, got {path.stat().st_size}")
    try:
        value = yaml.safe_load(path.read_text(encoding="utf-8"))
    except yaml.MarkedYAMLError as error:
        line = error.problem_mark.line + 1 if error.problem_mark else 1
        raise DataError(f"{shown}:{line}: expected YAML, got {error.problem}") from error
    except (yaml.YAMLError, UnicodeDecodeError, RecursionError, ValueError) as error:
        raise DataError(f"{shown}: expected YAML, got {' '.join(str(error).split())[:200]}") from error
    described = _mapping(value or {}, ("metric", "fields", "templates"), shown)
    if described.get("metric", "text") not in get_args(Metric):
        raise DataError(f"{shown}: metric: expected {' or '.join(get_args(Metric))}, got {described['metric']!r}")
    return described


def _texts(described: Mapping[str, object], key: str, names: tuple[str, ...], shown: str) -> dict[str, str]:
    values = _mapping(described.get(key) or {}, names, f"{shown}: {key}")
    for name, value in values.items():
        if not isinstance(value, str):
            raise DataError(f"{shown}: {key}.{name}: expected a text, got {value!r}")
    return {name: str(value) for name, value in values.items()}


def _mapping(value: object, names: tuple[str, ...], where: str) -> dict[str, object]:
    if not isinstance(value, dict):
        raise DataError(f"{where}: expected a mapping with the keys {', '.join(names)}, got {value!r}")
    for name in value:
        if name not in names:
            raise DataError(f"{where}: expected only the keys {', '.join(names)}, got {name!r}")
    return value
