"""A trial that several processes have together, from the place of one of them."""

from __future__ import annotations

import os
import signal
import socket
import sys
import time
import traceback
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import BinaryIO

import torch

from dss_worker.config import TrialConfig
from dss_worker.messages import Failed, GangPlace, Phase, RunTrial, TrialResult, decode_to_child, encode
from dss_worker.parallel.mesh import Mesh, layout_of
from dss_worker.parallel.rank_processes import RankProcesses
from dss_worker.parallel.ranks import Ranks, joined, listen_at
from dss_worker.parallel.signs_of_life import living
from dss_worker.parallel.together import Together
from dss_worker.training.failures import failure_of
from dss_worker.training.monitor import Reporter, SilentReporter, TrialCancelled, TrialSuspended
from dss_worker.training.trial import run_trial
from dss_worker.training.warm_cache import WarmCache

_LOOPBACK = "127.0.0.1"


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
    local = config.run.devices
    order = RunTrial(run=0, config=config)
    with _meeting(gang) as (ours, listening):
        ranks = [
            Ranks(
                rank=ours.rank * local + place,
                size=ours.size * local,
                local_rank=place,
                address=ours.address,
                port=ours.port,
                run_id=ours.run_id,
            )
            for place in range(local)
        ]
        # A rank that is cancelled leaves, and its group with it: nobody has to agree.
        with RankProcesses(order, ranks[1:], device=device.type, threads=torch.get_num_threads()) as others:
            try:
                return _run(
                    config,
                    ranks[0],
                    device=ranks[0].device(device.type),
                    listening=listening,
                    others=others,
                    reporter=reporter if ranks[0].rank == 0 else SilentReporter(),
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


@contextmanager
def _meeting(gang: GangPlace | None) -> Iterator[tuple[GangPlace, socket.socket | None]]:
    """Where this machine's ranks meet the others; of one machine, with the socket that they come to.

    That one is open from here on: a port that is only looked up is another program's by the time it is needed.
    """
    if gang is not None:
        yield gang, None
        return
    with listen_at(_LOOPBACK) as listening:
        port: int = listening.getsockname()[1]
        yield GangPlace(rank=0, size=1, address=_LOOPBACK, port=port, run_id=str(os.getpid())), listening


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
            with living(write_fd):
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
    listening: socket.socket | None = None,
    others: RankProcesses | None = None,
    should_stop: Callable[[], bool] = lambda: False,
    should_suspend: Callable[[], bool] = lambda: False,
    now: Callable[[], float] = time.monotonic,
    seconds_before: Mapping[Phase, float] | None = None,
) -> TrialResult:
    while_waiting = (lambda: None) if others is None else others.check
    with joined(ranks, device=device, while_waiting=while_waiting, listening=listening):
        mesh = Mesh.of_layout(layout_of(config, ranks.size), device_type=device.type)
        if others is not None:
            others.abort_on_failure(mesh.groups)
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
