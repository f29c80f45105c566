"""The processes that train one model together, as torchrun names them."""

from __future__ import annotations

import socket
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from time import monotonic, sleep

import torch
from torch import distributed
from torch.distributed import TCPStore  # type: ignore[attr-defined]
from torch.distributed.device_mesh import DeviceMesh, init_device_mesh

from dss_worker.errors import WorkerError

# Of the meeting, and of each collective: longer than a load of weights, or a checkpoint that one rank writes. A rank
# that ends is noticed by the one that started it long before.
TIMEOUT = timedelta(minutes=10)
_LOOK_S = 0.05


@dataclass(frozen=True, slots=True, kw_only=True)
class Ranks:
    rank: int
    size: int
    # Among the processes of this machine, hence the number of its device.
    local_rank: int
    # Of rank 0.
    address: str
    port: int

    @classmethod
    def of_environment(cls, environment: Mapping[str, str]) -> Ranks:
        """By RANK, WORLD_SIZE, LOCAL_RANK, MASTER_ADDR and MASTER_PORT.

        Raises: WorkerError (RANKS_INVALID) for what torchrun would not set.
        """
        try:
            ranks = cls(
                rank=int(environment["RANK"]),
                size=int(environment["WORLD_SIZE"]),
                local_rank=int(environment["LOCAL_RANK"]),
                address=environment["MASTER_ADDR"],
                port=int(environment["MASTER_PORT"]),
            )
        except KeyError as error:
            raise _invalid(f"{error.args[0]} is not set") from error
        except ValueError as error:
            raise _invalid(str(error)) from error
        if not (0 <= ranks.rank < ranks.size and ranks.local_rank >= 0 and 0 < ranks.port < 65_536):
            raise _invalid(f"rank {ranks.rank} of {ranks.size}, local rank {ranks.local_rank}, port {ranks.port}")
        return ranks

    def to_environment(self) -> dict[str, str]:
        return {
            "RANK": str(self.rank),
            "WORLD_SIZE": str(self.size),
            "LOCAL_RANK": str(self.local_rank),
            "MASTER_ADDR": self.address,
            "MASTER_PORT": str(self.port),
        }

    def device(self, kind: str) -> torch.device:
        """`kind`: "cpu", or "cuda" where each process of this machine sees the devices of all."""
        return torch.device(kind, self.local_rank) if kind == "cuda" else torch.device(kind)


@contextmanager
def joined(
    ranks: Ranks,
    *,
    device: torch.device,
    timeout: timedelta = TIMEOUT,
    while_waiting: Callable[[], None] = lambda: None,
) -> Iterator[DeviceMesh]:
    """Within it, the processes have met: their mesh, of one dimension.

    Args:
        while_waiting: called now and then until all are there; may raise to end it.
    Raises: WorkerError (RANKS_APART) if they do not all come in time.
    """
    if device.type == "cuda":
        torch.cuda.set_device(device)
    distributed.init_process_group(
        backend="nccl" if device.type == "cuda" else "gloo",
        store=_meet(ranks, timeout, while_waiting),
        rank=ranks.rank,
        world_size=ranks.size,
        timeout=timeout,
    )
    try:
        yield init_device_mesh(device.type, (ranks.size,))
    finally:
        distributed.destroy_process_group()


def _meet(ranks: Ranks, timeout: timedelta, while_waiting: Callable[[], None]) -> TCPStore:
    """Not by torch's own waiting, which nothing interrupts."""
    deadline = monotonic() + timeout.total_seconds()
    try:
        store = TCPStore(
            ranks.address,
            ranks.port,
            ranks.size,
            is_master=ranks.rank == 0,
            timeout=timeout,
            wait_for_workers=False,
            master_listen_fd=_listening(ranks) if ranks.rank == 0 else None,
        )
        store.set(f"here/{ranks.rank}", "")
        everybody = [f"here/{rank}" for rank in range(ranks.size)]
        while not store.check(everybody):
            while_waiting()
            if monotonic() > deadline:
                missing = [rank for rank in range(ranks.size) if not store.check([f"here/{rank}"])]
                raise _apart(ranks, f"ranks {missing} did not come within {timeout.total_seconds():g} s")
            sleep(_LOOK_S)
    except (RuntimeError, OSError) as error:
        raise _apart(ranks, str(error).splitlines()[0]) from error
    return store


def _listening(ranks: Ranks) -> int:
    """At that address alone: left to itself, the store listens on every interface of the machine."""
    family = socket.AF_INET6 if ":" in ranks.address else socket.AF_INET
    listening = socket.socket(family)
    listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    listening.bind((ranks.address, ranks.port))
    listening.listen()
    return listening.detach()


def _apart(ranks: Ranks, what: str) -> WorkerError:
    place = f"rank {ranks.rank} of {ranks.size} did not meet the others at {ranks.address}:{ranks.port}"
    hint = "each machine must reach that address; a firewall may be between them"
    return WorkerError("RANKS_APART", f"{place}: {what}", hint=hint, kind="infrastructure")


def _invalid(what: str) -> WorkerError:
    hint = "set RANK, WORLD_SIZE, LOCAL_RANK, MASTER_ADDR and MASTER_PORT as torchrun does"
    return WorkerError("RANKS_INVALID", f"the environment names no place among the ranks: {what}", hint=hint)
