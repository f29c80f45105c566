"""The other ranks of this machine: processes that the training child starts for one trial, and that end with it.

Whatever ends one of them early ends the trial everywhere: the others would wait for it in the next collective. Its
process is watched, so that this takes a moment and not the collective's timeout.
"""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType
from typing import Self

from torch import distributed

from dss_worker.errors import Failure, WorkerError
from dss_worker.messages import Failed, RunTrial, decode_from_child, encode
from dss_worker.parallel.ranks import Ranks
from dss_worker.training.failures import TrialFailed

# For a rank to end by itself after the trial has, and for a collective to notice that its group is gone.
_GRACE_S = 20.0
_PACKAGE_ROOT = Path(__file__).resolve().parents[2]


class RankProcesses:
    """Ranks beside this process. Used as a context: after it none of them is left."""

    def __init__(self, order: RunTrial, ranks: Sequence[Ranks], *, device: str, threads: int) -> None:
        """
        Args:
            device: "cpu" or "cuda".
            threads: of each, on a CPU.
        """
        self._order = order
        self._ranks = ranks
        self._arguments = ["--device", device, "--threads", str(threads)]
        self._processes: dict[int, subprocess.Popen[bytes]] = {}
        self._watchers: list[threading.Thread] = []
        self._lock = threading.Lock()
        self._is_over = False
        # Of the first that failed.
        self._failed: TrialFailed | None = None
        self._has_failed = threading.Event()

    def __enter__(self) -> Self:
        try:
            for ranks in self._ranks:
                self._start(ranks)
        except BaseException:
            self._kill()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if error is None:
            for process in self._processes.values():
                try:
                    process.wait(_GRACE_S)
                except subprocess.TimeoutExpired:
                    process.kill()
        with self._lock:
            self._is_over = True
        self._kill()
        for watcher in self._watchers:
            watcher.join()

    def check(self) -> None:
        """Raises: TrialFailed if a rank has failed."""
        if self._failed is not None:
            raise self._failed

    def cause(self, *, within_s: float = 2.0) -> TrialFailed | None:
        """How the first rank failed, if one did: its end may be heard of a moment after a collective failed."""
        self._has_failed.wait(within_s)
        return self._failed

    def _start(self, ranks: Ranks) -> None:
        read_fd, write_fd = os.pipe()
        # -P: a file torch.py where the agent was started is not torch.
        command = [sys.executable, "-P", "-m", "dss_worker", "rank", *self._arguments]
        command += ["--write-fd", str(write_fd), "--parent-pid", str(os.getpid())]
        try:
            process = subprocess.Popen(command, stdin=subprocess.PIPE, pass_fds=[write_fd], env=_environment(ranks))
        except BaseException:
            os.close(read_fd)
            raise
        finally:
            os.close(write_fd)
        self._processes[ranks.rank] = process
        watcher = threading.Thread(target=self._watch, args=(ranks.rank, process, read_fd), daemon=True)
        watcher.start()
        self._watchers.append(watcher)
        assert process.stdin is not None
        try:
            process.stdin.write(encode(self._order))
            process.stdin.flush()
        except BrokenPipeError:
            pass  # it has ended, which its watcher says better

    def _watch(self, rank: int, process: subprocess.Popen[bytes], read_fd: int) -> None:
        with open(read_fd, "rb") as answers:
            said = answers.read()
        status = process.wait()
        with self._lock:
            if status == 0 or self._is_over or self._failed is not None:
                return
            self._failed = TrialFailed(_failure(rank, status, said))
        print(f"rank {rank} has failed: {self._failed.failure.message}", file=sys.stderr, flush=True)
        self._has_failed.set()
        # Whoever waits in a collective stops waiting.
        group = distributed.group.WORLD
        if group is not None:
            group.abort()

    def _kill(self) -> None:
        for process in self._processes.values():
            if process.poll() is None:
                process.kill()
            process.wait()
            if process.stdin is not None:
                process.stdin.close()


def _environment(ranks: Ranks) -> dict[str, str]:
    path = filter(None, [str(_PACKAGE_ROOT), os.environ.get("PYTHONPATH")])
    return {**os.environ, **ranks.to_environment(), "PYTHONPATH": os.pathsep.join(path)}


def _failure(rank: int, status: int, said: bytes) -> Failure:
    for line in said.splitlines():
        message = decode_from_child(line)
        if isinstance(message, Failed):
            return message.failure
    how = f"was ended by signal {-status}" if status < 0 else f"ended with status {status}"
    hint = "the log has its last words; a machine that is short of memory ends the largest process"
    return WorkerError("RANK_DIED", f"rank {rank} {how}", hint=hint, kind="infrastructure").to_failure()
