"""Passes of few different sizes, where each size costs something."""

from __future__ import annotations

from collections.abc import Iterable

from dss_worker.training.packing import GroupSize

# Of the inputs' groups, and of the targets'.
PassSize = tuple[tuple[GroupSize, ...], tuple[GroupSize, ...]]

# A pass may be so much dearer than it need be.
_TOLERANCE = 1.15
# Of attention, that take as long as all the rest of a token. 2026-11, T5-base on an H200: 700.
_CELLS_PER_TOKEN = 512
_MOST_SIZES = 256
# More than batches are ever made ahead.
_STEPS_NOTED = 64


class PassSizes:
    """Remembers the sizes that passes had, and gives later ones the room of an earlier one.

    Of random batches nearly every one is of a size of its own: the longest of 64 rows varies.
    """

    def __init__(self, known: Iterable[PassSize] = ()) -> None:
        """`known`: those that `before` gave, to go on as if there had been no break."""
        self._known = list(known)
        # By step, how many were known before its passes were made.
        self._known_before: dict[int, int] = {}

    def begin(self, step: int) -> None:
        """The passes of a step, counted from 0, are made next; again, if they are made by another plan."""
        oldest = step - _STEPS_NOTED
        self._known_before = {each: count for each, count in self._known_before.items() if each >= oldest}
        self._known_before[step] = len(self._known)

    def before(self, step: int) -> tuple[PassSize, ...]:
        """What was known before the passes of a step were made, whichever have been made since."""
        return tuple(self._known[: self._known_before.get(step, len(self._known))])

    def fit(self, wanted: PassSize) -> PassSize:
        """The cheapest known one with room for the wanted one, if it is not much dearer; else the wanted one."""
        limit = _TOLERANCE * _cost(wanted)
        fitting = [known for known in self._known if _has_room(known, wanted) and _cost(known) <= limit]
        if fitting:
            return min(fitting, key=_cost)
        if len(self._known) < _MOST_SIZES:
            self._known.append(wanted)
        return wanted


def _has_room(known: PassSize, wanted: PassSize) -> bool:
    return all(
        len(ours) == len(theirs)
        and all(
            one.rows == other.rows and one.longest >= other.longest and one.tokens >= other.tokens
            for one, other in zip(ours, theirs, strict=True)
        )
        for ours, theirs in zip(known, wanted, strict=True)
    )


def _cost(size: PassSize) -> float:
    """In tokens."""
    inputs, targets = size
    tokens = sum(group.tokens for group in (*inputs, *targets))
    cells = sum(
        ours.rows * (ours.longest**2 + theirs.longest * (theirs.longest + ours.longest))
        for ours, theirs in zip(inputs, targets, strict=True)
    )
    return tokens + cells / _CELLS_PER_TOKEN
