from __future__ import annotations

import sys
from collections.abc import Callable, Iterator, Mapping
from functools import partial

import pytest
import torch
from torch import Tensor
from transformers import T5ForConditionalGeneration

from dss_worker.errors import WorkerError
from dss_worker.training.model import copy_weights, restore_weights
from dss_worker.training.optimizer import (
    learning_rate,
    make_optimizer,
    optimizer_tensors,
    restore_optimizer_tensors,
    take_step,
)
from tests.training.support import tiny_model

Make = Callable[[T5ForConditionalGeneration], torch.optim.Optimizer]
FINE, BAD = torch.tensor(0.0), torch.tensor(1.0)


def eight_bit(model: T5ForConditionalGeneration) -> torch.optim.Optimizer:
    """torchao's optimizer itself, which runs on a CPU as well, slowly."""
    optim = pytest.importorskip("torchao.optim", reason="NOT TESTED: adamw8bit, since torchao is not installed")
    optimizer = optim.AdamW8bit(list(model.parameters()), lr=1e-2, weight_decay=0.0)
    assert isinstance(optimizer, torch.optim.Optimizer)
    return optimizer


@pytest.fixture(params=["adamw", "adamw8bit"])
def make(request: pytest.FixtureRequest) -> Iterator[Make]:
    # torchao compiles each parameter's step, which would take a test minutes.
    with torch.compiler.set_stance("force_eager"):
        yield eight_bit if request.param == "adamw8bit" else partial(make_optimizer, lr=1e-2)


def give_gradients(model: T5ForConditionalGeneration, seed: int, *, bad: bool = False) -> None:
    draw = torch.Generator().manual_seed(seed)
    for parameter in model.parameters():
        parameter.grad = torch.randn(parameter.shape, generator=draw)
        if bad:
            parameter.grad.fill_(torch.nan)


def equal(ours: dict[str, Tensor], theirs: dict[str, Tensor]) -> bool:
    return ours.keys() == theirs.keys() and all(torch.equal(value, theirs[name]) for name, value in ours.items())


def copied(tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
    return {name: tensor.detach().clone() for name, tensor in tensors.items()}


def test_the_learning_rate_falls_in_a_line_to_0() -> None:
    rates = [learning_rate(step, lr=0.4, max_steps=4) for step in range(5)]
    assert rates == pytest.approx([0.4, 0.3, 0.2, 0.1, 0.0])


def test_a_step_that_is_not_finite_moves_neither_weights_nor_moments(make: Make) -> None:
    model = tiny_model(0, d_model=64, d_ff=64)
    optimizer = make(model)
    give_gradients(model, 0)
    take_step(optimizer, lr=1e-2, found_inf=FINE)
    weights, state = copy_weights(model), copied(optimizer_tensors(model, optimizer))
    give_gradients(model, 1, bad=True)
    take_step(optimizer, lr=1e-2, found_inf=BAD)
    assert equal(copy_weights(model), weights)
    assert equal(optimizer_tensors(model, optimizer), state)


def test_a_step_goes_as_far_as_its_rate_says(make: Make) -> None:
    model = tiny_model(0)
    optimizer = make(model)
    for rate in (1e-3, 4e-3):
        # AdamW's first steps under a steady gradient are of the rate's length.
        for parameter in model.parameters():
            parameter.grad = torch.ones_like(parameter)
        before = copy_weights(model)
        take_step(optimizer, lr=rate, found_inf=FINE)
        moved = (before["lm_head.weight"] - model.lm_head.weight.detach()).abs()
        torch.testing.assert_close(moved, torch.full_like(moved, rate), rtol=2e-2, atol=0)


def test_its_state_goes_on_in_a_fresh_optimizer_as_in_the_first(make: Make) -> None:
    model, other = tiny_model(0, d_model=64, d_ff=64), tiny_model(0, d_model=64, d_ff=64)
    optimizer = make(model)
    for seed in range(2):
        give_gradients(model, seed)
        take_step(optimizer, lr=1e-2, found_inf=FINE)
    state = copied(optimizer_tensors(model, optimizer))
    assert {type(tensor) for tensor in state.values()} == {Tensor}

    restore_weights(other, copy_weights(model))
    resumed = make(other)
    restore_optimizer_tensors(other, resumed, state)
    assert equal(copy_weights(other), copy_weights(model))
    assert all(parameter.grad is None for parameter in other.parameters())
    for each, its in ((model, optimizer), (other, resumed)):
        give_gradients(each, 2)
        take_step(its, lr=1e-2, found_inf=FINE)
    assert equal(copy_weights(other), copy_weights(model))
    assert equal(optimizer_tensors(other, resumed), optimizer_tensors(model, optimizer))


def test_eight_bit_moments_are_named_by_their_parts() -> None:
    model = tiny_model(0, d_model=64, d_ff=64)
    optimizer = eight_bit(model)
    give_gradients(model, 0)
    with torch.compiler.set_stance("force_eager"):
        take_step(optimizer, lr=1e-2, found_inf=FINE)
    state = optimizer_tensors(model, optimizer)
    large, small = "encoder.block.0.layer.1.DenseReluDense.wo.weight", "encoder.final_layer_norm.weight"
    assert state[f"{large}/exp_avg/codes"].dtype == torch.uint8
    assert state[f"{small}/exp_avg"].dtype == torch.float32


def test_the_state_of_another_model_is_refused_by_name() -> None:
    model, other = tiny_model(0), tiny_model(0, d_ff=64)
    optimizer = make_optimizer(model, lr=1e-2)
    give_gradients(model, 0)
    take_step(optimizer, lr=1e-2, found_inf=FINE)
    state = optimizer_tensors(model, optimizer)
    with pytest.raises(
        ValueError, match=r"wi_0\.weight/exp_avg: expected torch\.float32 \[64, 32\], got .* \[48, 32\]"
    ):
        restore_optimizer_tensors(other, make_optimizer(other, lr=1e-2), state)
    del state["shared.weight/step"]
    with pytest.raises(ValueError, match=r"shared\.weight/step is on one side only"):
        restore_optimizer_tensors(model, make_optimizer(model, lr=1e-2), state)


def test_only_what_requires_a_gradient_is_moved() -> None:
    model = tiny_model(0)
    model.shared.requires_grad_(False)
    optimizer = make_optimizer(model, lr=1e-2)
    give_gradients(model, 0)
    before = copied(dict(model.named_parameters()))
    take_step(optimizer, lr=1e-2, found_inf=FINE)
    assert torch.equal(model.shared.weight, before["shared.weight"])
    assert not torch.equal(model.lm_head.weight, before["lm_head.weight"])


def test_eight_bits_on_a_cpu_are_refused_with_a_way_out() -> None:
    with pytest.raises(WorkerError, match="adamw8bit needs a GPU; this worker has a cpu") as caught:
        make_optimizer(tiny_model(0), lr=1e-2, kind="adamw8bit")
    assert (caught.value.code, caught.value.kind) == ("OPTIMIZER_UNSUPPORTED", "user")
    assert "optimizer: adamw" in caught.value.hint


def test_without_torchao_the_command_that_installs_it_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "torchao.optim", None)
    model = tiny_model(0)
    monkeypatch.setattr(T5ForConditionalGeneration, "device", torch.device("cuda"))
    with pytest.raises(WorkerError, match="needs the package torchao") as caught:
        make_optimizer(model, lr=1e-2, kind="adamw8bit")
    assert (caught.value.code, caught.value.hint) == ("PACKAGE_MISSING", "pip install 'torchao>=0.18'")
