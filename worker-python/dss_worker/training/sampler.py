"""Which rows each optimizer step sees: a function of seed and step alone, so a run may resume at any step."""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt


class BatchOrder:
    """Every epoch is a new permutation of the rows; its short last batch is a step of its own."""

    def __init__(self, *, rows: int, batch_rows: int, seed: int) -> None:
        """`rows` in the training split, `batch_rows` per optimizer step; both at least 1."""
        self._rows = rows
        self._batch_rows = batch_rows
        self._seed = seed
        # The newest epoch's permutation, kept because the next step nearly always wants it.
        self._epoch = -1
        self._order: npt.NDArray[np.int64] = np.empty(0, dtype=np.int64)

    @property
    def steps_per_epoch(self) -> int:
        return math.ceil(self._rows / self._batch_rows)

    @property
    def batch_sizes(self) -> set[int]:
        """Rows that a batch may have."""
        return {min(self._rows, self._batch_rows), self._rows % self._batch_rows} - {0}

    def batch(self, step: int) -> npt.NDArray[np.int64]:
        """Row numbers of the step, counted from 0 over all epochs; int64, [at most batch_rows]."""
        epoch, position = divmod(step, self.steps_per_epoch)
        if epoch != self._epoch:
            self._epoch = epoch
            self._order = np.random.default_rng((self._seed, epoch)).permutation(self._rows)
        return self._order[position * self._batch_rows : (position + 1) * self._batch_rows]
