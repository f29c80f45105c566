"""A trial that several processes have together, from the place of one of them."""

from __future__ import annotations

import os
import signal
import socket
import sys
import time
import traceback
from collections.abc import Callable, Mapping
from typing import BinaryIO

import torch

from dss_worker.config import TrialConfig
from dss_worker.messages import Failed, GangPlace, Phase, RunTrial, TrialResult, decode_to_child, encode
from dss_worker.parallel.rank_processes import RankProcesses
from dss_worker.parallel.ranks import Ranks, joined
from dss_worker.parallel.together import Together
from dss_worker.training.failures import failure_of
from dss_worker.training.monitor import Reporter, SilentReporter, TrialCancelled, TrialSuspended
from dss_worker.training.trial import run_trial
from dss_worker.training.warm_cache import WarmCache


def run_as_first(
    config: TrialConfig,
    *,
    gang: GangPlace | None,
    device: torch.device,
    reporter: Reporter,
    should_stop: Callable[[], bool],
    should_suspend: Callable[[], bool],
    now: Callable[[], float] = time.monotonic,
    seconds_before: Mapping[Phase, float] | None = None,
) -> TrialResult:
    """As `run_trial`, with a process for each of this machine's devices, this process among them.

    Args:
        gang: this machine among others; None: it is the only one.
        reporter: told of the trial if this process is the first of all.
    Raises: as `run_trial`; TrialFailed if another process failed first.
    """
    local, machines = config.run.devices, 1 if gang is None else gang.size
    machine, address, port = (0, "127.0.0.1", _free_port()) if gang is None else (gang.rank, gang.address, gang.port)
    ranks = [
        Ranks(rank=machine * local + place, size=machines * local, local_rank=place, address=address, port=port)
        for place in range(local)
    ]
    ours = ranks[0]
    order = RunTrial(run=0, config=config)
    # A rank that is cancelled leaves, and its group with it: nobody has to agree.
    with RankProcesses(order, ranks[1:], device=device.type, threads=torch.get_num_threads()) as others:
        try:
            return _run(
                config,
                ours,
                device=ours.device(device.type),
                while_waiting=others.check,
                reporter=reporter if ours.rank == 0 else SilentReporter(),
                should_stop=should_stop,
                should_suspend=should_suspend,
                now=now,
                seconds_before=seconds_before,
            )
        except (TrialCancelled, TrialSuspended):
            raise
        except Exception as error:
            cause = others.cause()
            if cause is None:
                raise
            raise cause from error


def serve_rank(write_fd: int, *, device: str, threads: int) -> int:
    """One of the others, for a trial that comes by stdin; gives the exit status."""
    # Signals go to the whole group; the process that started this one decides what they mean, and takes it along.
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.SIG_IGN)
    torch.set_num_threads(threads)
    # What all print alike is in the log once.
    sys.stdout = open(os.devnull, "w", encoding="utf-8")  # noqa: SIM115 - for the life of the process
    order = decode_to_child(sys.stdin.buffer.readline())
    if not isinstance(order, RunTrial):
        raise TypeError(f"expected a trial, got {type(order).__name__}")
    with open(write_fd, "wb", buffering=0) as to_first:
        try:
            ranks = Ranks.of_environment(os.environ)
            _run(order.config, ranks, device=ranks.device(device), reporter=SilentReporter())
        except TrialSuspended:
            return 0
        except Exception as error:
            return _fail(error, to_first)
    return 0


def _fail(error: Exception, to_first: BinaryIO) -> int:
    traceback.print_exc()
    to_first.write(encode(Failed(run=0, failure=failure_of(error))))
    return 1


def _run(
    config: TrialConfig,
    ranks: Ranks,
    *,
    device: torch.device,
    reporter: Reporter,
    while_waiting: Callable[[], None] = lambda: None,
    should_stop: Callable[[], bool] = lambda: False,
    should_suspend: Callable[[], bool] = lambda: False,
    now: Callable[[], float] = time.monotonic,
    seconds_before: Mapping[Phase, float] | None = None,
) -> TrialResult:
    with joined(ranks, device=device, while_waiting=while_waiting) as mesh:
        return run_trial(
            config,
            # The weights of one that is kept warm are nobody's part.
            warm=WarmCache(),
            reporter=reporter,
            should_stop=should_stop,
            should_suspend=should_suspend,
            device=device,
            now=now,
            seconds_before=seconds_before,
            processes=Together(mesh),
        )


def _free_port() -> int:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port: int = free.getsockname()[1]
        return port
