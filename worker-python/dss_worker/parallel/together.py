"""Several processes that have one trial together; a `Processes`."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager

import numpy as np
import torch
from torch import distributed
from torch.distributed.device_mesh import DeviceMesh
from transformers import T5ForConditionalGeneration

from dss_worker.config import TrialConfig
from dss_worker.errors import WorkerError
from dss_worker.parallel.load import load_divided
from dss_worker.parallel.lockstep import Lockstep
from dss_worker.parallel.shard import shard_model
from dss_worker.parallel.sharded_model import ShardedModel
from dss_worker.training.collate import RowShare
from dss_worker.training.model import Weights
from dss_worker.training.processes import Sums
from dss_worker.training.trained import Trained


class Together:
    def __init__(self, mesh: DeviceMesh) -> None:
        """`mesh`: of one dimension, within `joined`."""
        self._mesh = mesh
        self._group = mesh.get_group()
        self._lockstep: Lockstep | None = None
        self.share = RowShare(index=distributed.get_rank(self._group), of=distributed.get_world_size(self._group))

    @property
    def is_first(self) -> bool:
        return self.share.index == 0

    def load(
        self, config: TrialConfig, *, device: torch.device, whole: Callable[[], T5ForConditionalGeneration]
    ) -> T5ForConditionalGeneration:
        """Raises: WorkerError as `load_model`; ADAPTER_UNSUPPORTED for an adapter, whose base nobody moves."""
        if config.settings.adapter != "none":
            message = f"adapter: {config.settings.adapter} trains on one device, this trial has {self.share.of}"
            raise WorkerError("ADAPTER_UNSUPPORTED", message, hint="set devices: 1, or train all weights")
        if config.settings.init == "random":
            # Drawn as one process draws it.
            model = whole()
            self._lockstep = shard_model(model, self._mesh)
        else:
            model, self._lockstep = load_divided(config.model, config.settings, self._mesh, device=device)
        return model

    def trained(self, model: T5ForConditionalGeneration) -> Trained:
        return ShardedModel(model, self._mesh)

    def gather(self, trained: Trained) -> Weights:
        assert isinstance(trained, ShardedModel)
        return trained.gather(is_wanted=self.is_first)

    def evaluating(self) -> AbstractContextManager[None]:
        assert self._lockstep is not None
        return self._lockstep.keep()

    def sum(self, values: Sums) -> Sums:
        return self._reduced(values, distributed.ReduceOp.SUM)

    def least(self, values: Sums) -> Sums:
        return self._reduced(values, distributed.ReduceOp.MIN)

    def first_says(self, *answers: bool) -> tuple[bool, ...]:
        said = self.sum(np.array(answers if self.is_first else [False] * len(answers), dtype=np.float64))
        return tuple(each != 0 for each in said.tolist())

    def _reduced(self, values: Sums, how: distributed.ReduceOp.RedOpType) -> Sums:
        reduced = torch.from_numpy(values.copy()).to(self._mesh.device_type)
        distributed.all_reduce(reduced, how, group=self._group)
        found: Sums = reduced.cpu().numpy()
        return found
