"""Several processes that have one trial together; a `Processes`."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path

import numpy as np
import torch
from torch import distributed
from torch.distributed import ReduceOp
from transformers import T5ForConditionalGeneration

from dss_worker.config import TrialConfig, TrialSettings
from dss_worker.errors import WorkerError
from dss_worker.parallel.adapted import merged
from dss_worker.parallel.divided_model import Divided, divide_model
from dss_worker.parallel.load import load_divided
from dss_worker.parallel.mesh import Mesh
from dss_worker.parallel.send_file import receive_file, send_file
from dss_worker.parallel.sharded_model import ShardedModel
from dss_worker.training.adapter import apply_adapter
from dss_worker.training.checkpoint_parts import Writers
from dss_worker.training.model import Weights
from dss_worker.training.processes import Sums
from dss_worker.training.trained import Trained


class Together:
    def __init__(self, mesh: Mesh) -> None:
        """Within `joined`."""
        self._mesh = mesh
        self._divided: Divided | None = None
        self._settings: TrialSettings | None = None
        self.count = mesh.size
        self.share = mesh.rows
        self.place = mesh.place
        self.writers = Writers(copies=mesh.copy.of, shards=self.place.shard.of, tensors=self.place.tensor.of)
        self.rank = distributed.get_rank()

    @property
    def is_first(self) -> bool:
        return self.rank == 0

    def load(
        self, config: TrialConfig, *, device: torch.device, whole: Callable[[], T5ForConditionalGeneration]
    ) -> T5ForConditionalGeneration:
        """With its adapter, if it is to have one.

        Raises: WorkerError as `load_model` and `apply_adapter`; ADAPTER_UNSUPPORTED for an adapter under tensor ranks.
        """
        self._settings = config.settings
        if config.settings.adapter != "none" and self.place.tensor.of > 1:
            message = f"adapter: {config.settings.adapter} with layout: tensor: {self.place.tensor.of}"
            hint = (
                "set tensor: 1: the base's rows are divided by shard, and the adapter's matrices are too thin to divide"
            )
            raise WorkerError("ADAPTER_UNSUPPORTED", message, hint=hint)
        if config.settings.init == "random":
            # Drawn as one process draws it.
            model = apply_adapter(whole(), config.settings)
            self._divided = divide_model(model, self._mesh)
        else:
            model, self._divided = load_divided(config.model, config.settings, self._mesh, device=device)
        return model

    def trained(self, model: T5ForConditionalGeneration) -> Trained:
        assert self._divided is not None
        return ShardedModel(model, self._mesh, self._divided.divisions)

    def gather(self, trained: Trained) -> Weights:
        assert isinstance(trained, ShardedModel)
        assert self._settings is not None
        return merged(trained.gather(is_wanted=self.is_first), self._settings)

    def evaluating(self) -> AbstractContextManager[None]:
        assert self._divided is not None
        lockstep = self._divided.lockstep
        return nullcontext() if lockstep is None else lockstep.keep()

    def sum(self, values: Sums) -> Sums:
        # Tensor ranks have the same, of the same rows.
        return self._reduced(values if self.place.tensor.index == 0 else np.zeros_like(values), ReduceOp.SUM)

    def least(self, values: Sums) -> Sums:
        return self._reduced(values, ReduceOp.MIN)

    def collect(self, file: Path | None, target: Callable[[int], Path]) -> None:
        giving = np.zeros(self.count, dtype=np.float64)
        giving[self.rank] = 0.0 if file is None else 1.0
        device = torch.device(self._mesh.device_type)
        for rank in np.flatnonzero(self._reduced(giving, ReduceOp.SUM)).tolist():
            if rank == self.rank and file is not None:
                send_file(file, to=0, device=device)
            elif self.is_first:
                receive_file(target(rank), sender=rank, device=device)

    def first_says(self, *answers: bool) -> tuple[bool, ...]:
        said = self.sum(np.array(answers if self.is_first else [False] * len(answers), dtype=np.float64))
        return tuple(each != 0 for each in said.tolist())

    def _reduced(self, values: Sums, how: ReduceOp.RedOpType) -> Sums:
        reduced = torch.from_numpy(values.copy()).to(self._mesh.device_type)
        distributed.all_reduce(reduced, how, group=self._mesh.everybody)
        found: Sums = reduced.cpu().numpy()
        return found
