"""The whole agent against the clock: real streams, a real child, and time that moves when the test says so."""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path

from dss_worker.agent.agent import LAST_REPORT_S, SUSPEND_WITHIN_S, Agent, Identity
from dss_worker.agent.child import LAST_WORDS_S
from dss_worker.agent.generated.dss.v1 import common_pb2, worker_pb2
from dss_worker.agent.protocol import Device
from dss_worker.agent.session import Session
from dss_worker.agent.slot import HUNG_AFTER_S, STOP_WITHIN_S
from tests.agent.control_plane import GUARD_S, TOKEN, ControlPlane, Stream
from tests.agent.manual_clock import ManualClock
from tests.agent.processes import environment, wait_until_gone
from tests.agent.scripted_agent import CHILD
from tests.agent.scripted_child import SUSPENDED_STEP

IDENTITY = Identity(
    worker_id="local-1",
    instance_id="one-life",
    host="here",
    pid=os.getpid(),
    devices=(Device(kind="cpu", name="a core", memory_bytes=1, threads=1),),
    versions={},
)


class Setting:
    """An agent and a control plane in this process, at 0 s."""

    def __init__(self, plane: ControlPlane, *, keeps_trying: bool = False, slots: int = 1) -> None:
        self.plane = plane
        self.clock = ManualClock()
        identity = replace(IDENTITY, slots=slots)
        self.agent = Agent(identity, clock=self.clock, child_command=CHILD, environment=environment())
        self._waits_to_connect = asyncio.Event()
        self.session = Session(
            self.agent,
            server=plane.address,
            token=TOKEN,
            clock=self.clock,
            random=self._before_waiting,
            keeps_trying=keeps_trying,
        )

    def _before_waiting(self) -> float:
        self._waits_to_connect.set()
        return 0.0

    async def stream(self) -> Stream:
        return await asyncio.to_thread(self.plane.stream)

    async def next_stream(self) -> Stream:
        """After a break: the session waits a little first."""
        await self.next_try(after_s=0.1)
        return await self.stream()

    async def is_waiting_to_connect(self) -> None:
        await asyncio.wait_for(self._waits_to_connect.wait(), GUARD_S)

    async def next_try(self, *, after_s: float) -> None:
        await self.is_waiting_to_connect()
        self._waits_to_connect.clear()
        self.clock.advance_to(self.clock.now_s() + after_s)


@asynccontextmanager
async def running(*, keeps_trying: bool = False, slots: int = 1) -> AsyncIterator[Setting]:
    with ControlPlane() as plane:
        setting = Setting(plane, keeps_trying=keeps_trying, slots=slots)
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
    # It is over here, and the control plane has not heard of that.
    assert list(hello.running) == [lease]
    failed = (await heard(second, "failed")).failed
    assert (failed.lease, failed.failure.code) == (lease, "LEASE_LOST")
    assert failed.failure.kind == common_pb2.FAILURE_KIND_LOST
    assert not any(message.HasField("metrics") for message in second.unread)


@in_loop
async def test_while_renewals_are_answered_the_attempt_goes_on(setting: Setting) -> None:
    stream = await setting.stream()
    lease, pid = await begun(stream)
    await heard(stream, "renew")
    stream.assign("finish", token=2, trial_id="e" * 20)  # there is room for no more
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
    # Left out, it would be given back, and its result would come too late.
    assert list(hello.running) == [lease]
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


@in_loop
async def test_a_waiting_attempt_is_renewed_and_lost_like_any_other(setting: Setting) -> None:
    stream = await setting.stream()
    stream.renews = False
    running, pid = await begun(stream)
    waiting = stream.assign("finish", token=2, trial_id="f" * 20)
    while list((await heard(stream, "renew")).renew.leases) != [running, waiting]:
        pass
    setting.clock.advance_to(27)
    await asyncio.to_thread(wait_until_gone, pid)
    second = await setting.next_stream()
    await asyncio.to_thread(second.welcome)
    lost = [(await heard(second, "failed")).failed for _ in range(2)]
    assert [each.lease for each in lost] == [running, waiting]
    assert {each.failure.code for each in lost} == {"LEASE_LOST"}


@in_loop
async def test_a_trial_that_does_not_suspend_in_time_is_killed_and_given_back(setting: Setting) -> None:
    stream = await setting.stream()
    await asyncio.to_thread(stream.welcome)
    stream.assign("ignore_suspension")
    pid = (await heard(stream, "progress")).progress.step
    setting.agent.stop(143)
    assert (await heard(stream, "metrics")).metrics.training[0].step == SUSPENDED_STEP
    setting.clock.advance_to(SUSPEND_WITHIN_S - 0.1)
    os.kill(pid, 0)
    setting.clock.advance_to(SUSPEND_WITHIN_S)
    await asyncio.to_thread(wait_until_gone, pid)
    drained = await heard(stream, "drained")
    assert not any(message.HasField("failed") for message in stream.unread)
    stream.acknowledge(drained.sequence)
    assert (await setting.agent.ended).status == 143


