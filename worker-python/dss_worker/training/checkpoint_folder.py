"""A trial's checkpoints on disk: written whole or not at all, read only if nothing of them has changed.

A checkpoint is a folder `step-00000250` with tensors.safetensors, state.json and, written last, manifest.json, which
has the size and the hash of both. Where several processes have the trial, each writes its own part of the tensors,
tensors-00000-of-00002.safetensors and so on; as many processes or others read it, each what it needs of the parts.
"""

from __future__ import annotations

import hashlib
import json
import re
import shutil
from functools import partial
from pathlib import Path
from types import MappingProxyType
from typing import Any

import numpy as np
from safetensors import SafetensorError
from safetensors.torch import save_file

from dss_worker.training.atomic_folder import remove_unfinished, whole_folder
from dss_worker.training.checkpoint import Checkpoint, Identity
from dss_worker.training.checkpoint_parts import RANDOM, Parts, Writers
from dss_worker.training.failures import is_disk_full
from dss_worker.training.processes import ALONE, Processes
from dss_worker.training.save_together import is_any, save_together
from dss_worker.training.shares import Division, Divisions

KEPT = 2
_TENSORS, _STATE, _MANIFEST = "tensors.safetensors", "state.json", "manifest.json"
_NAME = re.compile(r"step-(\d{8,})")


class CheckpointFolder:
    """The checkpoints of one trial; one attempt writes at a time."""

    def __init__(self, directory: Path, *, identity: Identity, processes: Processes = ALONE) -> None:
        """
        Args:
            directory: need not be there; the same for all the processes.
            processes: those that have the trial together, each with a folder like this one.
        """
        self._directory = directory
        self._identity = identity
        self._processes = processes
        # Those that are known to be sound, oldest first.
        self._sound: list[Path] = []

    def find(self, divisions: Divisions = MappingProxyType({})) -> Checkpoint | None:
        """The newest checkpoint that is sound for all the processes. Those that it passes over are named on stdout.

        Args:
            divisions: of the weights, where this process has a part of each.
        """
        processes = self._processes
        if processes.is_first:
            remove_unfinished(self._directory)
        paths = sorted(self._paths(), key=_step_of, reverse=True)
        # Another process may see another folder, where a network's file system is slow.
        for step in self._agreed([_step_of(path) for path in paths]):
            path = self._path(step)
            checkpoint, reason = None, ""
            try:
                checkpoint = self._read(path, divisions)
            except _UNREADABLE as error:
                reason = str(error) if isinstance(error, _Unsound) else f"{type(error).__name__}: {error}"
            if reason != "":
                print(f"checkpoint {path.name} is passed over: {reason}", flush=True)
            if not is_any(self._processes, failed=reason != ""):
                self._sound = [path]
                return checkpoint
        return None

    def save(self, checkpoint: Checkpoint, divisions: Divisions = MappingProxyType({})) -> None:
        """Keeps this one and the sound one before; all others go, damaged ones too.

        Args:
            divisions: as for `find`.
        Raises: OSError or SafetensorError if that fails, for any of the processes; the checkpoints before stay.
        """
        target = self._path(checkpoint.step)
        divided = {name: division.to_json() for name, division in divisions.items()}
        state = {"identity": self._identity, **checkpoint.to_json(), "divided": divided}
        if self._processes.count == 1:
            self._save_alone(target, checkpoint, state)
        else:
            self._save_together(target, checkpoint, state)
        self._sound = [*(path for path in self._sound if path != target), target][-KEPT:]
        if not self._processes.is_first:
            return
        for path in self._paths():
            if path not in self._sound:
                _remove(path)

    def _save_alone(self, target: Path, checkpoint: Checkpoint, state: dict[str, Any]) -> None:
        def write() -> None:
            with whole_folder(target) as folder:
                _write_manifest(folder, {_TENSORS: _write_tensors(folder / _TENSORS, checkpoint)}, state)

        try:
            write()
        except (OSError, SafetensorError) as error:
            older = [path for path in self._paths() if path not in (target, *self._sound[-1:])]
            if not older or not is_disk_full(error):
                raise
            # While one is written there is one more than are kept. Two have room: the newest stays until this is there.
            print(
                f"the disk is full: {', '.join(path.name for path in older)} makes room for {target.name}", flush=True
            )
            self._sound = self._sound[-1:]
            for path in older:
                _remove(path)
            write()

    def _save_together(self, target: Path, checkpoint: Checkpoint, state: dict[str, Any]) -> None:
        processes = self._processes
        writers = processes.writers
        # Of a copy of the weights, only what is no copy.
        prefix = "" if processes.rank < writers.holders else RANDOM
        save_together(
            target,
            processes,
            name_of=partial(_part_name, of=writers.count),
            write=lambda path: _write_tensors(path, checkpoint, prefix=prefix),
            finish=lambda folder, parts: _write_manifest(folder, parts, {**state, "writers": writers.to_json()}),
        )

    def _agreed(self, steps: list[int]) -> list[int]:
        """The first process's, newest first."""
        listed = np.full(KEPT + 1, -1.0) if self._processes.is_first else np.zeros(KEPT + 1)
        if self._processes.is_first:
            listed[: len(steps)] = steps[: KEPT + 1]
        return [int(step) for step in self._processes.sum(listed).tolist() if step >= 0]

    def _path(self, step: int) -> Path:
        return self._directory / checkpoint_name(step)

    def _paths(self) -> list[Path]:
        if not self._directory.is_dir():
            return []
        return [path for path in self._directory.iterdir() if _NAME.fullmatch(path.name)]

    def _read(self, path: Path, divisions: Divisions) -> Checkpoint:
        manifest = _load_json(path / _MANIFEST)
        _check_file(path / _STATE, manifest["files"][_STATE])
        state = _load_json(path / _STATE)
        self._check_identity(state["identity"])
        if state["step"] != _step_of(path):
            raise _Unsound(f"it is of step {state['step']}")
        writers, processes = Writers(**state.get("writers", {})), self._processes
        theirs = {name: Division.from_json(value) for name, value in state.get("divided", {}).items()}
        names = [_part_name(rank, writers.count) for rank in range(writers.count)]
        parts = Parts(path, names, writers, divisions if processes.count > 1 else theirs)
        reader = (processes.place, processes.rank, processes.writers)
        for name in parts.needed(*reader):
            _check_file(path / name, manifest["files"][name])
        return Checkpoint.from_parts(parts.read(*reader), state)

    def _check_identity(self, theirs: Identity) -> None:
        for what in sorted(self._identity.keys() | theirs.keys()):
            if theirs.get(what) != self._identity.get(what):
                raise _Unsound(f"its {what} is {theirs.get(what)!r}, this trial's is {self._identity.get(what)!r}")


