"""A file in a run's folder that says what is complete there. It goes where the folder goes."""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path

from dss_worker.data.answer import replace_file
from dss_worker.tracking.requests import Settle

NAME = ".dss.json"


def read_marks(folders: Iterable[Path]) -> dict[str, str]:
    """Of folders that have one; one that cannot be read counts as none, and its run is written anew."""
    marks: dict[str, str] = {}
    for folder in folders:
        try:
            mark = json.loads((folder / NAME).read_text("utf-8"))
            marks[str(mark["id"])] = str(mark["standing"])
        except (OSError, ValueError, KeyError, TypeError):
            continue
    return marks


def write_mark(folder: Path, settle: Settle) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    replace_file(folder / NAME, json.dumps({"id": settle.id, "standing": settle.standing}).encode())
