"""AdamW in its forms, or Adafactor; how fast it moves, and what of it a checkpoint keeps.

All leave a step out whose loss or gradient is not finite. torch's fused AdamW reads that on the device, as torch's
gradient scaler has it do. The others know nothing of it, and a zero gradient is no way around: their moments would
still decay and the weights still move. So those wait for the device before every step.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor

from dss_worker.config import Optimizer, OptimizerStates
from dss_worker.errors import WorkerError
from dss_worker.training.adafactor import Adafactor, WholeSpread
from dss_worker.training.host_moments import HostMomentsAdamW
from dss_worker.training.trained import Parameterised

# The released code's, which are those of transformers' Trainer.
BETAS = (0.9, 0.999)
EPSILON = 1e-8
# Of the two moments of a weight: float32 each, or a byte and a share of its block's scale each. Adafactor's are some
# thousandths of that.
MOMENT_BYTES: Mapping[Optimizer, float] = {"adamw": 2 * 4.0, "adamw8bit": 2 * (1 + 4 / 256), "adafactor": 0.0}


def make_optimizer(
    model: Parameterised, *, lr: float, kind: Optimizer = "adamw", states: OptimizerStates = "device"
) -> torch.optim.Optimizer:
    """Without weight decay, for the parameters that are trained.

    Raises: WorkerError (OPTIMIZER_UNSUPPORTED, PACKAGE_MISSING) where "adamw8bit" cannot run, or for states that
        another optimizer than "adamw" would have on the host.
    """
    if states == "host" and kind != "adamw":
        message = f"optimizer_states: host is for optimizer: adamw, this trial has {kind}"
        hint = f"use optimizer_states: device: what {kind} keeps is small"
        raise WorkerError("OPTIMIZER_UNSUPPORTED", message, hint=hint)
    if kind == "adafactor":
        spread_of = getattr(model, "spread", lambda _, parameter: WholeSpread(parameter))
        named = [(name, parameter) for name, parameter in model.named_parameters() if parameter.requires_grad]
        return Adafactor([(parameter, spread_of(name, parameter)) for name, parameter in named], lr=lr)
    parameters = [parameter for parameter in model.parameters() if parameter.requires_grad]
    if states == "host":
        return HostMomentsAdamW(parameters, lr=lr, betas=BETAS, eps=EPSILON, weight_decay=0.0)
    if kind == "adamw8bit":
        return _adamw8bit(parameters, lr=lr, device=model.device)
    # Fused, because only that form can be told on the device to leave a step out.
    return torch.optim.AdamW(parameters, lr=lr, betas=BETAS, eps=EPSILON, weight_decay=0.0, fused=True)


def learning_rate(step: int, *, lr: float, max_steps: int) -> float:
    """`lr` at step 0, falling in a line to 0 at `max_steps`, which no step reaches."""
    return lr * (1.0 - step / max_steps)


def take_step(optimizer: torch.optim.Optimizer, *, lr: float, found_inf: Tensor) -> None:
    """Moves the parameters by their gradients, unless there is something in them that is not finite.

    Args:
        found_inf: float32 scalar on the device; 1.0 leaves the step out.
    """
    for group in optimizer.param_groups:
        # torchao's is a tensor, which its compiled code reads; another in its place would be compiled anew.
        if isinstance(group["lr"], Tensor):
            group["lr"].fill_(lr)
        else:
            group["lr"] = lr
    if isinstance(optimizer, torch.optim.AdamW):
        optimizer.found_inf = found_inf  # type: ignore[attr-defined]
    elif found_inf.item() != 0.0:
        return
    optimizer.step()


def optimizer_tensors(model: Parameterised, optimizer: torch.optim.Optimizer) -> dict[str, Tensor]:
    """The optimizer's state as plain tensors, named `parameter/what`; not copied.

    An 8-bit moment is three: `parameter/exp_avg/codes`, `/scale` and `/qmap`.
    """
    tensors: dict[str, Tensor] = {}
    for name, parameter in model.named_parameters():
        for what, value in optimizer.state.get(parameter, {}).items():
            tensors |= _plain(f"{name}/{what}", value)
    return tensors


@torch.no_grad()
def restore_optimizer_tensors(
    model: Parameterised, optimizer: torch.optim.Optimizer, tensors: Mapping[str, Tensor]
) -> None:
    """Puts back what `optimizer_tensors` gave, into the fresh optimizer of an equal model.

    Raises: ValueError if it was given for another model or optimizer.
    """
    if tensors:
        _fill_state(optimizer)
    present = optimizer_tensors(model, optimizer)
    if present.keys() != tensors.keys():
        different = min(present.keys() ^ tensors.keys())
        raise ValueError(f"the optimizer's state does not fit: {different} is on one side only")
    for name, tensor in present.items():
        if tensor.shape != tensors[name].shape or tensor.dtype != tensors[name].dtype:
            raise ValueError(
                f"the optimizer's state does not fit: {name}: expected {tensor.dtype} {list(tensor.shape)}, "
                f"got {tensors[name].dtype} {list(tensors[name].shape)}"
            )
    for name, tensor in present.items():
        tensor.copy_(tensors[name])


def _fill_state(optimizer: torch.optim.Optimizer) -> None:
    """Makes the state that the first step would make, which the parameters must not feel."""
    parameters = [parameter for group in optimizer.param_groups for parameter in group["params"]]
    kept = [parameter.grad for parameter in parameters]
    for parameter in parameters:
        parameter.grad = torch.zeros_like(parameter)
    # At a rate of zero every weight stays, whatever the moments.
    take_step(optimizer, lr=0.0, found_inf=torch.zeros((), device=parameters[0].device))
    for parameter, grad in zip(parameters, kept, strict=True):
        parameter.grad = grad


def _plain(name: str, value: Tensor) -> dict[str, Tensor]:
    # torch's protocol for tensors that are made of others.
    flatten = getattr(value, "__tensor_flatten__", None)
    if flatten is None:
        return {name: value}
    parts: list[str] = flatten()[0]
    return {f"{name}/{part}": getattr(value, part) for part in parts}


def _adamw8bit(parameters: list[torch.nn.Parameter], *, lr: float, device: torch.device) -> torch.optim.Optimizer:
    """Moments in 8 bits, in blocks of 256 with a scale each; those of tensors below 4,096 elements stay float32.

    Source: Dettmers et al. 2021, arXiv:2110.02861, by torchao.
    """
    if device.type != "cuda":
        hint = "use optimizer: adamw, or a worker with a GPU"
        raise WorkerError("OPTIMIZER_UNSUPPORTED", f"adamw8bit needs a GPU; this worker has a {device.type}", hint=hint)
    try:
        from torchao.optim import AdamW8bit
    except ImportError as error:
        raise WorkerError(
            "PACKAGE_MISSING", f"adamw8bit needs the package torchao: {error}", hint="pip install 'torchao>=0.18'"
        ) from error
    optimizer: Any = AdamW8bit(parameters, lr=lr, betas=BETAS, eps=EPSILON, weight_decay=0.0)
    assert isinstance(optimizer, torch.optim.Optimizer)
    return optimizer
