"""Rows of different lengths without padding: all their tokens in one line.

What a model does to each token by itself (embedding, projections, feed-forward layers, the output layer) is most of
its work, and on packed tokens none of it is spent on padding. Only attention looks across tokens; for it, rows of
about the same length are padded together, group by group.

Where shapes should be few, each group's tokens are followed by some that belong to no row, up to a round number. Such
a filler is attended to by nobody and counts in no loss, so its gradient is zero; and it is what padding is read from.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import TypeVar

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

Lengths = npt.NDArray[np.int64]
T = TypeVar("T", bound=np.generic)


@dataclass(frozen=True, slots=True, kw_only=True)
class RowGroup:
    """Neighbouring rows that are padded together for attention."""

    rows: int
    # Tokens of the longest row, rounded up where the device wants that.
    longest: int
    # The group's tokens within the packed ones: tokens[start:end], its filler at their end.
    start: int
    end: int
    # int64, [end - start]: where each token lies in [rows * longest]; a filler, at some padding.
    places: Tensor
    # int64, [rows * longest]: which token, counted from `start`, lies there; where there is padding, a filler, or any
    # token if there are none.
    sources: Tensor
    # bool, [rows, longest]: True for padding; None where no row is shorter than `longest`.
    is_padding: Tensor | None
    has_filler: bool = False

    def pad_heads(self, packed: Tensor, *, heads: int, width: int) -> tuple[Tensor, ...]:
        """[tokens of all groups, parts * heads * width] -> each part, [rows, heads, longest, width].

        Padding is some token's values, which must not count: no gradient comes back from there.
        """
        places = None if self.is_padding is None else self.places
        parts: tuple[Tensor, ...] = _PadHeads.apply(
            packed[self.start : self.end], places, self.sources, (self.rows, self.longest, -1, heads, width)
        )
        return parts

    def unpad(self, padded: Tensor) -> Tensor:
        """[rows, longest, width] -> [end - start, width]."""
        flat = padded.reshape(self.rows * self.longest, -1)
        if self.is_padding is None:
            return flat
        packed: Tensor = _Unpad.apply(flat, self.places, self.sources if self.has_filler else None)
        return packed

    def tensors(self) -> list[Tensor]:
        return [self.places, self.sources, *([] if self.is_padding is None else [self.is_padding])]

    def map(self, move: Callable[[Tensor], Tensor]) -> RowGroup:
        """The same with each tensor moved."""
        is_padding = None if self.is_padding is None else move(self.is_padding)
        return replace(self, places=move(self.places), sources=move(self.sources), is_padding=is_padding)


@dataclass(frozen=True, slots=True, kw_only=True)
class PackedRows:
    """Token ids of some rows, one after the other, and which of them attend to each other."""

    # int64, [tokens].
    ids: Tensor
    groups: tuple[RowGroup, ...]

    @property
    def padded_tokens(self) -> int:
        """Tokens that attention sees."""
        return sum(group.rows * group.longest for group in self.groups)

    def to(self, device: torch.device) -> PackedRows:
        return self.map(lambda tensor: tensor.to(device, non_blocking=True))

    def tensors(self) -> list[Tensor]:
        return [self.ids, *(tensor for group in self.groups for tensor in group.tensors())]

    def map(self, move: Callable[[Tensor], Tensor]) -> PackedRows:
        return PackedRows(ids=move(self.ids), groups=tuple(group.map(move) for group in self.groups))


@dataclass(frozen=True, slots=True, kw_only=True)
class GroupSize:
    """Room for a group of rows."""

    rows: int
    # Of a row, as attention sees it.
    longest: int
    # Of all rows, and fillers.
    tokens: int


def sizes_of(
    lengths: Lengths, *, group_rows: Sequence[int], multiple: int = 1, token_multiple: int = 1
) -> tuple[GroupSize, ...]:
    """
    Args:
        lengths: [rows], each at least 1.
        group_rows: rows of each group, in order; their sum is the number of rows.
        multiple: what padded lengths are rounded up to.
        token_multiple: what a group's tokens are filled up to, with one filler at least; 1: there is none.
    """
    sizes, row = [], 0
    for rows in group_rows:
        ours = lengths[row : row + rows]
        tokens, longest = int(ours.sum()), -(-int(ours.max()) // multiple) * multiple
        if token_multiple > 1:
            # A filler needs padding to lie at.
            longest += multiple if tokens == rows * longest else 0
            tokens = (tokens // token_multiple + 1) * token_multiple
        sizes.append(GroupSize(rows=rows, longest=longest, tokens=tokens))
        row += rows
    return tuple(sizes)


def pack(ids: npt.NDArray[np.int64], lengths: Lengths, sizes: Sequence[GroupSize]) -> PackedRows:
    """
    Args:
        ids: [sum of lengths], row after row.
        lengths: [rows], each at least 1.
        sizes: of groups of these rows, in order; at least those of `sizes_of`.
    """
    groups, row, token = [], 0, 0
    for size in sizes:
        groups.append(_group(lengths[row : row + size.rows], size, start=token))
        row, token = row + size.rows, token + size.tokens
    return PackedRows(ids=torch.from_numpy(filled_up(ids, lengths, sizes)), groups=tuple(groups))


def filled_up(values: npt.NDArray[T], lengths: Lengths, sizes: Sequence[GroupSize]) -> npt.NDArray[T]:
    """What `pack` does to ids, for other values of each token: zeros are the fillers'."""
    parts, row, token = [], 0, 0
    for size in sizes:
        tokens = int(lengths[row : row + size.rows].sum())
        parts += [values[token : token + tokens], np.zeros(size.tokens - tokens, dtype=values.dtype)]
        row, token = row + size.rows, token + tokens
    return np.concatenate(parts)


