"""What an error says about a trial."""

from __future__ import annotations

import errno
import os
import traceback

import torch
from safetensors import SafetensorError

from dss_worker.errors import Failure, WorkerError

UNFORESEEN = "INTERNAL"
_SMALLER = "a smaller batch_size with grad_steps as many times larger trains on the same batches"

_ROOM = "make room on the worker's machine; the trial goes on from its last checkpoint"


class TrialFailed(Exception):
    """Another process of the trial said why it failed; what went wrong here follows from that."""

    def __init__(self, failure: Failure) -> None:
        super().__init__(failure.message)
        self.failure = failure


def failure_of(error: Exception) -> Failure:
    """What we foresaw says itself what it is; anything else may be this machine's doing and is tried again."""
    if isinstance(error, TrialFailed):
        return error.failure
    detail = "".join(traceback.format_exception(error))
    if is_disk_full(error):
        message = f"no space is left on the disk: {error}".splitlines()[0]
        return Failure(code="DISK_FULL", message=message, hint=_ROOM, detail=detail, kind="infrastructure")
    if isinstance(error, WorkerError):
        return error.to_failure()
    message = f"{type(error).__name__}: {error}".splitlines()[0]
    if isinstance(error, torch.OutOfMemoryError):
        hint = f"{_SMALLER}; gradient_checkpointing: on, optimizer: adamw8bit or devices: 2 need less of each GPU"
        return Failure(code="GPU_OUT_OF_MEMORY", message=message, hint=hint, detail=detail, kind="infrastructure")
    if _is_out_of_memory(error):
        hint = f"{_SMALLER}; or run fewer workers on this machine at once"
        return Failure(code="OUT_OF_MEMORY", message=message, hint=hint, detail=detail, kind="infrastructure")
    return Failure(code=UNFORESEEN, message=message, detail=detail, kind="infrastructure")


def is_disk_full(error: BaseException) -> bool:
    """Whether that is what it comes from, whatever was made of it."""
    cause = error.__cause__ or error.__context__
    if isinstance(error, OSError) and error.errno in (errno.ENOSPC, errno.EDQUOT):
        return True
    # safetensors keeps no number of it.
    if isinstance(error, SafetensorError) and os.strerror(errno.ENOSPC) in str(error):
        return True
    return cause is not None and is_disk_full(cause)


def _is_out_of_memory(error: Exception) -> bool:
    # torch has no type of its own for the CPU's.
    is_of_cpu = isinstance(error, RuntimeError) and "can't allocate memory" in str(error)
    return is_of_cpu or isinstance(error, MemoryError)
