"""AdamW whose moments are in ordinary memory, for models that fill a device with weights and gradients alone.

2026-11: FSDP2's own way, CPUOffloadPolicy, takes weights and gradients along and computes the step on the CPU. Here a
weight's moments come to the device for its step and go back, 16 bytes a weight and step, and what is computed is what
torch's fused AdamW computes, to the last bit.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from math import prod
from typing import Any

import torch
from torch import Tensor, nn
from torch.optim.adamw import adamw

_BLOCK_BYTES = 2**30
_FLOAT32 = 4


class HostMomentsAdamW(torch.optim.AdamW):
    """As AdamW with `fused=True`; `found_inf` leaves a step out."""

    def __init__(self, parameters: Iterable[nn.Parameter], **options: Any) -> None:  # noqa: ANN401 - AdamW's
        given = list(parameters)
        super().__init__(given, **options, fused=True)
        # Pinned, so that copies run beside the device's work; in the order of its stream, each after its step.
        self._memory = _Blocks(
            sum(2 * each.numel() for each in given), is_pinned=any(each.device.type == "cuda" for each in given)
        )

    @torch.no_grad()
    def step(self, closure: Callable[[], float] | None = None) -> None:  # type: ignore[override]
        assert closure is None
        for group in self.param_groups:
            for parameter in group["params"]:
                if parameter.grad is not None:
                    self._move(parameter, parameter.grad, group)

    def _move(self, parameter: nn.Parameter, grad: Tensor, group: dict[str, Any]) -> None:
        state = self.state[parameter]
        if not state:
            state["step"] = torch.zeros((), dtype=torch.float32, device=parameter.device)
            for name in ("exp_avg", "exp_avg_sq"):
                state[name] = self._memory.zeros(parameter.shape)
        moments = [state[name].to(parameter.device, non_blocking=True) for name in ("exp_avg", "exp_avg_sq")]
        adamw(
            [parameter],
            [grad],
            [moments[0]],
            [moments[1]],
            [],
            [state["step"]],
            fused=True,
            found_inf=getattr(self, "found_inf", None),
            amsgrad=False,
            beta1=group["betas"][0],
            beta2=group["betas"][1],
            lr=group["lr"],
            weight_decay=group["weight_decay"],
            eps=group["eps"],
            maximize=False,
        )
        for name, moment in zip(("exp_avg", "exp_avg_sq"), moments, strict=True):
            if moment is not state[name]:
                state[name].copy_(moment, non_blocking=True)


class _Blocks:
    """Tensors in blocks of a power of two, since torch rounds what is pinned up to one.

    By itself each, T5-XXL's moments would take 110 GiB and not 83: a feed-forward matrix of 160 MiB is given 256.
    """

    def __init__(self, numbers: int, *, is_pinned: bool) -> None:
        """
        Args:
            numbers: float32, that will be asked for together.
        """
        self._size = min(numbers, _BLOCK_BYTES // _FLOAT32)
        self._is_pinned = is_pinned
        self._rest = torch.empty(0)

    def zeros(self, shape: torch.Size) -> Tensor:
        numbers = prod(shape)
        if numbers > self._size:
            return torch.zeros(shape, pin_memory=self._is_pinned)
        if len(self._rest) < numbers:
            self._rest = torch.zeros(self._size, pin_memory=self._is_pinned)
        taken, self._rest = self._rest[:numbers], self._rest[numbers:]
        return taken.view(shape)