@in_loop
async def test_told_to_end_without_a_control_plane_it_ends_all_the_same(setting: Setting) -> None:
    stream = await setting.stream()
    await asyncio.to_thread(stream.welcome)
    stream.assign("wait_for_suspension")
    await heard(stream, "progress")
    setting.agent.stop(143)
    # Nobody acknowledges it.
    await heard(stream, "drained")
    assert not setting.agent.ended.done()
    setting.clock.advance_to(LAST_REPORT_S)
    assert (await setting.agent.ended).status == 143


@in_loop
async def test_what_was_suspended_stays_ours_until_it_is_given_back(setting: Setting) -> None:
    stream = await setting.stream()
    await asyncio.to_thread(stream.welcome)
    lease = stream.assign("wait_for_suspension")
    await heard(stream, "progress")
    stream.say(drain=worker_pb2.Drain(grace_ms=60_000))
    await heard(stream, "drained")
    setting.clock.advance_to(10)
    while not (renewed := await heard(stream, "renew")).renew.leases:
        pass
    assert list(renewed.renew.leases) == [lease]


@in_loop
async def test_a_child_that_says_nothing_for_half_an_hour_is_ended_with_its_stacks(setting: Setting) -> None:
    stream = await setting.stream()
    await asyncio.to_thread(stream.welcome, lease_ms=10_000_000, renew_every_ms=10_000_000)
    stream.assign("measure_and_hang")
    pid = (await heard(stream, "progress")).progress.step
    # It is in there by now, and not only on its way.
    await heard(stream, "metrics")
    setting.clock.advance_to(HUNG_AFTER_S - 0.1)
    os.kill(pid, 0)
    setting.clock.advance_to(HUNG_AFTER_S)
    failure = (await heard(stream, "failed")).failed.failure
    assert (failure.code, failure.kind) == ("CHILD_HUNG", common_pb2.FAILURE_KIND_INFRASTRUCTURE)
    assert failure.message == "training said nothing for 30 minutes and was ended"
    assert "in measure_and_hang" in failure.detail
    stream.assign("finish", token=2)
    await heard(stream, "finished")


@in_loop
async def test_a_hanging_child_that_cannot_be_asked_to_end_is_killed(setting: Setting) -> None:
    stream = await setting.stream()
    await asyncio.to_thread(stream.welcome, lease_ms=10_000_000, renew_every_ms=10_000_000)
    stream.assign("ignore_abort")
    pid = (await heard(stream, "progress")).progress.step
    await heard(stream, "metrics")
    setting.clock.advance_to(HUNG_AFTER_S + STOP_WITHIN_S - 0.1)
    os.kill(pid, 0)
    setting.clock.advance_to(HUNG_AFTER_S + STOP_WITHIN_S)
    assert (await heard(stream, "failed")).failed.failure.code == "CHILD_HUNG"


@in_loop
async def test_who_holds_the_pipes_of_a_child_that_has_ended_is_not_waited_for(setting: Setting) -> None:
    stream = await setting.stream()
    await asyncio.to_thread(stream.welcome)
    stream.assign("leave_someone_behind")
    left = (await heard(stream, "metrics")).metrics.training[0].step
    try:
        async with asyncio.timeout(GUARD_S):
            while not setting.clock.rings_at(LAST_WORDS_S):
                await asyncio.sleep(0)
        setting.clock.advance_to(LAST_WORDS_S)
        failure = (await heard(stream, "failed")).failed.failure
        assert (failure.code, failure.detail) == ("CHILD_CRASHED", "last words\n")
        stream.assign("finish", token=2)
        await heard(stream, "finished")
    finally:
        os.kill(left, signal.SIGKILL)


def test_a_worker_that_keeps_trying_comes_back_however_long_the_control_plane_was_away() -> None:
    async def run() -> None:
        async with running(keeps_trying=True) as setting:
            await asyncio.to_thread((await setting.stream()).welcome)
            await asyncio.to_thread(setting.plane.__exit__)
            # More than twice as long as a lease lives.
            while setting.clock.now_s() < 70:
                await setting.next_try(after_s=2)
            assert not setting.agent.ended.done()
            await setting.is_waiting_to_connect()
            with ControlPlane(setting.plane.address) as again:
                await setting.next_try(after_s=2)
                hello = await asyncio.to_thread((await asyncio.to_thread(again.stream)).welcome)
                assert hello.worker_id == IDENTITY.worker_id
                setting.agent.end(0, "the test is over")

    asyncio.run(run())
