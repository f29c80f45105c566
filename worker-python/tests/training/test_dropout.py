"""Dropout on a processor: its rate, its scale, and that torch's random state decides on all of it."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional

from dss_worker.training.dropout import add_dropped, drop

MANY = 400_003


def drawn(rate: float, *, seed: int = 0, values: int = MANY) -> Tensor:
    torch.manual_seed(seed)
    return drop(torch.ones(values), rate)


@pytest.mark.parametrize("rate", [0.0001, 0.1, 0.3, 0.5, 0.9])
def test_a_value_is_dropped_at_the_rate_and_else_scaled_so_that_the_mean_stays(rate: float) -> None:
    values = drawn(rate)
    dropped = round(rate * 2**16) / 2**16
    assert set(values.tolist()) == {0.0, np.float32(1 / (1 - dropped))}
    # Five standard errors.
    error = 5 * math.sqrt(rate * (1 - rate) / MANY)
    assert (values == 0).double().mean().item() == pytest.approx(rate, abs=error)
    assert values.double().mean().item() == pytest.approx(1, abs=error / (1 - rate))


def test_none_is_dropped_at_no_rate_and_one_close_to_one_leaves_finite_values() -> None:
    assert torch.equal(drawn(0.0), torch.ones(MANY))
    assert torch.equal(drawn(1e-6), torch.ones(MANY))
    assert set(drawn(1 - 1e-9, values=2**22).tolist()) == {0.0, 2.0**16}


def test_the_four_values_of_a_draw_know_nothing_of_each_other_nor_of_the_next() -> None:
    kept = (drawn(0.3, values=MANY - MANY % 4) > 0).double()
    for distance in range(1, 9):
        pairs = kept[:-distance] * kept[distance:]
        for lane in range(4):
            ours = pairs[lane::4]
            assert ours.mean().item() == pytest.approx(0.49, abs=5 * math.sqrt(0.49 * 0.51 / len(ours)))


def test_draws_are_those_of_torchs_random_state_and_each_is_another() -> None:
    first, again, other = drawn(0.5), drawn(0.5), drawn(0.5, seed=1)
    following = drop(torch.ones(MANY), 0.5)
    assert torch.equal(first, again)
    for each in (other, following):
        assert (first == each).double().mean().item() == pytest.approx(0.5, abs=0.005)


def test_the_gradient_is_of_what_was_kept() -> None:
    states = torch.randn(30, 7, requires_grad=True)
    torch.manual_seed(0)
    dropped = drop(states, 0.4)
    (gradient,) = torch.autograd.grad(dropped.sum(), states)
    torch.testing.assert_close(dropped, states * gradient)
    assert 0 < int((gradient == 0).sum()) < states.numel()


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_adding_what_is_dropped_is_dropping_and_adding(dtype: torch.dtype) -> None:
    states, addend, dropout = torch.randn(9, 5), torch.randn(9, 5).to(dtype), nn.Dropout(0.25)
    torch.manual_seed(3)
    expected = states + drop(addend, 0.25)
    torch.manual_seed(3)
    ours = add_dropped(states, addend, dropout)
    torch.testing.assert_close(ours, expected)
    assert (ours == states).sum() > 0
    assert torch.equal(add_dropped(states, addend, dropout.eval()), states + addend)


def test_in_a_compiled_graph_it_is_torchs_own(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.compiler, "is_compiling", lambda: True)
    values = drawn(0.5, seed=4)
    torch.manual_seed(4)
    assert torch.equal(values, functional.dropout(torch.ones(MANY), 0.5))
