"""Whether the kernel has killed for want of memory."""

from __future__ import annotations

from pathlib import Path


def oom_kills(*, proc: Path = Path("/proc"), cgroups: Path = Path("/sys/fs/cgroup")) -> int:
    """A count that grows with each such kill in our control group, or else on this machine; 0 where nobody counts."""
    group = _own_group(proc / "self" / "cgroup")
    for path in (cgroups / group / "memory.events", cgroups / "memory.events", proc / "vmstat"):
        count = _count(path)
        if count is not None:
            return count
    return 0


def _own_group(path: Path) -> str:
    try:
        lines = path.read_text().splitlines()
    except OSError:
        return ""
    return next((line.removeprefix("0::").lstrip("/") for line in lines if line.startswith("0::")), "")


def _count(path: Path) -> int | None:
    try:
        lines = path.read_text().splitlines()
    except OSError:
        return None
    return next((int(line.split()[1]) for line in lines if line.startswith("oom_kill ")), None)
