"""The packed pass against transformers' own, which is the definition of a T5."""

from __future__ import annotations

from collections.abc import Callable
from shutil import which
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor
from torch.nn import functional
from transformers import T5ForConditionalGeneration

from dss_worker.data.encode import EncodedTask
from dss_worker.training import dropout
from dss_worker.training.collate import PackedBatch, collate_step, collate_task, lengths_of
from dss_worker.training.micro_batches import MicroBatchPlan
from dss_worker.training.model import special_ids
from dss_worker.training.packed_t5 import Engine, decode, encode
from dss_worker.training.step import packed_loss
from tests.training.support import micro_batches, random_split, tiny_model

SPLIT = random_split(rows=30, seed=3, longest=40)
ALPHA = 0.3
SHAPES: dict[str, dict[str, Any]] = {
    "v1.1: gated, output layer of its own": {"num_layers": 2, "num_decoder_layers": 2},
    "v1.0: relu, tied and scaled": {"feed_forward_proj": "relu", "untied": False, "scale_decoder_outputs": True},
    "another activation": {"feed_forward_proj": "gated-silu"},
    "few buckets, far apart": {"relative_attention_num_buckets": 8, "relative_attention_max_distance": 20},
}


def loss_and_gradients(model: T5ForConditionalGeneration, plan: MicroBatchPlan) -> tuple[float, dict[str, Tensor]]:
    model.zero_grad(set_to_none=True)
    total = 0.0
    for batch in collate_step(SPLIT, np.arange(30), plan, alpha=ALPHA, special=special_ids(model)):
        loss = packed_loss(model, batch, engine=plan.engine)
        torch.autograd.backward(loss)
        total += loss.item()
    return total, gradients(model)


def plain_loss_and_gradients(model: T5ForConditionalGeneration) -> tuple[float, dict[str, Tensor]]:
    """Two passes over the padded batch, each task's loss a mean over its tokens."""
    model.zero_grad(set_to_none=True)
    explain = SPLIT.explain
    assert explain is not None
    loss = ALPHA * plain_loss(model, SPLIT.predict) + (1 - ALPHA) * plain_loss(model, explain)
    torch.autograd.backward(loss)
    return loss.item(), gradients(model)


def plain_loss(model: T5ForConditionalGeneration, task: EncodedTask) -> Tensor:
    batch = collate_task(task, np.arange(30), special=special_ids(model))
    loss = model(input_ids=batch.input_ids, attention_mask=batch.attention_mask, labels=batch.targets).loss
    assert isinstance(loss, Tensor)
    return loss


def gradients(model: T5ForConditionalGeneration) -> dict[str, Tensor]:
    return {name: each.grad.clone() for name, each in model.named_parameters() if each.grad is not None}


@pytest.mark.parametrize(
    "plan",
    [
        pytest.param(micro_batches(30), id="one pass"),
        pytest.param(micro_batches(7), id="five passes"),
        pytest.param(micro_batches(30, group_rows=3), id="small groups"),
        pytest.param(micro_batches(30, length_multiple=16, token_multiple=64), id="filled up"),
        pytest.param(micro_batches(30, token_multiple=2, group_rows=1), id="filled up, rows by themselves"),
        pytest.param(micro_batches(7, engine=Engine(is_joined=True)), id="joined"),
        pytest.param(micro_batches(7, engine=Engine(is_joined=True), token_multiple=16), id="joined, filled up"),
    ],
)
@pytest.mark.parametrize("shape", SHAPES.values(), ids=SHAPES)
def test_loss_and_gradient_are_those_of_two_plain_passes(shape: dict[str, Any], plan: MicroBatchPlan) -> None:
    model = tiny_model(0, dropout_rate=0.0, **shape)
    expected, plain = plain_loss_and_gradients(model)
    loss, ours = loss_and_gradients(model, plan)
    assert loss == pytest.approx(expected, rel=1e-6)
    assert ours.keys() == plain.keys()
    for name, gradient in plain.items():
        error = (ours[name] - gradient).norm() / gradient.norm()
        assert error < 1e-5, name


