"""How much memory a trial had at most."""

from __future__ import annotations

import resource
import sys
from functools import cache
from pathlib import Path
from typing import Literal

import torch

_STATUS, _CLEAR_REFS = Path("/proc/self/status"), Path("/proc/self/clear_refs")
_RESET_PEAK = "5"

MemorySource = Literal["allocator", "process during the trial", "process since its start"]


class MemoryWatch:
    """The most memory that was in use at a time since this was made.

    On a GPU what torch's allocator had given out, without what recorded passes keep between their replays. On a CPU
    what of the process was resident, libraries included; where the system does not let a process reset that figure, it
    is since the process's start, and `source` says so.
    """

    def __init__(self, device: torch.device) -> None:
        self._device = device
        # Of what is seen, what no trial asked for.
        self.process_bytes = 0 if device.type == "cuda" else _bytes_before_trials()
        if device.type == "cuda":
            self.source: MemorySource = "allocator"
            torch.cuda.reset_peak_memory_stats(device)
        else:
            self.source = "process during the trial" if _reset_resident_peak() else "process since its start"

    @property
    def peak_bytes(self) -> int:
        if self.source == "allocator":
            return torch.cuda.max_memory_allocated(self._device)
        if self.source == "process during the trial":
            return _resident_bytes("VmHWM") or 0
        # In KiB, except on macOS.
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * (1 if sys.platform == "darwin" else 1024)


@cache
def _bytes_before_trials() -> int:
    """Of this process: the interpreter with its libraries, if the first call is before the first trial."""
    return _resident_bytes("VmRSS") or 0


def _reset_resident_peak() -> bool:
    try:
        _CLEAR_REFS.write_text(_RESET_PEAK, encoding="ascii")
    except OSError:
        return False
    return _resident_bytes("VmHWM") is not None


def _resident_bytes(name: Literal["VmRSS", "VmHWM"]) -> int | None:
    try:
        lines = _STATUS.read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        return None
    found = [line.split()[1] for line in lines if line.startswith(f"{name}:")]
    return int(found[0]) * 1024 if found else None
