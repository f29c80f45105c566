from __future__ import annotations

import pytest

from dss_worker.messages import TrialResult
from dss_worker.training.measures import measured
from dss_worker.training.memory_watch import MemoryWatch
from dss_worker.training.monitor import Monitor
from dss_worker.training.peak_flops import peak_flops
from dss_worker.training.work import Work
from tests.training.support import CPU, Recorder, never

PLAIN = TrialResult(
    test_accuracy=0.5, selected_step=5, seconds=9.0, seconds_by_phase={"train": 4.0}, examples_per_second=2.0,
    train_rows=3, valid_rows=1, test_rows=1, environment={"device": "cpu"},
)  # fmt: skip


def measured_after(train_seconds: float, work: Work) -> TrialResult:
    readings = [0.0]
    monitor = Monitor(reporter=Recorder(), should_stop=never, now=lambda: readings[0])
    with monitor.phase("train"):
        readings[0] += train_seconds
    with monitor.phase("evaluate"):
        readings[0] += 100.0
    monitor.work = work
    watch = MemoryWatch(CPU)
    return measured(PLAIN, monitor=monitor, memory=watch, predicted_memory_bytes=77, device=CPU, precision="fp32")


def test_rates_are_over_the_seconds_of_training_alone() -> None:
    work = Work(useful_flops=8 * 10**12, padded_flops=10**13, useful_tokens=600, padded_tokens=1_000)
    result = measured_after(4.0, work)
    peak = peak_flops(CPU, "fp32")
    assert (result.useful_tokens_per_second, result.padded_tokens_per_second) == (150.0, 250.0)
    assert result.mfu_useful == pytest.approx(2e12 / peak.per_second)
    assert result.mfu_padded == pytest.approx(2.5e12 / peak.per_second)
    assert (result.peak_flops, result.peak_flops_source) == (peak.per_second, "measured")


def test_the_rest_of_the_result_stays_and_memory_says_where_it_was_read() -> None:
    result = measured_after(4.0, Work())
    assert (result.test_accuracy, result.seconds, result.predicted_memory_bytes) == (0.5, 9.0, 77)
    assert result.peak_memory_bytes > 0
    assert result.environment.keys() == {"device", "memory_source"}


def test_a_training_that_took_no_time_has_no_rates() -> None:
    result = measured_after(0.0, Work(useful_flops=1, padded_flops=1, useful_tokens=1, padded_tokens=1))
    assert (result.useful_tokens_per_second, result.mfu_useful, result.mfu_padded) == (0.0, 0.0, 0.0)
