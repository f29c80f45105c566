"""The other ranks of this machine: processes that the training child starts for one trial, and that end with it.

Whatever ends one of them early ends the trial everywhere: the others would wait for it in the next collective. Its
process is watched, so that this takes a moment and not the collective's timeout; one that has been stopped is ended.
"""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType
from typing import Protocol, Self

from dss_worker.errors import Failure, WorkerError
from dss_worker.messages import Failed, RunTrial, decode_from_child, encode
from dss_worker.parallel.ranks import Ranks
from dss_worker.parallel.signs_of_life import PATIENCE_S, hear
from dss_worker.training.failures import TrialFailed

# For a rank to end by itself after the trial has, and for a collective to notice that its group is gone.
_GRACE_S = 20.0
_PACKAGE_ROOT = Path(__file__).resolve().parents[2]


class Abortable(Protocol):
    """A process group, as torch.distributed has them."""

    def abort(self) -> None: ...


class RankProcesses:
    """Ranks beside this process. Used as a context: after it none of them is left."""

    def __init__(
        self, order: RunTrial, ranks: Sequence[Ranks], *, device: str, threads: int, patience_s: float = PATIENCE_S
    ) -> None:
        """
        Args:
            device: "cpu" or "cuda".
            threads: of each, on a CPU.
            patience_s: with one that gives no sign of life.
        """
        self._order = order
        self._ranks = ranks
        self._patience_s = patience_s
        self._arguments = ["--device", device, "--threads", str(threads)]
        self._processes: dict[int, subprocess.Popen[bytes]] = {}
        self._watchers: list[threading.Thread] = []
        self._lock = threading.Lock()
        self._is_over = False
        # Of the first that failed.
        self._failed: TrialFailed | None = None
        self._has_failed = threading.Event()
        self._groups: Sequence[Abortable] = ()

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

    @property
    def pids(self) -> list[int]:
        return [process.pid for process in self._processes.values()]

    def abort_on_failure(self, groups: Sequence[Abortable]) -> None:
        """From now on whoever of this process waits in one of them stops waiting once a rank has failed."""
        with self._lock:
            self._groups = groups
            has_failed = self._failed is not None
        if has_failed:
            self._abort()

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
        silent: list[str] = []

        def end() -> None:
            silent.append(f"gave no sign of life for {self._patience_s:g} s and was ended")
            process.kill()

        try:
            said = hear(read_fd, patience_s=self._patience_s, on_silence=end)
        finally:
            os.close(read_fd)
        status = process.wait()
        with self._lock:
            if status == 0 or self._is_over or self._failed is not None:
                return
            self._failed = TrialFailed(_failure(said) or _death(rank, silent[0] if silent else _end(status)))
        print(f"rank {rank} has failed: {self._failed.failure.message}", file=sys.stderr, flush=True)
        self._has_failed.set()
        self._abort()

    def _abort(self) -> None:
        for group in self._groups:
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


def _failure(said: bytes) -> Failure | None:
    """That a rank has told; None: it was ended before, or within a word."""
    try:
        message = decode_from_child(said)
    except (ValueError, KeyError, TypeError):
        return None
    return message.failure if isinstance(message, Failed) else None


def _death(rank: int, how: str) -> Failure:
    hint = "the log has its last words; a machine that is short of memory stops processes, and ends the largest one"
    return WorkerError("RANK_DIED", f"rank {rank} {how}", hint=hint, kind="infrastructure").to_failure()


def _end(status: int) -> str:
    return f"was ended by signal {-status}" if status < 0 else f"ended with status {status}"
