"""What memory a container may use, and uses: of cgroup v2, and of v1."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

CGROUP = Path("/sys/fs/cgroup")


@dataclass(frozen=True, slots=True, kw_only=True)
class _Names:
    limit: str
    used: str
    stat: str
    # In `stat`: what the kernel takes back as soon as somebody needs it.
    taken_back: str


_VERSIONS = (
    _Names(limit="memory.max", used="memory.current", stat="memory.stat", taken_back="inactive_file"),
    _Names(
        limit="memory/memory.limit_in_bytes",
        used="memory/memory.usage_in_bytes",
        stat="memory/memory.stat",
        taken_back="total_inactive_file",
    ),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class ContainerMemory:
    """Bytes."""

    # v1 has an enormous one where v2 says that there is none.
    limit: int
    used: int


def container_memory(cgroup: Path = CGROUP) -> ContainerMemory | None:
    """None: there is no limit, or nobody says."""
    for names in _VERSIONS:
        limit = _read(cgroup / names.limit)
        if limit is None:
            continue
        if not limit.isdigit():
            return None
        used = _read(cgroup / names.used) or ""
        stat = dict(line.split(maxsplit=1) for line in (_read(cgroup / names.stat) or "").splitlines() if " " in line)
        taken_back = int(stat.get(names.taken_back, "0"))
        return ContainerMemory(limit=int(limit), used=max(0, (int(used) if used.isdigit() else 0) - taken_back))
    return None


def _read(path: Path) -> str | None:
    try:
        return path.read_text(encoding="ascii").strip()
    except OSError:
        return None
