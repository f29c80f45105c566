"""Rows of token ids to what a forward and backward pass takes: values in, values out."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from dss_worker.data.encode import EncodedSplit, EncodedTask, TokenTable
from dss_worker.training.loss import IGNORE_INDEX, token_weights
from dss_worker.training.micro_batches import MicroBatchPlan, split_rows
from dss_worker.training.packing import GroupSize, Lengths, PackedRows, filled_up, pack, sizes_of
from dss_worker.training.pass_sizes import NO_SIZES, PassSize, PassSizes

Rows = npt.NDArray[np.int64]


@dataclass(frozen=True, slots=True, kw_only=True)
class SpecialIds:
    """A model's tokens that are not text."""

    pad: int
    # What the decoder reads before the first target token.
    start: int
    end: int


@dataclass(frozen=True, slots=True, kw_only=True)
class PackedBatch:
    """A forward and backward pass: pairs of an input and a target, of one task or of both."""

    inputs: PackedRows
    # The targets moved one place to the right.
    decoder_inputs: PackedRows
    # int64, [target tokens]; of a filler, any.
    targets: Tensor
    # float32, [target tokens]: what each counts in the loss of the logical batch; a filler nothing.
    token_weights: Tensor
    # int64, [pairs].
    input_lengths: Lengths
    target_lengths: Lengths

    def to(self, device: torch.device) -> PackedBatch:
        return self._map(lambda tensor: tensor.to(device, non_blocking=True))

    def tensors(self) -> list[Tensor]:
        """All of them, in the same order for every batch."""
        return [*self.inputs.tensors(), *self.decoder_inputs.tensors(), self.targets, self.token_weights]

    def pinned(self) -> PackedBatch:
        """In memory that a GPU reads by itself."""
        return self._map(lambda tensor: tensor.pin_memory())

    def _map(self, move: Callable[[Tensor], Tensor]) -> PackedBatch:
        return replace(
            self,
            inputs=self.inputs.map(move),
            decoder_inputs=self.decoder_inputs.map(move),
            targets=move(self.targets),
            token_weights=move(self.token_weights),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class RowShare:
    """Which rows of every pass are this process's, of several that have the same batch."""

    index: int
    of: int

    def take(self, positions: Rows) -> Rows:
        """Every so manieth, so that each gets long ones and short ones; int64."""
        return positions[self.index :: self.of]


ALL_ROWS = RowShare(index=0, of=1)


def collate_step(
    split: EncodedSplit,
    rows: Rows,
    plan: MicroBatchPlan,
    *,
    alpha: float | None,
    special: SpecialIds,
    share: RowShare = ALL_ROWS,
    sizes: PassSizes = NO_SIZES,
) -> Iterator[PackedBatch]:
    """The passes of one optimizer step over the logical batch `rows`; tasks without weight are left out.

    The step's loss is the sum over the passes of `linear_loss` with their token weights, whatever the plan; with
    several processes the sum over theirs. Those have equally many passes, since each takes part in all of them: one
    that has no rows in a pass runs one that counts nothing.

    Args:
        plan: bounds of a pass of one process.
        sizes: which passes are given where they have the room.
    Raises: DataError (EMPTY_TARGET) if a task with weight has no target tokens.
    """
    weights = [each for each in _weights(split, rows, alpha) if each != 0]
    tasks = _tasks_of(split, alpha)
    for ours, counts in _rows_of_passes(tasks, rows, plan, share):
        parts = [_TaskRows.of(task, ours) for task in tasks]
        size = sizes.fit(_least_size(parts, plan))
        yield _collate(parts, weights if counts else [0.0 for _ in tasks], size, special=special)


def sizes_of_step(
    split: EncodedSplit, rows: Rows, plan: MicroBatchPlan, *, alpha: float | None, share: RowShare = ALL_ROWS
) -> Iterator[PassSize]:
    """The least that each pass of `collate_step` needs."""
    tasks = _tasks_of(split, alpha)
    for ours, _ in _rows_of_passes(tasks, rows, plan, share):
        yield _least_size([_TaskRows.of(task, ours) for task in tasks], plan)


def _tasks_of(split: EncodedSplit, alpha: float | None) -> list[EncodedTask]:
    """Those with weight, as `_weights` has them."""
    explain = None if alpha is None or alpha == 1 else split.explain
    return [*([] if alpha == 0 else [split.predict]), *([] if explain is None else [explain])]


def _weights(split: EncodedSplit, rows: Rows, alpha: float | None) -> tuple[float, float]:
    """Of a token of the label task, and of the rationale task."""
    explain = split.explain
    weights = token_weights(
        alpha=alpha,
        label_tokens=int(lengths_of(split.predict.targets, rows).sum()),
        rationale_tokens=0 if explain is None else int(lengths_of(explain.targets, rows).sum()),
    )
    return weights.label, weights.rationale


def _rows_of_passes(
    tasks: Sequence[EncodedTask], rows: Rows, plan: MicroBatchPlan, share: RowShare
) -> Iterator[tuple[Rows, bool]]:
    """Of each pass, this process's rows, and whether they count."""
    tokens = np.zeros(len(rows), dtype=np.int64)
    cells = np.zeros(len(rows), dtype=np.int64)
    for task in tasks:
        inputs = lengths_of(task.inputs, rows)
        tokens += inputs + lengths_of(task.targets, rows)
        cells += inputs**2
    for positions in split_rows(tokens, cells, plan.for_processes(share.of)):
        ours = share.take(positions)
        yield rows[ours if len(ours) > 0 else positions[:1]], len(ours) > 0


@dataclass(frozen=True, slots=True, kw_only=True)
class _TaskRows:
    """A task's rows of one pass, in the order in which the pass has them."""

    task: EncodedTask
    rows: Rows
    # int64, [rows].
    inputs: Lengths
    targets: Lengths

    @classmethod
    def of(cls, task: EncodedTask, rows: Rows) -> _TaskRows:
        inputs, targets = lengths_of(task.inputs, rows), lengths_of(task.targets, rows)
        order = np.lexsort((targets, inputs))
        return cls(task=task, rows=rows[order], inputs=inputs[order], targets=targets[order])


def _least_size(parts: Sequence[_TaskRows], plan: MicroBatchPlan) -> PassSize:
    # No group has rows of two tasks.
    group_rows = [
        len(group) for part in parts for group in np.array_split(part.rows, -(-len(part.rows) // plan.group_rows))
    ]

    def sizes(lengths: list[Lengths]) -> tuple[GroupSize, ...]:
        return sizes_of(
            np.concatenate(lengths),
            group_rows=group_rows,
            multiple=plan.length_multiple,
            token_multiple=plan.token_multiple,
        )

    return sizes([part.inputs for part in parts]), sizes([part.targets for part in parts])


def _collate(
    parts: Sequence[_TaskRows], weights: Sequence[float], size: PassSize, *, special: SpecialIds
) -> PackedBatch:
    """
    Args:
        weights: of one target token of each part.
        size: at least `_least_size`.
    """
    input_sizes, target_sizes = size
    input_length = np.concatenate([part.inputs for part in parts])
    target_length = np.concatenate([part.targets for part in parts])
    input_ids = np.concatenate([tokens_of(part.task.inputs, part.rows) for part in parts])
    target_ids = np.concatenate([tokens_of(part.task.targets, part.rows) for part in parts])
    weight = np.repeat(np.array(weights, dtype=np.float32), [part.targets.sum() for part in parts])
    decoder_ids = shift_right(target_ids, target_length, start=special.start)
    return PackedBatch(
        inputs=pack(input_ids, input_length, input_sizes),
        decoder_inputs=pack(decoder_ids, target_length, target_sizes),
        targets=torch.from_numpy(filled_up(target_ids, target_length, target_sizes)),
        token_weights=torch.from_numpy(filled_up(weight, target_length, target_sizes)),
        input_lengths=input_length,
        target_lengths=target_length,
    )


def shift_right(targets: npt.NDArray[np.int64], lengths: Lengths, *, start: int) -> npt.NDArray[np.int64]:
    """What the decoder reads to write packed targets: of each row the start token, then all but the last."""
    shifted = np.empty_like(targets)
    shifted[1:] = targets[:-1]
    shifted[np.cumsum(lengths) - lengths] = start
    return shifted


def tokens_of(table: TokenTable, rows: Rows) -> npt.NDArray[np.int64]:
    """Token ids of some rows, one row after the other; int64, [sum of their lengths]."""
    lengths = lengths_of(table, rows)
    ends = np.cumsum(lengths)
    # Each token's place in the table: where its row begins there, plus how far into the row it is.
    places = np.repeat(table.offsets[rows] - (ends - lengths), lengths) + np.arange(int(lengths.sum()))
    return table.ids[places].astype(np.int64)


def lengths_of(table: TokenTable, rows: Rows) -> Rows:
    """int64, [rows]. Not by way of the lengths of a whole table, which may have half a million rows."""
    lengths: Rows = table.offsets[rows + 1] - table.offsets[rows]
    return lengths


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


def _pad(table: TokenTable, rows: Rows, *, fill: int) -> tuple[Tensor, Tensor]:
    """Padded ids and the mask of what is real, both int64, [rows, longest]."""
    lengths = lengths_of(table, rows)
    width = int(lengths.max(initial=0))
    real = np.arange(width) < lengths[:, None]
    ids = np.full((len(rows), width), fill, dtype=np.int64)
    ids[real] = tokens_of(table, rows)
    return torch.from_numpy(ids), torch.from_numpy(real.astype(np.int64))
