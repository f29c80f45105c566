"""What a warm worker keeps from one trial to the next, within bounds."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable
from typing import Generic, TypeVar

T = TypeVar("T")


class BoundedCache(Generic[T]):
    """Values by the content that they were made from; what was not used for longest goes first.

    Trials share the values, so these must be such that a trial leaves no traces in them.
    """

    def __init__(self, *, limit: int, size_of: Callable[[T], int]) -> None:
        """`limit` of the sum of all sizes, in the unit of `size_of`."""
        self._limit = limit
        self._size_of = size_of
        # With their sizes.
        self._kept: OrderedDict[str, tuple[T, int]] = OrderedDict()
        self.size = 0

    def get(self, key: str, make: Callable[[], T]) -> T:
        """The value of this key; made now if it is not here."""
        if key not in self._kept:
            value = make()
            self._kept[key] = value, self._size_of(value)
            self.size += self._kept[key][1]
            # The newest stays even if it is too large alone: the trial holds it anyway.
            while self.size > self._limit and len(self._kept) > 1:
                self.size -= self._kept.popitem(last=False)[1][1]
        self._kept.move_to_end(key)
        return self._kept[key][0]
