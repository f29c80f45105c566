"""What a trial tells whoever runs it, and how it is told to stop."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from math import nan
from typing import Any, Protocol

from dss_worker.messages import Evaluation, Phase, TrainingPoint
from dss_worker.training.work import Work

PROGRESS_INTERVAL_S = 1.0


class TrialCancelled(Exception):
    """Somebody asked the trial to stop; it is no failure."""


class TrialSuspended(Exception):
    """Somebody asked the trial to go on elsewhere, later."""

    def __init__(self, step: int = 0) -> None:
        """`step`: where it will go on, since a checkpoint says so; 0: at the beginning."""
        super().__init__(step)
        self.step = step


class Reporter(Protocol):
    """Where a trial's news goes. No method may wait for long: training waits with it."""

    def progress(self, *, step: int, loss: float, examples_per_second: float, phase: Phase) -> None:
        """Where the trial is, at most once a second; the loss is nan before the first was read back."""
        ...

    def metrics(self, *, training: tuple[TrainingPoint, ...], evaluations: tuple[Evaluation, ...]) -> None:
        """What is to be kept; every point comes once."""
        ...

    def checkpointed(self, *, step: int, name: str) -> None:
        """A checkpoint is whole, in the folder of that name."""
        ...


class SilentReporter:
    """Of a process that somebody else speaks for."""

    def progress(self, *, step: int, loss: float, examples_per_second: float, phase: Phase) -> None:
        pass

    def metrics(self, *, training: tuple[TrainingPoint, ...], evaluations: tuple[Evaluation, ...]) -> None:
        pass

    def checkpointed(self, *, step: int, name: str) -> None:
        pass


def _no_phases() -> dict[str, float]:
    return dict.fromkeys(("load", "tokenize", "train", "evaluate"), 0.0)


@dataclass(frozen=True, slots=True, kw_only=True)
class Tally:
    """What is added up over a trial; a checkpoint carries it into the attempt that goes on from there."""

    seconds: float = 0.0
    seconds_by_phase: Mapping[str, float] = field(default_factory=_no_phases)
    # Training rows seen, repetitions counted.
    rows: int = 0
    work: Work = field(default_factory=Work)

    def to_json(self) -> dict[str, Any]:
        return asdict(self)

    @classmethod
    def from_json(cls, value: Mapping[str, Any]) -> Tally:
        """Raises: TypeError or KeyError for another version's."""
        return cls(**{**value, "work": Work(**value["work"])})


class Monitor:
    """A running trial's times and counts. Training sets `step`, `loss`, `rows` and `work`; the monitor shows them."""

    def __init__(
        self,
        *,
        reporter: Reporter,
        should_stop: Callable[[], bool],
        should_suspend: Callable[[], bool] = lambda: False,
        now: Callable[[], float],
        seconds_before: Mapping[Phase, float] | None = None,
        compile_seconds: Callable[[], float] = lambda: 0.0,
    ) -> None:
        """
        Args:
            now: seconds of a clock that never goes back.
            seconds_before: by phase, of the process before this trial; no part of the trial's own seconds.
            compile_seconds: what torch has spent on compiling, so far.
        """
        self._reporter = reporter
        self._should_stop = should_stop
        self._should_suspend = should_suspend
        self._now = now
        self._compile_seconds = compile_seconds
        # Of the attempts before this one.
        self._earlier_seconds = 0.0
        self._started = now()
        self._last_progress = -PROGRESS_INTERVAL_S + self._started
        # Optimizer steps done.
        self.step = 0
        # Of the newest step that was read back, in nats.
        self.loss = nan
        # Training rows seen, repetitions counted.
        self.rows = 0
        self.work = Work()
        self._seconds_by_phase = _no_phases()
        for phase, seconds in (seconds_before or {}).items():
            self._add_seconds(phase, seconds)
        # Phases within phases, the innermost last; what time and what compiling has been counted.
        self._open: list[Phase] = []
        self._counted_until = self._started
        self._counted_compiling = compile_seconds()

    @property
    def seconds(self) -> float:
        return self._earlier_seconds + self._now() - self._started

    @property
    def seconds_by_phase(self) -> dict[str, float]:
        """Each second in one phase only; what no phase has is missing to `seconds`."""
        return dict(self._seconds_by_phase)

    @property
    def tally(self) -> Tally:
        self._count_time()
        return Tally(seconds=self.seconds, seconds_by_phase=self.seconds_by_phase, rows=self.rows, work=self.work)

    def go_on_from(self, tally: Tally) -> None:
        """Adds what an earlier attempt had come to when it wrote its checkpoint."""
        self._earlier_seconds += tally.seconds
        self.rows += tally.rows
        self.work += tally.work
        for phase, seconds in tally.seconds_by_phase.items():
            self._add_seconds(phase, seconds)

    @property
    def examples_per_second(self) -> float:
        """Training rows per second of training alone."""
        seconds = self._seconds_by_phase["train"]
        return self.rows / seconds if seconds > 0 else 0.0

    @contextmanager
    def phase(self, phase: Phase) -> Iterator[None]:
        """Counts the time within to the phase, except for what phases within it and compiling take."""
        self._count_time()
        self._open.append(phase)
        try:
            yield
        finally:
            self._count_time()
            self._open.pop()

    def _count_time(self) -> None:
        """Since it was last called, to the phase that has been open since."""
        now, compiling = self._now(), self._compile_seconds()
        elapsed, compiled = now - self._counted_until, compiling - self._counted_compiling
        self._counted_until, self._counted_compiling = now, compiling
        if not self._open:
            return
        # A compilation that began in one phase and ended in another would be longer than the second.
        compiled = min(compiled, elapsed)
        if compiled > 0:
            self._add_seconds("compile", compiled)
        self._add_seconds(self._open[-1], elapsed - compiled)

    def _add_seconds(self, phase: str, seconds: float) -> None:
        self._seconds_by_phase[phase] = self._seconds_by_phase.get(phase, 0.0) + seconds

    def is_progress_due(self) -> bool:
        return self._now() - self._last_progress >= PROGRESS_INTERVAL_S

    def report_progress(self, phase: Phase) -> None:
        self._last_progress = self._now()
        self._reporter.progress(
            step=self.step, loss=self.loss, examples_per_second=self.examples_per_second, phase=phase
        )

    def beat(self, phase: Phase) -> None:
        """To be called often: stops the trial if that was asked for, and reports progress if it is due.

        Raises: TrialCancelled, TrialSuspended.
        """
        if self._should_stop():
            raise TrialCancelled
        if self._should_suspend():
            raise TrialSuspended
        if self.is_progress_due():
            self.report_progress(phase)
