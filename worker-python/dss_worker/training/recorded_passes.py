"""Forward and backward passes as CUDA graphs.

A pass of T5-base starts some thousands of kernels, which on a GPU takes longer than to run them. Recorded once, a pass
of the same shape is replayed with one call: other tokens in the same places, the weights as they are then, dropout
drawn on from where the random state is.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass

import torch

from dss_worker.training.collate import PackedBatch

RunPass = Callable[[PackedBatch], None]
# Of all sizes of a pass's tensors.
Shape = tuple[object, ...]

# A shape that has come before will come again; and kernels have been chosen, compiled and loaded by then.
_PASSES_BEFORE = 1
# Each takes some megabytes. Those that come first are kept: what comes often has come by then.
_MOST_GRAPHS = 64


@dataclass(frozen=True, slots=True, kw_only=True)
class _Recorded:
    graph: torch.cuda.CUDAGraph
    # What the graph reads.
    batch: PackedBatch


class RecordedPasses:
    """Runs passes, and records those whose shape keeps coming.

    What a pass changes must be in the same tensors every time, gradients included.
    """

    def __init__(self) -> None:
        self._seen = Counter[Shape]()
        self._recorded: dict[Shape, _Recorded] = {}
        # Of all graphs, which never run at the same time.
        self._pool = torch.cuda.graph_pool_handle()
        self._is_recording = True

    def run(self, batch: PackedBatch, device: torch.device, run: RunPass) -> None:
        """
        Args:
            batch: in ordinary memory, pinned.
            run: the same every time. It is not kept: with it, whoever runs passes would keep itself.
        """
        shape = _shape_of(batch)
        recorded = self._recorded.get(shape)
        if recorded is None and self._should_record(shape):
            recorded = self._record(shape, batch.to(device), run)
        if recorded is None:
            run(batch.to(device))
            return
        for ours, given in zip(recorded.batch.tensors(), batch.tensors(), strict=True):
            ours.copy_(given, non_blocking=True)
        recorded.graph.replay()

    @property
    def count(self) -> int:
        """Of the shapes that are recorded."""
        return len(self._recorded)

    def _should_record(self, shape: Shape) -> bool:
        if not self._is_recording:
            return False
        self._seen[shape] += 1
        return self._seen[shape] > _PASSES_BEFORE and len(self._recorded) < _MOST_GRAPHS

    def _record(self, shape: Shape, batch: PackedBatch, run: RunPass) -> _Recorded | None:
        graph, stream = torch.cuda.CUDAGraph(), torch.cuda.current_stream()
        try:
            # Of this thread only: another one pins the next batches meanwhile.
            with torch.cuda.graph(graph, pool=self._pool, capture_error_mode="thread_local"):
                run(batch)
        except RuntimeError as error:
            # Nothing of it has run. torch may be left on the stream that it records on.
            torch.cuda.set_stream(stream)
            print(f"passes are not recorded: {error}", flush=True)
            self._is_recording = False
            self._recorded.clear()
            return None
        self._recorded[shape] = _Recorded(graph=graph, batch=batch)
        return self._recorded[shape]


def _shape_of(batch: PackedBatch) -> Shape:
    groups = (*batch.inputs.groups, *batch.decoder_inputs.groups)
    return tuple((group.rows, group.longest, group.start, group.end, group.is_padding is None) for group in groups)
