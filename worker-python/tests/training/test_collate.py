from __future__ import annotations

import numpy as np
import pytest

from dss_worker.data.encode import EncodedSplit, EncodedTask
from dss_worker.errors import DataError
from dss_worker.training.collate import SpecialIds, collate_step, collate_task
from tests.training.support import random_split, token_table

SPECIAL = SpecialIds(pad=0, start=9, end=1)
TASK = EncodedTask(token_table([[5, 6, 7, 1], [8, 1], [3, 4, 1]]), token_table([[4, 1], [6, 7, 1], [1]]))


def test_rows_are_padded_on_the_right_to_the_longest() -> None:
    batch = collate_task(TASK, np.array([1, 0]), special=SPECIAL)
    assert batch.input_ids.tolist() == [[8, 1, 0, 0], [5, 6, 7, 1]]
    assert batch.attention_mask.tolist() == [[1, 1, 0, 0], [1, 1, 1, 1]]
    assert batch.targets.tolist() == [[6, 7, 1], [4, 1, -100]]


def test_the_decoder_reads_the_targets_moved_by_one() -> None:
    batch = collate_task(TASK, np.array([1, 0, 2]), special=SPECIAL)
    assert batch.decoder_input_ids.tolist() == [[9, 6, 7], [9, 4, 1], [9, 1, 0]]


def test_a_step_has_a_pass_for_each_task_of_each_micro_batch() -> None:
    passes = list(collate_step(random_split(rows=10, seed=0), np.arange(10), alpha=0.5, batch_size=4, special=SPECIAL))
    assert [len(each.task.targets) for each in passes] == [4, 4, 4, 4, 2, 2]


def test_tokens_weigh_the_same_in_every_micro_batch() -> None:
    split = random_split(rows=10, seed=0)
    for batch_size in (1, 3, 10):
        passes = list(collate_step(split, np.arange(10), alpha=0.3, batch_size=batch_size, special=SPECIAL))
        sums = [
            sum(each.token_weight * int((each.task.targets != -100).sum()) for each in passes[i::2]) for i in (0, 1)
        ]
        assert sums == pytest.approx([0.3, 0.7])


@pytest.mark.parametrize(("alpha", "weight"), [(1.0, 1 / 6), (None, 1 / 6)])
def test_without_weight_there_is_no_rationale_pass(alpha: float | None, weight: float) -> None:
    split = EncodedSplit(TASK, None if alpha is None else TASK)
    (only,) = collate_step(split, np.arange(3), alpha=alpha, batch_size=3, special=SPECIAL)
    assert only.token_weight == pytest.approx(weight)


def test_a_step_to_learn_rationales_that_are_not_there_is_refused() -> None:
    split = EncodedSplit(TASK, None)
    with pytest.raises(DataError, match="no rationale tokens"):
        list(collate_step(split, np.arange(3), alpha=0.5, batch_size=3, special=SPECIAL))
