"""Rows of different lengths without padding: all their tokens in one line.

What a model does to each token by itself (embedding, projections, feed-forward layers, the output layer) is most of
its work, and on packed tokens none of it is spent on padding. Only attention looks across tokens; for it, rows of
about the same length are padded together, group by group.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

Lengths = npt.NDArray[np.int64]


@dataclass(frozen=True, slots=True, kw_only=True)
class RowGroup:
    """Neighbouring rows that are padded together for attention."""

    rows: int
    # Tokens of the longest row, rounded up where the device wants that.
    longest: int
    # The group's tokens within the packed ones: tokens[start:end].
    start: int
    end: int
    # int64, [end - start]: where each token lies in [rows * longest].
    places: Tensor
    # bool, [rows, longest]: True for padding; None where no row is shorter than `longest`.
    is_padding: Tensor | None

    def pad(self, packed: Tensor) -> Tensor:
        """[tokens of all groups, width] -> [rows, longest, width]; zeros where there is no token."""
        tokens = packed[self.start : self.end]
        if self.is_padding is None:
            return tokens.reshape(self.rows, self.longest, -1)
        padded: Tensor = _Scatter.apply(tokens, self.places, self.rows * self.longest)
        return padded.view(self.rows, self.longest, -1)

    def unpad(self, padded: Tensor) -> Tensor:
        """[rows, longest, width] -> [end - start, width]."""
        flat = padded.reshape(self.rows * self.longest, -1)
        if self.is_padding is None:
            return flat
        packed: Tensor = _Gather.apply(flat, self.places)
        return packed

    def map(self, move: Callable[[Tensor], Tensor]) -> RowGroup:
        """The same with each tensor moved."""
        is_padding = None if self.is_padding is None else move(self.is_padding)
        return replace(self, places=move(self.places), is_padding=is_padding)


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

    def map(self, move: Callable[[Tensor], Tensor]) -> PackedRows:
        return PackedRows(ids=move(self.ids), groups=tuple(group.map(move) for group in self.groups))


def pack(ids: npt.NDArray[np.int64], lengths: Lengths, *, group_rows: Sequence[int], multiple: int = 1) -> PackedRows:
    """
    Args:
        ids: [sum of lengths], row after row.
        lengths: [rows], each at least 1.
        group_rows: rows of each group, in order; their sum is the number of rows.
        multiple: what padded lengths are rounded up to.
    """
    groups = []
    row = token = 0
    for rows in group_rows:
        group = _group(lengths[row : row + rows], start=token, multiple=multiple)
        groups.append(group)
        row, token = row + rows, group.end
    return PackedRows(ids=torch.from_numpy(ids), groups=tuple(groups))


def _group(lengths: Lengths, *, start: int, multiple: int) -> RowGroup:
    tokens = int(lengths.sum())
    longest = -(-int(lengths.max()) // multiple) * multiple
    is_real = np.arange(longest) < lengths[:, None]
    return RowGroup(
        rows=len(lengths),
        longest=longest,
        start=start,
        end=start + tokens,
        places=torch.from_numpy(np.flatnonzero(is_real)),
        is_padding=None if tokens == is_real.size else torch.from_numpy(~is_real),
    )


class _Scatter(torch.autograd.Function):
    """Rows to their places among zeros. index_put's own backward pass does not know that the places differ."""

    @staticmethod
    def forward(ctx, packed: Tensor, places: Tensor, size: int) -> Tensor:  # type: ignore[no-untyped-def] # noqa: ANN001
        ctx.save_for_backward(places)
        return packed.new_zeros(size, packed.shape[1]).index_copy_(0, places, packed)

    @staticmethod
    def backward(ctx, grad: Tensor) -> tuple[Tensor, None, None]:  # type: ignore[no-untyped-def] # noqa: ANN001
        (places,) = ctx.saved_tensors
        return grad.index_select(0, places), None, None


class _Gather(torch.autograd.Function):
    """The other way round; index_select's own backward pass adds up, one by one, what is never more than one."""

    @staticmethod
    def forward(ctx, padded: Tensor, places: Tensor) -> Tensor:  # type: ignore[no-untyped-def] # noqa: ANN001
        ctx.save_for_backward(places)
        ctx.size = len(padded)
        return padded.index_select(0, places)

    @staticmethod
    def backward(ctx, grad: Tensor) -> tuple[Tensor, None]:  # type: ignore[no-untyped-def] # noqa: ANN001
        (places,) = ctx.saved_tensors
        return grad.new_zeros(ctx.size, grad.shape[1]).index_copy_(0, places, grad), None
