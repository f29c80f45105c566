"""What a trial tells whoever runs it, and how it is told to stop."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from math import nan
from typing import Protocol

from dss_worker.messages import Evaluation, Phase, TrainingPoint

PROGRESS_INTERVAL_S = 1.0


class TrialCancelled(Exception):
    """Somebody asked the trial to stop; it is no failure."""


class Reporter(Protocol):
    """Where a trial's news goes. Neither method may wait for long: training waits with it."""

    def progress(self, *, step: int, loss: float, examples_per_second: float, phase: Phase) -> None:
        """Where the trial is, at most once a second; the loss is nan before the first was read back."""
        ...

    def metrics(self, *, training: tuple[TrainingPoint, ...], evaluations: tuple[Evaluation, ...]) -> None:
        """What is to be kept; every point comes once."""
        ...


class Monitor:
    """A running trial's times and counts. Training sets `step`, `loss` and `rows`; the monitor shows them."""

    def __init__(self, *, reporter: Reporter, should_stop: Callable[[], bool], now: Callable[[], float]) -> None:
        """`now`: seconds of a clock that never goes back."""
        self._reporter = reporter
        self._should_stop = should_stop
        self._now = now
        self._started = now()
        self._last_progress = -PROGRESS_INTERVAL_S + self._started
        # Optimizer steps done.
        self.step = 0
        # Of the newest step that was read back, in nats.
        self.loss = nan
        # Training rows seen, repetitions counted.
        self.rows = 0
        self.seconds_by_phase: dict[str, float] = dict.fromkeys(("load", "tokenize", "train", "evaluate"), 0.0)

    @property
    def seconds(self) -> float:
        return self._now() - self._started

    @property
    def examples_per_second(self) -> float:
        """Training rows per second of training alone."""
        seconds = self.seconds_by_phase["train"]
        return self.rows / seconds if seconds > 0 else 0.0

    @contextmanager
    def phase(self, phase: Phase) -> Iterator[None]:
        """Counts the time within to the phase; phases follow each other and do not nest."""
        started = self._now()
        try:
            yield
        finally:
            self.seconds_by_phase[phase] += self._now() - started

    def is_progress_due(self) -> bool:
        return self._now() - self._last_progress >= PROGRESS_INTERVAL_S

    def report_progress(self, phase: Phase) -> None:
        self._last_progress = self._now()
        self._reporter.progress(
            step=self.step, loss=self.loss, examples_per_second=self.examples_per_second, phase=phase
        )

    def beat(self, phase: Phase) -> None:
        """To be called often: stops the trial if that was asked for, and reports progress if it is due.

        Raises: TrialCancelled.
        """
        if self._should_stop():
            raise TrialCancelled
        if self.is_progress_due():
            self.report_progress(phase)
