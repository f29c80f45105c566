"""A quick look at a dataset in the release's layout, for an import: is every file what its name says, and do a
teacher's outputs line up with the rows? `dss data check` looks at what the rows say.
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import TypeVar

from dss_worker.data.dataset_files import SPLITS, SplitName
from dss_worker.data.parse import WrongRow, parse_lines, parse_outputs
from dss_worker.data.release_layout import check_alignment, find_own_files, palm_paths
from dss_worker.errors import DataError

T = TypeVar("T")


def count_release_rows(root: Path, name: str) -> dict[SplitName, int]:
    """Rows per split.

    Raises: DataError with the file and line of the first thing wrong.
    """
    files = find_own_files(root, name)
    rows = {
        split: sum(_count(parse_lines((root / path).read_bytes(), path, lambda row: row)) for path in paths)
        for split, paths in files.splits.items()
    }
    for path in (path for split in SPLITS for path in palm_paths(root, name, split)):
        if not (root / path).is_file():
            raise DataError(f"there is no file {path}, and there are outputs after it")
    for (_, split), paths in files.teachers.items():
        outputs = sum(_count(parse_outputs((root / path).read_bytes(), path, str)) for path in paths)
        if split in rows:
            check_alignment(paths[0], split, rows=rows[split], outputs=outputs)
    return rows


def _count(values: Iterable[T | WrongRow]) -> int:
    count = 0
    for value in values:
        if isinstance(value, WrongRow):
            raise DataError(str(value))
        count += 1
    return count
