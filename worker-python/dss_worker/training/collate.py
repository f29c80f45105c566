"""Rows of token ids to padded tensors: values in, values out."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from dss_worker.data.encode import EncodedSplit, EncodedTask, TokenTable
from dss_worker.training.loss import IGNORE_INDEX, TokenWeights, token_weights

Rows = npt.NDArray[np.int64]


@dataclass(frozen=True, slots=True, kw_only=True)
class SpecialIds:
    """A model's tokens that are not text."""

    pad: int
    # What the decoder reads before the first target token.
    start: int
    end: int


@dataclass(frozen=True, slots=True, kw_only=True)
class TaskBatch:
    """Some rows of one task, padded on the right to the longest."""

    # int64, [rows, input length].
    input_ids: Tensor
    # int64, [rows, input length]; 1 for real tokens, 0 for padding.
    attention_mask: Tensor
    # int64, [rows, target length]; the targets moved one place to the right.
    decoder_input_ids: Tensor
    # int64, [rows, target length]; IGNORE_INDEX marks padding.
    targets: Tensor

    def to(self, device: torch.device) -> TaskBatch:
        return TaskBatch(
            input_ids=self.input_ids.to(device, non_blocking=True),
            attention_mask=self.attention_mask.to(device, non_blocking=True),
            decoder_input_ids=self.decoder_input_ids.to(device, non_blocking=True),
            targets=self.targets.to(device, non_blocking=True),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class WeightedBatch:
    """A forward and backward pass: rows of one task, and what each of their target tokens counts in the loss."""

    task: TaskBatch
    token_weight: float


def collate_task(task: EncodedTask, rows: Rows, *, special: SpecialIds) -> TaskBatch:
    """The rows of one task, in the order given."""
    input_ids, attention_mask = _pad(task.inputs, rows, fill=special.pad)
    targets, _ = _pad(task.targets, rows, fill=IGNORE_INDEX)
    decoder_input_ids = targets.roll(1, dims=1)
    decoder_input_ids[:, :1] = special.start
    decoder_input_ids[decoder_input_ids == IGNORE_INDEX] = special.pad
    return TaskBatch(
        input_ids=input_ids, attention_mask=attention_mask, decoder_input_ids=decoder_input_ids, targets=targets
    )


def collate_step(
    split: EncodedSplit, rows: Rows, *, alpha: float | None, batch_size: int, special: SpecialIds
) -> Iterator[WeightedBatch]:
    """The passes of one optimizer step over the logical batch `rows`; tasks without weight are left out.

    A task's passes are of `batch_size` rows each. The step's loss is the sum of `token_weight * summed_token_loss`
    over the passes, whatever the batch size.

    Raises: DataError (EMPTY_TARGET) if a task with weight has no target tokens.
    """
    weights = _weights(split, rows, alpha)
    for start in range(0, len(rows), batch_size):
        chunk = rows[start : start + batch_size]
        for task, weight in ((split.predict, weights.label), (split.explain, weights.rationale)):
            if weight and task is not None:
                yield WeightedBatch(task=collate_task(task, chunk, special=special), token_weight=weight)


def _weights(split: EncodedSplit, rows: Rows, alpha: float | None) -> TokenWeights:
    explain = split.explain
    return token_weights(
        alpha=alpha,
        label_tokens=int(_lengths(split.predict.targets, rows).sum()),
        rationale_tokens=0 if explain is None else int(_lengths(explain.targets, rows).sum()),
    )


def _lengths(table: TokenTable, rows: Rows) -> Rows:
    """int64, [rows]. Not by way of the lengths of a whole table, which may have half a million rows."""
    return table.offsets[rows + 1] - table.offsets[rows]


def _pad(table: TokenTable, rows: Rows, *, fill: int) -> tuple[Tensor, Tensor]:
    """Padded ids and the mask of what is real, both int64, [rows, longest]."""
    lengths = _lengths(table, rows)
    width = int(lengths.max(initial=0))
    real = np.arange(width) < lengths[:, None]
    ids = np.full((len(rows), width), fill, dtype=np.int64)
    ids[real] = np.concatenate([table.row(int(row)) for row in rows]) if len(rows) else 0
    return torch.from_numpy(ids), torch.from_numpy(real.astype(np.int64))
