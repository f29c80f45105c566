"""Passes that are given the room of others."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace

import numpy as np
import pytest
import torch

from dss_worker.data.encode import EncodedSplit, EncodedTask
from dss_worker.data.tokens import TokenTable
from dss_worker.training.collate import ALL_ROWS, PackedBatch, RowShare, collate_step, sizes_of_step
from dss_worker.training.model import special_ids
from dss_worker.training.packed_t5 import Engine
from dss_worker.training.packing import GroupSize
from dss_worker.training.pass_sizes import NO_SIZES, PassSize, PassSizes
from dss_worker.training.step import packed_loss
from tests.training.support import micro_batches, random_split, tiny_model, token_table

SPLIT = random_split(rows=400, seed=2, longest=60)
PLAN = micro_batches(32, group_rows=1_024, length_multiple=16, token_multiple=64, engine=Engine(is_recorded=True))


def passes(rows: np.ndarray, sizes: PassSizes) -> list[PackedBatch]:
    special = special_ids(tiny_model(0))
    return list(collate_step(SPLIT, rows, PLAN, alpha=0.4, special=special, sizes=sizes))


def size_of(batch: PackedBatch) -> tuple[tuple[int, int, int], ...]:
    groups = (*batch.inputs.groups, *batch.decoder_inputs.groups)
    return tuple((group.rows, group.longest, group.end - group.start) for group in groups)


def test_a_few_sizes_do_for_random_batches_of_64() -> None:
    # As the token counts of cqa are.
    draw, plan = np.random.default_rng(0), replace(PLAN, pass_rows=64, token_multiple=128)
    inputs, labels, rationales = (drawn(draw, *counts) for counts in ((47, 9), (3, 1), (30, 11)))
    split = EncodedSplit(EncodedTask(inputs, labels), EncodedTask(inputs, rationales))
    special, alpha = special_ids(tiny_model(0)), 0.4

    def batch(step: int) -> np.ndarray:
        return np.random.default_rng(step).permutation(2_000)[:64]

    known = [size for step in range(1_000) for size in sizes_of_step(split, batch(step), plan, alpha=alpha)]
    sizes = PassSizes.for_most(known)
    assert 8 * len(sizes.common) < len(set(known))
    # All have the room of one, and none of them much too much of it.
    assert {sizes.fit(size) for size in known} == set(sizes.common)
    assert sizes.tolerance < 1.2
    found: Counter[tuple[tuple[int, int, int], ...]] = Counter()
    for step in range(1_000, 1_300):
        (made,) = collate_step(split, batch(step), plan, alpha=alpha, special=special, sizes=sizes)
        found[size_of(made)] += 1
    assert sum(count for _, count in found.most_common(len(sizes.common))) >= 297


@pytest.mark.parametrize("alpha", [None, 0.0, 0.4, 1.0])
@pytest.mark.parametrize("share", [ALL_ROWS, RowShare(index=2, of=3)], ids=["alone", "of three"])
def test_the_sizes_of_a_step_are_those_of_its_passes(alpha: float | None, share: RowShare) -> None:
    # More passes than one, the last of them without a row for the third.
    plan, rows = replace(PLAN, pass_rows=3), np.arange(19)
    special = special_ids(tiny_model(0))
    made = list(collate_step(SPLIT, rows, plan, alpha=alpha, special=special, share=share))
    assert len(made) > 1
    sizes = list(sizes_of_step(SPLIT, rows, plan, alpha=alpha, share=share))
    assert [
        tuple((group.rows, group.longest, group.tokens) for groups in size for group in groups) for size in sizes
    ] == [size_of(each) for each in made]


def drawn(draw: np.random.Generator, mean: float, deviation: float) -> TokenTable:
    lengths = np.clip(draw.normal(mean, deviation, 2_000).round().astype(int), 2, 128)
    return token_table([3] * (length - 1) + [1] for length in lengths)


def test_more_room_changes_neither_loss_nor_gradient() -> None:
    model = tiny_model(0, dropout_rate=0.0)
    rows = np.arange(32)
    (small,) = passes(rows, NO_SIZES)
    larger = tuple(
        tuple(
            GroupSize(rows=group.rows, longest=group.longest + 16, tokens=group.end - group.start + 64)
            for group in groups
        )
        for groups in (small.inputs.groups, small.decoder_inputs.groups)
    )
    (large,) = passes(rows, PassSizes(common=((larger[0], larger[1]),), tolerance=3.0))
    assert size_of(large) != size_of(small)
    found = []
    for batch in (small, large):
        model.zero_grad(set_to_none=True)
        loss = packed_loss(model, batch)
        torch.autograd.backward(loss)
        found.append(
            (loss.item(), torch.cat([each.grad.flatten() for each in model.parameters() if each.grad is not None]))
        )
    assert found[1][0] == pytest.approx(found[0][0], rel=1e-6)
    assert ((found[1][1] - found[0][1]).norm() / found[0][1].norm()).item() < 1e-5


def group(longest: int, tokens: int, *, rows: int = 4) -> GroupSize:
    return GroupSize(rows=rows, longest=longest, tokens=tokens)


@pytest.mark.parametrize(
    ("known", "is_taken"),
    [
        (((group(16, 64),), (group(16, 40),)), True),
        (((group(32, 64),), (group(16, 33),)), True),
        (((group(16, 63),), (group(16, 40),)), False),
        (((group(15, 64),), (group(16, 40),)), False),
        (((group(16, 64, rows=5),), (group(16, 40),)), False),
        (((group(16, 64), group(16, 64)), (group(16, 40), group(16, 40))), False),
        (((group(16, 90),), (group(16, 60),)), False),
    ],
    ids=["equal", "a little longer", "a token less", "shorter", "other rows", "more groups", "much dearer"],
)
def test_a_known_size_is_taken_if_it_has_room_and_is_not_much_dearer(known: PassSize, is_taken: bool) -> None:
    wanted: PassSize = ((group(16, 64),), (group(16, 33),))
    assert PassSizes(common=(known,)).fit(wanted) == (known if is_taken else wanted)


def test_of_several_the_cheapest_is_taken() -> None:
    # Neither has room for the other.
    dear, cheap = ((group(16, 740),), (group(16, 330),)), ((group(16, 640),), (group(16, 360),))
    for common in ((dear, cheap), (cheap, dear)):
        assert PassSizes(common=common).fit(((group(16, 640),), (group(16, 330),))) == cheap


def test_sizes_are_joined_if_both_may_have_what_either_needs() -> None:
    long, many = ((group(32, 640),), (group(16, 330),)), ((group(16, 700),), (group(16, 300),))
    both = ((group(32, 700),), (group(16, 330),))
    assert PassSizes.for_most([long, many, long]).common == (both,)
    # Other rows than theirs have no room there, and half as many tokens would waste it.
    few, small = ((group(32, 640, rows=3),), (group(16, 330),)), ((group(16, 350),), (group(16, 160),))
    assert set(PassSizes.for_most([few, small, many, long]).common) == {both, few, small}
    assert PassSizes.for_most([]) == NO_SIZES


def test_where_rows_are_few_and_vary_much_passes_may_have_more_room_than_they_need() -> None:
    plan, draw = replace(PLAN, pass_rows=4, token_multiple=8), np.random.default_rng(0)
    known = [
        size for _ in range(500) for size in sizes_of_step(SPLIT, draw.choice(400, 4, replace=False), plan, alpha=0.4)
    ]
    sizes = PassSizes.for_most(known)
    assert len(sizes.common) <= 12 < 100 < len(set(known))  # noqa: PLR0133
    assert sizes.tolerance > 1.2
    assert {sizes.fit(size) for size in known} == set(sizes.common)
