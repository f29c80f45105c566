"""A checkpoint that several processes write: all parts of it, or nothing."""

from __future__ import annotations

import json
import secrets
import shutil
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
from safetensors import SafetensorError

from dss_worker.training.atomic_folder import UNFINISHED, whole_folder
from dss_worker.training.processes import Processes

# Of a file: its size and its hash.
Described = dict[str, Any]

_MARK = "mark"


def save_together(
    target: Path,
    processes: Processes,
    *,
    name_of: Callable[[int], str],
    write: Callable[[Path], Described],
    finish: Callable[[Path, dict[str, Described]], None],
) -> None:
    """The first process makes the folder, each writes its part, and the first what says that all are there.

    A process of another machine that does not see the folder sends its part to the first, so that what one machine has
    of a checkpoint is all of it.

    Args:
        name_of: of the file of each rank.
        write: writes this process's.
        finish: called for the first process with the folder and all its files, before it takes the target's place.
    Raises: OSError or SafetensorError if that fails, for any of the processes.
    """
    rank = processes.rank
    folder = target.with_name(f"{UNFINISHED}{target.name}")
    with ExitStack() as opened:
        # Another machine may have a folder of that name, left from another time.
        mark = str(int(processes.sum(np.array([float(secrets.randbits(48)) if rank == 0 else 0.0]))[0]))
        with _together(processes, "the folder could not be made"):
            if rank == 0:
                shutil.rmtree(folder, ignore_errors=True)
                opened.enter_context(whole_folder(target, folder=folder))
                (folder / _MARK).write_text(mark, encoding="ascii")
        is_seen = _read(folder / _MARK) == mark
        with _together(processes, "another process could not write its part"):
            if not is_seen:
                target.parent.mkdir(parents=True, exist_ok=True)
            own = folder if is_seen else Path(opened.enter_context(TemporaryDirectory(dir=target.parent)))
            part, description = own / name_of(rank), own / f"{name_of(rank)}.json"
            description.write_text(json.dumps(write(part)), encoding="utf-8")
        with _together(processes, "a part did not reach the first process"):
            processes.collect(None if is_seen else part, lambda sender: folder / name_of(sender))
            processes.collect(None if is_seen else description, lambda sender: folder / f"{name_of(sender)}.json")
        # Also until the folder has its name.
        with _together(processes, "the first process could not put the parts together"):
            if rank == 0:
                (folder / _MARK).unlink()
                finish(folder, {name: _taken(folder / f"{name}.json") for name in map(name_of, range(processes.count))})
                opened.close()


def is_any(processes: Processes, *, failed: bool) -> bool:
    return float(processes.least(np.array([0.0 if failed else 1.0]))[0]) == 0.0


@contextmanager
def _together(processes: Processes, otherwise: str) -> Iterator[None]:
    """All go on after it, or none; whoever did not fail raises what is said here."""
    error: Exception | None = None
    try:
        yield
    except (OSError, SafetensorError) as failed:
        error = failed
    if is_any(processes, failed=error is not None):
        raise OSError(otherwise) if error is None else error


def _taken(path: Path) -> Described:
    described: Described = json.loads(path.read_text(encoding="utf-8"))
    path.unlink()
    return described


def _read(path: Path) -> str | None:
    try:
        return path.read_text(encoding="ascii")
    except OSError:
        return None
