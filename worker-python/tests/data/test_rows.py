"""Which rows are split off, worked out a second way."""

from __future__ import annotations

import numpy as np
import pytest

from dss_worker.data.rows import Row, RowTable, Split, split_rows


def test_the_head_of_the_seeded_permutation_is_split_off_and_the_rest_kept_in_its_order() -> None:
    # Drawn once with NumPy 2.4 and written down: a generator that changes would change every result.
    assert np.random.default_rng(0).permutation(10).tolist() == [4, 6, 2, 7, 3, 5, 9, 0, 8, 1]
    kept, split_off = split_rows(10, 0.25, 0)
    assert split_off.tolist() == [4, 6, 2]
    assert kept.tolist() == [7, 3, 5, 9, 0, 8, 1]


@pytest.mark.parametrize(
    ("n", "fraction", "count"),
    [
        (9741, 0.1, 975),
        (800, 0.1, 80),
        (1, 0.1, 1),
        (10, 0.0, 0),
        (100, 1.0 - 0.9, 10),  # 0.09999999999999998
        (10, 1.0 - 0.7, 4),  # 0.30000000000000004, as in the release
        (8767, 1.0 - 0.125, 7672),
    ],
)
def test_a_fraction_of_a_row_is_a_whole_row(n: int, fraction: float, count: int) -> None:
    kept, split_off = split_rows(n, fraction, 3)
    assert len(split_off) == count
    assert sorted([*kept, *split_off]) == list(range(n))


def test_another_seed_gives_another_order() -> None:
    assert split_rows(100, 0.1, 0)[0].tolist() != split_rows(100, 0.1, 1)[0].tolist()


def test_a_split_gives_its_rows_in_its_own_order() -> None:
    rows = tuple(Row(inputs=(f"q{i}",), label="") for i in range(4))
    table = RowTable(rows=rows, digest="", teacher_digest="")
    split = Split(table=table, index=np.array([2, 0]))
    assert ([row.inputs[0] for row in split], len(split)) == (["q2", "q0"], 2)
