"""Whole trials by several processes: as one process has them, through checkpoints that another number goes on from."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from safetensors.torch import load_file

from dss_worker.config import RunOptions, TrialConfig
from dss_worker.messages import TrialResult
from dss_worker.parallel.ranks import Ranks
from dss_worker.parallel.together import Together
from dss_worker.training import warm_cache
from dss_worker.training.micro_batches import MicroBatchPlan, plan_micro_batches
from dss_worker.training.monitor import TrialSuspended
from dss_worker.training.packed_t5 import Engine
from dss_worker.training.processes import ALONE, Processes, agreed_plan
from dss_worker.training.trial import run_trial
from dss_worker.training.warm_cache import WarmCache
from tests.parallel.spawn import mesh_of, on_ranks
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


def run_a_share(
    ranks: Ranks, *, config: TrialConfig, steps: int | None, tensor: int = 1, shard: int | None = None
) -> tuple[Any, Any]:
    processes = Together(mesh_of(ranks, tensor=tensor, shard=shard))
    # Only the first is asked: the others go with it.
    leaves = never if steps is None or ranks.rank > 0 else after(steps)
    outcome, recorder = run(config, processes, leaves=leaves)
    return outcome, (recorder.training, recorder.evaluations)


@pytest.mark.parametrize("tensor", [1, 2])
def test_two_ranks_have_the_trial_that_one_process_has(tensor: int, tmp_path: Path) -> None:
    torch.set_num_threads(1)
    expected, recorded = run(config_of(tmp_path / "alone"))
    assert isinstance(expected, TrialResult)
    config = config_of(tmp_path / "two")
    for result, (training, evaluations) in on_ranks(2, run_a_share, config=config, steps=None, tensor=tensor):
        assert (result.test_accuracy, result.selected_step) == (expected.test_accuracy, expected.selected_step)
        assert [each.loss for each in training] == pytest.approx([each.loss for each in recorded.training], rel=1e-4)
        assert [each.correct for each in evaluations] == [each.correct for each in recorded.evaluations]
    kept = [load_file(tmp_path / name / "trial" / "model" / "model.safetensors") for name in ("alone", "two")]
    assert kept[0].keys() == kept[1].keys()
    for name, weight in kept[0].items():
        np.testing.assert_allclose(kept[1][name], weight, atol=2e-3, err_msg=name)


def test_ranks_run_passes_as_ranks_do_whatever_wrote_the_checkpoint(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    torch.set_num_threads(1)
    _, recorded = run(config_of(tmp_path / "alone"))
    config = config_of(tmp_path / "moved")

    def as_on_a_gpu(*args: Any, **named: Any) -> MicroBatchPlan:  # noqa: ANN401
        plan = plan_micro_batches(*args, **named)
        return replace(plan, engine=replace(plan.engine, is_joined=True))

    with monkeypatch.context() as patched:
        patched.setattr(warm_cache, "plan_micro_batches", as_on_a_gpu)
        step, _ = run(config, leaves=after(12))
    assert isinstance(step, int)
    for result, (training, _) in on_ranks(2, run_a_share, config=config, steps=None, tensor=2):
        assert (result.resumed_step > 0, "joined" in result.environment["plan"]) == (True, False)
        assert [each.loss for each in training] == pytest.approx([each.loss for each in recorded.training], rel=1e-4)


# Of four ranks, then of some; (shard, tensor).
@pytest.mark.parametrize(
    ("some", "four", "then", "optimizer"),
    [
        (2, (4, 1), (2, 1), "adamw"),
        (2, (2, 2), (1, 2), "adamw"),
        (2, (1, 4), (1, 1), "adamw"),
        (4, (1, 4), (2, 2), "adamw"),
        (2, (2, 2), (2, 1), "adafactor"),
    ],
)
def test_a_trial_goes_on_with_another_number_of_ranks_or_another_layout(
    some: int, four: tuple[int, int], then: tuple[int, int], optimizer: str, tmp_path: Path
) -> None:
    torch.set_num_threads(1)
    expected, recorded = run(config_of(tmp_path / "alone", optimizer=optimizer))
    assert isinstance(expected, TrialResult)
    config = config_of(tmp_path / "moved", optimizer=optimizer)
    layouts = [{"shard": shard, "tensor": tensor} for shard, tensor in (four, then)]
    assert [outcome for outcome, _ in on_ranks(4, run_a_share, config=config, steps=2, **layouts[0])] == [2] * 4
    assert [outcome for outcome, _ in on_ranks(some, run_a_share, config=config, steps=2, **layouts[1])] == [4] * some
    # Alone it is asked before steps, and in evaluations.
    step, _ = run(config, leaves=after(12))
    assert isinstance(step, int)
    assert step > 4
    for result, (training, evaluations) in on_ranks(3, run_a_share, config=config, steps=None):
        assert result.resumed_step == step
        assert (result.test_accuracy, result.selected_step) == (expected.test_accuracy, expected.selected_step)
        assert [each.loss for each in training] == pytest.approx([each.loss for each in recorded.training], rel=1e-4)
        assert [each.correct for each in evaluations] == [each.correct for each in recorded.evaluations]


@pytest.mark.parametrize("init", ["pretrained", "random"])
def test_an_adapter_is_trained_by_ranks_as_by_one_process(init: str, tmp_path: Path) -> None:
    torch.set_num_threads(1)
    lora = {"adapter": "lora", "lora_rank": 4, "lora_alpha": 8.0, "init": init}
    expected, recorded = run(config_of(tmp_path / "alone", **lora))
    assert isinstance(expected, TrialResult)
    config = config_of(tmp_path / "two", **lora)
    assert [outcome for outcome, _ in on_ranks(3, run_a_share, config=config, steps=4)] == [4] * 3
    for result, (training, evaluations) in on_ranks(2, run_a_share, config=config, steps=None):
        assert (result.resumed_step, result.test_accuracy) == (4, expected.test_accuracy)
        assert [each.loss for each in training] == pytest.approx([each.loss for each in recorded.training], rel=1e-4)
        assert [each.correct for each in evaluations] == [each.correct for each in recorded.evaluations]
    kept = [load_file(tmp_path / name / "trial" / "model" / "model.safetensors") for name in ("alone", "two")]
    assert kept[0].keys() == kept[1].keys()
    for name, weight in kept[0].items():
        np.testing.assert_allclose(kept[1][name], weight, atol=2e-3, err_msg=name)


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


def draw_of(ranks: Ranks, *, config: TrialConfig, shard: int, tensor: int) -> list[float]:
    """Not the seed: of that a generator may use less than there is of it."""
    run_a_share(ranks, config=config, steps=1, shard=shard, tensor=tensor)
    draws: list[float] = torch.rand(8, generator=torch.manual_seed(torch.initial_seed())).tolist()
    return draws


# The last: whether both draw the same where they compute the same.
@pytest.mark.parametrize(("shard", "tensor", "is_alike"), [(2, 1, False), (1, 2, True), (1, 1, False)])
def test_draws_of_dropout_are_another_rank_s_own(shard: int, tensor: int, is_alike: bool, tmp_path: Path) -> None:
    """And the same again for the same layout, also through a checkpoint."""

    def on_two(config: TrialConfig, steps: int | None = None) -> Any:  # noqa: ANN401
        return on_ranks(2, run_a_share, config=config, steps=steps, shard=shard, tensor=tensor)

    once, again = (on_two(config_of(tmp_path / name, dropout=0.3)) for name in ("a", "b"))
    moved = config_of(tmp_path / "moved", dropout=0.3)
    on_two(moved, steps=5)
    resumed = on_two(moved)
    losses = [[each.loss for each in training] for (_, (training, _)) in (once[0], again[0], resumed[0])]
    assert losses[0] == losses[1] == losses[2]
    _, recorded = run(config_of(tmp_path / "alone", dropout=0.3))
    assert losses[0] != [each.loss for each in recorded.training]
    draws = on_ranks(2, draw_of, config=config_of(tmp_path / "draws", dropout=0.3), shard=shard, tensor=tensor)
    assert (draws[0] == draws[1]) == is_alike


def run_apart(ranks: Ranks, *, config: TrialConfig, steps: int | None) -> Any:  # noqa: ANN401
    assert config.run.directory is not None
    own = replace(config, run=replace(config.run, directory=config.run.directory / str(ranks.rank)))
    leaves = never if steps is None or ranks.rank > 0 else after(steps)
    outcome, _ = run(own, Together(mesh_of(ranks)), leaves=leaves)
    return outcome


def test_the_first_of_ranks_without_a_common_folder_has_all_of_a_checkpoint(tmp_path: Path) -> None:
    """Which is what its worker sends to the store, and what other workers get from there."""
    expected, _ = run(config_of(tmp_path / "alone"))
    assert isinstance(expected, TrialResult)
    config = config_of(tmp_path / "apart")
    folder = config.run.directory
    assert folder is not None
    assert on_ranks(2, run_apart, config=config, steps=5) == [5, 5]
    assert {path.name for path in (folder / "0" / "checkpoints").iterdir()} == {"step-00000004", "step-00000005"}
    assert list((folder / "1" / "checkpoints").iterdir()) == []
    for rank in ("1", "2"):
        shutil.copytree(folder / "0" / "checkpoints", folder / rank / "checkpoints", dirs_exist_ok=True)
    for result in on_ranks(3, run_apart, config=config, steps=None):
        assert result.resumed_step == 5
        assert (result.test_accuracy, result.selected_step) == (expected.test_accuracy, expected.selected_step)


def agree(ranks: Ranks) -> Any:  # noqa: ANN401
    plan = micro_batches(8, pass_tokens=100 - 5 * ranks.rank, engine=Engine(with_checkpoints=ranks.rank == 1))
    return agreed_plan(plan, Together(mesh_of(ranks)))


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
