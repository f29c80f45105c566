"""The single-task method: a rationale, the marker, an answer in one text, judged by the answer."""

from __future__ import annotations

import json
import random
from pathlib import Path

import pytest
import torch
from transformers import PreTrainedTokenizerBase, T5ForConditionalGeneration

from dss_worker.data.encode import EncodedSplit, EncodedTask
from dss_worker.data.tokens import tokenize
from dss_worker.errors import DataError
from dss_worker.training.evaluate import Evaluator, Score, led_up
from dss_worker.training.generate import inference
from dss_worker.training.metrics import answer_of
from dss_worker.training.rationales import write_rationales
from tests.training.plain import decoded, generated, trained_for
from tests.training.spiece import MARKED, PHRASES, spiece_tokenizer
from tests.training.support import settings, tiny_model

ROWS = 150
LABELS = PHRASES[:4]
SETTINGS = settings(model_type="single_task", alpha=None, gen_max_len=32, batch_size=16)


@pytest.fixture(scope="module")
def tokenizer(tmp_path_factory: pytest.TempPathFactory) -> PreTrainedTokenizerBase:
    return spiece_tokenizer(tmp_path_factory.mktemp("tokenizer"))


def task_of(tokenizer: PreTrainedTokenizerBase, *, seed: int, with_rationales: bool) -> EncodedTask:
    draw = random.Random(seed)
    numbers = [draw.randrange(len(LABELS)) for _ in range(ROWS)]
    inputs = [f"{'under ' * draw.randrange(5)}{number} . {draw.randrange(9)}" for number in numbers]
    answers = [draw.choice(LABELS) if draw.random() < 0.3 else LABELS[number] for number in numbers]
    why = [f"a {answer} {MARKED} " if with_rationales else "" for answer in answers]
    targets = [reason + answer for reason, answer in zip(why, answers, strict=True)]
    return EncodedTask(tokenize(inputs, tokenizer), tokenize(targets, tokenizer))


@pytest.fixture(scope="module")
def models(tokenizer: PreTrainedTokenizerBase) -> list[T5ForConditionalGeneration]:
    """The first has not learnt to say the marker, the second nearly always does."""
    made = []
    for steps in (0, 100):
        model = tiny_model(0, vocab_size=len(tokenizer))
        trained_for(steps, model, task_of(tokenizer, seed=1, with_rationales=True), lr=1e-2)
        made.append(model)
    return made


@pytest.fixture(scope="module")
def task(tokenizer: PreTrainedTokenizerBase) -> EncodedTask:
    return task_of(tokenizer, seed=2, with_rationales=False)


def score(
    model: T5ForConditionalGeneration, task: EncodedTask, tokenizer: PreTrainedTokenizerBase, *, batch_size: int = 16
) -> Score:
    evaluator = Evaluator(
        task,
        tokenizer=tokenizer,
        metric="text",
        batch_size=batch_size,
        gen_max_len=SETTINGS.gen_max_len,
        model_type="single_task",
        choices=tuple(tuple(tuple(tokenizer(label)["input_ids"]) for label in LABELS) for _ in range(ROWS)),
    )
    return evaluator.score(model, with_choices=True)


def test_a_row_is_right_if_what_follows_the_marker_is_its_label(
    models: list[T5ForConditionalGeneration], task: EncodedTask, tokenizer: PreTrainedTokenizerBase
) -> None:
    accuracies = []
    for model in models:
        texts = [decoded(tokens, tokenizer) for tokens in generated(model, task, gen_max_len=SETTINGS.gen_max_len)]
        labels = [decoded(task.targets.row(row).tolist(), tokenizer) for row in range(ROWS)]
        expected = [answer_of(text) == label for text, label in zip(texts, labels, strict=True)]
        for batch_size in (4, 16):
            assert list(score(model, task, tokenizer, batch_size=batch_size).correct) == expected
        accuracies.append(sum(expected) / ROWS)
    assert accuracies[0] == 0
    assert 0.4 < accuracies[1] < 0.9


def test_no_answer_after_the_marker_is_right_only_where_the_label_is_empty(tokenizer: PreTrainedTokenizerBase) -> None:
    """Of a label in other letters than the tokenizer's, decoding leaves nothing either."""
    inputs = tokenize([f"{number} ." for number in range(8)], tokenizer)
    model = tiny_model(0, vocab_size=len(tokenizer))
    trained_for(60, model, EncodedTask(inputs, tokenize([MARKED] * 8, tokenizer)), lr=1e-2)
    task = EncodedTask(inputs, tokenize(["日本"] * 7 + [""], tokenizer))
    evaluator = Evaluator(
        task, tokenizer=tokenizer, metric="text", batch_size=8, gen_max_len=32, model_type="single_task"
    )
    assert evaluator.score(model).correct == (*[False] * 7, True)


