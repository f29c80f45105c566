"""Where a dataset's files lie, by name alone: for a look at data that no trial has been planned for."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import get_args

import yaml  # type: ignore[import-untyped]

from dss_worker.config import Metric
from dss_worker.data.dataset_files import SPLITS, DatasetFiles
from dss_worker.data.formats import FOLDER_FIELDS, RELEASE_READERS
from dss_worker.data.release_layout import find_release_files
from dss_worker.errors import DataError

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}")
_TEMPLATES = ("input", "predict", "explain")
_MAX_YAML_BYTES = 65_536


def find_dataset(root: Path, name: str) -> DatasetFiles:
    """The files of a dataset below a datasets root.

    Raises: DataError: DATASET_MISSING if there are none, DATASET_INVALID for a dataset.yaml that is none.
    """
    if not _NAME.fullmatch(name):
        raise DataError(f'expected the name of a folder below {root}, got "{name}"')
    candidates = [_folder(root, name)]
    if name in RELEASE_READERS:
        candidates.insert(0, find_release_files(root, name))
    for found in candidates:
        if found.splits or found.teachers:
            return found
    missing = [path for found in candidates for path in found.missing]
    raise DataError(
        f'dataset "{name}" has no file at {root / missing[0]}',
        code="DATASET_MISSING",
        hint=f"looked for {', '.join(missing)} below {root}; --datasets names another folder",
    )


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
