"""The worker's agent: hears the control plane, has attempts run, says what comes of them.

It works on whether it is connected or not; `Session` makes the connection. It ends when it is refused, when it was
drained, when it is told to, or when training cannot be kept alive.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import assert_never

from dss_worker.agent.attempts import PREFETCH, Attempts
from dss_worker.agent.clock import Clock
from dss_worker.agent.heartbeat import Heartbeat
from dss_worker.agent.load import LoadNews, Measure
from dss_worker.agent.outbox import Outbox
from dss_worker.agent.protocol import (
    Acknowledged,
    Assign,
    Cancel,
    Device,
    DeviceLoad,
    Drain,
    Drained,
    FailedReport,
    FinishedReport,
    FromWorker,
    Hello,
    Lease,
    LeaseProgress,
    Load,
    Renewed,
    Report,
    Stale,
    Welcome,
)
from dss_worker.agent.storage import Storage
from dss_worker.config import ENGINE_VERSION
from dss_worker.errors import Failure

logger = logging.getLogger(__name__)

# Once we were told to end: for what runs to write a checkpoint, and for the last report to be acknowledged.
SUSPEND_WITHIN_S = 20.0
LAST_REPORT_S = 3.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Identity:
    """What a worker says of itself."""

    worker_id: str
    # Another one in each life of the process.
    instance_id: str
    host: str
    pid: int
    devices: tuple[Device, ...]
    versions: Mapping[str, str]
    # Where other workers reach it; empty: nowhere.
    address: str = ""
    # Where they meet it when it is the first of them; 0: nowhere.
    rendezvous_port: int = 0
    # Attempts that it runs side by side, each in a process of its own.
    slots: int = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class AgentEnd:
    """Why the agent has nothing left to do."""

    # The process's exit status.
    status: int
    message: str


class Agent:
    def __init__(
        self,
        identity: Identity,
        *,
        clock: Clock,
        child_command: Sequence[str],
        environment: Mapping[str, str],
        storage: Storage | None = None,
        measure: Measure | None = None,
        trials: int | None = None,
        idle_exit_s: float | None = None,
        drained_status: int = 0,
    ) -> None:
        """`trials`: it ends once it has had so many."""
        self._identity = identity
        self._clock = clock
        self._heartbeat = Heartbeat(clock, on_due=self._wake, on_lost=self._lost, on_held=self._is_ours)
        # What came so late that its lease may be over.
        self._late: dict[Lease, Assign] = {}
        self._outbox = Outbox()
        self._storage = storage
        self._trials = trials
        self._idle_exit_s = idle_exit_s
        # Attempts that it was ever lent.
        self._assigned = 0
        self._attempts = Attempts(
            self,
            clock=clock,
            child_command=child_command,
            environment=environment,
            storage=storage,
            slots=identity.slots,
        )
        # The newest of each only.
        self._progress: dict[Lease, LeaseProgress] = {}
        self._load: Load | None = None
        # None: nobody asks how busy the devices are.
        self._load_news = None if measure is None else LoadNews(clock, measure=measure, on_news=self._measured)
        self._something_to_say = asyncio.Event()
        self._is_draining = False
        self._is_stopping = False
        self._has_said_drained = False
        self._status_when_drained = drained_status
        self._break_off: Callable[[], None] = lambda: None
        self.ended: asyncio.Future[AgentEnd] = asyncio.get_running_loop().create_future()

    async def start(self) -> None:
        """Raises: OSError when there is no such training program."""
        await self._attempts.start()
        self._end_if_idle_later()

    async def close(self) -> None:
        await self._attempts.close()
        if self._storage is not None:
            await self._storage.close()

    def stop(self, status: int) -> None:
        """Gives back what runs, as soon as that has written down how far it is, and ends. Told again: at once."""
        if self._is_stopping:
            self._grace_is_over()
            return
        self._is_stopping = True
        self._status_when_drained = status
        self._drain(SUSPEND_WITHIN_S)

    def end(self, status: int, message: str) -> None:
        if not self.ended.done():
            self.ended.set_result(AgentEnd(status=status, message=message))

    # For the session.

    def hello(self) -> Hello:
        identity = self._identity
        return Hello(
            worker_id=identity.worker_id,
            instance_id=identity.instance_id,
            engine_version=ENGINE_VERSION,
            host=identity.host,
            pid=identity.pid,
            devices=identity.devices,
            versions=identity.versions,
            # With what is over but was not heard of: it must not be taken for something that never arrived here.
            running=tuple(dict.fromkeys((*self._heartbeat.held, *self._outbox.ended))),
            slots=identity.slots,
            prefetch=PREFETCH,
            address=identity.address,
            rendezvous_port=identity.rendezvous_port,
            trials=None if self._trials is None else max(0, self._trials - self._assigned),
        )

    def connected(self, welcome: Welcome, *, hello_sent_s: float, break_off: Callable[[], None]) -> None:
        self._break_off = break_off
        if self._storage is not None:
            self._storage.connected(welcome.store)
        self._outbox.resend()
        self._heartbeat.connected(welcome, hello_sent_s)
        if self._load_news is not None:
            self._load_news.start()

    def disconnected(self) -> None:
        self._break_off = lambda: None
        self._heartbeat.disconnected()
        if self._load_news is not None:
            self._load_news.stop()
        if self._late:
            self._late.clear()
            self._look_idle()

    async def next_to_say(self) -> FromWorker:
        """Renewals first: a lease must not end because there is much to report."""
        while True:
            if self._heartbeat.is_due:
                return self._heartbeat.renew()
            report = self._outbox.next()
            if report is not None:
                return report
            if self._progress:
                return self._progress.pop(next(iter(self._progress)))
            if self._load is not None:
                load, self._load = self._load, None
                return load
            self._something_to_say.clear()
            await self._something_to_say.wait()

    def hear(self, said: Assign | Renewed | Acknowledged | Stale | Cancel | Drain) -> None:
        match said:
            case Assign():
                self._assign(said)
            case Renewed(leases=leases):
                self._heartbeat.renewed(leases)
            case Acknowledged(sequences=sequences):
                self._acknowledged(self._outbox.acknowledge(sequences))
            case Stale(lease=lease):
                # Otherwise it crossed with the end of the attempt.
                if lease in self._heartbeat.held:
                    logger.warning("lease of trial %s, attempt %d is ours no more", lease.trial_id, lease.attempt)
                self._give_up(lease, at_once=False)
            case Cancel(lease=lease, reason=reason):
                logger.info("trial %s, attempt %d: %s", lease.trial_id, lease.attempt, reason)
                self._give_up(lease, at_once=False)
            case Drain(grace_ms=grace_ms):
                self._drain(grace_ms / 1000)
            case _:
                assert_never(said)

    # For the attempts.

    def report(self, report: Report) -> None:
        self._outbox.add(report)
        self._wake()

    def news(self, progress: LeaseProgress) -> None:
        self._progress[progress.lease] = progress
        self._wake()

    def _measured(self, devices: tuple[DeviceLoad, ...]) -> None:
        self._load = Load(devices=devices, warm=self._attempts.warm)
        self._wake()

    async def room(self) -> None:
        await self._outbox.room()

    def is_held(self, lease: Lease) -> bool:
        self._heartbeat.expire()
        return lease in self._heartbeat.held

    def may_report_log(self, lease: Lease) -> bool:
        return not self._outbox.has_log_of(lease)

    def log_elsewhere(self, line: str) -> None:
        logger.info("training: %s", line)

    def became_idle(self) -> None:
        self._drain_if_spent()
        if not self._is_draining:
            self._end_if_idle_later()
            return
        if not self._has_said_drained:
            self._has_said_drained = True
            self.report(Drained())
        if self._is_stopping:
            self._end_within(LAST_REPORT_S)

    def cannot_go_on(self, why: str) -> None:
        self.end(1, why)

    def _assign(self, assign: Assign) -> None:
        self._assigned += 1
        if self._heartbeat.hold(assign.lease):
            self._take(assign)
        else:
            self._late[assign.lease] = assign

    def _is_ours(self, lease: Lease) -> None:
        assign = self._late.pop(lease, None)
        if assign is not None:
            self._take(assign)

    def _take(self, assign: Assign) -> None:
        lease, trial = assign.lease, assign.trial
        if self._is_draining or not self._attempts.has_room:
            # Nothing of it has begun, so this costs it as little as can be.
            message = f"worker {self._identity.worker_id} has no room for another attempt"
            self._fail(lease, Failure(code="WORKER_BUSY", message=message, kind="lost"))
        elif isinstance(trial, Failure):
            self._fail(lease, trial)
            self._look_idle()
        else:
            self._attempts.assign(assign, trial)

    def _fail(self, lease: Lease, failure: Failure) -> None:
        self.report(FailedReport(lease=lease, failure=failure))

    def _acknowledged(self, reports: list[Report]) -> None:
        for report in reports:
            if isinstance(report, FinishedReport | FailedReport):
                # Until here it had to be renewed, or its result might have come too late.
                self._heartbeat.drop(report.lease)
            elif isinstance(report, Drained):
                self.end(self._status_when_drained, "drained")
        self._attempts.report_log()

    def _give_up(self, lease: Lease, *, at_once: bool) -> None:
        was_late = self._late.pop(lease, None) is not None
        self._heartbeat.drop(lease)
        self._outbox.discard(lease)
        self._attempts.give_up(lease, at_once=at_once)
        if was_late:
            self._look_idle()

    def _lost(self, lease: Lease) -> None:
        """By our own clock somebody else may soon begin the attempt, so it ends here and now."""
        logger.warning("lease of trial %s, attempt %d was not renewed in time", lease.trial_id, lease.attempt)
        # A stream that lives would have brought an answer.
        self._break_off()
        if lease in self._outbox.ended:
            # Nothing runs that could be doubled, and what came of it may still be in time: its token decides.
            return
        self._give_up(lease, at_once=True)
        # Where the control plane only stood still, it learns from this that the trial may go to anyone.
        message = f"worker {self._identity.worker_id} could not renew attempt {lease.attempt} in time and stopped it"
        hint = "look at the control plane's log; a machine that is short of memory or asleep does this"
        self._fail(lease, Failure(code="LEASE_LOST", message=message, hint=hint, kind="lost"))

    def _drain(self, grace_s: float) -> None:
        """What is given back with `Drained` costs its budget nothing, so it stays ours until that is acknowledged."""
        self._is_draining = True
        self._attempts.retire()
        self._attempts.suspend()
        if self._attempts.is_idle:
            return
        if grace_s > 0:
            self._after(grace_s, self._grace_is_over)
        else:
            self._grace_is_over()

    def _drain_if_spent(self) -> None:
        if self._trials is None or self._assigned < self._trials or self._late or self._is_draining:
            return
        logger.info("has had %d trials, as many as it takes", self._assigned)
        self._is_draining = True
        self._status_when_drained = 0
        self._attempts.retire()

    def _look_idle(self) -> None:
        """After what ended without having been begun, so that no attempt says so."""
        if self._attempts.is_idle:
            self.became_idle()

    def _end_if_idle_later(self) -> None:
        """Of many workers those end that nothing is lent to: only they know that, and when it changes."""
        if self._idle_exit_s is None:
            return
        assigned = self._assigned

        def end_if_idle() -> None:
            if self._assigned == assigned and self._attempts.is_idle and not self._is_draining:
                logger.info("nothing to do for %g s", self._idle_exit_s)
                self.stop(0)

        self._after(self._idle_exit_s, end_if_idle)

    def _grace_is_over(self) -> None:
        for lease in self._attempts.leases:
            self._give_up(lease, at_once=True)
        if self._is_stopping:
            self._end_within(LAST_REPORT_S)

    def _end_within(self, seconds: float) -> None:
        self._after(seconds, lambda: self.end(self._status_when_drained, "told to end"))

    def _after(self, seconds: float, call: Callable[[], None]) -> None:
        self._clock.call_at(self._clock.now_s() + seconds, call)

    def _wake(self) -> None:
        self._something_to_say.set()
