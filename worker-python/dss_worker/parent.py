"""A process that must not outlive the one that started it."""

from __future__ import annotations

import ctypes
import os
import signal
import sys

_PR_SET_PDEATHSIG = 1


def die_with_parent(parent: int | None = None) -> None:
    """From now on the kernel kills this process when its parent ends.

    It is the process itself that asks, since code between fork and exec is unsafe beside gRPC's threads. What
    happens before it asks is caught by `parent`, the id it was started under, where the starter can tell it.
    Elsewhere than on Linux a process notices by its pipe or stream instead.
    """
    before = os.getppid() if parent is None else parent
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, int(signal.SIGKILL), 0, 0, 0)
    if os.getppid() != before:
        sys.exit("the process that started this one has ended")
