"""Several products as one, against the layers' own."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor
from torch.nn import functional

from dss_worker.training.joined_product import joined_product

COLUMNS = [3, 5, 2]


def drawn(seed: int, *, is_trained: bool = True) -> tuple[Tensor, list[Tensor]]:
    draw = torch.Generator().manual_seed(seed)
    states = torch.randn(7, 4, generator=draw, requires_grad=True)
    return states, [torch.randn(columns, 4, generator=draw).requires_grad_(is_trained) for columns in COLUMNS]


def test_it_is_each_layers_product_with_each_ones_gradient() -> None:
    states, weights = drawn(0)
    parts = torch.split(joined_product(states, weights), COLUMNS, dim=1)
    torch.autograd.backward([(number + 1) * part.square().sum() for number, part in enumerate(parts)])
    other, others = drawn(0)
    products = [functional.linear(other, weight) for weight in others]
    torch.autograd.backward([(number + 1) * part.square().sum() for number, part in enumerate(products)])
    torch.testing.assert_close(torch.cat(parts, dim=1), torch.cat(products, dim=1))
    for ours, theirs in zip((states, *weights), (other, *others), strict=True):
        torch.testing.assert_close(ours.grad, theirs.grad)


def test_weights_that_are_not_trained_pass_the_gradient_on() -> None:
    states, weights = drawn(1, is_trained=False)
    torch.autograd.backward(joined_product(states, weights).sum())
    torch.testing.assert_close(states.grad, torch.cat(weights).sum(dim=0).expand(7, 4))
    assert all(weight.grad is None for weight in weights)


@pytest.mark.parametrize("is_bf16", [True, False], ids=["states from another product", "states of a norm"])
def test_under_autocast_it_is_in_its_precision_and_gradients_are_in_the_weights(is_bf16: bool) -> None:
    states, weights = drawn(2)
    given = states.to(torch.bfloat16) if is_bf16 else states
    with torch.autocast("cpu", dtype=torch.bfloat16):
        product = joined_product(given, weights)
    assert product.dtype == torch.bfloat16
    torch.autograd.backward(product.to(torch.float32).square().sum())
    exact, others = drawn(2)
    torch.autograd.backward(functional.linear(exact, torch.cat(others)).square().sum())
    for ours, theirs in zip((states, *weights), (exact, *others), strict=True):
        assert ours.grad is not None
        assert theirs.grad is not None
        assert ours.grad.dtype == torch.float32
        assert ((ours.grad - theirs.grad).norm() / theirs.grad.norm()).item() < 0.02
