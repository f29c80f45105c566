"""One optimizer step."""

from __future__ import annotations

import math
from collections.abc import Iterable
from contextlib import AbstractContextManager

import torch
from torch import Tensor
from torch.nn.utils import clip_grad_norm_
from transformers import T5ForConditionalGeneration

from dss_worker.config import Precision
from dss_worker.errors import WorkerError
from dss_worker.training.collate import WeightedBatch
from dss_worker.training.loss import summed_token_loss

# The released code's, which are those of transformers' Trainer.
BETAS = (0.9, 0.999)
EPSILON = 1e-8
MAX_GRADIENT_NORM = 1.0


def make_optimizer(model: T5ForConditionalGeneration, *, lr: float) -> torch.optim.AdamW:
    """AdamW without weight decay. Fused, because only that form can be told on the device to leave a step out."""
    return torch.optim.AdamW(model.parameters(), lr=lr, betas=BETAS, eps=EPSILON, weight_decay=0.0, fused=True)


def learning_rate(step: int, *, lr: float, max_steps: int) -> float:
    """`lr` at step 0, falling in a line to 0 at `max_steps`, which no step reaches."""
    return lr * (1.0 - step / max_steps)


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
    ) -> None:
        self._model = model
        self._optimizer = make_optimizer(model, lr=lr)
        self._lr = lr
        self._max_steps = max_steps
        self._precision = precision
        # Optimizer steps taken; the next step's number, from 0.
        self.step = 0
        device = model.device
        # 1.0 from the first bad step on. The name and meaning are those of torch's gradient scaler, whose way of
        # leaving steps out this borrows.
        self._found_inf = torch.zeros((), dtype=torch.float32, device=device)
        # Step (from 1) and loss of the first bad step.
        self._bad_step = torch.zeros((), dtype=torch.int64, device=device)
        self._bad_loss = torch.zeros((), dtype=torch.float32, device=device)

    def take(self, passes: Iterable[WeightedBatch]) -> Tensor:
        """One step over the passes of a logical batch.

        Returns: float32 scalar on the device, the logical batch's loss in nats, before the step.
        """
        device = self._model.device
        self._optimizer.zero_grad(set_to_none=True)
        loss = torch.zeros((), dtype=torch.float32, device=device)
        for each in passes:
            batch = each.task.to(device)
            with autocast(device, self._precision):
                output = self._model(
                    input_ids=batch.input_ids,
                    attention_mask=batch.attention_mask,
                    decoder_input_ids=batch.decoder_input_ids,
                    use_cache=False,
                )
            part = each.token_weight * summed_token_loss(output.logits, batch.targets)
            # Backward at once: the graphs of a step's passes are never in memory together.
            torch.autograd.backward(part)
            loss += part.detach()
        norm = clip_grad_norm_(self._model.parameters(), MAX_GRADIENT_NORM)
        self._note_finite(loss, norm)
        for group in self._optimizer.param_groups:
            group["lr"] = learning_rate(self.step, lr=self._lr, max_steps=self._max_steps)
        self._optimizer.found_inf = self._found_inf  # type: ignore[attr-defined]
        self._optimizer.step()
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
        raise WorkerError("NON_FINITE", f"step {step}: {what}", hint="lower lr, or use precision: fp32")

    def _note_finite(self, loss: Tensor, norm: Tensor) -> None:
        bad = ~(torch.isfinite(loss) & torch.isfinite(norm))
        first = bad & (self._found_inf == 0)
        self._bad_step = torch.where(first, self.step + 1, self._bad_step)
        self._bad_loss = torch.where(first, loss, self._bad_loss)
        self._found_inf = torch.maximum(self._found_inf, bad.to(torch.float32))


def autocast(device: torch.device, precision: Precision) -> AbstractContextManager[object]:
    """bf16: matrix products in bfloat16, everything that sums in float32; weights stay float32 always."""
    return torch.autocast(device.type, dtype=torch.bfloat16, enabled=precision == "bf16")


def set_matmul_precision(precision: Precision) -> None:
    """What float32 matrix products may round to; a setting of the process, so every trial sets it.

    bf16 has TF32 too: evaluation is never under autocast, where ties between bfloat16 values decide tokens.
    """
    torch.set_float32_matmul_precision("highest" if precision == "fp32" else "high")
