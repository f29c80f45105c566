"""The attempts that this worker was lent, and the training child that runs them one at a time.

The child is started ahead, stays between attempts and is replaced when it ends. The next attempt may be lent while one
runs, so that the child gets it in the moment that it is done.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Mapping, Sequence
from math import nan

from dss_worker.agent.attempt import Attempt
from dss_worker.agent.attempts_owner import AttemptsOwner
from dss_worker.agent.child import ChildListener, Output, TrainingChild, start_child
from dss_worker.agent.child_end import ChildEnd
from dss_worker.agent.clock import Clock, Timer
from dss_worker.agent.protocol import (
    Assign,
    CheckpointReport,
    FailedReport,
    FinishedReport,
    Lease,
    LeaseProgress,
    MetricsReport,
)
from dss_worker.agent.storage import Storage
from dss_worker.agent.tasks import start_task
from dss_worker.agent.uploads import Uploads
from dss_worker.agent.watchdog import Watchdog
from dss_worker.config import TrialConfig
from dss_worker.errors import Failure, WorkerError
from dss_worker.messages import (
    Cancelled,
    CancelTrial,
    Checkpointed,
    Failed,
    Finished,
    FromChild,
    Metrics,
    Progress,
    Ready,
    RunTrial,
    Suspended,
    SuspendTrial,
    TrialResult,
)

# Attempts that run at once, and those that may wait for one of them to end.
SLOTS = 1
PREFETCH = 1
# How long a trial may take to notice that it was cancelled: a step of a large model, an evaluation's batch.
STOP_WITHIN_S = 10.0
# Imports from a cold network file system take minutes; those that take longer hang.
READY_WITHIN_S = 600.0
# A trial says where it is every second; what keeps it busy for longer (a large model's load, a compilation) does not
# take so long.
HUNG_AFTER_S = 30 * 60.0
# A child that ends again and again without having run anything will go on so.
IDLE_ENDS_ALLOWED = 3


class Attempts:
    def __init__(
        self,
        owner: AttemptsOwner,
        *,
        clock: Clock,
        child_command: Sequence[str],
        environment: Mapping[str, str],
        storage: Storage | None = None,
    ) -> None:
        """`storage`: None: what trials read and write lies where the control plane says."""
        self._owner = owner
        self._storage = storage
        self._uploads = None if storage is None else Uploads(storage, report=owner.report, on_change=self._look_idle)
        self._clock = clock
        self._child_command = child_command
        self._environment = environment
        self._child: TrainingChild | None = None
        self._is_ready = False
        # It said so; what waits is for its successor.
        self._is_leaving = False
        self._is_retired = False
        self._runs = 0
        self._idle_ends = 0
        # The child gets them in this order, each when it is ready for it.
        self._waiting: deque[Attempt] = deque()
        # What the child has; it may be given up already.
        self._running: Attempt | None = None
        # Whose the child's output is; outlives the attempt, for its last lines.
        self._logged: Attempt | None = None
        # Kills a child that does not get ready, or does not stop.
        self._deadline: Timer | None = None
        self._watchdog = Watchdog(clock, patience_s=HUNG_AFTER_S, on_silence=self._hung)
        self._restart: asyncio.Task[None] | None = None

    @property
    def is_idle(self) -> bool:
        return not self._waiting and self._running is None and not self._uploading

    @property
    def _uploading(self) -> tuple[Lease, ...]:
        return () if self._uploads is None else self._uploads.leases

    @property
    def leases(self) -> tuple[Lease, ...]:
        """Of what runs or waits, given up or not."""
        running = () if self._running is None else (self._running,)
        leases = (*(attempt.lease for attempt in (*running, *self._waiting)), *self._uploading)
        return tuple(dict.fromkeys(leases))

    @property
    def has_room(self) -> bool:
        running = 0 if self._running is None or self._running.is_given_up else 1
        return running + len(self._waiting) < SLOTS + PREFETCH

    async def start(self) -> None:
        """Raises: OSError when there is no such program."""
        listener = ChildListener(on_message=self._hear, on_line=self._hear_line, on_end=self._ended)
        self._child = await start_child(
            self._child_command, environment=self._environment, clock=self._clock, listener=listener
        )
        self._set_deadline(READY_WITHIN_S)

    def assign(self, assign: Assign, config: TrialConfig) -> None:
        self._runs += 1
        attempt = Attempt(lease=assign.lease, config=config, run=self._runs, gang=assign.gang)
        self._waiting.append(attempt)
        if self._storage is None or self._storage.is_shared:
            attempt.is_prepared = True
            self._begin()
            return
        if self._running is None:
            loading = LeaseProgress(lease=attempt.lease, step=0, loss=nan, examples_per_second=0.0, phase="load")
            self._owner.news(loading)
        attempt.let_go = start_task(self._prepare(self._storage, assign, attempt)).cancel

    async def _prepare(self, storage: Storage, assign: Assign, attempt: Attempt) -> None:
        """What is to come next is fetched while something else runs."""
        try:
            prepared = await storage.prepare(assign, attempt.config)
        except WorkerError as error:
            self._waiting = deque(each for each in self._waiting if each is not attempt)
            if self._owner.is_held(attempt.lease):
                self._owner.report(FailedReport(lease=attempt.lease, failure=error.to_failure()))
            self._look_idle()
            return
        attempt.config, attempt.let_go, attempt.is_prepared = prepared.config, prepared.let_go, True
        self._begin()

    def give_up(self, lease: Lease, *, at_once: bool) -> None:
        """Nobody wants it any more. `at_once`: it must not live on for a moment."""
        if self._uploads is not None:
            self._uploads.forget(lease)
        running = self._running
        if running is not None and running.lease == lease and self._child is not None:
            if at_once:
                self._child.kill()
            elif not running.is_given_up:
                self._child.send(CancelTrial(run=running.run))
                self._set_deadline(STOP_WITHIN_S)
            running.is_given_up = True
        elif any(attempt.lease == lease for attempt in self._waiting):
            for attempt in self._waiting:
                if attempt.lease == lease:
                    attempt.let_go()
            self._waiting = deque(attempt for attempt in self._waiting if attempt.lease != lease)
            self._look_idle()

    def suspend(self) -> None:
        """Has what runs leave with a checkpoint; what has not begun leaves as it is. Both are to be given back."""
        for waiting in self._waiting:
            waiting.let_go()
        self._waiting.clear()
        running = self._running
        if running is None:
            self._look_idle()
        elif not running.is_given_up and not running.is_suspended and self._child is not None:
            running.is_suspended = True
            self._child.send(SuspendTrial(run=running.run))

    def retire(self) -> None:
        """Starts no child any more."""
        self._is_retired = True

    async def close(self) -> None:
        self.retire()
        if self._restart is not None:
            await asyncio.wait({self._restart})
        if self._child is not None:
            await self._child.close()
        if self._uploads is not None:
            await self._uploads.close()

    def report_log(self) -> None:
        """What has come meanwhile, when the lines before it have arrived."""
        logged = self._logged
        if logged is not None and logged.log and self._owner.may_report_log(logged.lease):
            self._owner.report(logged.take_log())

    def _begin(self) -> None:
        if self._child is None or not self._is_ready or self._is_leaving:
            return
        if self._running is not None or not self._waiting or not self._waiting[0].is_prepared:
            return
        self._report_rest_of_log()
        attempt = self._waiting.popleft()
        self._running = self._logged = attempt
        self._child.begins_trial()
        self._child.send(RunTrial(run=attempt.run, config=attempt.config, gang=attempt.gang))
        self._watchdog.start()

    async def _hear(self, message: FromChild) -> None:
        if isinstance(message, Ready):
            self._is_ready = True
            self._cancel_deadline()
            self._begin()
            return
        attempt = self._running
        if attempt is None or message.run != attempt.run:
            return
        if isinstance(message, Metrics):
            await self._owner.room()
        self._watchdog.heard()
        # In this order: what is not held any more is given up by being asked about.
        if self._owner.is_held(attempt.lease) and not attempt.is_given_up:
            self._forward(attempt, message)
        if isinstance(message, Finished | Failed | Cancelled | Suspended):
            self._idle_ends = 0
            self._is_leaving = isinstance(message, Failed) and message.is_leaving
            self._over()
            if self._is_leaving:
                self._set_deadline(STOP_WITHIN_S)
            self._begin()

    def _forward(
        self,
        attempt: Attempt,
        message: Progress | Metrics | Checkpointed | Finished | Failed | Cancelled | Suspended,
    ) -> None:
        lease = attempt.lease
        match message:
            case Progress(step=step, loss=loss, examples_per_second=speed, phase=phase):
                news = LeaseProgress(lease=lease, step=step, loss=loss, examples_per_second=speed, phase=phase)
                self._owner.news(news)
            case Metrics(training=training, evaluations=evaluations):
                self._owner.report(MetricsReport(lease=lease, training=training, evaluations=evaluations))
            case Checkpointed(step=step, name=name):
                self._checkpointed(attempt, step, name)
            case Finished(result=result):
                self._report_rest_of_log()
                self._finished(attempt, result)
            case Failed(failure=failure):
                self._report_rest_of_log()
                self._owner.report(FailedReport(lease=lease, failure=failure))
            case Suspended(step=step) if attempt.is_suspended:
                attempt.note("dss", f"left after step {step}; another attempt goes on from there")
                self._report_rest_of_log()
            case Suspended() | Cancelled():
                failure = Failure(
                    code="INTERNAL", message="training stopped without being asked to", kind="infrastructure"
                )
                self._owner.report(FailedReport(lease=lease, failure=failure))

    def _checkpointed(self, attempt: Attempt, step: int, name: str) -> None:
        folder = attempt.config.run.directory
        if self._uploads is None or folder is None or not self._is_elsewhere(attempt):
            self._owner.report(CheckpointReport(lease=attempt.lease, step=step, path=name))
        else:
            self._uploads.checkpoint(attempt.lease, step, folder / "checkpoints" / name)

    def _finished(self, attempt: Attempt, result: TrialResult) -> None:
        run = attempt.config.run
        if self._uploads is None or run.directory is None or not self._is_elsewhere(attempt):
            self._owner.report(FinishedReport(lease=attempt.lease, result=result))
        else:
            self._uploads.finish(attempt.lease, result, run.directory, after_checkpoints=run.keep_checkpoints)

    def _is_elsewhere(self, attempt: Attempt) -> bool:
        """It writes where the control plane cannot read."""
        return self._storage is not None and self._storage.is_own(attempt.config.run.directory)

    def _hear_line(self, output: Output, line: str) -> None:
        if self._logged is None:
            self._owner.log_elsewhere(line)
        elif not self._logged.is_given_up:
            self._logged.note(output, line)
            self.report_log()

    def _ended(self, end: ChildEnd) -> None:
        was_ready = self._is_ready
        self._child = None
        self._is_ready = self._is_leaving = False
        attempt = self._running
        if attempt is not None:
            self._idle_ends = 0
            if self._owner.is_held(attempt.lease) and not attempt.is_given_up:
                failure = end.failure()
                attempt.note("dss", failure.message)
                self._report_rest_of_log()
                # Whoever told us to end may have told the child too: it is given back like what left by itself.
                if not (attempt.is_suspended and failure.kind == "lost"):
                    self._owner.report(FailedReport(lease=attempt.lease, failure=failure))
            self._over()
        elif not self._is_retired:
            self._idle_ends += 1
            if not was_ready or self._idle_ends > IDLE_ENDS_ALLOWED:
                self._owner.cannot_go_on(f"{end.failure().message}\n{end.stderr}".rstrip())
                return
        self._logged = None
        if not self._is_retired:
            self._restart = start_task(self.start())

    def _hung(self) -> None:
        if self._child is not None:
            self._child.abort(silent_s=HUNG_AFTER_S)
            self._set_deadline(STOP_WITHIN_S)

    def _over(self) -> None:
        if self._running is not None:
            self._running.let_go()
        self._running = None
        self._watchdog.stop()
        self._cancel_deadline()
        self._look_idle()

    def _look_idle(self) -> None:
        if self.is_idle:
            self._owner.became_idle()

    def _report_rest_of_log(self) -> None:
        """At most a buffer of it, since an attempt ends once."""
        logged = self._logged
        if logged is not None and logged.log and not logged.is_given_up:
            self._owner.report(logged.take_log())

    def _set_deadline(self, seconds: float) -> None:
        self._cancel_deadline()
        child = self._child
        if child is not None:
            self._deadline = self._clock.call_at(self._clock.now_s() + seconds, child.kill)

    def _cancel_deadline(self) -> None:
        if self._deadline is not None:
            self._deadline.cancel()
        self._deadline = None
