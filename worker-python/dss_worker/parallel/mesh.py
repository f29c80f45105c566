"""Ranks as a mesh: data x shard x tensor.

Ranks that differ in their tensor place compute the same rows together; they talk in every layer, so they are neighbours
and of one machine. All others have other rows. Of those, the ranks along shard divide the weights that are left, and
along data each group has them once more.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor, distributed
from torch.distributed.device_mesh import DeviceMesh

from dss_worker.config import RankLayout, TrialConfig
from dss_worker.errors import WorkerError
from dss_worker.parallel.ranks import CONNECT_TIMEOUT, TIMEOUT
from dss_worker.training.collate import RowShare
from dss_worker.training.model import config_of
from dss_worker.training.shares import Place

_DIMENSIONS = _DATA, _SHARD, _TENSOR = "data", "shard", "tensor"


def layout_of(config: TrialConfig, ranks: int) -> RankLayout:
    """The one that the trial asks for, or by itself: all ranks divide the rows of weights, as long as there are rows
    of a batch for each; where there are not, as few tensor ranks as it takes.

    Raises: WorkerError (MODEL_INVALID).
    """
    if config.run.layout is not None:
        return config.run.layout
    heads, rows = config_of(config.model.directory, dropout=0.0).num_heads, config.settings.batch_size
    local = config.run.devices
    divisible = heads if config.settings.adapter == "none" else 1
    possible = [each for each in range(1, local + 1) if local % each == 0 and divisible % each == 0]
    tensor = next((each for each in possible if ranks // each <= rows), possible[-1])
    return RankLayout(shard=ranks // tensor, tensor=tensor)


@dataclass(frozen=True, slots=True)
class Mesh:
    """This rank's place among all."""

    _mesh: DeviceMesh

    @classmethod
    def of_layout(cls, layout: RankLayout, *, device_type: str) -> Mesh:
        """Of all ranks that have met; all of them call it.

        Raises: WorkerError (LAYOUT_INVALID) for one that is of another number of ranks.
        """
        size = distributed.get_world_size()
        if size % (layout.shard * layout.tensor) != 0:
            asked = f"layout: shard {layout.shard} x tensor {layout.tensor}"
            hint = "their product must divide devices x machines; layout: auto always fits"
            raise WorkerError("LAYOUT_INVALID", f"{asked} does not divide {size} ranks", hint=hint)
        shape = (size // (layout.shard * layout.tensor), layout.shard, layout.tensor)
        ranks = torch.arange(size).view(shape)
        groups = [_group_along(ranks, dimension) for dimension in range(len(shape))]
        mesh = cls(DeviceMesh.from_group(groups, device_type, mesh=ranks, mesh_dim_names=_DIMENSIONS))
        for group in mesh.groups:
            distributed.set_timeout(TIMEOUT, group)
        return mesh

    @property
    def device_type(self) -> str:
        return self._mesh.device_type

    @property
    def size(self) -> int:
        return self._mesh.size()

    @property
    def place(self) -> Place:
        return Place(shard=self._share(_SHARD), tensor=self._share(_TENSOR))

    @property
    def rows(self) -> RowShare:
        """Which rows of a batch are this rank's; tensor ranks have the same."""
        data, shard = self._share(_DATA), self._share(_SHARD)
        return RowShare(index=data.index * shard.of + shard.index, of=data.of * shard.of)

    @property
    def copy(self) -> RowShare:
        """Which copy of the model's weights it has a part of."""
        return self._share(_DATA)

    @property
    def everybody(self) -> distributed.ProcessGroup:
        return _everybody()

    @property
    def groups(self) -> list[distributed.ProcessGroup]:
        """All that this rank is in, and may wait in."""
        return [self.everybody, *self._mesh.get_all_groups()]

    def sum_over_rows(self, value: Tensor) -> None:
        """In place, over all that have other rows."""
        distributed.all_reduce(value, group=self.shards)
        if self.copy.of > 1:
            distributed.all_reduce(value, group=self._mesh.get_group(_DATA))

    @property
    def of_rows(self) -> DeviceMesh:
        """Over which gradients are summed and weights divided: one dimension, or two where there are copies."""
        return self._mesh[_SHARD] if self.copy.of == 1 else self._mesh[_DATA, _SHARD]

    @property
    def shards(self) -> distributed.ProcessGroup:
        """Those that gather weights from each other."""
        return self._mesh.get_group(_SHARD)

    @property
    def tensors(self) -> distributed.ProcessGroup:
        """Those that compute the same rows."""
        return self._mesh.get_group(_TENSOR)

    def _share(self, name: str) -> RowShare:
        return RowShare(index=self._mesh.get_local_rank(name), of=self._mesh.size(_DIMENSIONS.index(name)))


def _group_along(ranks: Tensor, dimension: int) -> distributed.ProcessGroup:
    """This rank's among those that differ in one place of the mesh. `init_device_mesh` would wait for half an hour for
    one that does not connect, and in each collective.
    """
    if ranks.shape[dimension] == ranks.numel():
        return _everybody()
    members = ranks.movedim(dimension, -1).reshape(-1, ranks.shape[dimension]).tolist()
    ours, _ = distributed.new_subgroups_by_enumeration(members, timeout=CONNECT_TIMEOUT)
    assert isinstance(ours, distributed.ProcessGroup)
    return ours


def _everybody() -> distributed.ProcessGroup:
    assert distributed.group.WORLD is not None
    return distributed.group.WORLD
