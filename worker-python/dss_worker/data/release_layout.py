"""Where the release keeps a dataset's files below a datasets root, and how they belong together."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TypeVar

from dss_worker.config import Teacher
from dss_worker.data.dataset_files import SPLITS, DatasetFiles, SplitName
from dss_worker.errors import DataError

K = TypeVar("K")

# The others have 10 % of their training rows split off.
_WITH_VALID_FILE = ("esnli", "anli1")
# Datasets that are made of others: trained on all of these, one after the other, and tested on the first.
_PARTS: Mapping[str, tuple[str, ...]] = {"asdiv": ("svamp", "asdiv")}

_EQUATIONS = ("svamp", "asdiv")

_NAME = r"(?P<name>[a-z0-9][a-z0-9_-]{0,39})"
_SPLIT = f"(?:{'|'.join(SPLITS)})"
_NUMBER = r"(0|[1-9][0-9]{0,4})"
_PATHS = (
    re.compile(rf"{_NAME}/(?P=name)_{_SPLIT}\.json"),
    re.compile(rf"{_NAME}/llm/{_SPLIT}_CoT_{_NUMBER}\.json"),
    re.compile(rf"gpt-neox/{_NAME}/{_SPLIT}\.json"),
    # What svamp's splits are made from.
    re.compile(r"(?P<name>svamp)/SVAMP\.json"),
)


def owner_of(path: str) -> str | None:
    """The dataset whose file this is, by a path relative to the datasets root; None if the layout has no such file."""
    found = next((match for pattern in _PATHS if (match := pattern.fullmatch(path))), None)
    return found and found["name"]


def parts_of(name: str) -> tuple[str, ...]:
    """The datasets that one is made of, in the order of their rows; most are themselves alone."""
    return _PARTS.get(name, (name,))


def part_of(name: str, path: str) -> str:
    """The part of a dataset whose file this is."""
    parts = parts_of(name)
    owner = owner_of(path)
    return owner if owner in parts else parts[-1]


def folders_of(name: str) -> tuple[str, ...]:
    """The folders that all files of a dataset lie in."""
    return name, f"gpt-neox/{name}"


def find_release_files(root: Path, name: str) -> DatasetFiles:
    """The files that a trial on this dataset reads, of all its parts; none, if none has its name."""
    own = find_own_files(root, name)
    first, *others = parts_of(name)
    if not others or not (own.splits or own.teachers):
        return own
    parts = [find_own_files(root, first), *(find_own_files(root, part, ("train",)) for part in others)]
    splits, teachers = _joined([part.splits for part in parts]), _joined([part.teachers for part in parts])
    return DatasetFiles(
        layout="release",
        metric=own.metric,
        splits=splits,
        # Outputs for the rows of one part alone are those of no teacher of the whole.
        teachers={
            key: paths
            for key, paths in teachers.items()
            if key[1] != "train" or all(key in part.teachers for part in parts)
        },
        missing=tuple(path for part in parts for path in part.missing),
    )


def _joined(parts: Sequence[Mapping[K, tuple[str, ...]]]) -> dict[K, tuple[str, ...]]:
    keys = dict.fromkeys(key for part in parts for key in part)
    return {key: tuple(path for part in parts for path in part.get(key, ())) for key in keys}


def find_own_files(root: Path, name: str, splits: Sequence[SplitName] = SPLITS) -> DatasetFiles:
    """The files that are there under the dataset's own name."""
    needed = [split for split in splits if split != "valid" or name in _WITH_VALID_FILE]
    paths = {split: f"{name}/{name}_{split}.json" for split in splits}
    teachers: dict[tuple[Teacher, SplitName], tuple[str, ...]] = {}
    missing = [paths[split] for split in needed if not (root / paths[split]).is_file()]
    for split in splits:
        palm = palm_paths(root, name, split)
        gaps = [path for path in palm if not (root / path).is_file()]
        missing.extend(gaps)
        if palm and not gaps:
            teachers["palm", split] = palm
        gpt = f"gpt-neox/{name}/{split}.json"
        if (root / gpt).is_file():
            teachers["gpt", split] = (gpt,)
    return DatasetFiles(
        layout="release",
        metric="equation" if name in _EQUATIONS else "text",
        splits={split: (path,) for split, path in paths.items() if (root / path).is_file()},
        teachers=teachers,
        missing=tuple(missing),
    )


def palm_paths(root: Path, name: str, split: SplitName) -> tuple[str, ...]:
    """In the order of their numbers, up to the last one there: a gap would move later outputs to other rows."""
    found = (re.fullmatch(rf"{split}_CoT_{_NUMBER}\.json", path.name) for path in (root / name / "llm").glob("*"))
    numbers = [int(each[1]) for each in found if each]
    return tuple(f"{name}/llm/{split}_CoT_{number}.json" for number in range(max(numbers, default=-1) + 1))


def check_alignment(path: str, split: SplitName, *, rows: int, outputs: int) -> None:
    """Training rows beyond the teacher's outputs are cut; all else is a mix-up.

    Args:
        path: of the first of the teacher's files, for the message.
    Raises: DataError.
    """
    if outputs > rows or (split != "train" and outputs != rows):
        most = f"{'at most ' if split == 'train' else ''}{rows} outputs, one for each row of {split}"
        raise DataError(f"{path}: expected {most}, got {outputs}")
