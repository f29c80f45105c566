"""Evaluation by processes of which each has other rows and a part of the weights.

A block's weights are gathered by all processes at once, while each has its own rows to encode and its own texts to
write, some of them long. So before it walks through a stack of blocks, a process asks which stack the others want.
Where they want another, it gathers that one's weights with them and asks again; and so it does when it is done, until
all are.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, cast

import torch
from torch import distributed
from torch.distributed.fsdp import FSDPModule
from transformers import T5ForConditionalGeneration

from dss_worker.parallel.mesh import Mesh

_DONE = 0


class Lockstep:
    def __init__(self, model: T5ForConditionalGeneration, mesh: Mesh) -> None:
        self._model = model
        self._stacks: list[list[Any]] = [list(stack.block) for stack in (model.encoder, model.decoder)]
        self._group = mesh.shards
        # On a GPU they agree by way of its memory, as nccl has it.
        self._wanted = torch.zeros((), dtype=torch.int64, device=mesh.device_type)
        self.is_kept = False

    @contextmanager
    def keep(self) -> Iterator[None]:
        """All processes enter it together, and leave it when all are done. Not for training.

        An error in it must end all of them: the others wait for this one.
        """
        whole = cast(FSDPModule, self._model)
        # Embeddings, last norms and the output layer; each block's weights come and go.
        whole.unshard()
        self.is_kept = True
        try:
            yield
            while (wanted := self._agree(_DONE)) != _DONE:
                self._walk(wanted)
        finally:
            self.is_kept = False
            whole.reshard()

    def enter(self, stack: int) -> None:
        """Waits until the processes walk through that stack: 0 the encoder, 1 the decoder."""
        ours = stack + 1
        while (wanted := self._agree(ours)) != ours:
            self._walk(wanted)

    def _agree(self, ours: int) -> int:
        """The greatest of what the processes want; a decoder's steps come before another batch is encoded."""
        distributed.all_reduce(self._wanted.fill_(ours), distributed.ReduceOp.MAX, group=self._group)
        return int(self._wanted.item())

    def _walk(self, wanted: int) -> None:
        for block in self._stacks[wanted - 1]:
            block.unshard()
            block.reshard()
