"""Steps on a GPU: the function and its gradient are those of transformers, whatever they are computed by and in."""

from __future__ import annotations

import gc
import weakref
from collections.abc import Iterator
from dataclasses import replace
from functools import partial

import numpy as np
import pytest
import torch
from torch import Tensor
from transformers import T5ForConditionalGeneration

from dss_worker.config import Optimizer, OptimizerStates, Precision, RunOptions, Switch
from dss_worker.data.encode import EncodedSplit
from dss_worker.training import step
from dss_worker.training.batches import TrainingBatches
from dss_worker.training.collate import PackedBatch, collate_step, collate_task
from dss_worker.training.memory import ModelSize, predict_memory
from dss_worker.training.memory_watch import MemoryWatch
from dss_worker.training.micro_batches import MicroBatchPlan, plan_micro_batches
from dss_worker.training.model import special_ids
from dss_worker.training.optimizer import make_optimizer, optimizer_tensors, restore_optimizer_tensors, take_step
from dss_worker.training.packed_t5 import PLAIN, Engine
from dss_worker.training.sampler import BatchOrder
from dss_worker.training.step import PassesOf, Stepper, autocast, packed_loss, set_matmul_precision
from dss_worker.training.trained import WholeModel
from tests.training.support import micro_batches, random_split, settings, tiny_model

ALPHA = 0.3
STATES: list[OptimizerStates] = ["device", "host"]
ROWS = np.arange(48)
SPLIT = random_split(rows=48, seed=1, longest=40)
LONG_SPLIT = random_split(rows=64, seed=2, longest=200)
# Wide enough for every kernel to be the one that real models get.
SHAPE = {"d_model": 64, "d_kv": 64, "d_ff": 128, "num_heads": 2, "num_layers": 2, "num_decoder_layers": 2}


def gpu_plan(**changes: object) -> MicroBatchPlan:
    return micro_batches(64, group_rows=1_024, length_multiple=16, token_multiple=64, **changes)


def model_on(device: torch.device, *, dropout: float = 0.0, **changes: int) -> T5ForConditionalGeneration:
    model = shaped(dropout=dropout, **changes)
    model.to(device=device)  # type: ignore[call-arg]
    return model


def shaped(*, dropout: float = 0.0, **changes: int) -> T5ForConditionalGeneration:
    shape: dict[str, object] = {**SHAPE, **changes, "dropout_rate": dropout}
    return tiny_model(0, untied=True, **shape)


def passes_of(split: EncodedSplit, model: T5ForConditionalGeneration, rows: np.ndarray = ROWS) -> PassesOf:
    return partial(collate_step, split, rows, alpha=ALPHA, special=special_ids(model))


@pytest.fixture(scope="module")
def plain() -> tuple[float, dict[str, Tensor]]:
    """transformers' loss and gradient, in float64 on a processor."""
    model = shaped().double()
    assert SPLIT.explain is not None
    loss = torch.zeros((), dtype=torch.float64)
    for task, share in ((SPLIT.predict, ALPHA), (SPLIT.explain, 1 - ALPHA)):
        batch = collate_task(task, ROWS, special=special_ids(model))
        output = model(input_ids=batch.input_ids, attention_mask=batch.attention_mask, labels=batch.targets)
        loss = loss + share * output.loss
    torch.autograd.backward(loss)
    return loss.item(), {name: gradient_of(each) for name, each in model.named_parameters()}


def gradient_of(parameter: torch.nn.Parameter) -> Tensor:
    assert parameter.grad is not None
    return parameter.grad.detach().to("cpu", torch.float64)


CHECKPOINTS, COMPILED = Engine(with_checkpoints=True), Engine(is_compiled=True)
JOINED, RECORDED = Engine(is_joined=True), Engine(is_joined=True, is_recorded=True)
ALL = Engine(is_compiled=True, is_joined=True, is_recorded=True)