def checkpoint_name(step: int) -> str:
    """Of its folder."""
    return f"step-{step:08d}"


def _part_name(rank: int, of: int) -> str:
    return _TENSORS if of == 1 else f"tensors-{rank:05d}-of-{of:05d}.safetensors"


def _write_tensors(path: Path, checkpoint: Checkpoint, *, prefix: str = "") -> dict[str, Any]:
    """Those whose names begin so; gives the file's size and hash."""
    named = {name: tensor for name, tensor in checkpoint.tensors().items() if name.startswith(prefix)}
    save_file({name: tensor.detach().cpu().contiguous() for name, tensor in named.items()}, path)
    return _describe(path)


def _write_manifest(folder: Path, parts: dict[str, dict[str, Any]], state: dict[str, Any]) -> None:
    (folder / _STATE).write_text(json.dumps(state), encoding="utf-8")
    manifest = {"files": {**parts, _STATE: _describe(folder / _STATE)}}
    (folder / _MANIFEST).write_text(json.dumps(manifest, indent=2), encoding="utf-8")


def _remove(path: Path) -> None:
    """Another checkpoint is there by now, whatever becomes of this one."""
    try:
        shutil.rmtree(path)
    except OSError as error:
        print(f"checkpoint {path.name} could not be removed: {error}", flush=True)


def remove_checkpoints(directory: Path) -> None:
    """As far as that can be done: nothing depends on it."""
    shutil.rmtree(directory, ignore_errors=True)


class _Unsound(Exception):
    """Why a checkpoint is not to be read."""


_UNREADABLE = (_Unsound, OSError, SafetensorError, ValueError, KeyError, TypeError, AttributeError, RecursionError)


def _step_of(path: Path) -> int:
    match = _NAME.fullmatch(path.name)
    return int(match[1]) if match else -1


def _load_json(path: Path) -> dict[str, Any]:
    try:
        value = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise _Unsound(f"{path.name} cannot be read: {error.strerror}") from error
    except (ValueError, RecursionError) as error:
        raise _Unsound(f"{path.name} is no JSON: {error}") from error
    if not isinstance(value, dict):
        raise _Unsound(f"{path.name} holds a {type(value).__name__}, no object")
    return value


def _check_file(path: Path, expected: dict[str, Any]) -> None:
    try:
        found = _describe(path)
    except OSError as error:
        raise _Unsound(f"{path.name} cannot be read: {error.strerror}") from error
    if found["bytes"] != expected["bytes"]:
        raise _Unsound(f"{path.name} has {found['bytes']} bytes, its manifest says {expected['bytes']}")
    if found["sha256"] != expected["sha256"]:
        raise _Unsound(f"{path.name} has changed: sha256 {found['sha256'][:12]}…, not {expected['sha256'][:12]}…")


def _describe(path: Path) -> dict[str, Any]:
    with path.open("rb") as file:
        return {"bytes": path.stat().st_size, "sha256": hashlib.file_digest(file, "sha256").hexdigest()}
