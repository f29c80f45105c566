"""Candidates scored side by side, against each of them alone through transformers' forward pass."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
from transformers import T5ForConditionalGeneration

from dss_worker.training.choices import Candidates, is_label_likeliest, log_probabilities
from dss_worker.training.encoded_rows import encode_rows
from dss_worker.training.generate import inference
from tests.training.support import VOCABULARY, random_split, tiny_model

TIED: dict[str, Any] = {"untied": False, "tie_word_embeddings": True, "feed_forward_proj": "relu"}


def alone(model: T5ForConditionalGeneration, inputs: list[int], prefix: list[int], text: list[int]) -> float:
    read = torch.tensor([[0, *prefix, *text[:-1]]])
    logits = model(input_ids=torch.tensor([inputs]), decoder_input_ids=read).logits[0, len(prefix) :]
    return float(torch.log_softmax(logits, dim=-1)[torch.arange(len(text)), torch.tensor(text)].sum())


@pytest.mark.parametrize("attention", ["sdpa", "eager"])
@pytest.mark.parametrize("changes", [{}, TIED], ids=["v1.1", "tied and scaled"])
@pytest.mark.parametrize("with_prefix", [False, True])
def test_each_text_is_as_likely_as_alone(changes: dict[str, Any], with_prefix: bool, attention: str) -> None:
    model = tiny_model(2, num_layers=2, num_decoder_layers=2, attn_implementation=attention, **changes)
    with torch.no_grad():
        for name, parameter in model.named_parameters():
            if "relative" in name:
                parameter.add_(torch.randn_like(parameter) * 2)
    draw = np.random.default_rng(3)

    def text(longest: int) -> list[int]:
        return [*draw.integers(3, len(VOCABULARY), size=draw.integers(0, longest)).tolist(), 1]

    inputs = random_split(rows=30, seed=1, longest=20).predict.inputs
    rows = np.argsort(-inputs.lengths).astype(np.int64)
    prefixes = [text(8)[:-1] if with_prefix else [] for _ in rows]
    texts = [[text(5) for _ in range(draw.integers(0, 6))] for _ in rows]
    with inference(model):
        encoded = encode_rows(model, inputs, rows)
        found = log_probabilities(
            model,
            [
                Candidates(encoded=encoded.of(place), prefix=prefixes[place], texts=texts[place])
                for place in range(len(rows))
            ],
        )
        for place, row in enumerate(rows.tolist()):
            expected = [alone(model, inputs.row(row).tolist(), prefixes[place], each) for each in texts[place]]
            assert found[place] == pytest.approx(expected, abs=1e-4)


def test_no_rows_have_no_log_probabilities() -> None:
    assert log_probabilities(tiny_model(), []) == []


@pytest.mark.parametrize(
    ("log_probabilities", "texts", "label", "right"),
    [
        ([-3.0, -1.0, -2.0], [[5, 1], [6, 1], [7, 1]], [6, 1], True),
        ([-3.0, -1.0, -2.0], [[5, 1], [6, 1], [7, 1]], [7, 1], False),
        # The first of equals.
        ([-1.0, -1.0], [[5, 1], [6, 1]], [5, 1], True),
        ([-1.0, -1.0], [[5, 1], [6, 1]], [6, 1], False),
        # Not among them.
        ([-1.0, -2.0], [[5, 1], [6, 1]], [8, 1], False),
        # Twice among them.
        ([-2.0, -1.0], [[5, 1], [5, 1]], [5, 1], True),
        # Sums, so that a shorter text is not made up for.
        ([-1.5, -2.0], [[5, 1], [5, 6, 7, 1]], [5, 6, 7, 1], False),
        ([], [], [5, 1], False),
    ],
)
def test_a_label_is_right_if_it_is_the_first_of_the_likeliest(
    log_probabilities: list[float], texts: list[list[int]], label: list[int], right: bool
) -> None:
    assert is_label_likeliest(log_probabilities, texts, label) is right
