"""One trial, top to bottom."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

import torch
from transformers import PreTrainedTokenizerBase, T5ForConditionalGeneration

from dss_worker.config import TrialConfig
from dss_worker.messages import Evaluation, TrainingPoint, TrialResult
from dss_worker.training.collate import collate_step
from dss_worker.training.environment import describe_environment
from dss_worker.training.evaluate import Evaluator, Score
from dss_worker.training.metrics import pack_bits
from dss_worker.training.model import (
    Weights,
    check_vocabulary,
    copy_weights,
    load_model,
    restore_weights,
    special_ids,
)
from dss_worker.training.model_files import check_model_files
from dss_worker.training.monitor import Monitor, Reporter
from dss_worker.training.sampler import BatchOrder
from dss_worker.training.step import Stepper, set_matmul_precision
from dss_worker.training.warm_cache import EncodedSplits, WarmCache


@dataclass(frozen=True, slots=True, kw_only=True)
class _Selected:
    """The earliest of the steps with the highest valid accuracy so far."""

    step: int
    accuracy: float
    weights: Weights


def run_trial(
    config: TrialConfig,
    *,
    warm: WarmCache,
    reporter: Reporter,
    should_stop: Callable[[], bool],
    device: torch.device,
    now: Callable[[], float] = time.monotonic,
) -> TrialResult:
    """Trains and evaluates one trial. On a CPU, its result is a function of `config` and torch's thread count.

    Args:
        warm: what earlier trials of this process left; it saves time and changes nothing.
        should_stop: asked before every step and every batch of an evaluation.
        now: seconds of a clock that never goes back; for times and the pace of progress only.
    Raises: TrialCancelled once `should_stop` says so; WorkerError for what goes wrong.
    """
    settings = config.settings
    monitor = Monitor(reporter=reporter, should_stop=should_stop, now=now)
    set_matmul_precision(settings.precision)

    monitor.beat("load")
    with monitor.phase("load"):
        check_model_files(config.model)
        tokenizer = warm.tokenizer(config.model)
        model = load_model(config.model, settings, device=device)
        check_vocabulary(config.model, model, tokenizer)

    monitor.beat("tokenize")
    with monitor.phase("tokenize"):
        splits = warm.encoded_splits(config, tokenizer)

    test_accuracy, selected_step = _train(
        config, model=model, tokenizer=tokenizer, splits=splits, reporter=reporter, monitor=monitor
    )
    return TrialResult(
        test_accuracy=test_accuracy,
        selected_step=selected_step,
        seconds=monitor.seconds,
        seconds_by_phase=monitor.seconds_by_phase,
        examples_per_second=monitor.examples_per_second,
        train_rows=len(splits.train),
        valid_rows=len(splits.valid),
        test_rows=len(splits.test),
        environment=describe_environment(device, settings.precision),
    )


def _train(
    config: TrialConfig,
    *,
    model: T5ForConditionalGeneration,
    tokenizer: PreTrainedTokenizerBase,
    splits: EncodedSplits,
    reporter: Reporter,
    monitor: Monitor,
) -> tuple[float, int]:
    """Accuracy on the test split, and the step whose weights gave it."""
    settings = config.settings
    special = special_ids(model)
    valid, test = (
        Evaluator(
            split.predict,
            tokenizer=tokenizer,
            metric=config.dataset.metric,
            batch_size=settings.batch_size,
            gen_max_len=settings.gen_max_len,
        )
        for split in (splits.valid, splits.test)
    )

    def evaluate(evaluator: Evaluator, *, step: int, split: Literal["valid", "test"]) -> Evaluation:
        with monitor.phase("evaluate"):
            score = evaluator.score(model, between_batches=lambda: monitor.beat("evaluate"))
        return _evaluation(score, step=step, split=split)

    order = BatchOrder(rows=len(splits.train), batch_rows=settings.batch_size * settings.grad_steps, seed=settings.seed)
    stepper = Stepper(model, lr=settings.lr, max_steps=settings.max_steps, precision=settings.precision)
    loss_sum = torch.zeros((), dtype=torch.float64, device=model.device)
    logged_step = 0
    selected: _Selected | None = None
    # Dropout's draws begin here, whatever loading drew before.
    torch.manual_seed(settings.seed)

    for step in range(1, settings.max_steps + 1):
        is_evaluation_due = step % settings.eval_steps == 0 or step == settings.max_steps
        with monitor.phase("train"):
            rows = order.batch(step - 1)
            loss = stepper.take(
                collate_step(splits.train, rows, alpha=settings.alpha, batch_size=settings.batch_size, special=special)
            )
            loss_sum += loss
            monitor.step = step
            monitor.rows += len(rows)
            # Reading from the device waits for it: only now and then, and as part of training's time.
            if is_evaluation_due or monitor.is_progress_due():
                stepper.check()
                monitor.loss = float(loss)
        monitor.beat("train")
        if not is_evaluation_due:
            continue

        point = TrainingPoint(step=step, loss=float(loss_sum) / (step - logged_step))
        loss_sum.zero_()
        logged_step = step
        evaluations = [evaluate(valid, step=step, split="valid")]
        if settings.select == "compat":
            evaluations.append(evaluate(test, step=step, split="test"))
        elif selected is None or evaluations[0].accuracy > selected.accuracy:
            selected = _Selected(step=step, accuracy=evaluations[0].accuracy, weights=copy_weights(model))
        reporter.metrics(training=(point,), evaluations=tuple(evaluations))

    if selected is None:
        return evaluations[-1].accuracy, settings.max_steps
    # The one look at the test split, after everything has been chosen.
    restore_weights(model, selected.weights)
    final = evaluate(test, step=selected.step, split="test")
    reporter.metrics(training=(), evaluations=(final,))
    return final.accuracy, selected.step


def _evaluation(score: Score, *, step: int, split: Literal["valid", "test"]) -> Evaluation:
    return Evaluation(
        step=step,
        split=split,
        loss=score.loss,
        accuracy=score.accuracy,
        rows=len(score.correct),
        correct=pack_bits(score.correct),
    )