def _group(lengths: Lengths, size: GroupSize, *, start: int) -> RowGroup:
    tokens = int(lengths.sum())
    fillers = size.tokens - tokens
    is_real = np.arange(size.longest) < lengths[:, None]
    places = np.flatnonzero(is_real)
    sources = np.full(is_real.size, tokens if fillers else 0, dtype=np.int64)
    sources[places] = np.arange(tokens)
    if fillers:
        places = np.concatenate([places, np.full(fillers, np.flatnonzero(~is_real)[0])])
    return RowGroup(
        rows=len(lengths),
        longest=size.longest,
        start=start,
        end=start + size.tokens,
        places=torch.from_numpy(places),
        sources=torch.from_numpy(sources),
        is_padding=None if tokens == is_real.size else torch.from_numpy(~is_real),
        has_filler=fillers > 0,
    )


class _PadHeads(torch.autograd.Function):
    """Tokens to their places, and what they have of each part and head apart.

    By itself because of its way back: index_select's own adds up, one by one, what is never more than one, and the
    parts' gradients would be copied together in an order that is of no use.
    """

    @staticmethod
    def forward(  # type: ignore[no-untyped-def]
        ctx,  # noqa: ANN001
        packed: Tensor,
        places: Tensor | None,
        sources: Tensor,
        shape: tuple[int, ...],
    ) -> tuple[Tensor, ...]:
        ctx.save_for_backward(places)
        padded = (packed if places is None else packed.index_select(0, sources)).reshape(shape)
        return padded.transpose(1, 3).unbind(2)

    @staticmethod
    def backward(ctx, *grads: Tensor) -> tuple[Tensor, None, None, None]:  # type: ignore[no-untyped-def] # noqa: ANN001
        (places,) = ctx.saved_tensors
        parts = [grad.transpose(1, 2).flatten(0, 1).flatten(1) for grad in grads]
        if places is not None:
            parts = [part.index_select(0, places) for part in parts]
        return (parts[0] if len(parts) == 1 else torch.cat(parts, dim=1)), None, None, None


class _Unpad(torch.autograd.Function):
    """The other way round, padding left out."""

    @staticmethod
    def forward(ctx, padded: Tensor, places: Tensor, sources: Tensor | None) -> Tensor:  # type: ignore[no-untyped-def] # noqa: ANN001
        ctx.save_for_backward(places, sources)
        ctx.size = len(padded)
        return padded.index_select(0, places)

    @staticmethod
    def backward(ctx, grad: Tensor) -> tuple[Tensor, None, None]:  # type: ignore[no-untyped-def] # noqa: ANN001
        places, sources = ctx.saved_tensors
        if sources is not None:
            # Padding gets a filler's gradient, which is zero.
            return grad.index_select(0, sources), None, None
        return grad.new_zeros(ctx.size, grad.shape[1]).index_copy_(0, places, grad), None, None
