"""A quick look at unpacked files of the release's layout, without torch or a tokenizer.

It asks what an import must know: that every file is what its name says and that teacher outputs line up.
`dss data check` looks at the rows themselves.
"""

from __future__ import annotations

import json
from pathlib import Path

from dss_worker.data.answer import Refused

SPLITS = ("train", "valid", "test")


def check_release_folder(root: Path, name: str) -> dict[str, int]:
    """Rows per split of one dataset below a datasets root.

    Raises: Refused (DATASET_INVALID) with the file and line of the first thing wrong.
    """
    rows = {}
    for split in SPLITS:
        path = root / name / f"{name}_{split}.json"
        if path.exists():
            rows[split] = _count_objects(path, path.relative_to(root))
    for split in SPLITS:
        parts = sorted((root / name / "llm").glob(f"{split}_CoT_*.json"), key=_number)
        teachers = [parts, [root / "gpt-neox" / name / f"{split}.json"]]
        for files in teachers:
            found = [path for path in files if path.exists()]
            if found:
                _check_teacher(root, found, split=split, rows=rows.get(split))
    return rows


def _number(path: Path) -> int:
    return int(path.stem.rsplit("_", 1)[1])


def _count_objects(path: Path, shown: Path) -> int:
    count = 0
    with path.open("rb") as file:
        for number, line in enumerate(file, start=1):
            if not line.strip():
                continue
            if not isinstance(_parse(line, f"{shown}:{number}"), dict):
                raise Refused("DATASET_INVALID", f"{shown}:{number}: expected an object")
            count += 1
    return count


def _check_teacher(root: Path, files: list[Path], *, split: str, rows: int | None) -> None:
    outputs = 0
    for path in files:
        shown = str(path.relative_to(root))
        texts = _parse(path.read_bytes(), shown)
        if not isinstance(texts, list):
            raise Refused("DATASET_INVALID", f"{shown}: expected an array of texts")
        outputs += len(texts)
    # Training splits may be longer than their outputs: they are cut to them. Outputs without rows are a mix-up.
    if rows is not None and (outputs > rows or (split != "train" and outputs != rows)):
        first = files[0].relative_to(root)
        raise Refused("DATASET_INVALID", f"{first}: {outputs} outputs for the {rows} rows of {split}")


def _parse(content: bytes, where: str) -> object:
    try:
        return json.loads(content)
    except (ValueError, RecursionError) as error:
        raise Refused("DATASET_INVALID", f"{where}: not JSON: {error}") from error
