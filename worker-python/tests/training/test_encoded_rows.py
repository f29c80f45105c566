from __future__ import annotations

import numpy as np
import pytest
import torch

from dss_worker.training.collate import collate_task
from dss_worker.training.encoded_rows import attention_groups, batches_by_length, encode_rows
from dss_worker.training.generate import inference
from dss_worker.training.model import special_ids
from tests.training.support import random_split, tiny_model


@pytest.mark.parametrize("tokens", [1, 40, 10_000])
def test_every_row_is_in_one_batch_the_longest_first_and_no_batch_is_too_large(tokens: int) -> None:
    draw = np.random.default_rng(0)
    inputs, others = draw.integers(1, 30, size=200), draw.integers(1, 9, size=200)
    batches = list(batches_by_length(inputs, others, tokens=tokens))
    order = np.concatenate(batches)
    assert sorted(order.tolist()) == list(range(200))
    assert np.all(np.diff(inputs[order]) <= 0)
    for number, batch in enumerate(batches):
        size = (inputs + others)[batch].sum()
        assert size <= tokens or len(batch) == 1
        if number + 1 < len(batches):
            following = batches[number + 1][0]
            assert size + inputs[following] + others[following] > tokens


def test_no_rows_are_no_batches() -> None:
    none = np.zeros(0, dtype=np.int64)
    assert list(batches_by_length(none, none, tokens=10)) == []
    assert attention_groups(none) == []


def test_long_rows_are_padded_together_in_small_groups() -> None:
    assert attention_groups(np.array([1024] * 2 + [256] * 9 + [16] * 5)) == [1, 1, 4, 4, 4, 2]


def test_rows_are_encoded_as_by_the_model_itself() -> None:
    model = tiny_model(0, num_layers=2)
    task = random_split(rows=40, seed=1, longest=20).predict
    rows = next(batches_by_length(task.inputs.lengths, task.targets.lengths, tokens=10_000))
    batch = collate_task(task, rows, special=special_ids(model))
    with inference(model):
        encoded = encode_rows(model, task.inputs, rows)
        plain = model.encoder(input_ids=batch.input_ids, attention_mask=batch.attention_mask).last_hidden_state
    for place, row in enumerate(rows.tolist()):
        length = len(task.inputs.row(row))
        torch.testing.assert_close(encoded.of(place), plain[place, :length], rtol=1e-4, atol=1e-5)
