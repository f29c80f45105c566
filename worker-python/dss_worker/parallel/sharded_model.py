"""This process's part of a model that several have."""

from __future__ import annotations

from collections.abc import Iterator
from typing import cast

import torch
from torch import Tensor, distributed, nn
from torch.distributed.device_mesh import DeviceMesh
from torch.distributed.tensor import DTensor
from torch.nn.utils import clip_grads_with_norm_, get_total_norm
from transformers import T5ForConditionalGeneration

from dss_worker.training.model import Weights


class ShardedModel:
    """Of a model that `shard_model` divided; a `Trained`."""

    is_whole = False

    def __init__(self, model: T5ForConditionalGeneration, mesh: DeviceMesh) -> None:
        """Before the model is run for the first time: from then on its parameters are gathered ones at times."""
        self._group = mesh.get_group()
        self._device = torch.device(model.device)
        # By name, the model's parameter and what is moved in its place: a tensor with the same storage.
        self._parameters = {name: (parameter, _local(parameter)) for name, parameter in model.named_parameters()}

    @property
    def device(self) -> torch.device:
        return self._device

    def parameters(self) -> Iterator[nn.Parameter]:
        return (local for _, local in self._parameters.values())

    def named_parameters(self) -> Iterator[tuple[str, nn.Parameter]]:
        return ((name, local) for name, (_, local) in self._parameters.items())

    @property
    def divided_rows(self) -> dict[str, int]:
        """By name, the rows of each whole parameter that is divided."""
        return {
            name: parameter.shape[0]
            for name, (parameter, _) in self._parameters.items()
            if isinstance(parameter, DTensor)
        }

    def gather(self, *, is_wanted: bool) -> Weights:
        """One after the other, to ordinary memory where they are wanted."""
        gathered: Weights = {}
        for name, (parameter, _) in self._parameters.items():
            if not parameter.requires_grad:
                continue
            weight = parameter.detach()
            whole = weight.full_tensor() if isinstance(weight, DTensor) else weight
            if is_wanted:
                gathered[name] = whole.to("cpu", copy=True)
        return gathered

    def zero_grad(self) -> None:
        for pair in self._parameters.values():
            for each in pair:
                each.grad = None

    def take_gradient(self) -> None:
        for parameter, local in self._parameters.values():
            if isinstance(parameter, DTensor):
                grad = parameter.grad
                local.grad = None if grad is None else cast(DTensor, grad).to_local()
            elif parameter.requires_grad:
                # A process without rows that reach it has none.
                parameter.grad = torch.zeros_like(parameter) if parameter.grad is None else parameter.grad
                distributed.all_reduce(parameter.grad, group=self._group)

    def clip_gradient(self, max_norm: float) -> Tensor:
        shares: list[Tensor] = []
        wholes: list[Tensor] = []
        for parameter, local in self._parameters.values():
            if local.grad is not None:
                (shares if isinstance(parameter, DTensor) else wholes).append(local.grad)
        squares = self.total(get_total_norm(shares) ** 2) + get_total_norm(wholes) ** 2
        norm = squares.sqrt()
        clip_grads_with_norm_(self.parameters(), max_norm, norm)
        return norm

    def total(self, value: Tensor) -> Tensor:
        summed = value.detach().clone()
        distributed.all_reduce(summed, group=self._group)
        return summed


def _local(parameter: nn.Parameter) -> nn.Parameter:
    if not isinstance(parameter, DTensor):
        return parameter
    return nn.Parameter(parameter.to_local().detach(), requires_grad=parameter.requires_grad)
