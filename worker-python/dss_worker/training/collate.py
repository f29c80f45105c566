"""Rows of token ids to what a forward and backward pass takes: values in, values out."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from dss_worker.data.encode import EncodedSplit, EncodedTask, TokenTable
from dss_worker.training.loss import IGNORE_INDEX, TokenWeights, token_weights
from dss_worker.training.micro_batches import MicroBatchPlan, split_rows
from dss_worker.training.packing import Lengths, PackedRows, filled_up, pack, sizes_of
from dss_worker.training.pass_sizes import PassSizes

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


@dataclass(frozen=True, slots=True)
class _WeightedTask:
    task: EncodedTask
    # Of one target token.
    weight: float


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
    sizes: PassSizes | None = None,
) -> Iterator[PackedBatch]:
    """The passes of one optimizer step over the logical batch `rows`; tasks without weight are left out.

    The step's loss is the sum over the passes of `linear_loss` with their token weights, whatever the plan; with
    several processes the sum over theirs. Those have equally many passes, since each takes part in all of them: one
    that has no rows in a pass runs one that counts nothing.

    Args:
        plan: bounds of a pass of one process.
        sizes: of earlier passes, for those that are recorded.
    Raises: DataError (EMPTY_TARGET) if a task with weight has no target tokens.
    """
    tasks = _weighted_tasks(split, rows, alpha)
    tokens = np.zeros(len(rows), dtype=np.int64)
    cells = np.zeros(len(rows), dtype=np.int64)
    for each in tasks:
        inputs = lengths_of(each.task.inputs, rows)
        tokens += inputs + lengths_of(each.task.targets, rows)
        cells += inputs**2
    for positions in split_rows(tokens, cells, plan.for_processes(share.of)):
        ours = share.take(positions)
        counted = tasks if len(ours) > 0 else [replace(each, weight=0.0) for each in tasks]
        yield _collate(counted, rows[ours if len(ours) > 0 else positions[:1]], plan=plan, special=special, sizes=sizes)


def _weighted_tasks(split: EncodedSplit, rows: Rows, alpha: float | None) -> list[_WeightedTask]:
    weights = _weights(split, rows, alpha)
    tasks = [_WeightedTask(split.predict, weights.label)]
    if split.explain is not None:
        tasks.append(_WeightedTask(split.explain, weights.rationale))
    return [each for each in tasks if each.weight != 0]


def _weights(split: EncodedSplit, rows: Rows, alpha: float | None) -> TokenWeights:
    explain = split.explain
    return token_weights(
        alpha=alpha,
        label_tokens=int(lengths_of(split.predict.targets, rows).sum()),
        rationale_tokens=0 if explain is None else int(lengths_of(explain.targets, rows).sum()),
    )


def _collate(
    tasks: list[_WeightedTask], rows: Rows, *, plan: MicroBatchPlan, special: SpecialIds, sizes: PassSizes | None
) -> PackedBatch:
    """Each task's rows in order of length; no group has rows of two tasks."""
    inputs, targets, weights, group_rows = [], [], [], []
    input_lengths, target_lengths = [], []
    for each in tasks:
        ours, theirs = lengths_of(each.task.inputs, rows), lengths_of(each.task.targets, rows)
        order = np.lexsort((theirs, ours))
        inputs.append(tokens_of(each.task.inputs, rows[order]))
        targets.append(tokens_of(each.task.targets, rows[order]))
        weights.append(np.full(len(targets[-1]), each.weight, dtype=np.float32))
        input_lengths.append(ours[order])
        target_lengths.append(theirs[order])
        group_rows += [len(part) for part in np.array_split(order, -(-len(order) // plan.group_rows))]
    input_length, target_length = np.concatenate(input_lengths), np.concatenate(target_lengths)
    target_ids = np.concatenate(targets)
    decoder_ids = shift_right(target_ids, target_length, start=special.start)
    rounded = {"multiple": plan.length_multiple, "token_multiple": plan.token_multiple}
    wanted = (
        sizes_of(input_length, group_rows=group_rows, **rounded),
        sizes_of(target_length, group_rows=group_rows, **rounded),
    )
    input_sizes, target_sizes = wanted if sizes is None or not plan.engine.is_recorded else sizes.fit(wanted)
    return PackedBatch(
        inputs=pack(np.concatenate(inputs), input_length, input_sizes),
        decoder_inputs=pack(decoder_ids, target_length, target_sizes),
        targets=torch.from_numpy(filled_up(target_ids, target_length, target_sizes)),
        token_weights=torch.from_numpy(filled_up(np.concatenate(weights), target_length, target_sizes)),
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
