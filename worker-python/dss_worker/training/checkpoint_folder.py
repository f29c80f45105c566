"""A trial's checkpoints on disk: written whole or not at all, read only if nothing of them has changed.

A checkpoint is a folder `step-00000250` with tensors.safetensors, state.json and, written last, manifest.json, which
has the size and the hash of both.
"""

from __future__ import annotations

import hashlib
import json
import re
import shutil
from pathlib import Path
from typing import Any

from safetensors import SafetensorError
from safetensors.torch import load_file, save_file

from dss_worker.training.atomic_folder import remove_unfinished, whole_folder
from dss_worker.training.checkpoint import Checkpoint, Identity

KEPT = 2
_TENSORS, _STATE, _MANIFEST = "tensors.safetensors", "state.json", "manifest.json"
_NAME = re.compile(r"step-(\d{8,})")


class CheckpointFolder:
    """The checkpoints of one trial; one attempt writes at a time."""

    def __init__(self, directory: Path, *, identity: Identity) -> None:
        """`directory` need not be there."""
        self._directory = directory
        self._identity = identity
        # Those that are known to be sound, oldest first.
        self._sound: list[Path] = []

    def find(self) -> Checkpoint | None:
        """The newest sound checkpoint. Those that it passes over are named on stdout, with the reason."""
        remove_unfinished(self._directory)
        for path in sorted(self._paths(), key=_step_of, reverse=True):
            try:
                checkpoint = self._read(path)
            except (_Unsound, OSError, SafetensorError, ValueError, KeyError, TypeError, AttributeError) as error:
                reason = str(error) if isinstance(error, _Unsound) else f"{type(error).__name__}: {error}"
                print(f"checkpoint {path.name} is passed over: {reason}", flush=True)
                continue
            self._sound = [path]
            return checkpoint
        return None

    def save(self, checkpoint: Checkpoint) -> None:
        """Keeps this one and the sound one before; all others go, damaged ones too.

        Raises: OSError or SafetensorError if that fails; the checkpoints before stay.
        """
        target = self._directory / f"step-{checkpoint.step:08d}"
        with whole_folder(target) as folder:
            tensors = {name: tensor.detach().cpu().contiguous() for name, tensor in checkpoint.tensors().items()}
            save_file(tensors, folder / _TENSORS)
            state = {"identity": self._identity, **checkpoint.to_json()}
            (folder / _STATE).write_text(json.dumps(state), encoding="utf-8")
            manifest = {"files": {name: _describe(folder / name) for name in (_TENSORS, _STATE)}}
            (folder / _MANIFEST).write_text(json.dumps(manifest, indent=2), encoding="utf-8")
        self._sound = [*(path for path in self._sound if path != target), target][-KEPT:]
        for path in self._paths():
            if path not in self._sound:
                shutil.rmtree(path)

    def _paths(self) -> list[Path]:
        if not self._directory.is_dir():
            return []
        return [path for path in self._directory.iterdir() if _NAME.fullmatch(path.name)]

    def _read(self, path: Path) -> Checkpoint:
        manifest = _load_json(path / _MANIFEST)
        for name in (_TENSORS, _STATE):
            _check_file(path / name, manifest["files"][name])
        state = _load_json(path / _STATE)
        self._check_identity(state["identity"])
        if state["step"] != _step_of(path):
            raise _Unsound(f"it is of step {state['step']}")
        return Checkpoint.from_parts(load_file(path / _TENSORS), state)

    def _check_identity(self, theirs: Identity) -> None:
        for what in sorted(self._identity.keys() | theirs.keys()):
            if theirs.get(what) != self._identity.get(what):
                raise _Unsound(f"its {what} is {theirs.get(what)!r}, this trial's is {self._identity.get(what)!r}")


def remove_checkpoints(directory: Path) -> None:
    """As far as that can be done: nothing depends on it."""
    shutil.rmtree(directory, ignore_errors=True)


class _Unsound(Exception):
    """Why a checkpoint is not to be read."""


def _step_of(path: Path) -> int:
    match = _NAME.fullmatch(path.name)
    return int(match[1]) if match else -1


def _load_json(path: Path) -> dict[str, Any]:
    try:
        value = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise _Unsound(f"{path.name} cannot be read: {error.strerror}") from error
    except ValueError as error:
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
