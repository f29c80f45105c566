"""What each optimizer step trains on, ready when the device is."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from functools import partial
from types import TracebackType
from typing import Self

import numpy as np
import torch

from dss_worker.data.encode import EncodedSplit
from dss_worker.training.collate import (
    ALL_ROWS,
    PackedBatch,
    Rows,
    RowShare,
    SpecialIds,
    collate_step,
    sizes_of_step,
)
from dss_worker.training.micro_batches import MicroBatchPlan
from dss_worker.training.pass_sizes import NO_SIZES, PassSizes
from dss_worker.training.sampler import BatchOrder
from dss_worker.training.step import PassesOf

# Steps that are made while the device works on another.
STEPS_AHEAD = 2
# Of a thousand batches of 64, the sizes have room for all that come in 5,000 steps; of half as many, for 99.6 %.
_BATCHES_DRAWN = 1_024


class TrainingBatches:
    """The passes of each step.

    On a GPU a thread makes those of the next steps ahead, in pinned memory, from which they travel while the device
    works. On a CPU the thread would only take turns with training.
    """

    def __init__(
        self,
        split: EncodedSplit,
        order: BatchOrder,
        *,
        alpha: float | None,
        special: SpecialIds,
        max_steps: int,
        device: torch.device,
        is_ahead: bool | None = None,
        share: RowShare = ALL_ROWS,
    ) -> None:
        """`is_ahead`: whether to make steps ahead; None: on a GPU."""
        self._split = split
        self._order = order
        self._alpha = alpha
        self._special = special
        self._max_steps = max_steps
        self._share = share
        # By plan; a function of it and the rows alone, so that who resumes a trial gives passes the same room. Used by
        # one thread at a time: the one that makes steps ahead, or the caller's.
        self._sizes: dict[MicroBatchPlan, PassSizes] = {}
        self._is_pinned = device.type == "cuda"
        is_ahead = self._is_pinned if is_ahead is None else is_ahead
        self._thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="batches") if is_ahead else None
        # By step, with the plan that they were made by.
        self._made: dict[int, tuple[MicroBatchPlan, Future[list[PackedBatch]]]] = {}

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._thread is not None:
            self._thread.shutdown(cancel_futures=True)

    def rows(self, step: int) -> int:
        """Rows of a step, counted from 0."""
        return len(self._order.batch(step))

    def passes(self, step: int) -> PassesOf:
        """What `Stepper.take` takes for a step, counted from 0."""
        if self._thread is None:
            return partial(self._collate, step, self._order.batch(step))
        return partial(self._passes, step)

    def _passes(self, step: int, plan: MicroBatchPlan) -> list[PackedBatch]:
        """Made ahead if they were by the same plan; the next ones are begun."""
        for next_step in range(step, min(step + STEPS_AHEAD + 1, self._max_steps)):
            if next_step not in self._made or self._made[next_step][0] != plan:
                self._begin(next_step, plan)
        _, made = self._made[step]
        self._made = {number: value for number, value in self._made.items() if number >= step}
        return made.result()

    def _begin(self, step: int, plan: MicroBatchPlan) -> None:
        assert self._thread is not None
        # The order is asked here: it is not made for two threads.
        self._made[step] = plan, self._thread.submit(self._make, step, self._order.batch(step), plan)

    def _make(self, step: int, rows: Rows, plan: MicroBatchPlan) -> list[PackedBatch]:
        return [batch.pinned() if self._is_pinned else batch for batch in self._collate(step, rows, plan)]

    def _collate(self, step: int, rows: Rows, plan: MicroBatchPlan) -> Iterator[PackedBatch]:
        if plan not in self._sizes:
            self._sizes[plan] = self._common_sizes(plan) if plan.engine.is_recorded else NO_SIZES
        yield from collate_step(
            self._split,
            rows,
            plan,
            alpha=self._alpha,
            special=self._special,
            share=self._share,
            sizes=self._sizes[plan],
        )

    def _common_sizes(self, plan: MicroBatchPlan) -> PassSizes:
        """That passes of random batches need."""
        draw = np.random.default_rng(0)
        return PassSizes.for_most(
            size
            for rows in self._order.batch_sizes
            for _ in range(_BATCHES_DRAWN)
            for size in sizes_of_step(
                self._split,
                draw.choice(len(self._split), rows, replace=False, shuffle=False),
                plan,
                alpha=self._alpha,
                share=self._share,
            )
        )
