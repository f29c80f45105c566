"""Rows by length, and what a model's encoder makes of them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from torch import Tensor
from transformers import T5ForConditionalGeneration

from dss_worker.data.encode import TokenTable
from dss_worker.training.collate import ALL_ROWS, Rows, RowShare, lengths_of, tokens_of
from dss_worker.training.packed_t5 import encode
from dss_worker.training.packing import Lengths, PackedRows, pack, sizes_of

# Scores that a head of attention gives to a group of rows at a time, at most: a group of long rows is small.
_GROUP_SCORES = 2**18
# On a GPU, attention pads to this anyway.
_GPU_MULTIPLE = 16


@dataclass(frozen=True, slots=True, kw_only=True)
class EncodedRows:
    """Some rows of a table, the longest first, as the encoder sees and leaves them."""

    rows: Rows
    inputs: PackedRows
    # float, [input tokens, d_model].
    states: Tensor
    # int64, [rows]: where each row's tokens end.
    ends: Lengths

    def of(self, place: int) -> Tensor:
        """float, [input length, d_model]; a copy, because a view would keep all the rows in memory."""
        begin = int(self.ends[place - 1]) if place else 0
        return self.states[begin : int(self.ends[place])].clone()


def encode_rows(model: T5ForConditionalGeneration, table: TokenTable, rows: Rows) -> EncodedRows:
    """
    Args:
        rows: numbers of rows of the table, the longest first.
    """
    lengths = lengths_of(table, rows)
    multiple = 1 if model.device.type == "cpu" else _GPU_MULTIPLE
    sizes = sizes_of(lengths, group_rows=attention_groups(lengths), multiple=multiple)
    inputs = pack(tokens_of(table, rows), lengths, sizes).to(model.device)
    return EncodedRows(rows=rows, inputs=inputs, states=encode(model, inputs), ends=np.cumsum(lengths))


def batches_by_length(
    input_lengths: Lengths, other_lengths: Lengths, *, tokens: int, share: RowShare = ALL_ROWS
) -> Iterator[Rows]:
    """All rows of the share, the longest inputs first: memory runs out at once or never.

    Args:
        other_lengths: what a row has besides its input.
        tokens: of a batch, at most; a batch has one row at least.
    """
    order = share.take(np.lexsort((other_lengths, input_lengths))[::-1].astype(np.int64))
    ends = np.cumsum((input_lengths + other_lengths)[order])
    start = 0
    while start < len(order):
        before = int(ends[start - 1]) if start else 0
        end = max(start + 1, int(np.searchsorted(ends, before + tokens, side="right")))
        yield order[start:end]
        start = end


def attention_groups(lengths: Lengths) -> list[int]:
    """How many rows to pad together for attention, group by group; the longest rows come first."""
    groups: list[int] = []
    start = 0
    while start < len(lengths):
        rows = max(1, _GROUP_SCORES // max(1, int(lengths[start]) ** 2))
        groups.append(min(rows, len(lengths) - start))
        start += groups[-1]
    return groups
