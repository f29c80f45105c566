"""Token tables that a warm worker keeps from one trial to the next."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable
from threading import Lock

from dss_worker.data.tokens import TokenTable

DEFAULT_MAX_BYTES = 1024**3


class TokenCache:
    """Tables by the content they were made from; what was not used for longest goes first.

    Settings that change no token (seed, subsample, alpha, the learning rate) are not part of a key, so that the
    trials of a sweep share their tables. Tables are read-only, and a trial cannot leave traces in them.
    """

    def __init__(self, max_bytes: int = DEFAULT_MAX_BYTES) -> None:
        self._max_bytes = max_bytes
        self._tables: OrderedDict[str, TokenTable] = OrderedDict()
        self._lock = Lock()

    def table(self, key: str, make: Callable[[], TokenTable]) -> TokenTable:
        """The table of this key; made now if it is not here."""
        with self._lock:
            if key in self._tables:
                self._tables.move_to_end(key)
                return self._tables[key]
        table = make()
        with self._lock:
            self._tables[key] = table
            self._tables.move_to_end(key)
            # The newest stays even if it is too large alone: the trial holds it anyway.
            while self.size_bytes > self._max_bytes and len(self._tables) > 1:
                self._tables.popitem(last=False)
        return table

    @property
    def size_bytes(self) -> int:
        return sum(table.size_bytes for table in self._tables.values())