@pytest.mark.parametrize(
    ("engine", "precision", "tolerance"),
    [
        pytest.param(PLAIN, "fp32", 1e-5, id="plain, fp32"),
        pytest.param(PLAIN, "tf32", 5e-3, id="plain, tf32"),
        pytest.param(PLAIN, "bf16", 5e-2, id="plain, bf16"),
        pytest.param(CHECKPOINTS, "fp32", 1e-5, id="checkpoints, fp32"),
        pytest.param(CHECKPOINTS, "bf16", 5e-2, id="checkpoints, bf16"),
        pytest.param(JOINED, "fp32", 1e-5, id="joined, fp32"),
        pytest.param(JOINED, "bf16", 5e-2, id="joined, bf16"),
        pytest.param(COMPILED, "fp32", 1e-5, id="compiled, fp32"),
        pytest.param(COMPILED, "bf16", 5e-2, id="compiled, bf16"),
        pytest.param(
            Engine(with_checkpoints=True, is_compiled=True, is_joined=True),
            "bf16",
            5e-2,
            id="compiled, joined, checkpoints, bf16",
        ),
    ],
)
def test_loss_and_gradient_are_those_of_transformers(
    gpu: torch.device,
    plain: tuple[float, dict[str, Tensor]],
    engine: Engine,
    precision: Precision,
    tolerance: float,
) -> None:
    expected_loss, expected = plain
    model = model_on(gpu)
    set_matmul_precision(precision)
    loss = 0.0
    # In several passes of which none has as many rows as another, as memory may ask for.
    for each in passes_of(SPLIT, model)(gpu_plan(pass_tokens=900)):
        with autocast(gpu, precision):
            part = packed_loss(model, each.to(gpu), engine=engine)
        torch.autograd.backward(part)
        loss += part.item()
    assert loss == pytest.approx(expected_loss, rel=tolerance)
    for name, parameter in model.named_parameters():
        difference = (gradient_of(parameter) - expected[name]).norm() / expected[name].norm()
        assert difference.item() <= tolerance, name


@pytest.mark.parametrize(
    ("engine", "precision"),
    [
        pytest.param(PLAIN, "fp32", id="plain, fp32"),
        pytest.param(PLAIN, "bf16", id="plain, bf16"),
        pytest.param(RECORDED, "bf16", id="recorded, bf16"),
        pytest.param(ALL, "bf16", id="compiled, recorded, bf16"),
    ],
)
def test_no_step_waits_for_the_device(gpu: torch.device, engine: Engine, precision: Precision) -> None:
    model = model_on(gpu, dropout=0.1)
    set_matmul_precision(precision)
    stepper = Stepper(model, lr=1e-3, max_steps=20, precision=precision, plan=gpu_plan(engine=engine))
    # All rows each time, in passes that have always the same shape.
    order = BatchOrder(rows=len(SPLIT), batch_rows=len(SPLIT), seed=0)
    batches = TrainingBatches(SPLIT, order, alpha=ALPHA, special=special_ids(model), max_steps=20, device=gpu)
    with batches:
        # The first ones make moments and graphs, and may wait.
        for number in range(6):
            stepper.take(batches.passes(number))
        try:
            torch.cuda.set_sync_debug_mode("error")
            for number in range(6, 12):
                stepper.take(batches.passes(number))
        finally:
            torch.cuda.set_sync_debug_mode("default")
    stepper.check()


@pytest.mark.parametrize(
    ("engine", "precision", "tolerance"),
    [
        pytest.param(RECORDED, "fp32", 1e-4, id="fp32"),
        pytest.param(RECORDED, "bf16", 1e-2, id="bf16"),
        pytest.param(ALL, "bf16", 1e-2, id="compiled, bf16"),
    ],
)
def test_recorded_passes_train_as_passes_that_are_run(
    gpu: torch.device, engine: Engine, precision: Precision, tolerance: float
) -> None:
    set_matmul_precision(precision)
    losses = []
    for chosen in (replace(engine, is_recorded=False), engine):
        model = model_on(gpu, dropout=0.2)
        stepper = Stepper(model, lr=3e-3, max_steps=40, precision=precision, plan=gpu_plan(engine=chosen))
        torch.manual_seed(4)
        # Rows that differ, in passes of few shapes.
        batches = [np.random.default_rng(number).permutation(48)[:32] for number in range(24)]
        losses.append([stepper.take(passes_of(SPLIT, model, rows)).item() for rows in batches])
        assert (stepper.recorded_shapes > 0) == chosen.is_recorded
        stepper.check()
    # By random numbers that are the same, since dropout draws on where the last replay ended.
    assert losses[1] == pytest.approx(losses[0], rel=tolerance)
    assert np.mean(losses[0][-4:]) < 0.99 * np.mean(losses[0][:4])


