"""Are a model's files still those that the trial was planned with?"""

from __future__ import annotations

import hashlib
from functools import lru_cache
from pathlib import Path

from dss_worker.config import ModelSource
from dss_worker.errors import WorkerError

_HINT = "submit the sweep again: a changed model makes other trials"


def check_model_files(source: ModelSource) -> None:
    """Compares every planned file's size and content.

    Raises: WorkerError (MODEL_MISSING, MODEL_CHANGED) naming the first file that differs.
    """
    for file in source.files:
        path = source.directory / file.path
        try:
            stat = path.stat()
            # Size first: it costs nothing.
            is_same = stat.st_size == file.size_bytes
            key = (stat.st_dev, stat.st_ino, stat.st_size, stat.st_mtime_ns)
            is_same = is_same and _sha256(path, key) == file.sha256
        except OSError as error:
            hint = "the model's directory must be readable on the machine that trains"
            raise WorkerError("MODEL_MISSING", f"cannot read {path}: {error.strerror}", hint=hint) from error
        if not is_same:
            # Not what is there instead: whoever submits may name any file of this machine, and reads what comes of it.
            expected = f"expected {file.size_bytes} bytes with sha256 {file.sha256[:12]}…"
            raise WorkerError("MODEL_CHANGED", f"{path} changed since the sweep was planned: {expected}", hint=_HINT)


# Weights take seconds to hash and many trials share them: which file it is, its size and time of change say whether to
# look again. Archives and images give all their files one time.
@lru_cache(maxsize=1024)
def _sha256(path: Path, _key: tuple[int, ...]) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
