"""Where a dataset's files lie, by name alone: for a look at data that no trial has been planned for."""

from __future__ import annotations

import re
from pathlib import Path

from dss_worker.data.dataset_files import SPLITS, DatasetFiles
from dss_worker.data.description import Description, read_description
from dss_worker.data.formats import RELEASE_READERS
from dss_worker.data.release_layout import find_release_files
from dss_worker.errors import DataError

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}")


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
    splits = {split: (path,) for split, path in paths.items() if (root / path).is_file()}
    settings = f"{name}/dataset.yaml"
    has_description = splits and (root / settings).exists()
    described = read_description(root / settings, settings) if has_description else Description()
    return DatasetFiles(
        layout="folder",
        metric=described.metric,
        splits=splits,
        fields=described.fields,
        templates=described.templates,
        choices=described.choices,
        teacher_fields=described.teacher_fields,
        missing=tuple(paths[split] for split in SPLITS if split != "valid" and split not in splits),
    )
