"""A kill for want of memory is told from any other by the kernel's own count."""

from __future__ import annotations

from pathlib import Path

import pytest

from dss_worker.agent.child_end import ChildEnd
from dss_worker.agent.oom import oom_kills


def write(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)


def test_our_own_control_group_counts_before_the_machine(tmp_path: Path) -> None:
    proc, cgroups = tmp_path / "proc", tmp_path / "cgroup"
    assert oom_kills(proc=proc, cgroups=cgroups) == 0
    write(proc / "vmstat", "nr_free_pages 1\noom_kill 7\n")
    assert oom_kills(proc=proc, cgroups=cgroups) == 7
    write(cgroups / "memory.events", "oom 4\noom_kill 3\n")
    assert oom_kills(proc=proc, cgroups=cgroups) == 3
    write(proc / "self" / "cgroup", "1:name=x:/y\n0::/pod/me\n")
    write(cgroups / "pod" / "me" / "memory.events", "oom_kill 2\n")
    assert oom_kills(proc=proc, cgroups=cgroups) == 2


@pytest.mark.parametrize(
    ("status", "is_memory_short", "code", "kind"),
    [
        (-9, True, "KILLED_OUT_OF_MEMORY", "infrastructure"),
        (137, True, "KILLED_OUT_OF_MEMORY", "infrastructure"),
        (-9, False, "CHILD_KILLED", "lost"),
        (137, False, "CHILD_KILLED", "lost"),
        (-15, False, "CHILD_KILLED", "lost"),
        (143, False, "CHILD_KILLED", "lost"),
        (-11, True, "CHILD_CRASHED", "infrastructure"),
        (-64, False, "CHILD_CRASHED", "infrastructure"),
        (0, False, "CHILD_CRASHED", "infrastructure"),
        (1, True, "CHILD_CRASHED", "infrastructure"),
    ],
)
def test_an_end_is_judged_by_status_and_memory(status: int, is_memory_short: bool, code: str, kind: str) -> None:
    failure = ChildEnd(status=status, stderr="last words", is_memory_short=is_memory_short).failure()
    assert (failure.code, failure.kind, failure.detail) == (code, kind, "last words")
