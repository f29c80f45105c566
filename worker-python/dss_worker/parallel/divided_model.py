"""A model that the ranks of a mesh divide."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from transformers import T5ForConditionalGeneration

from dss_worker.parallel.lockstep import Lockstep
from dss_worker.parallel.mesh import Mesh
from dss_worker.parallel.shard import position_biases, shard_model
from dss_worker.parallel.tensor import divided_along, split_model
from dss_worker.training.shares import Division


@dataclass(frozen=True, slots=True, kw_only=True)
class Divided:
    # By name, how each weight is divided.
    divisions: Mapping[str, Division]
    # By what ranks with different rows evaluate it; None: none of them needs another's weights.
    lockstep: Lockstep | None


def divide_model(model: T5ForConditionalGeneration, mesh: Mesh) -> Divided:
    """In place: by layers for tensor ranks, then by rows. Every rank calls it with an equal model.

    Raises: WorkerError (LAYOUT_INVALID) if the model cannot be divided so.
    """
    tensor = mesh.place.tensor
    biases = {id(bias) for stack in (model.encoder, model.decoder) for bias in position_biases(stack)}
    divisions = {
        name: Division(
            rows=weight.shape[0],
            columns=weight.shape[1] if weight.dim() == 2 else 1,
            along=divided_along(name),
            is_sharded=id(weight) not in biases,
        )
        for name, weight in model.named_parameters()
    }
    if tensor.of > 1:
        split_model(model, tensor, mesh.tensors)
    return Divided(divisions=divisions, lockstep=shard_model(model, mesh) if mesh.rows.of > 1 else None)
