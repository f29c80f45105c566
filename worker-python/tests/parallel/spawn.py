"""Runs a function in several processes that have met over gloo on loopback.

They are forked from a server that has imported torch and our package and has done nothing else: importing takes a
process five seconds of a processor, and these tests start more than a hundred.
"""

from __future__ import annotations

import os
import socket
import traceback
from collections.abc import Callable, Mapping
from datetime import timedelta
from multiprocessing import get_context
from multiprocessing.connection import Connection, wait
from typing import Any

import torch

from dss_worker.config import RankLayout
from dss_worker.parallel.mesh import Mesh
from dss_worker.parallel.ranks import Ranks, joined

_PRELOADED = ["dss_worker.parallel.together", "dss_worker.training.trial", __name__]
# A rank that waits for one that has failed ends by itself, too.
_TIMEOUT = timedelta(minutes=5)

Answers = list[Any]


def on_ranks(size: int, run: Callable[..., Any], **values: Any) -> Answers:  # noqa: ANN401
    """What `run(ranks, **values)` gives in each of so many processes; raises what the first that fails says.

    Args:
        run: of a module that a new process can import.
    """
    context = get_context("forkserver")
    context.set_forkserver_preload(_PRELOADED)
    port = _free_port()
    pipes: list[Connection] = []
    processes = []
    for rank in range(size):
        ours, theirs = context.Pipe(duplex=False)
        ranks = Ranks(rank=rank, size=size, local_rank=rank, address="127.0.0.1", port=port)
        process = context.Process(target=_serve, args=(theirs, ranks, run, values))
        process.start()
        theirs.close()
        pipes.append(ours)
        processes.append(process)
    try:
        return _collect(pipes)
    finally:
        for process in processes:
            process.kill()
            process.join()


def mesh_of(ranks: Ranks, *, tensor: int = 1, shard: int | None = None) -> Mesh:
    """Of all ranks; those that are not tensor ranks divide the rows of weights, unless told otherwise."""
    layout = RankLayout(shard=ranks.size // tensor if shard is None else shard, tensor=tensor)
    return Mesh.of_layout(layout, device_type="cpu")


def _collect(pipes: list[Connection]) -> Answers:
    answers: dict[int, Any] = {}
    while len(answers) < len(pipes):
        for ready in wait([pipe for rank, pipe in enumerate(pipes) if rank not in answers]):
            rank = pipes.index(ready)  # type: ignore[arg-type]
            kind, answer = pipes[rank].recv()
            if kind == "failed":
                raise AssertionError(f"rank {rank}:\n{answer}")
            answers[rank] = answer
    return [answers[rank] for rank in range(len(pipes))]


def _serve(pipe: Connection, ranks: Ranks, run: Callable[..., Any], values: Mapping[str, Any]) -> None:
    torch.set_num_threads(1)
    os.environ["GLOO_SOCKET_IFNAME"] = "lo"
    try:
        with joined(ranks, device=torch.device("cpu"), timeout=_TIMEOUT):
            answer = run(ranks, **values)
        pipe.send(("done", answer))
    except BaseException:
        pipe.send(("failed", traceback.format_exc()))


def _free_port() -> int:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port: int = free.getsockname()[1]
        return port
