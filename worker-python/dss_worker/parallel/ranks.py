"""The processes that train one model together, as torchrun names them."""

from __future__ import annotations

import errno
import socket
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from time import monotonic, sleep

import torch
from torch import distributed
from torch.distributed import PrefixStore, Store, TCPStore  # type: ignore[attr-defined]

from dss_worker.errors import WorkerError

# Of the meeting, and of each collective: longer than a load of weights, or a checkpoint that one rank writes. A rank
# that ends is noticed by the one that started it long before.
TIMEOUT = timedelta(minutes=10)
# For ranks that have met to open their connections to each other. It takes moments; where one of them is lost on the
# way, nobody is told, so the sooner they meet again the better.
CONNECT_TIMEOUT = timedelta(minutes=1)
_LOOK_S = 0.05
# Of one try to reach the first rank; between two of them the caller is asked whether to go on.
_TRY_S = 5.0
# As torchrun has it where nobody names the run.
_NO_RUN_ID = "none"
# Why rank 0 cannot listen there.
_HINTS = {
    errno.EADDRINUSE: "another program has that port; the worker's --rendezvous-port names one that is free",
    errno.EADDRNOTAVAIL: "this machine has no such address (any more); start its worker anew",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Ranks:
    rank: int
    size: int
    # Among the processes of this machine, hence the number of its device.
    local_rank: int
    # Of rank 0.
    address: str
    port: int
    # Of this attempt: one that an earlier attempt has left behind at the same place is not met.
    run_id: str = _NO_RUN_ID

    @classmethod
    def of_environment(cls, environment: Mapping[str, str]) -> Ranks:
        """By RANK, WORLD_SIZE, LOCAL_RANK, MASTER_ADDR, MASTER_PORT and, if it is set, TORCHELASTIC_RUN_ID.

        Raises: WorkerError (RANKS_INVALID) for what torchrun would not set.
        """
        try:
            ranks = cls(
                rank=int(environment["RANK"]),
                size=int(environment["WORLD_SIZE"]),
                local_rank=int(environment["LOCAL_RANK"]),
                address=environment["MASTER_ADDR"],
                port=int(environment["MASTER_PORT"]),
                run_id=environment.get("TORCHELASTIC_RUN_ID", _NO_RUN_ID),
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
            "TORCHELASTIC_RUN_ID": self.run_id,
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
    listening: socket.socket | None = None,
) -> Iterator[None]:
    """Within it, the processes have met.

    Args:
        while_waiting: called now and then until all are there; may raise to end it.
        listening: of rank 0, where the others find it, if that is open already; it is taken over.
    Raises: WorkerError (RANKS_APART) if they do not all come in time.
    """
    if device.type == "cuda":
        torch.cuda.set_device(device)
    store = _meet(ranks, timeout, while_waiting, listening)
    # Torch names a group by how many there were. One that could not be made counts too, so that a process to which that
    # has happened would look for its next ones under other names than all the others.
    distributed.distributed_c10d._world.group_count = 0
    try:
        distributed.init_process_group(
            backend="nccl" if device.type == "cuda" else "gloo",
            store=store,
            rank=ranks.rank,
            world_size=ranks.size,
            timeout=min(timeout, CONNECT_TIMEOUT),
        )
    except RuntimeError as error:
        raise _apart(ranks, f"all came, but not all connected: {_first_line(error)}") from error
    try:
        # By it nccl opens its connections, at the first collective, which some come to long before others.
        store.set_timeout(timeout)
        distributed.set_timeout(timeout)
        yield
    finally:
        distributed.destroy_process_group()


def listen_at(address: str, port: int = 0) -> socket.socket:
    """At that address alone: left to itself, torch's store listens on every interface of the machine.

    Args:
        port: 0: any that is free.
    Raises: OSError.
    """
    listening = socket.socket(socket.AF_INET6 if ":" in address else socket.AF_INET)
    try:
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listening.bind((address, port))
        listening.listen()
    except BaseException:
        listening.close()
        raise
    return listening


def _meet(
    ranks: Ranks, timeout: timedelta, while_waiting: Callable[[], None], listening: socket.socket | None
) -> Store:
    """Where all of them are. Not by torch's own waiting, which nothing interrupts."""
    deadline = monotonic() + timeout.total_seconds()
    if ranks.rank == 0:
        return _host(ranks, deadline, while_waiting, listening)
    while True:
        try:
            return _wait(ranks, _store(ranks, deadline), deadline, while_waiting)
        except RuntimeError as error:
            # Nobody listens there yet, or one has ended that an earlier attempt had left there.
            while_waiting()
            if monotonic() > deadline:
                raise _apart(ranks, _first_line(error)) from error
            sleep(_LOOK_S)


def _host(ranks: Ranks, deadline: float, while_waiting: Callable[[], None], listening: socket.socket | None) -> Store:
    try:
        if listening is None:
            listening = listen_at(ranks.address, ranks.port)
        return _wait(ranks, _store(ranks, deadline, listening), deadline, while_waiting)
    except OSError as error:
        raise _apart(ranks, str(error), hint=_HINTS.get(error.errno or 0)) from error
    except RuntimeError as error:
        raise _apart(ranks, _first_line(error)) from error


def _store(ranks: Ranks, deadline: float, listening: socket.socket | None = None) -> Store:
    """Raises: RuntimeError if the first rank is not there."""
    store = TCPStore(
        ranks.address,
        ranks.port,
        ranks.size,
        is_master=listening is not None,
        timeout=timedelta(seconds=min(_TRY_S, max(deadline - monotonic(), _LOOK_S))),
        wait_for_workers=False,
        master_listen_fd=None if listening is None else listening.detach(),
    )
    store.set_timeout(CONNECT_TIMEOUT)  # of each answer
    return PrefixStore(ranks.run_id, store)


def _wait(ranks: Ranks, store: Store, deadline: float, while_waiting: Callable[[], None]) -> Store:
    """Raises: RuntimeError if the first rank has gone meanwhile; WorkerError (RANKS_APART)."""
    store.set(_here(ranks.rank), "")
    everybody = [_here(rank) for rank in range(ranks.size)]
    while not store.check(everybody):
        while_waiting()
        if monotonic() > deadline:
            missing = [rank for rank in range(ranks.size) if not store.check([_here(rank)])]
            raise _apart(ranks, f"ranks {missing} did not come in time")
        sleep(_LOOK_S)
    return store


def _here(rank: int) -> str:
    return f"here/{rank}"


def _first_line(error: Exception) -> str:
    return next(iter(str(error).splitlines()), type(error).__name__)


def _apart(ranks: Ranks, what: str, *, hint: str | None = None) -> WorkerError:
    place = f"rank {ranks.rank} of {ranks.size} did not meet the others at {ranks.address}:{ranks.port}"
    hint = "each machine must reach that address; a firewall may be between them" if hint is None else hint
    return WorkerError("RANKS_APART", f"{place}: {what}", hint=hint, kind="infrastructure")


def _invalid(what: str) -> WorkerError:
    hint = "set RANK, WORLD_SIZE, LOCAL_RANK, MASTER_ADDR and MASTER_PORT as torchrun does"
    return WorkerError("RANKS_INVALID", f"the environment names no place among the ranks: {what}", hint=hint)