def test_recorded_passes_go_on_from_the_state_that_they_left(gpu: torch.device) -> None:
    one, other = model_on(gpu, dropout=0.2), model_on(gpu, dropout=0.2)
    first, second = (
        Stepper(model, lr=3e-3, max_steps=40, precision="fp32", plan=gpu_plan(engine=RECORDED))
        for model in (one, other)
    )
    for _ in range(5):
        first.take(passes_of(SPLIT, one))
    first.check()
    other.load_state_dict(one.state_dict())
    state = {name: tensor.clone() for name, tensor in first.state().items()}
    expected = [first.take(passes_of(SPLIT, one)).item() for _ in range(5)]
    second.load_state(state, step=5)
    found = [second.take(passes_of(SPLIT, other)).item() for _ in range(5)]
    assert found == pytest.approx(expected, rel=1e-4)


def test_nothing_keeps_a_stepper_that_has_recorded_passes(gpu: torch.device) -> None:
    model = model_on(gpu)
    stepper = Stepper(model, lr=0.0, max_steps=40, precision="fp32", plan=gpu_plan(engine=RECORDED))
    for _ in range(4):
        stepper.take(passes_of(SPLIT, model))
    assert stepper.recorded_shapes > 0
    gone = weakref.ref(stepper)
    gc.disable()
    try:
        del stepper
        assert gone() is None
    finally:
        gc.enable()