@pytest.mark.parametrize("length_multiple", [1, 16], ids=["exact", "rounded"])
def test_scores_are_those_of_the_plain_pass_token_by_token(length_multiple: int) -> None:
    model = tiny_model(0, num_layers=2, num_decoder_layers=2)
    model.train(mode=False)
    plan = micro_batches(30, length_multiple=length_multiple)
    (batch,) = collate_step(SPLIT, np.arange(30), plan, alpha=None, special=special_ids(model))
    task = SPLIT.predict
    order = np.lexsort((lengths_of(task.targets, np.arange(30)), lengths_of(task.inputs, np.arange(30))))
    padded = collate_task(task, order, special=special_ids(model))
    with torch.no_grad():
        ours = packed_scores(model, batch)
        theirs = model(
            input_ids=padded.input_ids,
            attention_mask=padded.attention_mask,
            decoder_input_ids=padded.decoder_input_ids,
        ).logits
    # Rows of equal length may change places between the two sorts only if all their lengths are equal; they do not.
    torch.testing.assert_close(ours, theirs[padded.targets >= 0], rtol=1e-5, atol=1e-5)


def packed_scores(model: T5ForConditionalGeneration, batch: PackedBatch) -> Tensor:
    states = decode(model, encode(model, batch.inputs), batch.inputs, batch.decoder_inputs)
    return functional.linear(states, model.lm_head.weight)


def test_activations_that_are_computed_twice_have_the_same_dropout() -> None:
    model = tiny_model(0, dropout_rate=0.3, num_layers=2, num_decoder_layers=2)
    torch.manual_seed(5)
    once = loss_and_gradients(model, micro_batches(30))
    torch.manual_seed(5)
    twice = loss_and_gradients(model, micro_batches(30, engine=Engine(with_checkpoints=True)))
    assert once[0] == twice[0]
    assert all(torch.equal(once[1][name], twice[1][name]) for name in once[1])


@pytest.mark.skipif(which("c++") is None, reason="torch.compile needs a C++ compiler on a CPU")
def test_compiled_layers_give_the_same_loss_and_gradient() -> None:
    model = tiny_model(0, dropout_rate=0.0)
    expected, plain = loss_and_gradients(model, micro_batches(7))
    loss, ours = loss_and_gradients(model, micro_batches(7, engine=Engine(is_compiled=True)))
    assert loss == pytest.approx(expected, rel=1e-6)
    for name, gradient in plain.items():
        torch.testing.assert_close(ours[name], gradient, rtol=1e-4, atol=1e-7)


def test_dropout_is_in_all_the_places_that_transformers_has_it(monkeypatch: pytest.MonkeyPatch) -> None:
    model = tiny_model(0, dropout_rate=0.2)
    calls = 0

    def counted(drop: Callable[..., Tensor]) -> Callable[..., Tensor]:
        def counting(*values: object, **named: object) -> Tensor:
            nonlocal calls
            calls += 1
            return drop(*values, **named)

        return counting

    monkeypatch.setattr(functional, "dropout", counted(functional.dropout))
    monkeypatch.setattr(dropout, "_factors", counted(dropout._factors))
    plain_loss(model, SPLIT.predict)
    theirs, calls = calls, 0
    plan = micro_batches(30, group_rows=30)
    (batch,) = collate_step(SPLIT, np.arange(30), plan, alpha=None, special=special_ids(model))
    packed_loss(model, batch)
    # Attention's own, three times, is inside a kernel of torch's in the one case.
    assert calls == theirs + 3


def test_the_mean_loss_over_many_draws_of_dropout_is_the_plain_one() -> None:
    model = tiny_model(0, dropout_rate=0.3)
    (batch,) = collate_step(SPLIT, np.arange(30), micro_batches(30), alpha=None, special=special_ids(model))
    torch.manual_seed(0)
    with torch.no_grad():
        ours = torch.stack([packed_loss(model, batch) for _ in range(400)])
        theirs = torch.stack([plain_loss(model, SPLIT.predict) for _ in range(400)])
    error = ((ours.var() + theirs.var()) / 400).sqrt()
    assert abs(ours.mean() - theirs.mean()) < 4 * error
    assert ours.std().item() == pytest.approx(theirs.std().item(), rel=0.25)


def test_under_bf16_the_loss_is_close_and_the_gradients_float32() -> None:
    model = tiny_model(0, dropout_rate=0.0)
    (batch,) = collate_step(SPLIT, np.arange(30), micro_batches(30), alpha=0.5, special=special_ids(model))
    exact = packed_loss(model, batch)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        rounded = packed_loss(model, batch)
    torch.autograd.backward(rounded)
    assert rounded.dtype == torch.float32
    assert 0 < abs(rounded.item() - exact.item()) < 0.02 * exact.item()
    assert {gradient.dtype for gradient in gradients(model).values()} == {torch.float32}
