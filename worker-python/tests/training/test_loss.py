from __future__ import annotations

import math

import numpy as np
import pytest
import torch

from dss_worker.errors import DataError
from dss_worker.training.loss import IGNORE_INDEX, TokenWeights, summed_token_loss, token_weights


def summed_by_hand(logits: list[list[list[float]]], targets: list[list[int]]) -> float:
    """-log softmax at the target, in double precision and plain loops."""
    total = 0.0
    for row_logits, row_targets in zip(logits, targets, strict=True):
        for scores, target in zip(row_logits, row_targets, strict=True):
            if target != IGNORE_INDEX:
                total += math.log(sum(math.exp(score) for score in scores)) - scores[target]
    return total


LOGITS = np.random.default_rng(0).normal(0, 3, size=(4, 5, 7)).tolist()
TARGETS = [[1, 2, 3, 4, 5], [6, 0, -100, -100, -100], [2, -100, -100, -100, -100], [-100] * 5]


def test_the_summed_loss_is_that_of_the_real_tokens_alone() -> None:
    loss = summed_token_loss(torch.tensor(LOGITS), torch.tensor(TARGETS))
    assert loss.item() == pytest.approx(summed_by_hand(LOGITS, TARGETS), rel=1e-6)


def test_two_equally_likely_tokens_cost_a_bit() -> None:
    loss = summed_token_loss(torch.zeros(1, 3, 2), torch.tensor([[0, 1, IGNORE_INDEX]]))
    assert loss.item() == pytest.approx(2 * math.log(2))


def test_bfloat16_logits_are_summed_in_float32() -> None:
    logits = torch.tensor(LOGITS, dtype=torch.bfloat16)
    loss = summed_token_loss(logits, torch.tensor(TARGETS))
    assert loss.dtype == torch.float32
    assert loss.item() == pytest.approx(summed_by_hand(logits.tolist(), TARGETS), rel=1e-6)


def test_padding_alone_costs_nothing() -> None:
    assert summed_token_loss(torch.ones(2, 1, 3), torch.full((2, 1), IGNORE_INDEX)).item() == 0.0


def test_alpha_weighs_the_mean_of_each_task() -> None:
    weights = token_weights(alpha=0.25, label_tokens=8, rationale_tokens=30)
    assert weights == TokenWeights(label=0.25 / 8, rationale=0.75 / 30)


def test_a_task_without_weight_is_not_run() -> None:
    assert token_weights(alpha=1.0, label_tokens=4, rationale_tokens=0) == TokenWeights(label=0.25, rationale=0.0)
    assert token_weights(alpha=0.0, label_tokens=0, rationale_tokens=4) == TokenWeights(label=0.0, rationale=0.25)


def test_the_standard_method_learns_labels_only() -> None:
    assert token_weights(alpha=None, label_tokens=5, rationale_tokens=9) == TokenWeights(label=0.2, rationale=0.0)


@pytest.mark.parametrize(("label", "rationale", "task"), [(0, 3, "label"), (3, 0, "rationale")])
def test_a_batch_without_a_target_token_is_refused(label: int, rationale: int, task: str) -> None:
    with pytest.raises(DataError, match=f"no {task} tokens") as caught:
        token_weights(alpha=0.5, label_tokens=label, rationale_tokens=rationale)
    assert caught.value.code == "EMPTY_TARGET"
