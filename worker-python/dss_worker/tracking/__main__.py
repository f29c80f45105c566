"""`python -m dss_worker.tracking KIND DIRECTORY PROJECT`: a line of JSON in, a line of JSON out, until stdin ends.

The first line out says what is complete in the directory: `{"settled": {id: standing}}`. A request writes to one run:
`{"run", "begin"?, "points"?, "end"?, "settle"?}`; its answer is `{}`. Whatever goes wrong is `{"error": {...}}`.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Protocol, TextIO

from dss_worker.data.answer import Refused
from dss_worker.tracking.requests import Request, parse


class Writer(Protocol):
    """Writes runs for one tool."""

    def settled(self) -> dict[str, str]:
        """What is complete, by the id of its trial or cell."""

    def write(self, request: Request) -> None: ...

    def close(self) -> None: ...


def open_writer(kind: str, directory: Path, project: str) -> Writer:
    """Raises: Refused (PACKAGE_MISSING) without the tool's package."""
    if kind == "tensorboard":
        from dss_worker.tracking.tensorboard import TensorBoardWriter

        return TensorBoardWriter(directory)
    if kind == "wandb":
        from dss_worker.tracking.wandb import WandbWriter

        return WandbWriter(directory, project)
    raise Refused("USAGE", f"expected tensorboard or wandb, got {kind!r}")


def serve(kind: str, directory: Path, project: str, *, lines: Iterable[str], answers: TextIO) -> int:
    """Answers every line; gives the exit status."""

    def answer(document: dict[str, object]) -> None:
        answers.write(json.dumps(document) + "\n")
        answers.flush()

    try:
        writer = open_writer(kind, directory, project)
        answer({"settled": writer.settled()})
        try:
            for line in lines:
                writer.write(parse(line))
                answer({})
        finally:
            writer.close()
    except Refused as refused:
        answer({"error": {"code": refused.code, "message": refused.message, "hint": refused.hint}})
        return 2
    except OSError as error:
        message = f"{directory} cannot be written: {error.strerror or error}"
        answer({"error": {"code": "USAGE", "message": message, "hint": "name another folder, or make room there"}})
        return 2
    return 0


if __name__ == "__main__":
    # What a package prints must not stand between the answers.
    out, sys.stdout = sys.stdout, sys.stderr
    sys.exit(serve(sys.argv[1], Path(sys.argv[2]), sys.argv[3], lines=sys.stdin, answers=out))
