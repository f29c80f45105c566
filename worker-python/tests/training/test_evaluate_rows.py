"""Thousands of rows in pieces of a real tokenizer, settled by evaluation and by plain generation alike."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import pytest
from transformers import PreTrainedTokenizerBase, T5ForConditionalGeneration

from dss_worker.config import Metric
from dss_worker.data.encode import EncodedTask
from dss_worker.training import evaluate
from dss_worker.training.evaluate import Evaluator
from dss_worker.training.generate import generate_greedily
from dss_worker.training.metrics import is_right
from tests.training.plain import decoded, generated, trained_for
from tests.training.spiece import equations, phrases, spiece_tokenizer
from tests.training.support import tiny_model

ROWS = 2000
GEN_MAX_LEN = 18


@dataclass(frozen=True)
class Case:
    """A model, a split, and what plain generation makes of it."""

    model: T5ForConditionalGeneration
    task: EncodedTask
    metric: Metric
    predictions: list[str]
    targets: list[str]

    @property
    def correct(self) -> list[bool]:
        pairs = zip(self.predictions, self.targets, strict=True)
        return [is_right(prediction, target, metric=self.metric) for prediction, target in pairs]


@pytest.fixture(scope="module")
def tokenizer(tmp_path_factory: pytest.TempPathFactory) -> PreTrainedTokenizerBase:
    return spiece_tokenizer(tmp_path_factory.mktemp("tokenizer"))


@pytest.fixture(scope="module")
def cases(tokenizer: PreTrainedTokenizerBase) -> dict[str, Case]:
    made: list[tuple[str, Metric, Callable[..., EncodedTask], int]] = [
        ("random, text", "text", phrases, 0),
        ("random, equation", "equation", equations, 0),
        ("half-trained, text", "text", phrases, 120),
        ("half-trained, equation", "equation", equations, 300),
    ]
    found = {}
    for name, metric, make_task, steps in made:
        # More tokens than the tokenizer has, as T5's models do.
        model = tiny_model(0, d_model=48, vocab_size=len(tokenizer) + 8)
        trained_for(steps, model, make_task(ROWS, tokenizer, seed=1), lr=5e-3)
        task = make_task(ROWS, tokenizer, seed=2)
        predictions = [decoded(tokens, tokenizer) for tokens in generated(model, task, gen_max_len=GEN_MAX_LEN)]
        targets = [decoded(task.targets.row(row).tolist(), tokenizer) for row in range(ROWS)]
        found[name] = Case(model, task, metric, predictions, targets)
    return found


def score_of(case: Case, tokenizer: PreTrainedTokenizerBase, *, batch_size: int = 16) -> evaluate.Score:
    evaluator = Evaluator(
        case.task, tokenizer=tokenizer, metric=case.metric, batch_size=batch_size, gen_max_len=GEN_MAX_LEN
    )
    return evaluator.score(case.model)


def test_each_row_is_right_or_wrong_as_by_generation(
    cases: dict[str, Case], tokenizer: PreTrainedTokenizerBase
) -> None:
    for name, case in cases.items():
        assert list(score_of(case, tokenizer).correct) == case.correct, name


def test_the_half_trained_models_are_half_right_and_the_random_ones_never(cases: dict[str, Case]) -> None:
    for name, case in cases.items():
        accuracy = sum(case.correct) / ROWS
        assert accuracy == 0 if name.startswith("random") else 0.1 < accuracy < 0.9, (name, accuracy)
    case = cases["half-trained, equation"]
    otherwise = [
        prediction != target
        for prediction, target, right in zip(case.predictions, case.targets, case.correct, strict=True)
        if right
    ]
    assert any(otherwise), "no right equation is written otherwise than its target"


@pytest.mark.parametrize("batch_size", [8, 200])
def test_how_many_rows_share_a_batch_does_not_matter(
    cases: dict[str, Case], tokenizer: PreTrainedTokenizerBase, batch_size: int
) -> None:
    for name in ("half-trained, text", "half-trained, equation"):
        expected, found = (score_of(cases[name], tokenizer, batch_size=size) for size in (16, batch_size))
        assert found.correct == expected.correct
        assert found.loss == pytest.approx(expected.loss, rel=1e-5)


def test_a_random_model_is_hardly_generated_from(
    cases: dict[str, Case], tokenizer: PreTrainedTokenizerBase, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It would write to the limit, row after row."""
    tokens: list[int] = []

    def counted(model: T5ForConditionalGeneration, *args: object, **named: object) -> list[list[int]]:
        texts = generate_greedily(model, *args, **named)  # type: ignore[arg-type]
        tokens.append(sum(map(len, texts)))
        return texts

    monkeypatch.setattr(evaluate, "generate_greedily", counted)
    for name in ("random, text", "random, equation"):
        score_of(cases[name], tokenizer)
        assert sum(tokens) < ROWS * GEN_MAX_LEN / 8, name
        tokens.clear()
