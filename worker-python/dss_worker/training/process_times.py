"""What a process spends outside of its trials: starting, and waiting for the next."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from pathlib import Path
from typing import Self

from dss_worker.messages import Phase


class ProcessTimes:
    """Hands each trial the time since the last one; the first one, failed or not, the process's start too."""

    def __init__(self, *, start_s: float | None, now: Callable[[], float] = time.monotonic) -> None:
        """To be made when a trial may come.

        Args:
            start_s: what the process took to get here; None: unknown.
            now: seconds of a clock that never goes back.
        """
        self._before: dict[Phase, float] = {} if start_s is None else {"import": start_s}
        self._now = now
        self._free_since = now()

    @classmethod
    def of_this_process(cls) -> Self:
        return cls(start_s=seconds_since_start())

    def begin_trial(self) -> dict[Phase, float]:
        """Seconds by phase that come before it."""
        before: dict[Phase, float] = {**self._before, "idle": self._now() - self._free_since}
        self._before = {}
        return before

    def end_trial(self) -> None:
        """However it ended."""
        self._free_since = self._now()


def seconds_since_start() -> float | None:
    """Since this process was started, the interpreter's own start included; None where the system does not say."""
    try:
        # After the command's name, which may hold anything, the 20th field: clock ticks from boot to its start.
        fields = Path("/proc/self/stat").read_text(encoding="utf-8", errors="replace").rpartition(")")[2].split()
        return time.clock_gettime(time.CLOCK_BOOTTIME) - int(fields[19]) / os.sysconf("SC_CLK_TCK")
    except (OSError, AttributeError, ValueError, IndexError):
        return None
