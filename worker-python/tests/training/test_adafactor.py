"""One process's Adafactor is transformers'; that of several is in tests/parallel/test_shard.py."""

from __future__ import annotations

import torch
from transformers.optimization import Adafactor as Reference

from dss_worker.training.optimizer import make_optimizer, optimizer_tensors, restore_optimizer_tensors, take_step
from tests.training.support import tiny_model

LR = 1e-3


def test_it_moves_weights_as_transformers_does() -> None:
    ours, theirs = tiny_model(), tiny_model()
    optimizer = make_optimizer(ours, lr=LR, kind="adafactor")
    # As transformers' Trainer makes it.
    reference = Reference(theirs.parameters(), lr=LR, scale_parameter=False, relative_step=False)  # type: ignore[no-untyped-call]
    draw = torch.Generator().manual_seed(0)
    for step in range(6):
        for mine, other in zip(ours.parameters(), theirs.parameters(), strict=True):
            # Large and small ones, so that steps are cut and are not.
            mine.grad = torch.randn(mine.shape, generator=draw) * 10.0 ** (3 - step)
            other.grad = mine.grad.clone()
        take_step(optimizer, lr=LR, found_inf=torch.zeros(()))
        reference.step()  # type: ignore[no-untyped-call]
    for (name, mine), other in zip(ours.named_parameters(), theirs.parameters(), strict=True):
        torch.testing.assert_close(mine, other, rtol=1e-6, atol=1e-7, msg=name)


def test_a_step_that_is_not_finite_moves_nothing_of_it() -> None:
    model = tiny_model()
    optimizer = make_optimizer(model, lr=LR, kind="adafactor")
    for parameter in model.parameters():
        parameter.grad = torch.ones_like(parameter)
    take_step(optimizer, lr=LR, found_inf=torch.zeros(()))
    before = [each.detach().clone() for each in (*model.parameters(), *optimizer_tensors(model, optimizer).values())]
    take_step(optimizer, lr=LR, found_inf=torch.ones(()))
    after = [*model.parameters(), *optimizer_tensors(model, optimizer).values()]
    assert all(torch.equal(one, other) for one, other in zip(before, after, strict=True))


def test_its_state_is_a_number_for_each_row_and_column_and_goes_into_another() -> None:
    model, other = tiny_model(), tiny_model()
    optimizer, fresh = (make_optimizer(each, lr=LR, kind="adafactor") for each in (model, other))
    for parameter in model.parameters():
        parameter.grad = torch.randn_like(parameter)
    take_step(optimizer, lr=LR, found_inf=torch.zeros(()))
    tensors = optimizer_tensors(model, optimizer)
    weights = dict(model.named_parameters())
    for name, weight in weights.items():
        sizes = (
            [tensors[f"{name}/{what}"].numel() for what in ("row_variance", "column_variance")]
            if weight.dim() > 1
            else []
        )
        assert sizes == (list(weight.shape) if weight.dim() > 1 else [])
    untouched = [each.detach().clone() for each in other.parameters()]
    restore_optimizer_tensors(other, fresh, tensors)
    found = optimizer_tensors(other, fresh)
    assert found.keys() == tensors.keys()
    assert all(torch.equal(found[name], tensor) for name, tensor in tensors.items())
    assert all(torch.equal(one, each) for one, each in zip(untouched, other.parameters(), strict=True))
