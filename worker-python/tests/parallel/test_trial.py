"""Whole trials by several processes: as one process has them, through checkpoints that another number goes on from."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from safetensors.torch import load_file
from torch.distributed.device_mesh import init_device_mesh

from dss_worker.config import RunOptions, TrialConfig
from dss_worker.messages import TrialResult
from dss_worker.parallel.ranks import Ranks
from dss_worker.parallel.together import Together
from dss_worker.training.monitor import TrialSuspended
from dss_worker.training.packed_t5 import Engine
from dss_worker.training.processes import ALONE, Processes, agreed_plan
from dss_worker.training.trial import run_trial
from dss_worker.training.warm_cache import WarmCache
from tests.parallel.spawn import on_ranks
from tests.training.support import CPU, Recorder, micro_batches, never, trial

STEPS = 9


def config_of(folder: Path, **changes: Any) -> TrialConfig:  # noqa: ANN401
    config = trial(folder, max_steps=STEPS, eval_steps=3, batch_size=7, lr=1e-2, model_type="task_prefix", **changes)
    run = RunOptions(directory=folder / "trial", checkpoint_steps=1, keep="best", keep_checkpoints=True)
    return replace(config, run=run)


def run(
    config: TrialConfig, processes: Processes = ALONE, *, leaves: Callable[[], bool] = never
) -> tuple[TrialResult | int, Recorder]:
    """The result, or the step that the trial can go on from."""
    recorder = Recorder()
    try:
        result = run_trial(
            config,
            warm=WarmCache(),
            reporter=recorder,
            should_stop=never,
            should_suspend=leaves,
            device=CPU,
            processes=processes,
        )
    except TrialSuspended as suspended:
        return suspended.step, recorder
    return result, recorder


def after(steps: int) -> Callable[[], bool]:
    """Asked before every step: True before the one after so many."""
    asked = 0

    def ask() -> bool:
        nonlocal asked
        asked += 1
        return asked > steps

    return ask


def run_a_share(ranks: Ranks, *, config: TrialConfig, steps: int | None) -> tuple[Any, Any]:
    processes = Together(init_device_mesh("cpu", (ranks.size,)))
    # Only the first is asked: the others go with it.
    leaves = never if steps is None or ranks.rank > 0 else after(steps)
    outcome, recorder = run(config, processes, leaves=leaves)
    return outcome, (recorder.training, recorder.evaluations)


def test_two_ranks_have_the_trial_that_one_process_has(tmp_path: Path) -> None:
    torch.set_num_threads(1)
    expected, recorded = run(config_of(tmp_path / "alone"))
    assert isinstance(expected, TrialResult)
    for result, (training, evaluations) in on_ranks(2, run_a_share, config=config_of(tmp_path / "two"), steps=None):
        assert (result.test_accuracy, result.selected_step) == (expected.test_accuracy, expected.selected_step)
        assert [each.loss for each in training] == pytest.approx([each.loss for each in recorded.training], rel=1e-4)
        assert [each.correct for each in evaluations] == [each.correct for each in recorded.evaluations]
    kept = [load_file(tmp_path / name / "trial" / "model" / "model.safetensors") for name in ("alone", "two")]
    assert kept[0].keys() == kept[1].keys()
    for name, weight in kept[0].items():
        np.testing.assert_allclose(kept[1][name], weight, atol=2e-3, err_msg=name)


def test_a_trial_goes_on_with_another_number_of_ranks(tmp_path: Path) -> None:
    torch.set_num_threads(1)
    expected, recorded = run(config_of(tmp_path / "alone"))
    assert isinstance(expected, TrialResult)
    config = config_of(tmp_path / "moved")
    assert [outcome for outcome, _ in on_ranks(4, run_a_share, config=config, steps=2)] == [2] * 4
    assert [outcome for outcome, _ in on_ranks(2, run_a_share, config=config, steps=2)] == [4] * 2
    # Alone it is asked before steps, and in evaluations.
    step, _ = run(config, leaves=after(12))
    assert isinstance(step, int)
    assert step > 4
    for result, (training, evaluations) in on_ranks(3, run_a_share, config=config, steps=None):
        assert result.resumed_step == step
        assert (result.test_accuracy, result.selected_step) == (expected.test_accuracy, expected.selected_step)
        assert [each.loss for each in training] == pytest.approx([each.loss for each in recorded.training], rel=1e-4)
        assert [each.correct for each in evaluations] == [each.correct for each in recorded.evaluations]


def test_a_part_that_is_damaged_has_all_ranks_pass_its_checkpoint_over(tmp_path: Path) -> None:
    config = config_of(tmp_path)
    on_ranks(2, run_a_share, config=config, steps=3)
    assert config.run.directory is not None
    newest = config.run.directory / "checkpoints" / "step-00000003"
    part = newest / "tensors-00001-of-00002.safetensors"
    content = bytearray(part.read_bytes())
    content[-1] ^= 1
    part.write_bytes(content)
    for result, _ in on_ranks(2, run_a_share, config=config, steps=None):
        assert result.resumed_step == 2


def test_draws_of_dropout_are_another_rank_s_own(tmp_path: Path) -> None:
    """And the same again for the same number of ranks, also through a checkpoint."""
    once, again = (
        on_ranks(2, run_a_share, config=config_of(tmp_path / name, dropout=0.3), steps=None) for name in ("a", "b")
    )
    moved = config_of(tmp_path / "moved", dropout=0.3)
    on_ranks(2, run_a_share, config=moved, steps=5)
    resumed = on_ranks(2, run_a_share, config=moved, steps=None)
    losses = [[each.loss for each in training] for (_, (training, _)) in (once[0], again[0], resumed[0])]
    assert losses[0] == losses[1] == losses[2]
    _, recorded = run(config_of(tmp_path / "alone", dropout=0.3))
    assert losses[0] != [each.loss for each in recorded.training]


def run_apart(ranks: Ranks, *, config: TrialConfig) -> Any:  # noqa: ANN401
    assert config.run.directory is not None
    own = replace(config, run=replace(config.run, directory=config.run.directory / str(ranks.rank)))
    outcome, _ = run(own, Together(init_device_mesh("cpu", (ranks.size,))))
    return outcome


def test_ranks_without_a_common_folder_train_without_checkpoints(tmp_path: Path) -> None:
    expected, _ = run(config_of(tmp_path / "alone"))
    assert isinstance(expected, TrialResult)
    config = config_of(tmp_path / "apart")
    for result in on_ranks(2, run_apart, config=config):
        assert (result.test_accuracy, result.selected_step) == (expected.test_accuracy, expected.selected_step)
    assert config.run.directory is not None
    left = [path for rank in ("0", "1") for path in (config.run.directory / rank).glob("checkpoints/*")]
    assert left == []


def agree(ranks: Ranks) -> Any:  # noqa: ANN401
    plan = micro_batches(8, pass_tokens=100 - 5 * ranks.rank, engine=Engine(with_checkpoints=ranks.rank == 1))
    return agreed_plan(plan, Together(init_device_mesh("cpu", (ranks.size,))))


def test_ranks_that_plan_otherwise_agree_on_what_all_can_bear() -> None:
    expected = micro_batches(8, pass_tokens=90, engine=Engine(with_checkpoints=True))
    assert on_ranks(3, agree) == [expected] * 3


def useful_tokens(config: TrialConfig, step: int) -> int:
    assert config.run.directory is not None
    state = json.loads((config.run.directory / "checkpoints" / f"step-{step:08d}" / "state.json").read_text())
    tokens: int = state["tally"]["work"]["useful_tokens"]
    return tokens


def test_work_is_counted_once_whoever_does_it(tmp_path: Path) -> None:
    alone, shared = config_of(tmp_path / "alone"), config_of(tmp_path / "shared")
    run(alone)
    on_ranks(2, run_a_share, config=shared, steps=5)
    assert useful_tokens(shared, 5) > 0
    on_ranks(3, run_a_share, config=shared, steps=None)
    assert useful_tokens(shared, STEPS) == useful_tokens(alone, STEPS)
