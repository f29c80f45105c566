from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from dss_worker.data.encode import EncodedSplit, EncodedTask
from dss_worker.errors import DataError
from dss_worker.training.collate import PackedBatch, SpecialIds, collate_step, collate_task
from tests.training.support import micro_batches, random_split, token_table

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


def test_a_pass_has_the_rows_of_both_tasks_and_no_padding() -> None:
    split = EncodedSplit(TASK, TASK)
    (only,) = collate_step(split, np.array([2, 0, 1]), micro_batches(8), alpha=0.5, special=SPECIAL)
    # Each task by length: rows 1, 2, 0.
    assert only.inputs.ids.tolist() == 2 * [8, 1, 3, 4, 1, 5, 6, 7, 1]
    assert only.targets.tolist() == 2 * [6, 7, 1, 1, 4, 1]
    assert only.decoder_inputs.ids.tolist() == 2 * [9, 6, 7, 9, 9, 4]
    assert (only.input_lengths.tolist(), only.target_lengths.tolist()) == (2 * [2, 3, 4], 2 * [3, 1, 2])
    assert [(group.rows, group.longest) for group in only.inputs.groups] == [(3, 4), (3, 4)]
    assert [(group.rows, group.longest) for group in only.decoder_inputs.groups] == [(3, 3), (3, 3)]


def test_the_rows_of_a_step_are_in_its_passes_once_each() -> None:
    split = random_split(rows=40, seed=0)
    passes = list(collate_step(split, np.arange(10, 40), micro_batches(4), alpha=None, special=SPECIAL))
    assert [len(each.input_lengths) for each in passes] == [4, 4, 4, 4, 4, 4, 4, 2]
    seen = sorted(tokens.tolist() for each in passes for tokens in np.split(each.inputs.ids.numpy(), ends(each)))
    assert seen == sorted(split.predict.inputs.row(row).tolist() for row in range(10, 40))


def ends(batch: PackedBatch) -> np.ndarray[Any, Any]:
    return np.cumsum(batch.input_lengths)[:-1]


def test_tokens_weigh_the_same_however_a_step_is_split() -> None:
    split = random_split(rows=10, seed=0)
    assert split.explain is not None
    labels = split.predict.targets.lengths.sum()
    for rows in (1, 3, 10):
        passes = list(collate_step(split, np.arange(10), micro_batches(rows), alpha=0.3, special=SPECIAL))
        weights = np.concatenate([each.token_weights.numpy() for each in passes])
        is_label = np.isclose(weights, 0.3 / labels)
        assert (is_label.sum(), weights[is_label].sum(), weights[~is_label].sum()) == pytest.approx((labels, 0.3, 0.7))


@pytest.mark.parametrize(("alpha", "weight"), [(1.0, 1 / 6), (None, 1 / 6)])
def test_without_weight_rationales_are_not_run(alpha: float | None, weight: float) -> None:
    split = EncodedSplit(TASK, None if alpha is None else TASK)
    (only,) = collate_step(split, np.arange(3), micro_batches(3), alpha=alpha, special=SPECIAL)
    assert only.token_weights.tolist() == pytest.approx([weight] * 6)


def test_without_weight_labels_are_not_run() -> None:
    (only,) = collate_step(EncodedSplit(TASK, TASK), np.arange(3), micro_batches(3), alpha=0.0, special=SPECIAL)
    assert only.token_weights.tolist() == pytest.approx([1 / 6] * 6)


def test_a_step_to_learn_rationales_that_are_not_there_is_refused() -> None:
    split = EncodedSplit(TASK, None)
    with pytest.raises(DataError, match="no rationale tokens"):
        list(collate_step(split, np.arange(3), micro_batches(3), alpha=0.5, special=SPECIAL))