def test_a_pass_that_cannot_be_recorded_is_run(
    gpu: torch.device, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    model = model_on(gpu)
    stepper = Stepper(model, lr=0.0, max_steps=40, precision="fp32", plan=gpu_plan(engine=RECORDED))
    expected = stepper.take(passes_of(SPLIT, model)).item()
    real = step.packed_loss

    def failing(model: T5ForConditionalGeneration, batch: PackedBatch, *, engine: Engine) -> Tensor:
        if torch.cuda.is_current_stream_capturing():
            raise torch.OutOfMemoryError("CUDA out of memory")
        return real(model, batch, engine=engine)

    monkeypatch.setattr(step, "packed_loss", failing)
    stream = torch.cuda.current_stream()
    assert [stepper.take(passes_of(SPLIT, model)).item() for _ in range(3)] == pytest.approx([expected] * 3, rel=1e-5)
    assert stepper.recorded_shapes == 0
    assert torch.cuda.current_stream() == stream
    assert capsys.readouterr().out.count("passes are not recorded: CUDA out of memory") == 1


def test_a_step_that_runs_out_of_memory_is_taken_again_with_the_same_gradient(limited: _Limit) -> None:
    device = limited.device
    # Activations that are many times its weights.
    shape = {"d_model": 256, "d_ff": 1024, "num_layers": 4, "num_decoder_layers": 4}
    model = model_on(device, **shape)
    stepper = Stepper(model, lr=0.0, max_steps=20, precision="fp32", plan=gpu_plan())
    passes = passes_of(LONG_SPLIT, model, np.arange(64))
    before = torch.cuda.memory_allocated(device)
    expected_loss = stepper.take(passes).item()
    expected = [gradient_of(each) for each in model.parameters()]
    peak = torch.cuda.max_memory_allocated(device)
    limited.to(before + (peak - before) // 2)
    found = stepper.take(passes).item()
    assert stepper.plan.pass_rows < 64
    assert found == pytest.approx(expected_loss, rel=1e-5)
    for parameter, gradient in zip(model.parameters(), expected, strict=True):
        assert ((gradient_of(parameter) - gradient).norm() / gradient.norm()).item() <= 1e-5
    plan = stepper.plan
    stepper.take(passes)
    assert stepper.plan == plan


class _Limit:
    """Of what torch may have of a device."""

    def __init__(self, device: torch.device) -> None:
        self.device = device
        _, self._all = torch.cuda.mem_get_info(device)

    def to(self, size_bytes: int) -> None:
        gc.collect()
        torch.cuda.empty_cache()
        torch.cuda.set_per_process_memory_fraction(size_bytes / self._all, torch.cuda.current_device())


@pytest.fixture
def limited(gpu: torch.device) -> Iterator[_Limit]:
    gc.collect()
    torch.cuda.empty_cache()
    torch.cuda.reset_peak_memory_stats(gpu)
    limit = _Limit(gpu)
    yield limit
    torch.cuda.set_per_process_memory_fraction(1.0, torch.cuda.current_device())


def test_a_loss_that_is_not_finite_moves_nothing_and_names_its_step(gpu: torch.device) -> None:
    model = model_on(gpu)
    stepper = Stepper(model, lr=1e-3, max_steps=20, precision="fp32", plan=gpu_plan())
    stepper.take(passes_of(SPLIT, model))
    with torch.no_grad():
        model.shared.weight[5] = torch.nan
    before = [each.detach().clone() for each in model.lm_head.parameters()]
    for _ in range(3):
        stepper.take(passes_of(SPLIT, model))
    with pytest.raises(Exception, match="step 2: the loss is nan"):
        stepper.check()
    assert all(torch.equal(a, b) for a, b in zip(before, model.lm_head.parameters(), strict=True))


@pytest.mark.parametrize(("kind", "states"), [("adamw", "host"), ("adafactor", "device"), ("adamw8bit", "device")])
def test_other_optimizers_move_the_weights_and_go_on_from_their_own_state(
    gpu: torch.device, kind: Optimizer, states: OptimizerStates
) -> None:
    if kind == "adamw8bit":
        pytest.importorskip("torchao")
    # An embedding of more than 4,096 numbers, of which torchao's moments have 8 bits.
    models = [model_on(gpu) for _ in range(2)]
    one, other = (make_optimizer(each, lr=1e-3, kind=kind, states=states) for each in models)
    move(models[0], one, steps=3)
    models[1].load_state_dict(models[0].state_dict())
    kept = {key: tensor.clone() for key, tensor in optimizer_tensors(models[0], one).items()}
    restore_optimizer_tensors(models[1], other, kept)
    for model, optimizer in zip(models, (one, other), strict=True):
        move(model, optimizer, steps=2)
    for ours, theirs in zip(models[0].parameters(), models[1].parameters(), strict=True):
        torch.testing.assert_close(ours, theirs, rtol=0, atol=0)


def test_moments_on_the_host_give_the_bits_that_moments_on_the_device_give(gpu: torch.device) -> None:
    models = [model_on(gpu) for _ in range(2)]
    for model, states in zip(models, STATES, strict=True):
        move(model, make_optimizer(model, lr=1e-3, states=states), steps=4)
    for ours, theirs in zip(models[0].parameters(), models[1].parameters(), strict=True):
        torch.testing.assert_close(ours, theirs, rtol=0, atol=0)


def move(model: T5ForConditionalGeneration, optimizer: torch.optim.Optimizer, *, steps: int) -> None:
    """By gradients that are drawn, the same for each model."""
    draw = torch.Generator(device=model.device).manual_seed(3)
    before = [each.detach().clone() for each in model.parameters()]
    for _ in range(steps):
        for parameter in model.parameters():
            parameter.grad = torch.randn(parameter.shape, generator=draw, device=model.device)
        take_step(optimizer, lr=1e-3, found_inf=torch.zeros((), device=model.device))
    assert not any(torch.equal(a, b) for a, b in zip(before, model.parameters(), strict=True))


@pytest.mark.parametrize("precision", ["fp32", "bf16"])
@pytest.mark.parametrize("checkpointing", ["off", "on"])
def test_the_plan_of_a_step_follows_memory_and_says_how_much_it_takes(
    limited: _Limit, precision: Precision, checkpointing: Switch
) -> None:
    device = limited.device
    shape = {"d_model": 512, "d_ff": 1024, "num_heads": 8, "num_layers": 6, "num_decoder_layers": 6}
    model = model_on(device, dropout=0.1, vocab_size=8_000, **shape)
    set_matmul_precision(precision)
    chosen = settings(precision=precision, batch_size=64, dropout=0.1, alpha=ALPHA, max_input_length=256)
    run = RunOptions(compile="off", gradient_checkpointing=checkpointing)
    plan = plan_micro_batches(chosen, run, config=model.config, device=device)
    assert plan.engine.with_checkpoints == (checkpointing == "on")
    memory = MemoryWatch(device)
    trained = WholeModel(model)
    stepper = Stepper(model, lr=1e-3, max_steps=20, precision=precision, plan=plan, trained=trained)
    for _ in range(3):
        stepper.take(passes_of(LONG_SPLIT, model, np.arange(64)))
    stepper.check()
    predicted = predict_memory(
        ModelSize.of_model(model, trained, is_warm=False),
        chosen,
        stepper.plan,
        LONG_SPLIT,
        device=device,
        process_bytes=memory.process_bytes,
    )
    print(f"{precision}, checkpointing {checkpointing}: predicted {predicted / memory.peak_bytes:.3f} of what was seen")
    assert predicted == pytest.approx(memory.peak_bytes, rel=0.25)
