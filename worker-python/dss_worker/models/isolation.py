"""Giving up the network, before a file from elsewhere is looked at."""

from __future__ import annotations

import ctypes
import os
import sys
from pathlib import Path
from typing import Literal

# "namespace": the system shows this process no network, not even its own machine's. "settings": only the libraries
# have been told to stay off it, where the system lets nobody do more.
Isolation = Literal["namespace", "settings"]

# Linux, sched.h. os.unshare is newer than the oldest Python that we run on.
_NEW_USER = 0x10000000
_NEW_NETWORK = 0x40000000


def leave_network() -> Isolation:
    """For the rest of this process's life and its children's; it must not have threads yet."""
    os.environ["HF_HUB_OFFLINE"] = "1"
    if sys.platform != "linux":
        return "settings"
    unshare = getattr(ctypes.CDLL(None), "unshare", None)
    # A namespace of users, which anybody may have one of network in, takes root's right to others' files. So root
    # asks for one of network alone first.
    wanted = [_NEW_USER | _NEW_NETWORK]
    if os.geteuid() == 0:
        wanted.insert(0, _NEW_NETWORK)
    if unshare is None or all(unshare(flags) != 0 for flags in wanted):
        return "settings"
    return "namespace" if _interfaces() <= {"lo"} else "settings"


def _interfaces() -> set[str]:
    lines = Path("/proc/self/net/dev").read_text(encoding="ascii").splitlines()[2:]
    return {line.split(":")[0].strip() for line in lines}
