"""This process's part of a model that several have."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import cast

import torch
from torch import Tensor, distributed, nn
from torch.distributed.tensor import DTensor
from torch.nn import functional
from torch.nn.utils import clip_grads_with_norm_, get_total_norm
from transformers import T5ForConditionalGeneration

from dss_worker.parallel.mesh import Mesh
from dss_worker.training.adafactor import Spread
from dss_worker.training.collate import RowShare
from dss_worker.training.model import Weights
from dss_worker.training.shares import Division, rows_of


class ShardedModel:
    """Of a model that `divide_model` divided; a `Trained`."""

    is_whole = False

    def __init__(self, model: T5ForConditionalGeneration, mesh: Mesh, divisions: Mapping[str, Division]) -> None:
        """Before the model is run for the first time: from then on its parameters are gathered ones at times."""
        self._mesh = mesh
        self._device = torch.device(model.device)
        self.divisions = divisions
        # By name, the model's parameter and what is moved in its place: a tensor with the same storage.
        self._parameters = {name: (parameter, _local(parameter)) for name, parameter in model.named_parameters()}

    @property
    def device(self) -> torch.device:
        return self._device

    def parameters(self) -> Iterator[nn.Parameter]:
        return (local for _, local in self._parameters.values())

    def named_parameters(self) -> Iterator[tuple[str, nn.Parameter]]:
        return ((name, local) for name, (_, local) in self._parameters.items())

    def spread(self, name: str, local: Tensor) -> Spread:
        """Of a weight that an optimizer moves, whose part this process has."""
        return _Spread(self.divisions[name], self._mesh)

    def gather(self, *, is_wanted: bool) -> Weights:
        """One after the other, to ordinary memory where they are wanted."""
        gathered: Weights = {}
        for name, (parameter, _) in self._parameters.items():
            weight = parameter.detach()
            whole = self._joined(name, weight.full_tensor() if isinstance(weight, DTensor) else weight)
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
                self._mesh.sum_over_rows(parameter.grad)

    def clip_gradient(self, max_norm: float) -> Tensor:
        """Of every weight each process adds its part, and what several have, each adds its share of."""
        squares = torch.zeros((), device=self._device)
        for holders, grads in self._gradients_by_holders().items():
            squares += get_total_norm(grads) ** 2 / holders
        distributed.all_reduce(squares, group=self._mesh.everybody)
        norm = squares.sqrt()
        clip_grads_with_norm_(self.parameters(), max_norm, norm)
        return norm

    def total(self, value: Tensor) -> Tensor:
        summed = value.detach().clone()
        self._mesh.sum_over_rows(summed)
        return summed

    def _gradients_by_holders(self) -> dict[int, list[Tensor]]:
        """By how many processes have the same."""
        found: dict[int, list[Tensor]] = {}
        place, copies = self._mesh.place, self._mesh.copy.of
        for name, (_, local) in self._parameters.items():
            if local.grad is not None:
                division = self.divisions[name]
                holders = copies * (1 if division.is_sharded else place.shard.of)
                holders *= place.tensor.of if division.along is None else 1
                found.setdefault(holders, []).append(local.grad)
        return found

    def _joined(self, name: str, part: Tensor) -> Tensor:
        """A weight of all tensor ranks, from the part of each."""
        division, share = self.divisions[name], self._mesh.place.tensor
        if division.along is None or share.of == 1:
            return part
        whole = (division.rows, division.columns)[division.along]
        counts = [len(rows_of(RowShare(index=each, of=share.of), whole)) for each in range(share.of)]
        # Of one size, as the collective has it; the last may be smaller.
        first = part.transpose(0, division.along)
        ours = functional.pad(first, (0, 0, 0, counts[0] - len(first))).contiguous()
        parts = [torch.empty_like(ours) for _ in counts]
        distributed.all_gather(parts, ours, group=self._mesh.tensors)
        joined = torch.cat([each[:count] for each, count in zip(parts, counts, strict=True)])
        return joined.transpose(0, division.along).contiguous()


class _Spread:
    """Of one weight over the ranks of a mesh."""

    def __init__(self, division: Division, mesh: Mesh) -> None:
        self._division = division
        self._mesh = mesh
        self.rows = division.rows
        self.columns = division.columns

    def over_rows(self, sums: Tensor) -> Tensor:
        if self._division.is_sharded:
            distributed.all_reduce(sums, group=self._mesh.shards)
        if self._division.along == 0:
            distributed.all_reduce(sums, group=self._mesh.tensors)
        return sums

    def over_columns(self, sums: Tensor) -> Tensor:
        if self._division.along == 1:
            distributed.all_reduce(sums, group=self._mesh.tensors)
        return sums


def _local(parameter: nn.Parameter) -> nn.Parameter:
    if not isinstance(parameter, DTensor):
        return parameter
    return nn.Parameter(parameter.to_local().detach(), requires_grad=parameter.requires_grad)
