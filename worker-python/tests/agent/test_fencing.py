"""The whole agent against the clock: real streams, a real child, and time that moves when the test says so."""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path

from dss_worker.agent.agent import Agent, Identity
from dss_worker.agent.attempts import STOP_WITHIN_S
from dss_worker.agent.generated.dss.v1 import common_pb2, worker_pb2
from dss_worker.agent.protocol import Device
from dss_worker.agent.session import Session
from tests.agent.control_plane import GUARD_S, TOKEN, ControlPlane, Stream
from tests.agent.manual_clock import ManualClock
from tests.agent.processes import environment, wait_until_gone
from tests.agent.scripted_agent import CHILD

IDENTITY = Identity(
    worker_id="local-1",
    host="here",
    pid=os.getpid(),
    device=Device(kind="cpu", name="a core", memory_bytes=1, threads=1),
    versions={},
)


class Setting:
    """An agent and a control plane in this process, at 0 s."""

    def __init__(self, plane: ControlPlane) -> None:
        self.plane = plane
        self.clock = ManualClock()
        self.agent = Agent(IDENTITY, clock=self.clock, child_command=CHILD, environment=environment())
        self._waits_to_connect = asyncio.Event()
        self.session = Session(
            self.agent, server=plane.address, token=TOKEN, clock=self.clock, random=self._before_waiting
        )

    def _before_waiting(self) -> float:
        self._waits_to_connect.set()
        return 0.0

    async def stream(self) -> Stream:
        return await asyncio.to_thread(self.plane.stream)

    async def next_stream(self) -> Stream:
        """After a break: the session waits a little first."""
        await asyncio.wait_for(self._waits_to_connect.wait(), GUARD_S)
        self._waits_to_connect.clear()
        self.clock.advance_to(self.clock.now_s() + 0.1)
        return await self.stream()


@asynccontextmanager
async def running() -> AsyncIterator[Setting]:
    with ControlPlane() as plane:
        setting = Setting(plane)
        await setting.agent.start()
        speaking = asyncio.create_task(setting.session.run())
        try:
            yield setting
        finally:
            setting.agent.end(0, "the test is over")
            speaking.cancel()
            await asyncio.wait({speaking})
            await setting.agent.close()


def in_loop(scenario: Callable[[Setting], Awaitable[None]]) -> Callable[[], None]:
    async def run() -> None:
        async with running() as setting:
            await scenario(setting)

    def wrapper() -> None:
        asyncio.run(run())

    return wrapper


async def heard(stream: Stream, kind: str) -> worker_pb2.WorkerMessage:
    return await asyncio.to_thread(stream.next, kind)


async def begun(stream: Stream) -> tuple[common_pb2.Lease, int]:
    """A trial that says something all the time runs under a lease from 0 s; with its process's id."""
    await asyncio.to_thread(stream.welcome)
    lease = stream.assign("measure_forever")
    return lease, (await heard(stream, "progress")).progress.step


@in_loop
async def test_an_attempt_is_killed_before_its_lease_is_over_and_its_reports_are_thrown_away(setting: Setting) -> None:
    stream = await setting.stream()
    stream.renews = False
    lease, pid = await begun(stream)
    await heard(stream, "metrics")
    setting.clock.advance_to(26.9)
    os.kill(pid, 0)  # it lives
    setting.clock.advance_to(27)
    await asyncio.to_thread(wait_until_gone, pid)
    # The stream that brought no answer is given up too.
    second = await setting.next_stream()
    hello = await asyncio.to_thread(second.welcome)
    assert list(hello.running) == []
    failed = (await heard(second, "failed")).failed
    assert (failed.lease, failed.failure.code) == (lease, "LEASE_LOST")
    assert failed.failure.kind == common_pb2.FAILURE_KIND_LOST
    assert not any(message.HasField("metrics") for message in second.unread)


@in_loop
async def test_while_renewals_are_answered_the_attempt_goes_on(setting: Setting) -> None:
    stream = await setting.stream()
    lease, pid = await begun(stream)
    await heard(stream, "renew")
    for now_s in (10, 20, 30, 40):
        setting.clock.advance_to(now_s)
        renewed = await heard(stream, "renew")
        while lease not in renewed.renew.leases:
            renewed = await heard(stream, "renew")
        # An order after the answer has been heard, so the answer has.
        stream.assign("finish", token=now_s + 100, trial_id="f" * 20)
        await heard(stream, "failed")
    os.kill(pid, 0)


@in_loop
async def test_without_a_stream_the_attempt_lives_as_long_as_its_lease(setting: Setting) -> None:
    stream = await setting.stream()
    lease, pid = await begun(stream)
    stream.cut()
    second = await setting.next_stream()
    hello = await asyncio.to_thread(second.welcome)
    assert list(hello.running) == [lease]
    second.renews = False
    os.kill(pid, 0)
    # Not from the new Hello on: nobody has said since that the lease is ours.
    setting.clock.advance_to(27)
    await asyncio.to_thread(wait_until_gone, pid)


@in_loop
async def test_a_result_that_was_reported_before_the_end_of_its_lease_is_not_thrown_away(setting: Setting) -> None:
    stream = await setting.stream()
    stream.renews = False
    await asyncio.to_thread(stream.welcome)
    lease = stream.assign("finish")
    reported = await heard(stream, "finished")
    setting.clock.advance_to(27)
    second = await setting.next_stream()
    hello = await asyncio.to_thread(second.welcome)
    assert list(hello.running) == []
    again = await heard(second, "finished")
    assert (again.sequence, again.finished.lease) == (reported.sequence, lease)
    assert not any(message.HasField("failed") for message in second.unread)


def test_a_result_that_comes_after_the_lease_is_not_reported_though_no_timer_has_fired(tmp_path: Path) -> None:
    fifo = tmp_path / "steps"
    os.mkfifo(fifo)

    async def scenario() -> None:
        async with running() as setting:
            stream = await setting.stream()
            await asyncio.to_thread(stream.welcome)
            stream.assign("obey_fifo", directory=str(fifo))
            steps = await asyncio.to_thread(fifo.open, "w")
            setting.clock.jump_to(27)
            steps.close()  # and so it finishes
            second = await setting.next_stream()
            await asyncio.to_thread(second.welcome)
            assert (await heard(second, "failed")).failed.failure.code == "LEASE_LOST"
            assert not any(message.HasField("finished") for message in [*stream.unread, *second.unread])

    asyncio.run(scenario())


@in_loop
async def test_a_trial_that_does_not_stop_when_cancelled_is_killed_and_the_next_gets_a_new_child(
    setting: Setting,
) -> None:
    stream = await setting.stream()
    await asyncio.to_thread(stream.welcome)
    lease = stream.assign("ignore_everything")
    pid = (await heard(stream, "progress")).progress.step
    stream.say(cancel=worker_pb2.Cancel(lease=lease, reason="sweep x was cancelled"))
    stream.assign("finish", token=2)
    # It renews the new lease at once, so by then it has heard both.
    while [each.token for each in (await heard(stream, "renew")).renew.leases] != [2]:
        pass
    setting.clock.advance_to(STOP_WITHIN_S - 0.1)
    os.kill(pid, 0)
    setting.clock.advance_to(STOP_WITHIN_S)
    await asyncio.to_thread(wait_until_gone, pid)
    finished = await heard(stream, "finished")
    assert finished.finished.lease.token == 2
    assert not any(message.HasField("failed") for message in stream.unread)
