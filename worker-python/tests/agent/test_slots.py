"""An agent with two slots: two trials side by side on its device, each in a child of its own."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from dss_worker.agent.generated.dss.v1 import common_pb2, worker_pb2
from dss_worker.agent.protocol import Lease, LeaseProgress
from dss_worker.agent.slot import STOP_WITHIN_S
from tests.agent.control_plane import ControlPlane, Stream
from tests.agent.processes import SCRIPTED_AGENT, started
from tests.agent.test_fencing import Setting, heard, running

FIRST, SECOND, THIRD = (f"{number}123456789abcdef0123" for number in (1, 2, 3))


@pytest.fixture
def plane() -> Iterator[ControlPlane]:
    with ControlPlane() as plane:
        yield plane


@pytest.fixture
def agent(plane: ControlPlane, monkeypatch: pytest.MonkeyPatch) -> Iterator[subprocess.Popen[str]]:
    monkeypatch.setenv("DSS_TEST_SLOTS", "2")
    with started(*SCRIPTED_AGENT, plane.address) as process:
        yield process


@pytest.fixture
def stream(plane: ControlPlane, agent: subprocess.Popen[str]) -> Stream:
    stream = plane.stream()
    hello = stream.welcome()
    assert (hello.pid, hello.slots, hello.prefetch) == (agent.pid, 2, 1)
    # Two trials of several machines would be met by one port.
    assert (hello.address, hello.rendezvous_port) == ("", 0)
    return stream


def begun(stream: Stream) -> tuple[common_pb2.Lease, int]:
    """The next attempt that has, and its process."""
    progress = stream.next("progress").progress
    return progress.lease, progress.step


def ended(stream: Stream, kind: str = "finished") -> worker_pb2.WorkerMessage:
    return stream.take(kind)


def fifo_in(folder: Path, name: str) -> Path:
    os.mkfifo(folder / name)
    return folder / name


def test_two_trials_run_at_once_in_two_processes(stream: Stream, tmp_path: Path) -> None:
    fifos = [fifo_in(tmp_path, name) for name in ("first", "second")]
    for token, (trial, fifo) in enumerate(zip((FIRST, SECOND), fifos, strict=True), start=1):
        stream.assign("obey_fifo", token=token, trial_id=trial, directory=str(fifo))
    pids = {lease.trial_id: pid for lease, pid in (begun(stream), begun(stream))}
    assert len(set(pids.values())) == 2
    with fifos[0].open("w", buffering=1) as first, fifos[1].open("w", buffering=1) as second:
        # Neither waits for the other to end.
        for step in (1, 2):
            for steps, trial in ((first, FIRST), (second, SECOND)):
                steps.write(f"{step}\n")
                metrics = stream.take("metrics").metrics
                assert (metrics.lease.trial_id, metrics.training[0].step) == (trial, step)
    assert {ended(stream).finished.lease.trial_id for _ in range(2)} == {FIRST, SECOND}


def test_what_is_lent_ahead_waits_for_a_slot_and_gets_the_first_that_is_free(stream: Stream, tmp_path: Path) -> None:
    fifo = fifo_in(tmp_path, "steps")
    stream.assign("ignore_everything", token=1, trial_id=FIRST)
    stream.assign("obey_fifo", token=2, trial_id=SECOND, directory=str(fifo))
    pids = {lease.trial_id: pid for lease, pid in (begun(stream), begun(stream))}
    third = stream.assign("finish", token=3, trial_id=THIRD)
    with fifo.open("w"):
        assert not any(message.HasField("progress") for message in stream.unread)
    assert ended(stream).finished.lease.trial_id == SECOND
    assert begun(stream) == (third, pids[SECOND])
    assert ended(stream).finished.lease == third


def test_a_fourth_has_no_room(stream: Stream) -> None:
    for token, trial in enumerate((FIRST, SECOND, THIRD), start=1):
        stream.assign("ignore_everything", token=token, trial_id=trial)
    fourth = stream.assign("finish", token=4)
    failed = stream.take("failed").failed
    assert (failed.lease, failed.failure.code) == (fourth, "WORKER_BUSY")


def test_a_process_that_dies_takes_its_own_trial_with_it_and_no_other(stream: Stream, tmp_path: Path) -> None:
    fifo = fifo_in(tmp_path, "steps")
    lease = stream.assign("ignore_everything", token=1, trial_id=FIRST)
    other = stream.assign("obey_fifo", token=2, trial_id=SECOND, directory=str(fifo))
    pids = {each.trial_id: pid for each, pid in (begun(stream), begun(stream))}
    os.kill(pids[FIRST], signal.SIGKILL)
    failed = stream.take("failed").failed
    assert (failed.lease, failed.failure.code) == (lease, "CHILD_KILLED")
    with fifo.open("w", buffering=1) as steps:
        steps.write("1\n")
        assert stream.take("metrics").metrics.lease == other
    assert ended(stream).finished.lease == other
    # Its slot has another process by now, or soon.
    again = [
        stream.assign("ignore_everything", token=token, trial_id=trial) for token, trial in ((3, FIRST), (4, THIRD))
    ]
    assert {begun(stream)[0].token for _ in again} == {3, 4}


def test_a_trial_that_is_cancelled_ends_and_the_other_goes_on(stream: Stream, tmp_path: Path) -> None:
    fifo = fifo_in(tmp_path, "steps")
    cancelled = stream.assign("wait_for_cancel", token=1, trial_id=FIRST)
    other = stream.assign("obey_fifo", token=2, trial_id=SECOND, directory=str(fifo))
    pids = {lease.trial_id: pid for lease, pid in (begun(stream), begun(stream))}
    stream.say(cancel=worker_pb2.Cancel(lease=cancelled, reason="nobody wants it"))
    third = stream.assign("finish", token=3, trial_id=THIRD)
    assert begun(stream) == (third, pids[FIRST])
    with fifo.open("w", buffering=1) as steps:
        steps.write("1\n")
        assert ended(stream, "finished").finished.lease == third
    assert ended(stream).finished.lease == other


def test_a_drain_has_both_leave_with_a_checkpoint_before_it_is_said_to_be_over(stream: Stream) -> None:
    for token, trial in enumerate((FIRST, SECOND), start=1):
        stream.assign("wait_for_suspension", token=token, trial_id=trial)
    for _ in range(2):
        begun(stream)
    stream.say(drain=worker_pb2.Drain(grace_ms=60_000))
    stream.take("drained")
    measured = {message.metrics.lease.trial_id for message in stream.unread if message.HasField("metrics")}
    assert measured == {FIRST, SECOND}


def test_attempts_at_one_trial_never_run_at_once_since_they_write_to_one_folder() -> None:
    async def scenario(setting: Setting) -> None:
        stream = await setting.stream()
        await asyncio.to_thread(stream.welcome)
        first = stream.assign("ignore_everything", token=1, trial_id=FIRST)
        _, pid = await next_begun(stream)
        # It does not hear that, and is killed for it some seconds later.
        stream.say(cancel=worker_pb2.Cancel(lease=first, reason="nobody wants it"))
        again = stream.assign("finish", token=2, trial_id=FIRST)
        other = stream.assign("finish", token=3, trial_id=SECOND)
        lease, second_pid = await next_begun(stream)
        assert (lease, second_pid != pid) == (other, True)
        assert (await heard(stream, "finished")).finished.lease == other
        setting.clock.advance_to(STOP_WITHIN_S)
        assert (await next_begun(stream))[0] == again

    async def next_begun(stream: Stream) -> tuple[common_pb2.Lease, int]:
        return await asyncio.to_thread(begun, stream)

    async def run() -> None:
        async with running(slots=2) as setting:
            await scenario(setting)

    asyncio.run(run())


def test_news_of_one_trial_does_not_replace_that_of_the_other() -> None:
    async def run() -> None:
        async with running(slots=2) as setting:
            news = [
                LeaseProgress(lease=lease, step=step, loss=0.5, examples_per_second=1.0, phase="train")
                for lease, step in ((ours(1), 1), (ours(2), 1), (ours(1), 2))
            ]
            for each in news:
                setting.agent.news(each)
            assert [await setting.agent.next_to_say() for _ in range(2)] == [news[2], news[1]]

    def ours(token: int) -> Lease:
        return Lease(trial_id=FIRST, attempt=1, token=token)

    asyncio.run(run())
