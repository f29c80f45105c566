"""Rows as read, and which of them a split holds."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from math import ceil

import numpy as np
import numpy.typing as npt

from dss_worker.config import LabelType

Index = npt.NDArray[np.int64]

# Its object, its tuple and four texts, without what these say.
_BYTES_OF_A_ROW = 320


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One question with what is known about it."""

    # Parts that the tokenizer's end-of-sequence token joins.
    inputs: tuple[str, ...]
    # Gold.
    label: str
    # The teacher's; None where there is none, which is not the same as blank.
    rationale: str | None = None
    teacher_label: str | None = None
    # The answers that the question allows; None where it names none, or nobody asks.
    choices: tuple[str, ...] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class RowTable:
    """All rows of a split's files, in their order; trials differ in which of them they take."""

    rows: tuple[Row, ...]
    # SHA-256 of what inputs and gold labels were read from: equal digests, equal texts.
    digest: str
    # The same of rationales and teacher labels.
    teacher_digest: str

    @property
    def size_bytes(self) -> int:
        """In memory, roughly: a character of most texts takes one byte."""
        return sum(
            _BYTES_OF_A_ROW
            + sum(map(len, row.inputs))
            + sum(map(len, (row.label, row.rationale or "", row.teacher_label or "")))
            for row in self.rows
        )


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Split:
    """Rows of a table, in an order of their own."""

    table: RowTable
    # Numbers of rows in the table.
    index: Index
    # Whose labels are the targets.
    label_type: LabelType = "gt"

    def __len__(self) -> int:
        return len(self.index)

    def __iter__(self) -> Iterator[Row]:
        return (self.table.rows[i] for i in self.index)


@dataclass(frozen=True, slots=True, kw_only=True)
class Splits:
    """What a trial trains, selects and tests on."""

    train: Split
    valid: Split
    test: Split


def split_rows(n: int, fraction: float, seed: int) -> tuple[Index, Index]:
    """Numbers 0 to n - 1 as (kept, split off), both in the order of a seeded permutation.

    Args:
        fraction: of the part split off, in [0, 1]; rounded up to whole rows.
    Source: `train_test_split` of the datasets library, which the release calls: the head of the permutation is
        split off. The fraction is taken as the double it is, so that 1 - 0.7 of 10 rows is 4.
    """
    order = np.random.default_rng(seed).permutation(n).astype(np.int64, copy=False)
    split_off = ceil(fraction * n)
    return order[split_off:], order[:split_off]
