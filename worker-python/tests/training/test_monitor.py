from __future__ import annotations

import json
from collections.abc import Callable

import pytest

from dss_worker.training.monitor import Monitor, Tally, TrialCancelled, TrialSuspended
from dss_worker.training.work import Work
from tests.training.support import Recorder, never


class Clock:
    """Goes on when it is told to."""

    def __init__(self) -> None:
        self.seconds = 0.0

    def __call__(self) -> float:
        return self.seconds

    def pass_time(self, seconds: float) -> None:
        self.seconds += seconds


def monitor_of(
    clock: Clock,
    *,
    should_stop: Callable[[], bool] = never,
    should_suspend: Callable[[], bool] = never,
    compile_seconds: Callable[[], float] = lambda: 0.0,
) -> Monitor:
    return Monitor(
        reporter=Recorder(),
        should_stop=should_stop,
        should_suspend=should_suspend,
        now=clock,
        compile_seconds=compile_seconds,
    )


def spent(monitor: Monitor) -> dict[str, float]:
    """Phases that took time."""
    return {phase: seconds for phase, seconds in monitor.seconds_by_phase.items() if seconds}


def test_a_second_counts_for_the_innermost_phase_alone() -> None:
    clock = Clock()
    monitor = monitor_of(clock)
    clock.pass_time(1)
    with monitor.phase("train"):
        clock.pass_time(2)
        with monitor.phase("checkpoint"):
            clock.pass_time(4)
        clock.pass_time(8)
    clock.pass_time(16)
    assert spent(monitor) == {"train": 10, "checkpoint": 4}
    assert monitor.seconds == 31


def test_a_phase_that_fails_is_counted_and_over() -> None:
    clock = Clock()
    monitor = monitor_of(clock)

    def fail() -> None:
        with monitor.phase("load"):
            clock.pass_time(2)
            raise ValueError("bad")

    with pytest.raises(ValueError, match="bad"):
        fail()
    clock.pass_time(4)
    assert spent(monitor) == {"load": 2}


def test_compiling_is_taken_out_of_the_phase_that_it_happened_in() -> None:
    clock, compiling = Clock(), Clock()
    monitor = monitor_of(clock, compile_seconds=compiling)
    monitor.rows = 10
    # Outside of every phase: nobody's.
    compiling.pass_time(3)
    clock.pass_time(3)
    with monitor.phase("train"):
        compiling.pass_time(4)
        clock.pass_time(5)
        with monitor.phase("evaluate"):
            compiling.pass_time(1)
            clock.pass_time(1)
    assert spent(monitor) == {"compile": 5, "train": 1}
    assert monitor.examples_per_second == 10


def test_no_phase_gets_less_than_nothing_from_a_compilation_that_another_thread_began_before_it() -> None:
    clock, compiling = Clock(), Clock()
    monitor = monitor_of(clock, compile_seconds=compiling)
    with monitor.phase("train"):
        compiling.pass_time(9)
        clock.pass_time(2)
    assert spent(monitor) == {"compile": 2}


def test_what_the_process_spent_before_is_shown_and_no_part_of_the_trials_seconds() -> None:
    clock = Clock()
    monitor = Monitor(reporter=Recorder(), should_stop=never, now=clock, seconds_before={"import": 5, "idle": 2})
    clock.pass_time(1)
    assert (spent(monitor), monitor.seconds) == ({"import": 5, "idle": 2}, 1)


def test_a_tally_has_the_time_up_to_now_and_survives_being_written_down() -> None:
    clock = Clock()
    monitor = monitor_of(clock)
    monitor.rows, monitor.work = 7, Work(useful_flops=2**80, padded_flops=2**81, useful_tokens=3, padded_tokens=4)
    with monitor.phase("checkpoint"):
        clock.pass_time(2)
        tally = monitor.tally
        clock.pass_time(4)
    assert tally.seconds_by_phase["checkpoint"] == tally.seconds == 2
    assert spent(monitor) == {"checkpoint": 6}
    assert Tally.from_json(json.loads(json.dumps(tally.to_json()))) == tally


def test_an_attempt_goes_on_from_the_tally_of_the_one_before() -> None:
    first, second = Clock(), Clock()
    work = Work(useful_flops=5, padded_flops=6, useful_tokens=3, padded_tokens=4)
    before, after = monitor_of(first), monitor_of(second)
    for clock, monitor in ((first, before), (second, after)):
        with monitor.phase("train"):
            clock.pass_time(4)
        monitor.rows, monitor.work = 8, work
    after.go_on_from(before.tally)
    assert (after.seconds, after.rows, after.work) == (8, 16, work + work)
    assert spent(after) == {"train": 8}
    assert after.examples_per_second == 2


def test_a_tally_of_another_version_is_refused() -> None:
    value = Tally().to_json()
    with pytest.raises(TypeError):
        Tally.from_json({**value, "other": 1})
    with pytest.raises(KeyError):
        Tally.from_json({name: each for name, each in value.items() if name != "work"})


def test_being_cancelled_goes_before_being_suspended() -> None:
    with pytest.raises(TrialSuspended):
        monitor_of(Clock(), should_suspend=lambda: True).beat("train")
    with pytest.raises(TrialCancelled):
        monitor_of(Clock(), should_stop=lambda: True, should_suspend=lambda: True).beat("train")