def test_the_loss_is_that_of_the_label_after_the_models_own_rationale(
    models: list[T5ForConditionalGeneration], task: EncodedTask, tokenizer: PreTrainedTokenizerBase
) -> None:
    marker = tokenizer(MARKED, add_special_tokens=False)["input_ids"]
    for model in models:
        nats = likeliest = 0.0
        texts = generated(model, task, gen_max_len=SETTINGS.gen_max_len)
        for row, tokens in enumerate(texts):
            label = task.targets.row(row).tolist()
            led = led_up(tokens, marker, end=1)
            choices = [label, *(tokenizer(text)["input_ids"] for text in LABELS)]
            found = []
            for text in choices:
                with inference(model):
                    logits = model(
                        input_ids=torch.tensor([task.inputs.row(row).tolist()]),
                        decoder_input_ids=torch.tensor([[0, *led, *text[:-1]]]),
                    ).logits[0, len(led) :]
                found.append(float(torch.log_softmax(logits, -1)[torch.arange(len(text)), torch.tensor(text)].sum()))
            nats -= found[0]
            likeliest += choices[1:][max(range(len(LABELS)), key=lambda i: found[1 + i])] == label
        scored = score(model, task, tokenizer)
        assert scored.loss == pytest.approx(nats / int(task.targets.lengths.sum()), rel=1e-4)
        assert scored.choice_accuracy == pytest.approx(likeliest / ROWS)


@pytest.mark.parametrize(
    ("tokens", "led"),
    [
        ([5, 6, 7, 8, 9, 1], [5, 6, 7]),
        ([5, 6, 7, 5, 6, 7, 8, 1], [5, 6, 7, 5, 6, 7]),
        ([6, 7, 1], [6, 7]),
        ([5, 6, 1], [5, 6, 6, 7]),
        ([1], [6, 7]),
        ([], [6, 7]),
        ([5, 5], [5, 5, 6, 7]),
    ],
)
def test_what_leads_up_to_an_answer_ends_with_the_marker(tokens: list[int], led: list[int]) -> None:
    assert led_up(tokens, [6, 7], end=1) == led


def test_texts_are_kept_as_rationale_and_prediction(
    models: list[T5ForConditionalGeneration], task: EncodedTask, tokenizer: PreTrainedTokenizerBase, tmp_path: Path
) -> None:
    path = tmp_path / "trial" / "rationales.jsonl"
    model = models[1]
    write_rationales(path, model=model, split=EncodedSplit(task, None), settings=SETTINGS, tokenizer=tokenizer)
    lines = [json.loads(line) for line in path.read_text().splitlines()]
    assert [line["row"] for line in lines] == list(range(ROWS))
    labels = [decoded(task.targets.row(row).tolist(), tokenizer) for row in range(ROWS)]
    assert [line["label"] for line in lines] == labels
    right = [line["prediction"] == line["label"] for line in lines]
    assert right == list(score(model, task, tokenizer).correct)
    line = next(line for line in lines if line["prediction"] == "zoo")
    assert line["rationale"] == "a zoo"
    assert set(line) == {"row", "input", "rationale", "prediction", "label"}
    assert [path.name] == [each.name for each in path.parent.iterdir()]
    assert model.training


def test_step_by_step_explains_from_inputs_of_its_own(
    models: list[T5ForConditionalGeneration], task: EncodedTask, tokenizer: PreTrainedTokenizerBase, tmp_path: Path
) -> None:
    asked = task_of(tokenizer, seed=5, with_rationales=False)
    split = EncodedSplit(task, None, explain_inputs=asked.inputs)
    own = settings(model_type="task_prefix", gen_max_len=5, batch_size=16)
    write_rationales(tmp_path / "rationales.jsonl", model=models[1], split=split, settings=own, tokenizer=tokenizer)
    lines = [json.loads(line) for line in (tmp_path / "rationales.jsonl").read_text().splitlines()]
    rationales, predictions = (
        [decoded(tokens, tokenizer) for tokens in generated(models[1], each, gen_max_len=longest)]
        for each, longest in ((asked, 257), (task, 5))
    )
    assert [line["rationale"] for line in lines] == rationales
    assert [line["prediction"] for line in lines] == predictions


def test_a_method_that_does_not_explain_is_refused(
    models: list[T5ForConditionalGeneration], task: EncodedTask, tokenizer: PreTrainedTokenizerBase, tmp_path: Path
) -> None:
    with pytest.raises(DataError, match="no inputs to explain"):
        write_rationales(
            tmp_path / "rationales.jsonl",
            model=models[0],
            split=EncodedSplit(task, None),
            settings=settings(model_type="standard"),
            tokenizer=tokenizer,
        )
