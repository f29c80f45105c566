"""One question, one answer: the frame of the small commands that the command line asks."""

from __future__ import annotations

import json
import os
import secrets
import sys
from collections.abc import Callable
from pathlib import Path


class Refused(Exception):
    """What was asked for cannot be done; `code` is one of orchestrator/core/errors.ts."""

    def __init__(self, code: str, message: str, hint: str = "") -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.hint = hint


def answer(handle: Callable[[dict[str, object]], dict[str, object]]) -> int:
    """Reads a JSON request on stdin, writes one JSON document on stdout; gives the exit status."""
    request = json.load(sys.stdin)
    try:
        document, status = handle(request), 0
    except Refused as refused:
        document = {"error": {"code": refused.code, "message": refused.message, "hint": refused.hint}}
        status = 2
    except OSError as error:
        document, status = {"error": {"code": "DATASET_INVALID", "message": str(error), "hint": ""}}, 2
    json.dump(document, sys.stdout)
    return status


def replace_file(path: Path, content: bytes) -> None:
    """Writes beside the name and moves there, so that no reader sees half a file."""
    beside = path.with_name(f".{path.name}.{secrets.token_hex(6)}.part")
    try:
        with beside.open("xb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        beside.replace(path)
    finally:
        beside.unlink(missing_ok=True)
