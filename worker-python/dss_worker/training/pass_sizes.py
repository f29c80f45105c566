"""Passes of few different sizes, where each size costs something.

Of random batches nearly every one is of a size of its own: the longest of 64 rows varies, and so does the sum of their
tokens. But they vary little, so that a few sizes have room for all of them and waste little of it.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from dss_worker.training.packing import GroupSize

# Of the inputs' groups, and of the targets'.
PassSize = tuple[tuple[GroupSize, ...], tuple[GroupSize, ...]]

# Of each group.
_Rows = tuple[int, ...]

# A pass may be so much dearer than it need be: the least of these by which the sizes are few. 64 rows as cqa has them
# need 56 sizes by 1.05 (1 % dearer on the mean), 5 by the first (4 %), 2 by 1.2 (6 %). Of a few rows the lengths vary
# more, and a GPU takes as long for them as for more rows.
_TOLERANCES = (1.13, 1.25, 1.5, 2.0)
_FEW = 12
# Of attention, that take as long as all the rest of a token. 2026-11, T5-base on an H200: 700.
_CELLS_PER_TOKEN = 512


@dataclass(frozen=True, slots=True, kw_only=True)
class PassSizes:
    """Sizes that passes are given, where these have room for them."""

    common: tuple[PassSize, ...] = ()
    # How much dearer than it need be a pass may become by them.
    tolerance: float = _TOLERANCES[0]

    @classmethod
    def for_most(cls, wanted: Iterable[PassSize]) -> PassSizes:
        """A few that have room for all of these."""
        # From the dearest on: what comes next needs a little less of one thing, and perhaps more of another.
        ordered = sorted(set(wanted), key=_cost, reverse=True)
        for tolerance in _TOLERANCES:
            common = _common(ordered, tolerance)
            if len(common) <= _FEW:
                break
        return cls(common=common, tolerance=tolerance)

    def fit(self, wanted: PassSize) -> PassSize:
        """The cheapest with room for the wanted one, if it is not much dearer; else the wanted one."""
        limit = self.tolerance * _cost(wanted)
        fitting = [size for size in self.common if _has_room(size, wanted) and _cost(size) <= limit]
        return min(fitting, key=_cost, default=wanted)


# Each pass has what it needs.
NO_SIZES = PassSizes()


def _common(ordered: Iterable[PassSize], tolerance: float) -> tuple[PassSize, ...]:
    """With room for each size, given from the dearest on, none of them too dear for it."""
    common: dict[_Rows, list[PassSize]] = {}
    for size in ordered:
        ours = common.setdefault(_rows(size), [])
        joined = _joined(ours[-1], size) if ours else size
        # The size at hand is the cheapest of those that would share.
        if ours and _cost(joined) <= tolerance * _cost(size):
            ours[-1] = joined
        else:
            ours.append(size)
    return tuple(size for sizes in common.values() for size in sizes)


def _joined(one: PassSize, other: PassSize) -> PassSize:
    """The least with room for both, which have equally many rows in each group."""
    inputs, targets = (
        tuple(
            GroupSize(rows=ours.rows, longest=max(ours.longest, theirs.longest), tokens=max(ours.tokens, theirs.tokens))
            for ours, theirs in zip(*groups, strict=True)
        )
        for groups in zip(one, other, strict=True)
    )
    return inputs, targets


def _has_room(size: PassSize, wanted: PassSize) -> bool:
    return _rows(size) == _rows(wanted) and _joined(size, wanted) == size


def _rows(size: PassSize) -> _Rows:
    return tuple(group.rows for groups in size for group in groups)


def _cost(size: PassSize) -> float:
    """In tokens."""
    inputs, targets = size
    tokens = sum(group.tokens for group in (*inputs, *targets))
    cells = sum(
        ours.rows * (ours.longest**2 + theirs.longest * (theirs.longest + ours.longest))
        for ours, theirs in zip(inputs, targets, strict=True)
    )
    return tokens + cells / _CELLS_PER_TOKEN
