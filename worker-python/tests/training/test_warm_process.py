"""A trial after others equals the same trial in a fresh process, bit for bit on a CPU."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from transformers import T5ForConditionalGeneration

from dss_worker.config import TrialConfig, TrialSettings
from dss_worker.training import warm_cache
from dss_worker.training.evaluate import Evaluator
from dss_worker.training.model import copy_weights, load_model
from dss_worker.training.runner import TrialRunner
from dss_worker.training.warm_cache import WarmCache
from tests.training.support import CPU, model_source, settings, tiny_model, trial, write_model
from tests.training.trial_digest import digest_of_trial

PROJECT = Path(__file__).parents[2]


def in_a_fresh_process(config: TrialConfig) -> dict[str, Any]:
    done = subprocess.run(
        [sys.executable, "-m", "tests.training.trial_digest"],
        cwd=PROJECT,
        input=json.dumps(config.to_json()),
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    digest: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return digest


@pytest.mark.parametrize("init", ["pretrained", "random"])
def test_a_trial_after_others_equals_itself_in_a_fresh_process(tmp_path: Path, init: str) -> None:
    config = trial(tmp_path, init=init, dropout=0.2, select="compat", seed=5, max_steps=9, eval_steps=3, subsample=0.7)
    if init == "random":
        config = replace(config, model=write_model(tmp_path / "bare", weights=False))
    # The first two leave models that the last cannot use, the others the one that it gets.
    others = [
        replace(config, settings=settings(init=init, precision="bf16", dropout=0.5, seed=1)),
        replace(config, settings=settings(init=init, model_type="standard", precision="tf32", max_steps=2)),
        replace(config, settings=replace(config.settings, model_type="standard", alpha=None, lr=0.5)),
        replace(config, settings=replace(config.settings, model_type="single_task", alpha=None, select="valid")),
    ]
    runner = TrialRunner(device=CPU)
    for other in others:
        digest_of_trial(runner, other)
    warm = digest_of_trial(runner, config)
    assert warm == in_a_fresh_process(config)
    # The digest says something: another seed has another.
    assert digest_of_trial(runner, replace(config, settings=replace(config.settings, seed=6))) != warm


def changed(config: TrialConfig, changes: Mapping[str, Any]) -> TrialSettings:
    return replace(config.settings, **changes)


def model_of(warm: WarmCache, config: TrialConfig, **changes: object) -> T5ForConditionalGeneration:
    return warm.model(replace(config, settings=changed(config, changes)), device=CPU)


def spoil(model: T5ForConditionalGeneration) -> None:
    """Whatever a trial may leave behind."""
    model.train(mode=False)
    for parameter in model.parameters():
        parameter.data.fill_(torch.nan)
        parameter.grad = torch.ones_like(parameter)


@pytest.mark.parametrize("untied", [True, False])
def test_a_model_comes_back_as_it_was_loaded(tmp_path: Path, untied: bool) -> None:
    config = trial(tmp_path)
    config = replace(config, model=write_model(config.model.directory, untied=untied))
    warm = WarmCache()
    model = model_of(warm, config)
    spoil(model)
    again = model_of(warm, config, seed=7, lr=0.5, model_type="standard", alpha=None)
    assert again is model
    fresh = load_model(config.model, config.settings, device=CPU)
    expected = copy_weights(fresh)
    assert copy_weights(again).keys() == expected.keys()
    assert all(torch.equal(weight, expected[name]) for name, weight in copy_weights(again).items())
    assert all(parameter.grad is None for parameter in again.parameters())
    assert again.training
    assert (again.lm_head.weight.data_ptr() != again.shared.weight.data_ptr()) == untied


@pytest.mark.parametrize("changes", [{"dropout": 0.3}, {"init": "random"}, {"adapter": "lora"}])
def test_a_trial_that_needs_another_model_gets_another(tmp_path: Path, changes: dict[str, Any]) -> None:
    config = trial(tmp_path)
    warm = WarmCache()
    model = model_of(warm, config)
    if "adapter" in changes:
        changes = {**changes, "lora_rank": 1, "lora_alpha": 1.0}
    other = model_of(warm, config, **changes)
    assert other is not model
    # Two are never kept.
    assert model_of(warm, config) is not model


def test_weights_that_were_drawn_are_drawn_again_for_another_seed(tmp_path: Path) -> None:
    config = trial(tmp_path, init="random")
    warm = WarmCache()
    first = copy_weights(model_of(warm, config, seed=1))
    spoil(model_of(warm, config, seed=1))
    again, other = (copy_weights(model_of(warm, config, seed=seed)) for seed in (1, 2))
    assert all(torch.equal(weight, first[name]) for name, weight in again.items())
    assert not torch.equal(other["shared.weight"], first["shared.weight"])


def test_other_weights_in_the_same_place_are_another_model(tmp_path: Path) -> None:
    config = trial(tmp_path)
    warm = WarmCache()
    before = copy_weights(model_of(warm, config))
    tiny_model(9).save_pretrained(str(config.model.directory))
    after = copy_weights(model_of(warm, replace(config, model=model_source(config.model.directory))))
    assert not torch.equal(before["shared.weight"], after["shared.weight"])


def test_a_model_above_the_bound_is_loaded_anew(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    config = trial(tmp_path)
    warm = WarmCache()
    monkeypatch.setattr(warm_cache, "MAX_PRISTINE_BYTES", 1_000)
    assert model_of(warm, config) is not model_of(warm, config)


def test_gradients_are_dropped_between_trials(tmp_path: Path) -> None:
    config = trial(tmp_path)
    warm = WarmCache()
    model = model_of(warm, config)
    spoil(model)
    warm.drop_gradients()
    assert all(parameter.grad is None for parameter in model.parameters())


def test_an_evaluator_serves_the_trials_that_it_fits(tmp_path: Path) -> None:
    config = trial(tmp_path)
    warm = WarmCache()
    tokenizer = warm.tokenizer(config.model)

    def evaluator_of(**changes: object) -> Evaluator:
        other = replace(config, settings=changed(config, changes))
        return warm.evaluator(warm.encoded_splits(other, tokenizer).test, tokenizer, other)

    first = evaluator_of()
    assert evaluator_of(lr=0.5, alpha=0.1) is first
    assert evaluator_of(gen_max_len=5) is not first
    assert evaluator_of(model_type="standard", alpha=None) is not first
