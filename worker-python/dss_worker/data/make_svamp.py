"""The release's SVAMP files from SVAMP.json, byte for byte.

`python -m dss_worker.data.make_svamp` reads `{"source", "directory"}` (paths) on stdin and writes one JSON
document on stdout: `{"files": [{"path", "rows", "sha256", "state"}]}` or `{"error": {...}}`.
"""

from __future__ import annotations

import hashlib
import json
import sys
from collections.abc import Iterable
from pathlib import Path

import numpy as np

from dss_worker.data.answer import Refused, answer, replace_file

TRAIN_ROWS = 800
TEST_ROWS = 200
MAX_SOURCE_BYTES = 64 * 1024 * 1024


def svamp_splits(source: bytes) -> dict[str, bytes]:
    """Both splits as the bytes of their files.

    Args:
        source: SVAMP.json, an array of 1,000 objects.
    Returns: "train" (800 rows) and "test" (200 rows), a JSON object a line.
    Raises: Refused (DATASET_INVALID) if it is anything else.
    """
    lines = [_line(row, number) for number, row in enumerate(_rows(source), start=1)]
    # The release shuffles with the legacy generator; the newer one gives another order.
    order = np.random.RandomState(0).permutation(len(lines))
    shuffled = [lines[i] for i in order]
    return {"train": _file(shuffled[:TRAIN_ROWS]), "test": _file(shuffled[TRAIN_ROWS:])}


def _rows(source: bytes) -> list[object]:
    try:
        rows = json.loads(source)
    except (ValueError, RecursionError) as error:
        raise Refused("DATASET_INVALID", f"not JSON: {error}") from error
    if not isinstance(rows, list) or len(rows) != TRAIN_ROWS + TEST_ROWS:
        found = f"{len(rows)} items" if isinstance(rows, list) else type(rows).__name__
        raise Refused("DATASET_INVALID", f"expected an array of {TRAIN_ROWS + TEST_ROWS} objects, got {found}")
    return rows


def _line(row: object, number: int) -> str:
    """A row as pandas wrote it in the release: ASCII, no spaces, slashes escaped."""
    texts = []
    for name in ("Body", "Question", "Equation"):
        text = row.get(name) if isinstance(row, dict) else None
        if not isinstance(text, str):
            raise Refused("DATASET_INVALID", f"item {number}: expected an object with the text {name}")
        texts.append(text)
    body, question, equation = texts
    written = json.dumps({"input": f"{body}\n{question}", "label": equation}, separators=(",", ":"))
    return written.replace("/", "\\/")


def _file(lines: Iterable[str]) -> bytes:
    return "".join(f"{line}\n" for line in lines).encode("ascii")


def make_svamp(request: dict[str, object]) -> dict[str, object]:
    """Writes `svamp_train.json` and `svamp_test.json` into a folder; leaves other content alone.

    Raises: Refused if the source is not SVAMP.json, or if other files have these names.
    """
    source, directory = Path(str(request["source"])), Path(str(request["directory"]))
    if not source.is_file():
        raise Refused(
            "DATASET_MISSING",
            f"there is no file at {source}",
            "SVAMP.json is part of the release of SVAMP; see --source",
        )
    if source.stat().st_size > MAX_SOURCE_BYTES:
        raise Refused("DATASET_INVALID", f"{source} is larger than {MAX_SOURCE_BYTES} bytes")
    try:
        splits = svamp_splits(source.read_bytes())
    except Refused as refused:
        raise Refused(refused.code, f"{source}: {refused.message}", refused.hint) from refused
    paths = {split: directory / f"svamp_{split}.json" for split in splits}
    for split, path in paths.items():
        if path.exists() and path.read_bytes() != splits[split]:
            raise Refused("DATASET_INVALID", f"{path} is there with other content", "move it away first")
    directory.mkdir(parents=True, exist_ok=True)
    return {"files": [_written(paths[split], content) for split, content in splits.items()]}


def _written(path: Path, content: bytes) -> dict[str, object]:
    state = "unchanged" if path.exists() else "written"
    if state == "written":
        replace_file(path, content)
    digest = hashlib.sha256(content).hexdigest()
    return {"path": str(path), "rows": content.count(b"\n"), "sha256": digest, "state": state}


if __name__ == "__main__":
    sys.exit(answer(make_svamp))
