from __future__ import annotations

import copy
from functools import partial
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor
from transformers import T5ForConditionalGeneration

from dss_worker.data.encode import EncodedSplit, EncodedTask
from dss_worker.errors import WorkerError
from dss_worker.training.adapter import apply_adapter, has_adapter, merge_adapter
from dss_worker.training.collate import collate_step
from dss_worker.training.model import load_model, special_ids
from dss_worker.training.step import Stepper
from tests.training.support import CPU, micro_batches, random_split, settings, tiny_model, token_table, write_model

# Always the same answer, which even little can learn.
SPLIT = EncodedSplit(EncodedTask(random_split(rows=48, seed=1).predict.inputs, token_table([[5, 9, 1]] * 48)), None)
LORA = {"adapter": "lora", "lora_rank": 4, "lora_alpha": 8.0}
QUERY = "encoder.block.0.layer.0.SelfAttention.q"


def adapted(
    *, seed: int = 0, dropout: float = 0.0, untied: bool = True, **changes: object
) -> T5ForConditionalGeneration:
    model = tiny_model(0, untied=untied, dropout_rate=dropout, **changes)
    return apply_adapter(model, settings(**LORA, seed=seed, dropout=dropout))


def train(model: T5ForConditionalGeneration, *, steps: int = 30, seed: int = 0) -> list[float]:
    torch.manual_seed(seed)
    stepper = Stepper(model, lr=2e-2, max_steps=steps, precision="fp32", plan=micro_batches(48))
    passes_of = partial(collate_step, SPLIT, np.arange(48), alpha=None, special=special_ids(model))
    return [stepper.take(passes_of).item() for _ in range(steps)]


def values(model: T5ForConditionalGeneration) -> dict[str, Tensor]:
    """A copy of every parameter, trained or not."""
    return {name: parameter.detach().clone() for name, parameter in model.named_parameters()}


@torch.no_grad()
def scores(model: T5ForConditionalGeneration) -> Tensor:
    ids = torch.arange(3, 33).view(3, 10)
    was_training = model.training
    model.train(False)
    output: Tensor = model(input_ids=ids, decoder_input_ids=ids.flip(0)).logits
    model.train(was_training)
    return output


def test_only_the_adapter_learns() -> None:
    model = adapted(dropout=0.1)
    before = values(model)
    losses = train(model)
    assert losses[-1] < 0.9 * losses[0]
    changed = {name for name, weight in values(model).items() if not torch.equal(weight, before[name])}
    assert changed == {name for name in before if "lora_" in name}


@pytest.mark.parametrize("feed_forward", ["gated-gelu", "relu"])
def test_it_is_on_every_matrix_of_attention_and_feed_forward(feed_forward: str) -> None:
    model = adapted(feed_forward_proj=feed_forward)
    on = {name.removesuffix(".lora_B.default.weight") for name in values(model) if "lora_B" in name}
    parts = ["wi_0", "wi_1", "wo"] if feed_forward == "gated-gelu" else ["wi", "wo"]
    expected = {f"{stack}.block.0.layer.0.SelfAttention.{part}" for stack in ("encoder", "decoder") for part in "qkvo"}
    expected |= {f"decoder.block.0.layer.1.EncDecAttention.{part}" for part in "qkvo"}
    expected |= {f"encoder.block.0.layer.1.DenseReluDense.{part}" for part in parts}
    expected |= {f"decoder.block.0.layer.2.DenseReluDense.{part}" for part in parts}
    assert on == expected


def test_it_changes_nothing_before_it_has_learnt() -> None:
    torch.testing.assert_close(scores(adapted()), scores(tiny_model(0)), rtol=0, atol=0)


def test_it_scales_the_product_of_its_factors_by_alpha_over_rank() -> None:
    model = adapted()
    layer = model.get_submodule(QUERY)
    weights = dict(layer.named_parameters())
    base, a, b = (weights[name] for name in ("base_layer.weight", "lora_A.default.weight", "lora_B.default.weight"))
    torch.nn.init.normal_(b)
    x = torch.randn(5, 32)
    torch.testing.assert_close(layer(x), x @ (base + 2.0 * b @ a).T)


def test_the_same_seed_draws_and_trains_the_same_whatever_was_drawn_before() -> None:
    runs: list[tuple[list[float], dict[str, Tensor]]] = []
    for _ in range(2):
        torch.randn(len(runs) + 1)
        model = adapted(dropout=0.1)
        runs.append((train(model, steps=5), values(model)))
    (first_losses, first), (second_losses, second) = runs
    assert first_losses == second_losses
    assert all(torch.equal(weight, second[name]) for name, weight in first.items())
    other = values(adapted(seed=1))
    assert not torch.equal(other[f"{QUERY}.lora_A.default.weight"], first[f"{QUERY}.lora_A.default.weight"])


def test_it_leaves_the_global_generator_alone() -> None:
    model = tiny_model(0)
    before = torch.get_rng_state()
    apply_adapter(model, settings(**LORA))
    assert torch.equal(torch.get_rng_state(), before)


@pytest.mark.parametrize("untied", [True, False])
def test_merged_it_is_a_plain_t5_that_says_the_same(untied: bool, tmp_path: Path) -> None:
    model = adapted(untied=untied)
    train(model, steps=5)
    expected = scores(model)
    assert (scores(tiny_model(0, untied=untied, dropout_rate=0.0)) - expected).abs().max() > 1e-3
    assert merge_adapter(model) is model
    torch.testing.assert_close(scores(model), expected, rtol=1e-5, atol=1e-5)
    plain = tiny_model(1, untied=untied)
    assert [*values(model)] == [*values(plain)]
    assert all(parameter.requires_grad for parameter in model.parameters())
    assert not has_adapter(model)
    model.save_pretrained(str(tmp_path))
    names = {path.name for path in tmp_path.iterdir()}
    assert names == {"config.json", "generation_config.json", "model.safetensors"}
    loaded = T5ForConditionalGeneration.from_pretrained(str(tmp_path))
    assert torch.equal(scores(loaded), scores(model))


def test_once_merged_the_model_can_be_made_fresh_and_adapted_again() -> None:
    model = tiny_model(0, dropout_rate=0.0)
    pristine = copy.deepcopy(model.state_dict())
    digits = []
    for _ in range(2):
        apply_adapter(model, settings(**LORA))
        digits.append(train(model, steps=4))
        merge_adapter(model)
        model.load_state_dict(pristine)
    assert digits[0] == digits[1]


def test_a_trial_without_an_adapter_keeps_its_model_as_it_is() -> None:
    model = tiny_model(0)
    names = [*values(model)]
    assert merge_adapter(apply_adapter(model, settings())) is model
    assert [*values(model)] == names
    assert not has_adapter(model)


def test_an_adapter_that_lies_in_a_model_directory_is_refused(tmp_path: Path) -> None:
    source = write_model(tmp_path)
    (tmp_path / "adapter_config.json").write_text("{}")
    with pytest.raises(WorkerError, match=r"it holds an adapter \(adapter_config\.json\)"):
        load_model(source, settings(), device=CPU)


def test_new_layers_take_the_models_mode() -> None:
    model = tiny_model(0)
    model.train(False)
    apply_adapter(model, settings(**LORA, dropout=0.1))
    assert not any(module.training for module in model.modules())
