"""Agents as processes of their own, and when processes end."""

from __future__ import annotations

import os
import select
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.agent.control_plane import GUARD_S, TOKEN

PACKAGE = Path(__file__).parents[2]
SCRIPTED_AGENT = [sys.executable, str(Path(__file__).with_name("scripted_agent.py"))]


def environment() -> dict[str, str]:
    return {**os.environ, "PYTHONPATH": str(PACKAGE), "DSS_JOIN_TOKEN": TOKEN, "OMP_NUM_THREADS": "1"}


@contextmanager
def started(*command: str) -> Iterator[subprocess.Popen[str]]:
    process = subprocess.Popen(command, env=environment(), stderr=subprocess.PIPE, text=True)
    try:
        yield process
    finally:
        process.kill()
        process.communicate()


def ended(process: subprocess.Popen[str]) -> tuple[int, str]:
    """Its exit status and what it said."""
    _, said = process.communicate(timeout=GUARD_S)
    return process.returncode, said


def wait_until_gone(pid: int) -> None:
    try:
        process = os.pidfd_open(pid)
    except ProcessLookupError:
        return
    try:
        ended, _, _ = select.select([process], [], [], GUARD_S)
        assert ended, f"process {pid} still lives"
    finally:
        os.close(process)
