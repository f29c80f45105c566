from __future__ import annotations

import threading
from dataclasses import replace

import pytest

from dss_worker.data.encode import EncodedSplit, EncodedTask
from dss_worker.errors import DataError
from dss_worker.training.batches import TrainingBatches
from dss_worker.training.collate import PackedBatch, SpecialIds
from dss_worker.training.packed_t5 import Engine
from dss_worker.training.packing import GroupSize
from dss_worker.training.pass_sizes import PassSize
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


@pytest.mark.parametrize("is_ahead", [True, False])
def test_passes_that_are_recorded_are_of_few_sizes_for_whoever_goes_on(is_ahead: bool) -> None:
    # Each epoch ends with a batch of four.
    split, steps = random_split(rows=204, seed=4, longest=60), 78
    order = BatchOrder(rows=204, batch_rows=8, seed=3)
    first = micro_batches(8, group_rows=1_024, token_multiple=16, engine=Engine(is_recorded=True))
    halved = first.halved()
    assert halved is not None

    def rooms(begin: int, *, is_recorded: bool = True) -> list[list[PassSize]]:
        with TrainingBatches(
            split, order, alpha=0.5, special=SpecialIds(pad=0, start=0, end=1), max_steps=steps, device=CPU,
            is_ahead=is_ahead,
        ) as made:  # fmt: skip
            found = []
            for step in range(begin, steps):
                # From step 40 on in halves, as after memory ran out.
                plan = replace(first if step < 40 else halved, engine=Engine(is_recorded=is_recorded))
                found.append([room_of(each) for each in made.passes(step)(plan)])
            return found

    whole = rooms(0)
    assert rooms(25) == whole[25:]
    by_themselves = rooms(0, is_recorded=False)
    assert 2 * distinct(whole[:40]) < distinct(by_themselves[:40])
    assert 2 * distinct(whole[40:]) < distinct(by_themselves[40:])


def distinct(rooms: list[list[PassSize]]) -> int:
    return len({room for step in rooms for room in step})


def room_of(batch: PackedBatch) -> PassSize:
    return tuple(
        tuple(GroupSize(rows=each.rows, longest=each.longest, tokens=each.end - each.start) for each in groups)
        for groups in (batch.inputs.groups, batch.decoder_inputs.groups)
    )  # type: ignore[return-value]


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
