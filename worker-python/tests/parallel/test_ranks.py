"""How ranks meet, and how a trial ends when one of them does not come, cannot, or stops."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from itertools import count
from pathlib import Path

import pytest
import torch
from torch import distributed
from torch.distributed import TCPStore  # type: ignore[attr-defined]

from dss_worker.errors import WorkerError
from dss_worker.messages import RunTrial
from dss_worker.parallel.rank_processes import RankProcesses
from dss_worker.parallel.ranks import Ranks, joined, listen_at
from dss_worker.parallel.signs_of_life import hear
from tests.parallel.spawn import on_ranks
from tests.parallel.test_trial import config_of
from tests.training.support import CPU

SHORT = timedelta(seconds=2)
PLACE = {"RANK": "1", "WORLD_SIZE": "2", "LOCAL_RANK": "1", "MASTER_ADDR": "10.0.0.1", "MASTER_PORT": "29500"}


def ranks_at(port: int, *, rank: int = 0, address: str = "127.0.0.1") -> Ranks:
    return Ranks(rank=rank, size=2, local_rank=rank, address=address, port=port)


def failure_to_meet(ranks: Ranks, *, while_waiting: Callable[[], None] = lambda: None) -> WorkerError:
    with pytest.raises(WorkerError) as caught, joined(ranks, device=CPU, timeout=SHORT, while_waiting=while_waiting):
        pass
    assert not distributed.is_initialized()
    assert (caught.value.code, caught.value.kind) == ("RANKS_APART", "infrastructure")
    return caught.value


def test_the_environment_says_what_torchrun_says() -> None:
    ranks = Ranks.of_environment(PLACE)
    assert ranks == Ranks(rank=1, size=2, local_rank=1, address="10.0.0.1", port=29500, run_id="none")
    named = {**PLACE, "TORCHELASTIC_RUN_ID": "t/2"}
    assert Ranks.of_environment(named).to_environment() == named


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"RANK": None}, "RANK is not set"),
        ({"WORLD_SIZE": "two"}, "'two'"),
        ({"RANK": "2"}, "rank 2 of 2, local rank 1, port 29500"),
        ({"RANK": "-1"}, "rank -1 of 2"),
        ({"MASTER_PORT": "65536"}, "port 65536"),
        ({"LOCAL_RANK": "-1"}, "local rank -1"),
    ],
)
def test_an_environment_that_torchrun_would_not_set_is_refused(changes: dict[str, str | None], message: str) -> None:
    environment = {name: value for name, value in {**PLACE, **changes}.items() if value is not None}
    with pytest.raises(WorkerError, match=message) as caught:
        Ranks.of_environment(environment)
    assert caught.value.code == "RANKS_INVALID"
    assert "set RANK, WORLD_SIZE, LOCAL_RANK, MASTER_ADDR and MASTER_PORT" in caught.value.hint


def test_a_rank_that_never_comes_is_named() -> None:
    with listen_at("127.0.0.1") as listening:
        port = listening.getsockname()[1]
    error = failure_to_meet(ranks_at(port))
    assert error.message == f"rank 0 of 2 did not meet the others at 127.0.0.1:{port}: ranks [1] did not come in time"
    assert "a firewall may be between them" in error.hint


def test_a_first_rank_that_is_nowhere_is_not_waited_for_longer_than_that() -> None:
    with listen_at("127.0.0.1") as listening:
        port = listening.getsockname()[1]
    assert f"rank 1 of 2 did not meet the others at 127.0.0.1:{port}" in failure_to_meet(ranks_at(port, rank=1)).message


def test_a_port_that_another_program_has_is_told_from_a_firewall() -> None:
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        error = failure_to_meet(ranks_at(other.getsockname()[1]))
    assert "Address already in use" in error.message
    assert "another program has that port; the worker's --rendezvous-port names one that is free" in error.hint


def test_an_address_of_another_machine_is_told_too() -> None:
    # Of a block for documentation, which no machine has.
    error = failure_to_meet(ranks_at(29500, address="192.0.2.1"))
    assert "Cannot assign requested address" in error.message
    assert "this machine has no such address" in error.hint


def test_waiting_for_the_others_ends_when_it_is_told_to() -> None:
    def refuse() -> None:
        raise KeyboardInterrupt

    with (
        listen_at("127.0.0.1") as listening,
        pytest.raises(KeyboardInterrupt),
        joined(ranks_at(listening.getsockname()[1]), device=CPU, while_waiting=refuse, listening=listening),
    ):
        pass
    assert not distributed.is_initialized()


def first_of(run_id: str, listening: socket.socket) -> TCPStore:
    """What rank 0 has open, which says that all of that run are there."""
    port = listening.getsockname()[1]
    store = TCPStore(
        "127.0.0.1", port, is_master=True, wait_for_workers=False, master_listen_fd=listening.detach(), timeout=SHORT
    )
    for rank in range(2):
        store.set(f"{run_id}/here/{rank}", "")
    return store


def test_a_first_rank_of_an_earlier_attempt_is_not_met_and_the_next_one_is() -> None:
    listening = listen_at("127.0.0.1")
    port, waits = listening.getsockname()[1], count()
    stores = [first_of("trial/1", listening)]

    def replace_first() -> None:
        if next(waits) == 3:
            stores.clear()
        elif not stores:
            stores.append(first_of("trial/2", listen_at("127.0.0.1", port)))

    # That one has no more than the store, so the connection of the group is never made; that takes no ten minutes.
    failed = failure_to_meet(replace(ranks_at(port, rank=1), run_id="trial/2"), while_waiting=replace_first)
    assert "all came, but not all connected" in failed.message
    assert next(waits) > 3
    assert_meets_under_the_name_of_a_new_process()


def assert_meets_under_the_name_of_a_new_process() -> None:
    listening = listen_at("127.0.0.1")
    alone = replace(ranks_at(listening.getsockname()[1]), size=1)
    with joined(alone, device=CPU, listening=listening):
        assert distributed.group.WORLD is not None
        assert distributed.group.WORLD.group_name == "0"


def wait_in_vain(ranks: Ranks) -> str:
    group = distributed.new_group(timeout=SHORT)
    assert isinstance(group, distributed.ProcessGroup)
    if ranks.rank == 0:
        with pytest.raises(RuntimeError) as caught:
            distributed.all_reduce(torch.zeros(1), group=group)
        message = str(caught.value)
    distributed.barrier()
    return message if ranks.rank == 0 else ""


def test_a_collective_that_one_rank_does_not_join_ends_by_its_timeout() -> None:
    assert "2000ms" in on_ranks(2, wait_in_vain)[0]


class Group:
    """Of nccl, whose collectives nothing else ends. Those of gloo end when a rank's connections close."""

    aborts = 0

    def abort(self) -> None:
        self.aborts += 1


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="the tests look into /proc")
def test_a_rank_that_is_stopped_is_ended_and_the_trial_told(tmp_path: Path) -> None:
    order, group = RunTrial(run=0, config=config_of(tmp_path)), Group()
    with listen_at("127.0.0.1") as listening:
        # It waits there for the first one, which is never more than this socket.
        ranks = ranks_at(listening.getsockname()[1], rank=1)
        with RankProcesses(order, [ranks], device="cpu", threads=1, patience_s=2.0) as others:
            (process,) = others.pids
            listening.accept()
            others.abort_on_failure([group])
            os.kill(process, signal.SIGSTOP)
            failed = others.cause(within_s=60.0)
            assert failed is not None
            assert failed.failure.code == "RANK_DIED"
            assert "rank 1 gave no sign of life for 2 s and was ended" in failed.failure.message
            with pytest.raises(type(failed)):
                others.check()
        others.abort_on_failure([group])
    assert group.aborts == 2


def test_signs_of_life_are_no_part_of_what_a_rank_says() -> None:
    program = (
        "import sys, threading; from dss_worker.parallel.signs_of_life import living\n"
        "with living(1): threading.Event().wait(0.1)\n"
        "print('{}')"
    )
    child = subprocess.Popen([sys.executable, "-c", program], stdout=subprocess.PIPE)
    assert child.stdout is not None
    assert hear(child.stdout.fileno(), patience_s=60.0, on_silence=child.kill) == b"{}"
    assert child.wait() == 0
