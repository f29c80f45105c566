"""What a stepper does about recorded passes, with graphs that run them anew: a processor has none to replay."""

from __future__ import annotations

import gc
import weakref
from functools import partial
from types import MethodType
from typing import Any, cast

import numpy as np
import pytest
import torch
from torch import Tensor
from transformers import T5ForConditionalGeneration

from dss_worker.training import step
from dss_worker.training.collate import PackedBatch, collate_step
from dss_worker.training.model import special_ids
from dss_worker.training.packed_t5 import Engine
from dss_worker.training.recorded_passes import RecordedPasses, RunPass, _Recorded
from dss_worker.training.step import PassesOf, Stepper
from tests.training.support import micro_batches, random_split, tiny_model

SPLIT = random_split(rows=12, seed=1)
RECORDED = Engine(is_recorded=True)


class _Graph:
    """As a graph, it keeps nothing of what ran while it was recorded."""

    def __init__(self, run: RunPass, batch: PackedBatch) -> None:
        self._run = weakref.WeakMethod(cast(MethodType, run))
        self._batch = batch

    def replay(self) -> None:
        run = self._run()
        assert run is not None
        run(self._batch)


def record(passes: RecordedPasses, shape: object, batch: PackedBatch, run: RunPass) -> _Recorded:
    # A copy, as one on a device is.
    ours = batch._map(torch.clone)
    recorded = _Recorded(graph=_Graph(run, ours), batch=ours)  # type: ignore[arg-type]
    passes._recorded[shape] = recorded  # type: ignore[index]
    return recorded


@pytest.fixture(autouse=True)
def _graphs(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "graph_pool_handle", lambda: (0, 1))
    monkeypatch.setattr(RecordedPasses, "_record", record)
    monkeypatch.setattr(Stepper, "_should_record", lambda stepper: stepper.plan.engine.is_recorded)


def stepper_of(model: T5ForConditionalGeneration, **plan: Any) -> Stepper:  # noqa: ANN401
    # Nothing moves, so that gradients of different steps may be compared.
    return Stepper(model, lr=0.0, max_steps=99, precision="fp32", plan=micro_batches(12, **plan))


def passes_of(model: T5ForConditionalGeneration) -> PassesOf:
    return partial(collate_step, SPLIT, np.arange(12), alpha=0.5, special=special_ids(model))


def gradient(model: T5ForConditionalGeneration) -> Tensor:
    return torch.cat([parameter.grad.flatten() for parameter in model.parameters() if parameter.grad is not None])


def expected() -> tuple[Tensor, float]:
    model = tiny_model(0, dropout_rate=0.0)
    loss = stepper_of(model).take(passes_of(model))
    return gradient(model), loss.item()


def fail_once(monkeypatch: pytest.MonkeyPatch, owner: object, name: str, *, call: int) -> None:
    real, calls = getattr(owner, name), 0

    def failing(*args: Any, **named: Any) -> Any:  # noqa: ANN401
        nonlocal calls
        calls += 1
        if calls == call:
            raise torch.OutOfMemoryError("CUDA out of memory")
        return real(*args, **named)

    monkeypatch.setattr(owner, name, failing)


def test_a_pass_that_comes_again_is_replayed_and_adds_the_same() -> None:
    model = tiny_model(0, dropout_rate=0.0)
    stepper = stepper_of(model, passes=2, engine=RECORDED)
    losses = [stepper.take(passes_of(model)).item() for _ in range(4)]
    whole, loss = expected()
    assert losses == pytest.approx([loss] * 4)
    torch.testing.assert_close(gradient(model), whole)
    assert stepper.recorded_shapes > 0


def test_nothing_of_a_stepper_outlives_it() -> None:
    model = tiny_model(0)
    stepper = stepper_of(model, engine=RECORDED)
    for _ in range(3):
        stepper.take(passes_of(model))
    assert stepper.recorded_shapes > 0
    gone = weakref.ref(stepper)
    # An idle worker allocates nothing, so that nothing would be collected.
    gc.disable()
    try:
        model.zero_grad()
        del stepper
        assert gone() is None
    finally:
        gc.enable()


def test_memory_that_runs_out_before_the_first_pass_halves_the_passes_too(monkeypatch: pytest.MonkeyPatch) -> None:
    model = tiny_model(0, dropout_rate=0.0)
    stepper = stepper_of(model, engine=RECORDED)
    fail_once(monkeypatch, torch, "zeros_like", call=3)
    loss = stepper.take(passes_of(model)).item()
    monkeypatch.undo()
    assert stepper.plan.pass_rows == 6
    assert loss == pytest.approx(expected()[1])
    torch.testing.assert_close(gradient(model), expected()[0])


def test_smaller_passes_are_recorded_anew_after_memory_has_run_out(monkeypatch: pytest.MonkeyPatch) -> None:
    model = tiny_model(0, dropout_rate=0.0)
    stepper = stepper_of(model, passes=2, engine=RECORDED)
    for _ in range(3):
        stepper.take(passes_of(model))
    before = stepper.recorded_shapes
    # In the midst of a step, whose first pass has been added up.
    fail_once(monkeypatch, step, "packed_loss", call=2)
    losses = [stepper.take(passes_of(model)).item()]
    assert (before > 0, stepper.recorded_shapes, stepper.plan.pass_rows) == (True, 0, 6)
    torch.testing.assert_close(gradient(model), expected()[0])
    losses += [stepper.take(passes_of(model)).item() for _ in range(2)]
    assert losses == pytest.approx([expected()[1]] * 3)
    torch.testing.assert_close(gradient(model), expected()[0])
    assert stepper.recorded_shapes > 0
