"""Pickled weights made safetensors, once: training reads nothing else.

`python -m dss_worker.models.import_model` reads `{"name" or "directory", "out"}` on stdin and writes one JSON
document on stdout: what dss-import.json holds, and `{"directory", "state": "imported" | "present"}`; or
`{"error": {...}}`.

A pickle is input from elsewhere. A process of its own without network opens it, by torch's restricted unpickler;
only tensors that the config asks for are kept. The folder appears whole or not at all.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tempfile
from dataclasses import asdict
from pathlib import Path
from typing import Any

import dss_worker
from dss_worker.data.answer import Refused, answer
from dss_worker.data.resolve_model import CONFIG, SMALL_FILES, VOCABULARIES
from dss_worker.models.fetch_pickled import FetchedModel, fetch_pickled
from dss_worker.models.import_record import HashedFile, ImportRecord
from dss_worker.models.pickled_files import pickled_files

# What the process that opens pickles gets of our environment; no token and no proxy among it.
_ENVIRONMENT = ("PATH", "LD_LIBRARY_PATH", "DYLD_LIBRARY_PATH", "LANG", "LC_ALL", "TMPDIR", "OMP_NUM_THREADS")


def import_model(request: dict[str, object]) -> dict[str, object]:
    """Raises: Refused (MODEL_MISSING, MODEL_INVALID); nothing is changed then."""
    out = Path(str(request["out"]))
    name = None if request.get("name") is None else str(request["name"])
    try:
        if name is not None:
            # Before the hub is asked: the same command again is no work.
            present = _present(out, name, source=None)
            if present is not None:
                return present
            model = fetch_pickled(name)
        else:
            model = _local_model(Path(str(request["directory"])))
        source = tuple(HashedFile.of(model.directory, file) for file in model.files)
        _check_fetched(model, source)
        return _present(out, name, source=source) or _import(model, out, name=name, source=source)
    except OSError as error:
        raise Refused(
            "MODEL_INVALID", f"{out} cannot be made: {error}", "see --out, and the room on its disk"
        ) from error


def _local_model(directory: Path) -> FetchedModel:
    if not (directory / CONFIG).is_file():
        hint = "a model directory holds config.json, tokenizer and weights"
        raise Refused("MODEL_INVALID", f"{directory} has no {CONFIG}", hint)
    if not any((directory / file).is_file() for file in VOCABULARIES):
        hint = "copy the tokenizer's files beside config.json"
        raise Refused("MODEL_INVALID", f"{directory} has neither {' nor '.join(VOCABULARIES)}", hint)
    return FetchedModel(directory=directory, revision="", files=pickled_files(directory))


def _check_fetched(model: FetchedModel, source: tuple[HashedFile, ...]) -> None:
    for file in source:
        expected = model.sha256.get(file.path, file.sha256)
        if file.sha256 != expected:
            what = f"expected sha256 {expected[:12]}…, found {file.sha256[:12]}…"
            hint = "remove that file, and try again"
            raise Refused("MODEL_INVALID", f"{model.directory / file.path} is not what the hub has: {what}", hint)


def _present(out: Path, name: str | None, *, source: tuple[HashedFile, ...] | None) -> dict[str, object] | None:
    """What an earlier import left; None if there is nothing.

    Args:
        source: the weights that it must have been made from; None: those of the name, at whatever commit.
    Raises: Refused (MODEL_INVALID) if it is something else.
    """
    if not out.exists():
        return None
    record = ImportRecord.read(out)
    if record is not None and record.is_whole(out) and record.name == name and source in (None, record.source):
        return _answer(record, out, state="present")
    raise Refused("MODEL_INVALID", f"{out} is there already", "move it away, or name another folder with --out")


def _import(model: FetchedModel, out: Path, *, name: str | None, source: tuple[HashedFile, ...]) -> dict[str, object]:
    out.parent.mkdir(parents=True, exist_ok=True)
    # On the same file system as the target, so that a move is one step.
    staging = Path(tempfile.mkdtemp(prefix=f".{out.name}-", dir=out.parent))
    try:
        small = [file for file in SMALL_FILES if (model.directory / file).is_file()]
        for file in small:
            shutil.copyfile(model.directory / file, staging / file)
        made = _convert(model, staging)
        files = tuple(HashedFile.of(staging, file) for file in [*small, *made.pop("files")])
        lists: dict[str, Any] = {field: tuple(made.pop(field)) for field in ("dtypes", "left_out")}
        revision = model.revision or None
        record = ImportRecord(name=name, revision=revision, source=source, files=files, **lists, **made)
        record.write(staging)
        for path in staging.iterdir():
            path.chmod(0o644)  # safetensors' are their owner's alone, and so is what mkdtemp makes
            _sync(path)
        staging.chmod(0o755)
        _sync(staging)
        staging.rename(out)
        _sync(out.parent)
    finally:
        shutil.rmtree(staging, ignore_errors=True)
    return _answer(record, out, state="imported")


def _convert(model: FetchedModel, out: Path) -> dict[str, Any]:
    """In a process of its own.

    Raises: Refused (MODEL_INVALID).
    """
    environment = {name: os.environ[name] for name in _ENVIRONMENT if name in os.environ}
    finished = subprocess.run(
        [sys.executable, "-P", "-m", "dss_worker.models.convert"],
        input=json.dumps({"directory": str(model.directory), "files": model.files, "out": str(out)}),
        capture_output=True,
        text=True,
        check=False,
        # No GPU: a conversion needs none, and one that is there takes seconds to start.
        env={**environment, "PYTHONPATH": str(Path(dss_worker.__file__).parents[1]), "CUDA_VISIBLE_DEVICES": ""},
    )
    try:
        made: dict[str, Any] = json.loads(finished.stdout)
    except ValueError as error:
        raise Refused(
            "MODEL_INVALID",
            f"the conversion of {model.directory} ended with {finished.returncode} and gave no answer",
            finished.stderr.strip()[-2_000:],
        ) from error
    if "error" in made:
        raise Refused(**made["error"])
    return made


def _answer(record: ImportRecord, out: Path, *, state: str) -> dict[str, object]:
    return {"directory": str(out), "state": state, **asdict(record)}


def _sync(path: Path) -> None:
    """A rename may reach the disk before what is in the files does, unless that was waited for."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


if __name__ == "__main__":
    sys.exit(answer(import_model))
