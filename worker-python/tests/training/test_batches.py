from __future__ import annotations

import threading

import pytest

from dss_worker.data.encode import EncodedSplit, EncodedTask
from dss_worker.errors import DataError
from dss_worker.training.batches import TrainingBatches
from dss_worker.training.collate import PackedBatch, SpecialIds
from dss_worker.training.sampler import BatchOrder
from tests.training.support import CPU, micro_batches, random_split, token_table

SPLIT = random_split(rows=20, seed=0)
STEPS = 7


def batches(*, is_ahead: bool, split: EncodedSplit = SPLIT) -> TrainingBatches:
    return TrainingBatches(
        split,
        BatchOrder(rows=20, batch_rows=8, seed=3),
        alpha=0.5,
        special=SpecialIds(pad=0, start=0, end=1),
        max_steps=STEPS,
        device=CPU,
        is_ahead=is_ahead,
    )


def values(passes: list[PackedBatch]) -> list[tuple[list[int], list[int]]]:
    return [(each.inputs.ids.tolist(), each.targets.tolist()) for each in passes]


def test_what_is_made_ahead_is_what_would_have_been_made_in_time() -> None:
    with batches(is_ahead=True) as ahead, batches(is_ahead=False) as in_time:
        for step in range(STEPS):
            # From step 3 on by another plan, as after memory ran out.
            plan = micro_batches(8 if step < 3 else 4)
            ours, theirs = list(ahead.passes(step)(plan)), list(in_time.passes(step)(plan))
            assert values(ours) == values(theirs)
            assert ahead.rows(step) == in_time.rows(step) == (4 if step % 3 == 2 else 8)


def test_the_thread_ends_with_the_batches() -> None:
    with batches(is_ahead=True) as ahead:
        list(ahead.passes(0)(micro_batches(8)))
        assert any(thread.name.startswith("batches") for thread in threading.enumerate())
    assert not any(thread.name.startswith("batches") for thread in threading.enumerate())


def test_what_goes_wrong_in_the_thread_is_told_at_its_step() -> None:
    empty = EncodedTask(SPLIT.predict.inputs, token_table([[]] * 20))
    with (
        batches(is_ahead=True, split=EncodedSplit(empty, SPLIT.explain)) as ahead,
        pytest.raises(DataError, match="no label tokens"),
    ):
        ahead.passes(0)(micro_batches(8))
