from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from typing import Any

import numpy as np
import pytest
import torch
from transformers import T5ForConditionalGeneration

from dss_worker.config import Precision
from dss_worker.errors import WorkerError
from dss_worker.training.collate import PackedBatch, collate_step, collate_task
from dss_worker.training.micro_batches import MicroBatchPlan
from dss_worker.training.model import copy_weights, special_ids
from dss_worker.training.optimizer import learning_rate
from dss_worker.training.sampler import BatchOrder
from dss_worker.training.step import PassesOf, Stepper
from tests.training.support import micro_batches, random_split, tiny_model

SPLIT = random_split(rows=150, seed=1)


def losses(*, batch_size: int, grad_steps: int, alpha: float | None, steps: int = 20) -> list[float]:
    model = tiny_model(seed=0, dropout_rate=0.0)
    stepper = stepper_of(model, max_steps=steps, plan=micro_batches(batch_size))
    order = BatchOrder(rows=150, batch_rows=batch_size * grad_steps, seed=0)
    return [stepper.take(passes_of(model, order.batch(step), alpha=alpha)).item() for step in range(steps)]


def stepper_of(
    model: T5ForConditionalGeneration,
    *,
    lr: float = 1e-2,
    max_steps: int = 20,
    precision: Precision = "fp32",
    plan: MicroBatchPlan | None = None,
) -> Stepper:
    return Stepper(model, lr=lr, max_steps=max_steps, precision=precision, plan=plan or micro_batches(16))


def passes_of(model: T5ForConditionalGeneration, rows: np.ndarray[Any, Any], *, alpha: float | None = 0.5) -> PassesOf:
    return partial(collate_step, SPLIT, rows, alpha=alpha, special=special_ids(model))


@pytest.mark.parametrize("alpha", [None, 0.5, 0.2], ids=["standard", "task_prefix", "task_prefix, alpha 0.2"])
def test_two_micro_batches_of_36_train_as_one_of_72(alpha: float | None) -> None:
    whole = losses(batch_size=72, grad_steps=1, alpha=alpha)
    halves = losses(batch_size=36, grad_steps=2, alpha=alpha)
    assert halves == pytest.approx(whole, rel=1e-5)
    assert whole[-1] < 0.97 * whole[0]


def test_a_step_is_that_of_the_plain_mean_losses_and_plain_adamw() -> None:
    model, other = tiny_model(seed=0, dropout_rate=0.0), tiny_model(seed=0, dropout_rate=0.0)
    stepper = stepper_of(model)
    optimizer = torch.optim.AdamW(other.parameters(), lr=1e-2, weight_decay=0.0, foreach=False)
    schedule = torch.optim.lr_scheduler.LambdaLR(optimizer, lambda step: 1 - step / 20)
    for step in range(3):
        rows = np.arange(step * 40, step * 40 + 40)
        loss = stepper.take(passes_of(model, rows, alpha=0.3))
        assert SPLIT.explain is not None
        label, rationale = (
            collate_task(task, rows, special=special_ids(other)) for task in (SPLIT.predict, SPLIT.explain)
        )
        # The model's own loss: the mean over a batch's tokens.
        means = [
            other(input_ids=task.input_ids, attention_mask=task.attention_mask, labels=task.targets).loss
            for task in (label, rationale)
        ]
        expected = 0.3 * means[0] + 0.7 * means[1]
        optimizer.zero_grad()
        expected.backward()
        torch.nn.utils.clip_grad_norm_(other.parameters(), 1.0)
        optimizer.step()
        schedule.step()
        assert loss.item() == pytest.approx(expected.item(), rel=1e-5)


def test_alpha_1_trains_as_the_standard_method_on_the_same_inputs() -> None:
    assert losses(batch_size=72, grad_steps=1, alpha=1.0, steps=3) == losses(
        batch_size=72, grad_steps=1, alpha=None, steps=3
    )


def test_the_learning_rate_falls_in_a_line_to_0() -> None:
    assert [learning_rate(step, lr=0.4, max_steps=4) for step in range(5)] == pytest.approx([0.4, 0.3, 0.2, 0.1, 0.0])


def test_bf16_trains_close_to_fp32_and_keeps_float32_weights() -> None:
    model = tiny_model(seed=0, dropout_rate=0.0)
    stepper = stepper_of(model, precision="bf16")
    loss = stepper.take(passes_of(model, np.arange(40)))
    stepper.check()
    exact = stepper_of(tiny_model(seed=0, dropout_rate=0.0)).take(passes_of(model, np.arange(40)))
    assert loss.item() != exact.item()
    assert loss.item() == pytest.approx(exact.item(), rel=1e-2)
    assert {parameter.dtype for parameter in model.parameters()} == {torch.float32}


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_the_first_loss_that_is_not_finite_stops_every_weight_from_there_on(value: float) -> None:
    model = tiny_model(seed=0, dropout_rate=0.0)
    stepper = stepper_of(model)
    stepper.take(passes_of(model, np.arange(10)))
    stepper.take(passes_of(model, np.arange(10, 20)))
    stepper.check()
    # One entry is enough: the final norm's scale reaches every logit.
    scale = model.decoder.final_layer_norm.weight
    with torch.no_grad():
        scale[0] = value
    before = copy_weights(model)
    stepper.take(passes_of(model, np.arange(20, 30)))
    with torch.no_grad():
        scale[0] = 1.0
        before["decoder.final_layer_norm.weight"][0] = 1.0
    # This one would be finite again; a caller that has not looked yet must not train on.
    stepper.take(passes_of(model, np.arange(30, 40)))
    with pytest.raises(WorkerError, match="step 3: the loss is nan") as caught:
        stepper.check()
    assert (caught.value.code, caught.value.kind) == ("NON_FINITE", "user")
    after = copy_weights(model)
    assert all(torch.equal(after[name], before[name]) for name in before)


