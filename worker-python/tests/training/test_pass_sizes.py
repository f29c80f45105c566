"""Passes that are given the room of earlier ones."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace

import numpy as np
import pytest
import torch

from dss_worker.data.encode import EncodedSplit, EncodedTask
from dss_worker.data.tokens import TokenTable
from dss_worker.training import pass_sizes
from dss_worker.training.collate import PackedBatch, collate_step
from dss_worker.training.model import special_ids
from dss_worker.training.packed_t5 import Engine
from dss_worker.training.packing import GroupSize
from dss_worker.training.pass_sizes import PassSize, PassSizes
from dss_worker.training.step import packed_loss
from tests.training.support import micro_batches, random_split, tiny_model, token_table

SPLIT = random_split(rows=400, seed=2, longest=60)
PLAN = micro_batches(32, group_rows=1_024, length_multiple=16, token_multiple=64, engine=Engine(is_recorded=True))


def passes(rows: np.ndarray, sizes: PassSizes | None) -> list[PackedBatch]:
    special = special_ids(tiny_model(0))
    return list(collate_step(SPLIT, rows, PLAN, alpha=0.4, special=special, sizes=sizes))


def size_of(batch: PackedBatch) -> tuple[tuple[int, int, int], ...]:
    groups = (*batch.inputs.groups, *batch.decoder_inputs.groups)
    return tuple((group.rows, group.longest, group.end - group.start) for group in groups)


def test_many_random_batches_of_64_are_of_few_sizes() -> None:
    # As the token counts of cqa are.
    draw, plan = np.random.default_rng(0), replace(PLAN, pass_rows=64, token_multiple=128)
    inputs, labels, rationales = (drawn(draw, *counts) for counts in ((47, 9), (3, 1), (30, 11)))
    split = EncodedSplit(EncodedTask(inputs, labels), EncodedTask(inputs, rationales))
    special, found = special_ids(tiny_model(0)), []
    for sizes in (None, PassSizes()):
        seen: Counter[tuple[tuple[int, int, int], ...]] = Counter()
        for step in range(300):
            rows = np.random.default_rng(step).permutation(2_000)[:64]
            (batch,) = collate_step(split, rows, plan, alpha=0.4, special=special, sizes=sizes)
            seen[size_of(batch)] += 1
        found.append(seen)
    by_themselves, together = found
    assert 2 * len(together) < len(by_themselves)
    assert sum(count for _, count in together.most_common(8)) > 250


def drawn(draw: np.random.Generator, mean: float, deviation: float) -> TokenTable:
    lengths = np.clip(draw.normal(mean, deviation, 2_000).round().astype(int), 2, 128)
    return token_table([3] * (length - 1) + [1] for length in lengths)


def test_more_room_changes_neither_loss_nor_gradient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pass_sizes, "_TOLERANCE", 3)
    model = tiny_model(0, dropout_rate=0.0)
    rows = np.arange(32)
    (small,) = passes(rows, None)
    sizes = PassSizes()
    larger = tuple(
        tuple(
            GroupSize(rows=group.rows, longest=group.longest + 16, tokens=group.end - group.start + 64)
            for group in groups
        )
        for groups in (small.inputs.groups, small.decoder_inputs.groups)
    )
    sizes.fit((larger[0], larger[1]))
    (large,) = passes(rows, sizes)
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
    sizes = PassSizes()
    assert sizes.fit(known) == known
    assert (sizes.fit(wanted) == known) == is_taken
    # From now on it is known itself.
    assert sizes.fit(wanted) == (known if is_taken else wanted)


@pytest.mark.parametrize("is_first", [True, False])
def test_of_several_the_cheapest_is_taken(is_first: bool) -> None:
    # Neither has room for the other.
    dear, cheap = ((group(16, 740),), (group(16, 330),)), ((group(16, 640),), (group(16, 360),))
    sizes = PassSizes()
    for known in (dear, cheap) if is_first else (cheap, dear):
        assert sizes.fit(known) == known
    assert sizes.fit(((group(16, 640),), (group(16, 330),))) == cheap


def test_what_is_not_recorded_keeps_its_size() -> None:
    special = special_ids(tiny_model(0))
    plan = replace(PLAN, engine=Engine())
    batches = [np.random.default_rng(step).permutation(400)[:32] for step in range(60)]
    found = [
        [
            size_of(batch)
            for rows in batches
            for batch in collate_step(SPLIT, rows, plan, alpha=0.4, special=special, sizes=sizes)
        ]
        for sizes in (PassSizes(), None)
    ]
    assert found[0] == found[1]
