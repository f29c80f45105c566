"""Greedy decoding, against transformers' own, token by token."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor
from transformers import T5ForConditionalGeneration

from dss_worker.data.encode import EncodedTask, TokenTable
from dss_worker.training.encoded_rows import encode_rows
from dss_worker.training.generate import generate_greedily, inference
from tests.training.plain import generated, trained_for
from tests.training.support import VOCABULARY, random_split, tiny_model

ROWS = 300


def restless(seed: int, changes: dict[str, Any] | None = None) -> T5ForConditionalGeneration:
    """Random weights, far enough from those of a fresh model that every part of it matters to what it says."""
    model = tiny_model(seed, num_layers=3, num_decoder_layers=3, **(changes or {}))
    with torch.no_grad():
        for name, parameter in model.named_parameters():
            if "norm" in name:
                parameter.mul_(torch.rand_like(parameter) + 0.5)
            if "relative" in name:
                parameter.add_(torch.randn_like(parameter) * 3)
        # So that texts end, some sooner, some later, some never.
        model.lm_head.weight[1] *= 1.5
    return model


def encoded_inputs(model: T5ForConditionalGeneration, inputs: TokenTable) -> list[Tensor]:
    with inference(model):
        order = np.argsort(-inputs.lengths, kind="stable").astype(np.int64)
        rows = encode_rows(model, inputs, order)
        by_row = {int(row): rows.of(place) for place, row in enumerate(order)}
        return [by_row[row] for row in range(len(inputs))]


def ours(
    model: T5ForConditionalGeneration,
    task: EncodedTask,
    *,
    max_tokens: int,
    prefixes: Sequence[Sequence[int]] | None = None,
) -> list[list[int]]:
    encoded = encoded_inputs(model, task.inputs)
    with inference(model):
        return generate_greedily(model, encoded, max_tokens=max_tokens, prefixes=prefixes)


TIED: dict[str, Any] = {"untied": False, "feed_forward_proj": "relu", "tie_word_embeddings": True}
MODELS: dict[str, dict[str, Any]] = {
    "v1.1": {},
    "tied and scaled, as T5 before v1.1": TIED,
    "eager attention": {"attn_implementation": "eager"},
}


@pytest.mark.parametrize("max_tokens", [1, 2, 19])
@pytest.mark.parametrize("changes", MODELS.values(), ids=MODELS)
def test_every_token_is_that_of_generate(changes: dict[str, Any], max_tokens: int) -> None:
    model = restless(5, changes)
    task = random_split(rows=ROWS, seed=4, longest=30).predict
    expected = generated(model, task, gen_max_len=max_tokens + 1)
    assert ours(model, task, max_tokens=max_tokens) == expected
    if max_tokens == 19 and changes is not TIED:
        lengths = {len(text) for text in expected}
        assert len(lengths) > 4, lengths
        assert len({tuple(text) for text in expected}) > ROWS / 4


def test_a_trained_model_is_generated_from_like_a_random_one() -> None:
    task = random_split(rows=ROWS, seed=5).predict
    model = tiny_model(seed=1)
    trained_for(60, model, task, lr=1e-2)
    assert ours(model, task, max_tokens=12) == generated(model, task, gen_max_len=13)


def test_known_beginnings_of_different_lengths_are_gone_on_from() -> None:
    model = restless(5)
    task = random_split(rows=ROWS, seed=6, longest=20).predict
    expected = generated(model, task, gen_max_len=16)
    prefixes = [text[: min(len(text) - 1, row % 7)] for row, text in enumerate(expected)]
    assert ours(model, task, max_tokens=15, prefixes=prefixes) == expected


def test_a_row_is_given_up_where_its_reader_says_so_and_others_do_not_notice() -> None:
    model = restless(5)
    task = random_split(rows=ROWS, seed=7).predict
    expected = generated(model, task, gen_max_len=16)
    seen: list[list[int]] = [[] for _ in range(ROWS)]

    def goes_on(row: int, token: int) -> bool:
        seen[row].append(token)
        return len(seen[row]) < 1 + row % 5

    encoded = encoded_inputs(model, task.inputs)
    with inference(model):
        found = generate_greedily(model, encoded, max_tokens=15, goes_on=goes_on)
    assert found == [text[: 1 + row % 5] for row, text in enumerate(expected)]
    assert seen == [[token for token in text if token != 1] for text in found]


def test_the_last_rows_are_left_to_be_taken_up_again() -> None:
    model = restless(5)
    task = random_split(rows=ROWS, seed=8, longest=20).predict
    expected = generated(model, task, gen_max_len=16)
    encoded = encoded_inputs(model, task.inputs)
    with inference(model):
        left = generate_greedily(model, encoded, max_tokens=15, fewest=ROWS // 3)
        rows = [row for row, text in enumerate(left) if len(text) < 15 and text[-1] != 1]
        assert 0 < len(rows) < ROWS // 3
        again = generate_greedily(
            model, [encoded[row] for row in rows], max_tokens=15, prefixes=[left[row] for row in rows]
        )
    for row, text in zip(rows, again, strict=True):
        left[row] = text
    assert left == expected


def test_nothing_to_generate_is_nothing() -> None:
    model = tiny_model()
    task = random_split(rows=2, seed=0).predict
    assert ours(model, task, max_tokens=0) == [[], []]
    assert generate_greedily(model, [], max_tokens=5) == []


def test_each_step_can_end_it() -> None:
    model = tiny_model()
    encoded = encoded_inputs(model, random_split(rows=2, seed=0).predict.inputs)

    def enough() -> None:
        raise InterruptedError

    with inference(model), pytest.raises(InterruptedError):
        generate_greedily(model, encoded, max_tokens=5, before_step=enough)
    assert model.training


def test_the_vocabulary_of_these_models_is_that_of_their_rows() -> None:
    assert restless(0).config.vocab_size == len(VOCABULARY)
