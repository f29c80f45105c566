"""That a whole trial's measures are those of what it did."""

from __future__ import annotations

import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from dss_worker.config import RunOptions, TrialConfig
from dss_worker.messages import TrialResult
from dss_worker.training.flops import StepFlops
from dss_worker.training.monitor import TrialSuspended
from dss_worker.training.runner import TrialRunner
from dss_worker.training.sampler import BatchOrder
from dss_worker.training.warm_cache import WarmCache
from tests.training.support import CPU, Recorder, never, tiny_config, trial, write_dataset


def run(config: TrialConfig, *, runner: TrialRunner | None = None) -> TrialResult:
    runner = TrialRunner(device=CPU) if runner is None else runner
    return runner.run(config, reporter=Recorder(), should_stop=never)


def test_throughput_and_utilisation_are_of_the_rows_that_were_trained(tmp_path: Path) -> None:
    # Rows of different lengths: others need no padding.
    pairs = [(a, b) for a in range(8) for b in range(6)]
    texts = [{"input": f"{a} plus {b}", "label": str(a), "rationale": "and " * (a + b + 1)} for a, b in pairs]
    dataset = write_dataset(tmp_path / "datasets", metric="text", rows=texts)
    config = trial(tmp_path, dataset=dataset, max_steps=5, eval_steps=5)
    result = run(config)
    warm = WarmCache()
    train = warm.encoded_splits(config, warm.tokenizer(config.model)).train
    order = BatchOrder(rows=len(train), batch_rows=8, seed=0)
    rows = np.concatenate([order.batch(step) for step in range(5)])
    tasks = [task for task in (train.predict, train.explain) if task is not None]
    assert len(tasks) == 2
    seconds = result.seconds_by_phase["train"]
    tokens = sum(int(table.lengths[rows].sum()) for task in tasks for table in (task.inputs, task.targets))
    assert result.useful_tokens_per_second * seconds == pytest.approx(tokens)
    flops = StepFlops.of_config(tiny_config())
    total = sum(flops.of_pairs(task.inputs.lengths[rows], task.targets.lengths[rows]) for task in tasks)
    assert result.mfu_useful * seconds * result.peak_flops == pytest.approx(total)
    assert result.mfu_padded > result.mfu_useful
    assert result.padded_tokens_per_second > result.useful_tokens_per_second
    assert result.examples_per_second * seconds == pytest.approx(len(rows))


def test_memory_is_predicted_and_seen(tmp_path: Path) -> None:
    result = run(trial(tmp_path))
    assert 0 < result.predicted_memory_bytes < 2**36
    assert result.peak_memory_bytes > 2**25


def test_a_resumed_trial_counts_the_work_of_both_attempts(tmp_path: Path) -> None:
    config = trial(tmp_path, max_steps=6, eval_steps=6)
    whole = run(config)
    config = replace(config, run=RunOptions(directory=tmp_path / "trial", checkpoint_steps=1))
    answers = iter([False] * 8)
    with pytest.raises(TrialSuspended) as suspended:
        TrialRunner(device=CPU).run(
            config, reporter=Recorder(), should_stop=never, should_suspend=lambda: next(answers, True)
        )
    assert 0 < suspended.value.step < 6
    result = run(config)
    assert result.resumed_step == suspended.value.step

    def work(result: TrialResult) -> list[float]:
        seconds = result.seconds_by_phase["train"]
        rates = (result.useful_tokens_per_second, result.padded_tokens_per_second, result.examples_per_second)
        flops = (result.mfu_useful * result.peak_flops, result.mfu_padded * result.peak_flops)
        return [rate * seconds for rate in (*rates, *flops)]

    assert work(result) == pytest.approx(work(whole))


def test_the_first_trial_of_a_process_has_its_start_and_every_trial_its_waiting(tmp_path: Path) -> None:
    runner = TrialRunner(device=CPU)
    config = trial(tmp_path, max_steps=2, eval_steps=2)
    first, second = (run(config, runner=runner) for _ in range(2))
    assert "import" not in second.seconds_by_phase
    for result in (first, second):
        # Neither is a part of the trial's own time.
        own = {phase: each for phase, each in result.seconds_by_phase.items() if phase not in ("import", "idle")}
        assert result.seconds_by_phase["idle"] > 0
        assert sum(own.values()) <= result.seconds
    if sys.platform.startswith("linux"):
        assert first.seconds_by_phase["import"] > 0
