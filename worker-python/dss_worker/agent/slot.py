"""A training child and the attempt that it runs.

The child is started ahead, stays between attempts and is replaced when it ends.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence

from dss_worker.agent.attempt import Attempt
from dss_worker.agent.attempts_owner import AttemptsOwner
from dss_worker.agent.child import ChildListener, Output, TrainingChild, start_child
from dss_worker.agent.child_end import ChildEnd
from dss_worker.agent.clock import Clock, Timer
from dss_worker.agent.protocol import CheckpointReport, FailedReport, FinishedReport, LeaseProgress, MetricsReport
from dss_worker.agent.tasks import start_task
from dss_worker.agent.uploads import Uploads
from dss_worker.agent.watchdog import Watchdog
from dss_worker.config import TrialConfig
from dss_worker.errors import Failure
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
)

# How long a trial may take to notice that it was cancelled: a step of a large model, an evaluation's batch.
STOP_WITHIN_S = 10.0
# Imports from a cold network file system take minutes; those that take longer hang.
READY_WITHIN_S = 600.0
# A trial says where it is every second; what keeps it busy for longer (a large model's load, a compilation) does not
# take so long.
HUNG_AFTER_S = 30 * 60.0
# A child that ends again and again without having run anything will go on so.
IDLE_ENDS_ALLOWED = 3


class Slot:
    """Its child gets ready → it is free → it runs an attempt → it is free, or its child is replaced."""

    def __init__(
        self,
        owner: AttemptsOwner,
        *,
        clock: Clock,
        child_command: Sequence[str],
        environment: Mapping[str, str],
        uploads: Uploads | None,
        on_free: Callable[[], None],
    ) -> None:
        """`uploads`: of what is written where the control plane cannot read. `on_free`: it may be given an attempt, or
        has none any more."""
        self._owner = owner
        self._clock = clock
        self._child_command = child_command
        self._environment = environment
        self._uploads = uploads
        self._on_free = on_free
        self._child: TrainingChild | None = None
        self._is_ready = False
        # It said so; what waits is for its successor.
        self._is_leaving = False
        self._is_retired = False
        self._idle_ends = 0
        # What the child has; it may be given up already.
        self._running: Attempt | None = None
        # Whose the child's output is; outlives the attempt, for its last lines.
        self._logged: Attempt | None = None
        # What the child ran last, whose model and dataset it has at hand.
        self._last: TrialConfig | None = None
        # Kills a child that does not get ready, or does not stop.
        self._deadline: Timer | None = None
        self._watchdog = Watchdog(clock, patience_s=HUNG_AFTER_S, on_silence=self._hung)
        self._restart: asyncio.Task[None] | None = None

    @property
    def running(self) -> Attempt | None:
        return self._running

    @property
    def is_free(self) -> bool:
        return self.is_warm and self._running is None

    @property
    def is_warm(self) -> bool:
        """Its child is up: what comes next need not wait for imports."""
        return self._child is not None and self._is_ready and not self._is_leaving

    def has_at_hand(self, config: TrialConfig) -> bool:
        last = self._last
        return last is not None and (last.model, last.dataset) == (config.model, config.dataset)

    async def start(self) -> None:
        """Raises: OSError when there is no such program."""
        listener = ChildListener(on_message=self._hear, on_line=self._hear_line, on_end=self._ended)
        self._child = await start_child(
            self._child_command, environment=self._environment, clock=self._clock, listener=listener
        )
        self._set_deadline(READY_WITHIN_S)

    def begin(self, attempt: Attempt) -> None:
        """Only while it is free."""
        if self._child is None:
            return
        self._report_rest_of_log()
        self._running = self._logged = attempt
        self._last = attempt.config
        self._child.begins_trial()
        self._child.send(RunTrial(run=attempt.run, config=attempt.config, gang=attempt.gang))
        self._watchdog.start()

    def give_up(self, *, at_once: bool) -> None:
        """Nobody wants what runs any more. `at_once`: it must not live on for a moment."""
        if self._running is None or self._child is None:
            return
        if at_once:
            self._child.kill()
        elif not self._running.is_given_up:
            self._child.send(CancelTrial(run=self._running.run))
            self._set_deadline(STOP_WITHIN_S)
        self._running.is_given_up = True

    def suspend(self) -> None:
        """Has what runs leave with a checkpoint."""
        running = self._running
        if running is None or running.is_given_up or running.is_suspended or self._child is None:
            return
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

    def report_log(self) -> None:
        """What has come meanwhile, when the lines before it have arrived."""
        logged = self._logged
        if logged is not None and logged.log and self._owner.may_report_log(logged.lease):
            self._owner.report(logged.take_log())

    async def _hear(self, message: FromChild) -> None:
        if isinstance(message, Ready):
            self._is_ready = True
            self._cancel_deadline()
            self._on_free()
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
            self._on_free()

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
            case Finished():
                self._report_rest_of_log()
                self._finished(attempt, message)
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
        if self._uploads is None or folder is None or not self._uploads.takes(folder):
            self._owner.report(CheckpointReport(lease=attempt.lease, step=step, path=name))
        else:
            self._uploads.checkpoint(attempt.lease, step, folder / "checkpoints" / name)

    def _finished(self, attempt: Attempt, message: Finished) -> None:
        run = attempt.config.run
        if self._uploads is None or run.directory is None or not self._uploads.takes(run.directory):
            self._owner.report(FinishedReport(lease=attempt.lease, result=message.result))
        else:
            self._uploads.finish(attempt.lease, message.result, run.directory, after_checkpoints=run.keep_checkpoints)

    def _hear_line(self, output: Output, line: str) -> None:
        if self._logged is None:
            self._owner.log_elsewhere(line)
        elif not self._logged.is_given_up:
            self._logged.note(output, line)
            self.report_log()

    def _ended(self, end: ChildEnd) -> None:
        was_ready = self._is_ready
        self._child = self._last = None
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
        self._on_free()

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
