"""Texts as token ids: one flat array for all, and where each begins."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerBase

# Lists of Python numbers take ten times the room of the array that they become.
_TEXTS_AT_ONCE = 4096


@dataclass(frozen=True, slots=True, eq=False)
class TokenTable:
    """Token ids of many texts. Read-only: trials share it."""

    # int32, [tokens of all rows].
    ids: npt.NDArray[np.int32]
    # int64, [rows + 1]: row i is ids[offsets[i] : offsets[i + 1]].
    offsets: npt.NDArray[np.int64]

    def __post_init__(self) -> None:
        self.ids.flags.writeable = False
        self.offsets.flags.writeable = False

    @classmethod
    def of(cls, rows: Iterable[Sequence[int]]) -> TokenTable:
        kept = [np.asarray(row, dtype=np.int32) for row in rows]
        return cls(
            ids=np.concatenate([np.empty(0, dtype=np.int32), *kept]),
            offsets=_offsets(np.fromiter(map(len, kept), dtype=np.int64, count=len(kept))),
        )

    def __len__(self) -> int:
        return len(self.offsets) - 1

    def row(self, i: int) -> npt.NDArray[np.int32]:
        """int32, [tokens of row i], 0 <= i < rows."""
        return self.ids[self.offsets[i] : self.offsets[i + 1]]

    @property
    def lengths(self) -> npt.NDArray[np.int64]:
        """int64, [rows]."""
        return np.diff(self.offsets)

    @property
    def size_bytes(self) -> int:
        return self.ids.nbytes + self.offsets.nbytes

    def select(self, index: npt.NDArray[np.int64]) -> TokenTable:
        """The rows of these numbers, in this order, as a table of their own; all in order: the table itself."""
        if len(index) == len(self) and np.array_equal(index, np.arange(len(self))):
            return self
        lengths = self.lengths[index]
        offsets = _offsets(lengths)
        # Each token's place: where its row begins here, plus how far into the row it is.
        places = np.repeat(self.offsets[index] - offsets[:-1], lengths) + np.arange(offsets[-1])
        return TokenTable(ids=self.ids[places], offsets=offsets)


def written_in_part(table: TokenTable, tokenizer: PreTrainedTokenizerBase) -> npt.NDArray[np.bool_]:
    """bool, [rows]: whether decoding leaves tokens out besides an end token, as it does with unknown ones."""
    end = tokenizer.eos_token_id
    others = [token for token in tokenizer.all_special_ids if token != end]
    found: npt.NDArray[np.bool_] = (count_tokens(table, others) > 0) | (count_tokens(table, [end]) > 1)
    return found


def count_tokens(table: TokenTable, ids: Sequence[int | None]) -> npt.NDArray[np.int64]:
    """int64, [rows]: how many of each row's tokens are among some; None is no token."""
    is_counted = np.isin(table.ids, [token for token in ids if token is not None])
    sums = np.concatenate([np.zeros(1, dtype=np.int64), np.cumsum(is_counted, dtype=np.int64)])
    counts: npt.NDArray[np.int64] = np.diff(sums[table.offsets])
    return counts


def _offsets(lengths: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
    return np.concatenate([np.zeros(1, dtype=np.int64), np.cumsum(lengths, dtype=np.int64)])


def tokenize(texts: Iterable[str], tokenizer: PreTrainedTokenizerBase, *, max_length: int | None = None) -> TokenTable:
    """Each text as the tokenizer writes it, its end token included.

    Args:
        max_length: tokens kept, of which the last is the end token; None keeps all.
    """
    return TokenTable.of(_token_rows(iter(texts), tokenizer, max_length))


def _token_rows(
    texts: Iterator[str], tokenizer: PreTrainedTokenizerBase, max_length: int | None
) -> Iterator[Sequence[int]]:
    while chunk := list(islice(texts, _TEXTS_AT_ONCE)):
        encoded = tokenizer(
            chunk, max_length=max_length, truncation=max_length is not None, return_attention_mask=False, verbose=False
        )
        yield from encoded["input_ids"]
