"""Evaluation by several processes gives, row for row, what one process gives."""

from __future__ import annotations

from functools import partial
from itertools import product
from pathlib import Path

import numpy as np
import pytest
import torch
from transformers import PreTrainedTokenizerBase, T5ForConditionalGeneration

from dss_worker.config import Metric
from dss_worker.data.encode import EncodedTask
from dss_worker.data.tokens import tokenize
from dss_worker.parallel.ranks import Ranks
from dss_worker.parallel.together import Together
from dss_worker.training.collate import collate_step
from dss_worker.training.encoded_rows import encode_rows
from dss_worker.training.evaluate import Evaluator, Score
from dss_worker.training.follow_targets import follow_targets
from dss_worker.training.generate import inference
from dss_worker.training.model import load_tokenizer, special_ids
from dss_worker.training.packed_t5 import Engine
from dss_worker.training.processes import ALONE, Processes
from dss_worker.training.step import Stepper
from dss_worker.training.trained import Trained
from tests.parallel.spawn import mesh_of, on_ranks
from tests.training.plain import trained_for
from tests.training.support import CPU, micro_batches, random_split, tiny_model, trial, write_model

LABELS = ["( 1 + 2 )", "3", "( 2 - 2 )", "( 4 * 3 )", "( 5 + 6 + 7 )", "plus and"]
METRICS: tuple[Metric, ...] = ("text", "equation")
# Untrained, and half trained.
TRAINED = (0, 45)
ROWS = 101


def task_of(tokenizer: PreTrainedTokenizerBase) -> EncodedTask:
    """The label belongs to the number; inputs are of very different length."""
    draw = np.random.default_rng(0)
    numbers = draw.integers(0, len(LABELS), size=ROWS)
    inputs = [f"{'and ' * int(draw.integers(0, 9))}{number} of {draw.integers(0, 9)}" for number in numbers]
    return EncodedTask(tokenize(inputs, tokenizer), tokenize([LABELS[number] for number in numbers], tokenizer))


def model_of(steps: int, task: EncodedTask) -> T5ForConditionalGeneration:
    model = tiny_model(seed=0)
    trained_for(steps, model, task, lr=1e-2)
    return model


def scores_of(
    model: T5ForConditionalGeneration,
    task: EncodedTask,
    tokenizer: PreTrainedTokenizerBase,
    *,
    processes: Processes = ALONE,
) -> list[Score]:
    allowed = tuple(tuple(tokenizer(label)["input_ids"]) for label in LABELS)
    scores = []
    for metric in METRICS:
        evaluator = Evaluator(
            task,
            tokenizer=tokenizer,
            metric=metric,
            batch_size=8,
            gen_max_len=12,
            choices=(allowed,) * ROWS,
        )
        scores.append(evaluator.score(model, with_choices=True, processes=processes))
    return scores


def score_a_share(ranks: Ranks, *, directory: Path, tensor: int) -> list[list[Score]]:
    tokenizer = load_tokenizer(write_model(directory / str(ranks.rank)))
    task = task_of(tokenizer)
    answers = []
    for steps in TRAINED:
        processes = Together(mesh_of(ranks, tensor=tensor))
        config = trial(directory / f"model-{ranks.rank}-{steps}", init="random")
        model = processes.load(config, device=CPU, whole=partial(model_of, steps, task))
        trained = processes.trained(model)
        before = scores_of(model, task, tokenizer, processes=processes)
        # Training goes on after an evaluation, and evaluation after that.
        train(model, trained, processes)
        after = scores_of(model, task, tokenizer, processes=processes)
        answers.append([*before, *after])
    return answers


def train(model: T5ForConditionalGeneration, trained: Trained, processes: Processes) -> None:
    split = random_split(rows=8, seed=1)
    stepper = Stepper(
        model, lr=1e-6, max_steps=2, precision="fp32", plan=micro_batches(8, engine=Engine()), trained=trained
    )
    for _ in range(2):
        stepper.take(
            lambda plan: collate_step(
                split, np.arange(8), plan, alpha=0.5, special=special_ids(model), share=processes.share
            )
        )


@pytest.mark.parametrize(("size", "tensor"), [(2, 1), (3, 1), (2, 2), (4, 2)])
def test_ranks_score_as_one_process_does(size: int, tensor: int, tmp_path: Path) -> None:
    torch.set_num_threads(1)
    tokenizer = load_tokenizer(write_model(tmp_path / "alone"))
    task = task_of(tokenizer)
    answers = on_ranks(size, score_a_share, directory=tmp_path, tensor=tensor)
    shares = []
    for number, steps in enumerate(TRAINED):
        model = model_of(steps, task)
        expected = scores_of(model, task, tokenizer)
        shares += [score.accuracy for score in expected]
        for answer, (place, score) in product(answers, enumerate([*expected, *expected])):
            found = answer[number][place]
            assert found.correct == score.correct
            assert found.choice_accuracy == score.choice_accuracy
            assert found.loss == pytest.approx(score.loss, rel=1e-3)
    assert any(0.2 < share < 0.8 for share in shares)


def nats_of(model: T5ForConditionalGeneration, task: EncodedTask, *, times: int) -> list[float]:
    found = []
    for first in range(times):
        encoded = encode_rows(model, task.inputs, np.arange(first, first + 5))
        found += [follow_targets(model, task.targets, encoded, max_tokens=11).nats for _ in range(first + 1)]
    return found


def walk_as_it_likes(ranks: Ranks, *, directory: Path) -> list[float]:
    task = task_of(load_tokenizer(write_model(directory / str(ranks.rank))))
    processes = Together(mesh_of(ranks))
    config = trial(directory / f"model-{ranks.rank}", init="random")
    model = processes.load(config, device=CPU, whole=partial(model_of, 0, task))
    with inference(model), processes.evaluating():
        return nats_of(model, task, times=3 - 2 * ranks.rank)


def test_each_rank_walks_through_the_model_as_often_as_it_likes(tmp_path: Path) -> None:
    """Blocks of encoder and decoder are gathered by both at once, whichever of them wants them."""
    torch.set_num_threads(1)
    task = task_of(load_tokenizer(write_model(tmp_path / "alone")))
    answers = on_ranks(2, walk_as_it_likes, directory=tmp_path)
    with inference(model := model_of(0, task)):
        for answer, times in zip(answers, (3, 1), strict=True):
            assert answer == pytest.approx(nats_of(model, task, times=times), rel=1e-5)
