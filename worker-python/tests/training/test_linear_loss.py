from __future__ import annotations

import pytest
import torch
from torch import Tensor
from torch.nn import functional

from dss_worker.training.linear_loss import chunk_tokens, linear_loss

CHUNK_TOKENS = chunk_tokens(torch.device("cpu"))
TOKENS, WIDTH, VOCABULARY = 2 * CHUNK_TOKENS + 3, 5, 11


def draw() -> tuple[Tensor, Tensor, Tensor, Tensor]:
    torch.manual_seed(0)
    states = torch.randn(TOKENS, WIDTH, requires_grad=True)
    weight = torch.randn(VOCABULARY, WIDTH, requires_grad=True)
    return states, weight, torch.randint(VOCABULARY, (TOKENS,)), torch.rand(TOKENS)


def test_it_is_cross_entropy_of_all_scores_with_the_same_gradients() -> None:
    states, weight, targets, token_weights = draw()
    exact = [each.detach().double().requires_grad_() for each in (states, weight)]
    losses = functional.cross_entropy(exact[0] @ exact[1].T, targets, reduction="none")
    plain = 3 * (losses * token_weights).sum()
    ours = 3 * linear_loss(states, weight, targets, token_weights)
    assert ours.item() == pytest.approx(plain.item(), rel=1e-6)
    gradients, expected = torch.autograd.grad(ours, (states, weight)), torch.autograd.grad(plain, exact)
    for gradient, other in zip(gradients, expected, strict=True):
        # What sums of float32 may be off by depends on the largest of them, and on the processor.
        torch.testing.assert_close(gradient.double(), other, rtol=0, atol=1e-6 * other.abs().max().item())


@pytest.mark.parametrize("frozen", ["states", "weight"])
def test_what_is_not_trained_gets_no_gradient(frozen: str) -> None:
    states, weight, targets, token_weights = draw()
    {"states": states, "weight": weight}[frozen].requires_grad_(False)
    torch.autograd.backward(linear_loss(states, weight, targets, token_weights))
    assert (states.grad is None, weight.grad is None) == (frozen == "states", frozen == "weight")


def test_a_score_that_is_not_finite_is_in_the_loss() -> None:
    states, weight, targets, token_weights = draw()
    with torch.no_grad():
        states[CHUNK_TOKENS + 1, 2] = float("inf")
    assert not torch.isfinite(linear_loss(states, weight, targets, token_weights))


def test_under_autocast_products_are_rounded_and_sums_are_not() -> None:
    states, weight, targets, token_weights = draw()
    exact = linear_loss(states, weight, targets, token_weights)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        rounded = linear_loss(states, weight, targets, token_weights)
    torch.autograd.backward(rounded)
    assert rounded.item() != exact.item()
    assert rounded.item() == pytest.approx(exact.item(), rel=1e-2)
    assert states.grad is not None
    assert weight.grad is not None
    assert (states.grad.dtype, weight.grad.dtype) == (torch.float32, torch.float32)