@pytest.mark.parametrize(("precision", "hint"), [("fp32", "lower lr"), ("bf16", "lower lr, or use precision: fp32")])
def test_what_is_not_finite_is_told_to_use_another_precision_only_where_there_is_a_finer_one(
    precision: Precision, hint: str
) -> None:
    model = tiny_model(seed=0, dropout_rate=0.0)
    stepper = stepper_of(model, precision=precision)
    with torch.no_grad():
        model.decoder.final_layer_norm.weight[0] = float("nan")
    stepper.take(passes_of(model, np.arange(10)))
    with pytest.raises(WorkerError) as caught:
        stepper.check()
    assert caught.value.hint == hint


def test_a_finite_loss_with_an_endless_gradient_stops_too() -> None:
    model = tiny_model(seed=0, dropout_rate=0.0)
    stepper = stepper_of(model)
    model.lm_head.weight.register_hook(lambda gradient: torch.full_like(gradient, float("inf")))
    before = copy_weights(model)
    stepper.take(passes_of(model, np.arange(10)))
    with pytest.raises(WorkerError, match="step 1: the gradient is not finite"):
        stepper.check()
    assert all(torch.equal(value, before[name]) for name, value in copy_weights(model).items())


class _LimitedMemory:
    """Passes with more target tokens than fit raise what torch does; how far a pass gets by then varies."""

    def __init__(self, passes_of: PassesOf, *, tokens: int, error: Exception) -> None:
        self._passes_of = passes_of
        self._tokens = tokens
        self._error = error
        self.plans: list[MicroBatchPlan] = []

    def __call__(self, plan: MicroBatchPlan) -> Iterator[PackedBatch]:
        self.plans.append(plan)
        for number, batch in enumerate(self._passes_of(plan)):
            # Not the first: its gradient must be thrown away too.
            if number > 0 and len(batch.targets) > self._tokens:
                raise self._error
            yield batch


OUT_OF_MEMORY = [
    torch.OutOfMemoryError("CUDA out of memory"),
    RuntimeError("DefaultCPUAllocator: can't allocate memory: you tried to allocate 8 bytes"),
    MemoryError(),
]


@pytest.mark.parametrize("error", OUT_OF_MEMORY, ids=["cuda", "cpu", "python"])
def test_a_step_that_ran_out_of_memory_is_taken_again_in_halves_with_the_same_gradient(error: Exception) -> None:
    model, other = tiny_model(seed=0, dropout_rate=0.0), tiny_model(seed=0, dropout_rate=0.0)
    limited = _LimitedMemory(passes_of(model, np.arange(64)), tokens=200, error=error)
    stepper = stepper_of(model, plan=micro_batches(32))
    expected = stepper_of(other, plan=micro_batches(8)).take(passes_of(other, np.arange(64)))
    assert stepper.take(limited).item() == pytest.approx(expected.item(), rel=1e-6)
    # It is remembered, so that the next step does not fail again.
    assert [plan.pass_rows for plan in limited.plans] == [32, 16]
    assert stepper.plan.pass_rows == 16
    for ours, plain in zip(model.parameters(), other.parameters(), strict=True):
        assert ours.grad is not None
        assert plain.grad is not None
        torch.testing.assert_close(ours.grad, plain.grad, rtol=1e-4, atol=1e-7)


def test_a_repeated_step_draws_the_dropout_that_the_smaller_passes_would_have_drawn_at_once() -> None:
    repeated, direct = tiny_model(seed=0, dropout_rate=0.3), tiny_model(seed=0, dropout_rate=0.3)
    limited = _LimitedMemory(passes_of(repeated, np.arange(64)), tokens=200, error=OUT_OF_MEMORY[0])
    torch.manual_seed(7)
    loss = stepper_of(repeated, plan=micro_batches(32)).take(limited)
    torch.manual_seed(7)
    halved = micro_batches(32).halved()
    assert halved is not None
    assert stepper_of(direct, plan=halved).take(passes_of(direct, np.arange(64))).item() == loss.item()
    assert all(
        torch.equal(a, b) for a, b in zip(repeated.state_dict().values(), direct.state_dict().values(), strict=True)
    )


def test_a_single_row_that_does_not_fit_is_told() -> None:
    model = tiny_model(seed=0)
    limited = _LimitedMemory(passes_of(model, np.arange(8)), tokens=0, error=OUT_OF_MEMORY[0])
    with pytest.raises(torch.OutOfMemoryError):
        stepper_of(model, plan=micro_batches(4)).take(limited)
    assert [plan.pass_rows for plan in limited.plans] == [4, 2, 1]


def test_other_errors_are_not_taken_for_a_lack_of_memory() -> None:
    model = tiny_model(seed=0)
    limited = _LimitedMemory(passes_of(model, np.arange(8)), tokens=0, error=RuntimeError("mat1 and mat2"))
    with pytest.raises(RuntimeError, match="mat1 and mat2"):
        stepper_of(model, plan=micro_batches(4)).take(limited)
    assert len(limited.plans) == 1
