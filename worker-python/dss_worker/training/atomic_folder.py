"""Folders that are there whole or not at all, whenever the machine stops."""

from __future__ import annotations

import os
import secrets
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

UNFINISHED = ".unfinished-"


@contextmanager
def whole_folder(target: Path, *, folder: Path | None = None) -> Iterator[Path]:
    """An empty folder to fill, which then takes the target's place; where that fails, nothing is left of it.

    Args:
        folder: where it is to be filled, where others must know; its name begins with `UNFINISHED`.
    Raises: OSError.
    """
    target.parent.mkdir(parents=True, exist_ok=True)
    folder = target.with_name(f"{UNFINISHED}{target.name}-{secrets.token_hex(4)}") if folder is None else folder
    try:
        folder.mkdir()
        yield folder
        for path in folder.iterdir():
            _sync(path)
        _sync(folder)
        # A folder cannot be renamed over one with files in it.
        if target.exists():
            shutil.rmtree(target)
        folder.rename(target)
        _sync(target.parent)
    except BaseException:
        shutil.rmtree(folder, ignore_errors=True)
        raise


def remove_unfinished(parent: Path) -> None:
    """Removes what processes that were killed left of `whole_folder`; not while another one writes there."""
    for path in parent.glob(f"{UNFINISHED}*"):
        shutil.rmtree(path, ignore_errors=True)


def _sync(path: Path) -> None:
    """A rename may reach the disk before what is in the files does, unless that was waited for."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
