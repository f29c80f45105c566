from __future__ import annotations

import numpy as np

from dss_worker.training.sampler import BatchOrder


def epoch(order: BatchOrder, number: int) -> list[list[int]]:
    steps = order.steps_per_epoch
    return [order.batch(step).tolist() for step in range(number * steps, (number + 1) * steps)]


def test_every_epoch_has_each_row_once() -> None:
    order = BatchOrder(rows=23, batch_rows=5, seed=3)
    for number in range(4):
        assert sorted(row for batch in epoch(order, number) for row in batch) == list(range(23))


def test_the_short_last_batch_of_an_epoch_is_a_step_of_its_own() -> None:
    assert [len(rows) for rows in epoch(BatchOrder(rows=23, batch_rows=5, seed=3), 1)] == [5, 5, 5, 5, 3]


def test_a_batch_larger_than_the_split_is_the_split() -> None:
    order = BatchOrder(rows=3, batch_rows=64, seed=0)
    assert [sorted(order.batch(step).tolist()) for step in range(3)] == [[0, 1, 2]] * 3


def test_epochs_and_seeds_differ() -> None:
    first = epoch(BatchOrder(rows=40, batch_rows=8, seed=0), 0)
    assert epoch(BatchOrder(rows=40, batch_rows=8, seed=0), 1) != first
    assert epoch(BatchOrder(rows=40, batch_rows=8, seed=1), 0) != first


def test_any_step_can_be_the_first_one_asked_for() -> None:
    run = BatchOrder(rows=23, batch_rows=5, seed=3)
    expected = [run.batch(step).tolist() for step in range(17)]
    for step in (16, 7, 0, 11):
        assert BatchOrder(rows=23, batch_rows=5, seed=3).batch(step).tolist() == expected[step]
        assert run.batch(step).tolist() == expected[step]


def test_an_epoch_is_the_permutation_of_seed_and_number() -> None:
    order = BatchOrder(rows=10, batch_rows=10, seed=7)
    assert order.batch(2).tolist() == np.random.default_rng((7, 2)).permutation(10).tolist()
