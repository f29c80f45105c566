"""One optimizer step."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import AbstractContextManager
from typing import cast

import torch
from torch import Tensor
from transformers import T5ForConditionalGeneration

from dss_worker.config import Optimizer, OptimizerStates, Precision
from dss_worker.errors import WorkerError
from dss_worker.training.collate import PackedBatch
from dss_worker.training.layer_part import vocabulary_part
from dss_worker.training.linear_loss import linear_loss
from dss_worker.training.micro_batches import MicroBatchPlan
from dss_worker.training.optimizer import (
    learning_rate,
    make_optimizer,
    optimizer_tensors,
    restore_optimizer_tensors,
    take_step,
)
from dss_worker.training.packed_t5 import PLAIN, Engine, decode, encode
from dss_worker.training.recorded_passes import RecordedPasses
from dss_worker.training.trained import Trained, WholeModel
from dss_worker.training.within import within

# The released code's, which is that of transformers' Trainer.
MAX_GRADIENT_NORM = 1.0
# In the order of `_random_states`.
_RANDOM_STATES = ("random-cpu", "random-cuda")

PassesOf = Callable[[MicroBatchPlan], Iterable[PackedBatch]]


class Stepper:
    """Takes optimizer steps on one model without waiting for its device.

    From the first step whose loss or gradient is not finite on, the optimizer moves nothing. That is decided on the
    device; `check` reads it back and raises, so a caller may take some more (idle) steps before it asks.
    """

    def __init__(
        self,
        model: T5ForConditionalGeneration,
        *,
        lr: float,
        max_steps: int,
        precision: Precision,
        plan: MicroBatchPlan,
        optimizer: Optimizer = "adamw",
        optimizer_states: OptimizerStates = "device",
        trained: Trained | None = None,
    ) -> None:
        """`trained`: what of the model this process moves; None: all of it."""
        self._model = model
        self._trained = WholeModel(model) if trained is None else trained
        self._optimizer = make_optimizer(self._trained, lr=lr, kind=optimizer, states=optimizer_states)
        self._lr = lr
        self._max_steps = max_steps
        self._precision = precision
        # How steps are split from here on; halved where memory did not do.
        self.plan = plan
        # Optimizer steps taken; the next step's number, from 0.
        self.step = 0
        device = model.device
        # 1.0 from the first bad step on. The name and meaning are those of torch's gradient scaler, whose way of
        # leaving steps out this borrows.
        self._found_inf = torch.zeros((), dtype=torch.float32, device=device)
        # Step (from 1) and loss of the first bad step.
        self._bad_step = torch.zeros((), dtype=torch.int64, device=device)
        self._bad_loss = torch.zeros((), dtype=torch.float32, device=device)
        # Of the step's passes so far.
        self._loss = torch.zeros((), dtype=torch.float32, device=device)
        self._recorded: RecordedPasses | None = None
        # What recorded passes add to; empty without them.
        self._gradients: list[Tensor] = []

    def take(self, passes_of: PassesOf) -> Tensor:
        """One step over a logical batch.

        Where memory runs out, the step is taken again from its beginning, dropout's random numbers included, with
        passes half as large, and so are those that follow.

        Args:
            passes_of: splits the batch by a plan.
        Returns: float32 scalar on the device, the logical batch's loss in nats, before the step.
        Raises: torch.OutOfMemoryError if one row is too much, or where several processes share the model.
        """
        random_states = _random_states(self._model.device)
        while True:
            try:
                loss = self._loss_and_gradient(passes_of(self.plan))
                break
            except Exception as error:
                # Other processes would go on with the passes that they had.
                may_halve = self._trained.is_whole and is_out_of_memory(error)
                halved = self.plan.halved() if may_halve else None
                if halved is None:
                    raise
                print(f"step {self.step + 1} ran out of memory; again with {halved}", flush=True)
                self.plan = halved
            # Outside of the handler: the traceback holds on to what was on the device.
            self._trained.zero_grad()
            # Smaller passes are recorded anew.
            self._recorded, self._gradients = None, []
            _set_random_states(self._model.device, random_states)
            if self._model.device.type == "cuda":
                torch.cuda.empty_cache()
        norm = self._trained.clip_gradient(MAX_GRADIENT_NORM)
        self._note_finite(loss, norm)
        lr = learning_rate(self.step, lr=self._lr, max_steps=self._max_steps)
        take_step(self._optimizer, lr=lr, found_inf=self._found_inf)
        self.step += 1
        return loss

    def check(self) -> None:
        """Waits for the device.

        Raises: WorkerError (NON_FINITE) with the first bad step, counted from 1.
        """
        if self._found_inf.item() == 0.0:
            return
        step, loss = int(self._bad_step.item()), self._bad_loss.item()
        what = "the gradient is not finite" if math.isfinite(loss) else f"the loss is {loss}"
        hint = "lower lr" if self._precision == "fp32" else "lower lr, or use precision: fp32"
        raise WorkerError("NON_FINITE", f"step {step}: {what}", hint=hint)

    def state(self) -> dict[str, Tensor]:
        """What the next step depends on besides the weights, `step` and `plan`; not copied.

        After a `check` only: before it, nobody knows whether there is a next step.
        """
        moments = optimizer_tensors(self._trained, self._optimizer)
        states = zip(_RANDOM_STATES, _random_states(self._model.device), strict=False)
        return {f"optimizer/{name}": tensor for name, tensor in moments.items()} | dict(states)

    def load_state(self, state: Mapping[str, Tensor], *, step: int) -> None:
        """Goes on where another stepper for an equal model stood, given that one's `state` and `step`.

        Args:
            state: without random states, where it is for other rows of a batch than that one's.
        Raises: ValueError or KeyError if it was for another model, optimizer or device.
        """
        moments = {name.removeprefix("optimizer/"): tensor for name, tensor in state.items() if "/" in name}
        restore_optimizer_tensors(self._trained, self._optimizer, moments)
        device = self._model.device
        names = _RANDOM_STATES[: len(_random_states(device))]
        if _RANDOM_STATES[0] in state:
            _set_random_states(device, [state[name] for name in names])
        else:
            # It was of another number of processes, whose draws nobody goes on with.
            torch.manual_seed(torch.initial_seed() + step)
        self.step = step

    @property
    def recorded_shapes(self) -> int:
        """Of passes, that are replayed when they come again."""
        return 0 if self._recorded is None else self._recorded.count

    def _loss_and_gradient(self, passes: Iterable[PackedBatch]) -> Tensor:
        """Adds up both over the passes, the gradient in the parameters."""
        device = self._model.device
        if self._recorded is None and self._should_record():
            self._gradients = [torch.zeros_like(parameter) for parameter in self._moved()]
            self._recorded = RecordedPasses()
        self._zero_gradient()
        self._loss.zero_()
        for each in passes:
            if self._recorded is None:
                self._run_pass(each.to(device))
            else:
                self._recorded.run(each, device, self._run_pass)
        self._trained.take_gradient()
        # Not the tensor that the next step changes.
        return self._trained.total(self._loss.clone())

    def _run_pass(self, batch: PackedBatch) -> None:
        with autocast(self._model.device, self._precision):
            part = packed_loss(self._model, batch, engine=self.plan.engine)
        # Backward at once: the graphs of a step's passes are never in memory together.
        torch.autograd.backward(part)
        self._loss += part.detach()

    def _should_record(self) -> bool:
        return self.plan.engine.is_recorded and self._model.device.type == "cuda" and self._trained.is_whole

    def _moved(self) -> Iterator[torch.nn.Parameter]:
        return (parameter for parameter in self._trained.parameters() if parameter.requires_grad)

    def _zero_gradient(self) -> None:
        if self._recorded is None:
            self._trained.zero_grad()
            return
        for parameter, gradient in zip(self._moved(), self._gradients, strict=True):
            parameter.grad = gradient
        torch._foreach_zero_(self._gradients)

    def _note_finite(self, loss: Tensor, norm: Tensor) -> None:
        bad = ~(torch.isfinite(loss) & torch.isfinite(norm))
        first = bad & (self._found_inf == 0)
        self._bad_step = torch.where(first, self.step + 1, self._bad_step)
        self._bad_loss = torch.where(first, loss, self._bad_loss)
        self._found_inf = torch.maximum(self._found_inf, bad.to(torch.float32))


def packed_loss(model: T5ForConditionalGeneration, batch: PackedBatch, *, engine: Engine = PLAIN) -> Tensor:
    """A pass's share of the logical batch's loss; float32 scalar, nats."""
    return within(model, _packed_loss, model, batch, engine)


def _packed_loss(model: T5ForConditionalGeneration, batch: PackedBatch, engine: Engine) -> Tensor:
    encoded = encode(model, batch.inputs, engine=engine)
    states = decode(model, encoded, batch.inputs, batch.decoder_inputs, engine=engine)
    weight, part = cast(Tensor, model.lm_head.weight), vocabulary_part(model.lm_head)
    return linear_loss(states, weight, batch.targets, batch.token_weights, part=part)


def is_out_of_memory(error: BaseException) -> bool:
    # torch has no type of its own for the CPU's.
    is_of_cpu = isinstance(error, RuntimeError) and "can't allocate memory" in str(error)
    return is_of_cpu or isinstance(error, MemoryError | torch.OutOfMemoryError)


def autocast(device: torch.device, precision: Precision) -> AbstractContextManager[object]:
    """bf16: matrix products in bfloat16, everything that sums in float32; weights stay float32 always."""
    return torch.autocast(device.type, dtype=torch.bfloat16, enabled=precision == "bf16")


def set_matmul_precision(precision: Precision) -> None:
    """What float32 matrix products may round to; a setting of the process, so every trial sets it.

    bf16 has TF32 too: evaluation is never under autocast, where ties between bfloat16 values decide tokens.
    """
    torch.set_float32_matmul_precision("highest" if precision == "fp32" else "high")


def _random_states(device: torch.device) -> list[Tensor]:
    states = [torch.get_rng_state()]
    return [*states, torch.cuda.get_rng_state(device)] if device.type == "cuda" else states


def _set_random_states(device: torch.device, states: list[Tensor]) -> None:
    torch.set_rng_state(states[0])
    if device.type == "cuda":
        torch.cuda.set_rng_state(states[1], device)
