"""Training and evaluation of one trial, step by step."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from dataclasses import replace
from typing import Literal

import numpy as np
import torch
from transformers import T5ForConditionalGeneration

from dss_worker.config import TrialConfig
from dss_worker.messages import Evaluation, TrainingPoint
from dss_worker.training.batches import TrainingBatches
from dss_worker.training.checkpoint import Checkpoint, Selected
from dss_worker.training.checkpoint_folder import checkpoint_name
from dss_worker.training.checkpoints import Checkpoints
from dss_worker.training.evaluate import Evaluator
from dss_worker.training.flops import StepFlops, WorkCounter
from dss_worker.training.metrics import pack_bits
from dss_worker.training.micro_batches import MicroBatchPlan
from dss_worker.training.model import (
    Weights,
    copy_weights,
    other_weights,
    restore_weights,
    special_ids,
    trained_weights,
)
from dss_worker.training.monitor import Monitor, Reporter, TrialSuspended
from dss_worker.training.processes import ALONE, Processes, agreed_plan, divisions_of, total_work
from dss_worker.training.sampler import BatchOrder
from dss_worker.training.shares import Divisions
from dss_worker.training.step import Stepper
from dss_worker.training.warm_cache import EncodedSplits
from dss_worker.training.work import Work

# A checkpoint's tensors in copies of the trained weights: these, AdamW's two moments, the selected ones.
_CHECKPOINT_COPIES = 4


class TrainingLoop:
    """A trial from wherever it stands to its end.

    It stands between two steps whenever the monitor is asked to go on, also within an evaluation, which changes
    nothing before it is over. There it can be written down, and another loop that resumes from what was written does
    what this one would have done: on a CPU to the last bit.
    """

    def __init__(
        self,
        config: TrialConfig,
        *,
        plan: MicroBatchPlan,
        model: T5ForConditionalGeneration,
        splits: EncodedSplits,
        valid: Evaluator,
        test: Evaluator,
        checkpoints: Checkpoints,
        reporter: Reporter,
        monitor: Monitor,
        processes: Processes = ALONE,
        is_leaving: Callable[[], bool] = lambda: False,
    ) -> None:
        """
        Args:
            model: of `processes.load`.
            processes: those that have the trial together, each with a loop like this one.
            is_leaving: asked before every step, for all the processes; they suspend the trial together.
        """
        settings = config.settings
        self._settings = settings
        self.model = model
        self._processes = processes
        self._is_leaving = is_leaving
        self.trained = processes.trained(model)
        self._split = splits.train
        self._valid = valid
        self._test = test
        self._checkpoints = checkpoints
        self._reporter = reporter
        self._monitor = monitor
        self._counter = WorkCounter(StepFlops.of_config(model.config, lora_rank=settings.lora_rank))
        self._stepper = Stepper(
            model,
            lr=settings.lr,
            max_steps=settings.max_steps,
            precision=settings.precision,
            plan=agreed_plan(plan, processes),
            optimizer=settings.optimizer,
            optimizer_states=config.run.optimizer_states,
            trained=self.trained,
        )
        # Of the steps since the last training point.
        self._loss_sum = torch.zeros((), dtype=torch.float64, device=model.device)
        self._training: list[TrainingPoint] = []
        self._evaluations: list[Evaluation] = []
        self._selected: Selected | None = None
        # Dropout's draws begin here, whatever loading drew before; each process's rows have draws of their own.
        torch.manual_seed(_seed_of_share(settings.seed, processes.share.index))

    @property
    def plan(self) -> MicroBatchPlan:
        return self._stepper.plan

    @property
    def divisions(self) -> Divisions:
        """Of the weights, where this process has a part of each."""
        return divisions_of(self.trained)

    def resume(self, checkpoint: Checkpoint) -> None:
        """Goes on from there. Its curve is reported: the attempt that succeeds has all of it."""
        restore_weights(self.trained, checkpoint.weights)
        self._stepper.load_state(checkpoint.stepper, step=checkpoint.step)
        if not checkpoint.is_of_others:
            # The same passes. Others have another share of them, and run them otherwise.
            self._stepper.plan = checkpoint.plan
        self._loss_sum.fill_(checkpoint.loss_sum)
        self._training = list(checkpoint.training)
        self._evaluations = list(checkpoint.evaluations)
        self._selected = checkpoint.selected
        self._monitor.step = checkpoint.step
        # The work of all is the first one's; the others add what they do from here on.
        tally = checkpoint.tally
        self._monitor.go_on_from(tally if self._processes.is_first else replace(tally, work=Work()))
        if checkpoint.training:
            self._reporter.metrics(training=checkpoint.training, evaluations=checkpoint.evaluations)

    def run(self) -> Evaluation:
        """The evaluation of the test split that is the trial's result.

        Raises: TrialCancelled, TrialSuspended; WorkerError (NON_FINITE).
        """
        settings = self._settings
        order = BatchOrder(
            rows=len(self._split), batch_rows=settings.batch_size * settings.grad_steps, seed=settings.seed
        )
        batches = TrainingBatches(
            self._split,
            order,
            alpha=settings.alpha,
            special=special_ids(self.model),
            max_steps=settings.max_steps,
            device=self.trained.device,
            share=self._processes.share,
        )
        trained = sum(weight.numel() * weight.element_size() for weight in trained_weights(self.trained).values())
        self._checkpoints.begin(_CHECKPOINT_COPIES * trained)
        with batches:
            while True:
                if self._is_evaluation_due():
                    self._evaluate()
                step = self._stepper.step
                is_due = step > 0 and self._checkpoints.is_due(step)
                is_due, is_leaving = self._processes.first_says(is_due, self._is_leaving())
                if is_leaving:
                    raise TrialSuspended
                if is_due:
                    self._save()
                if self._stepper.step == settings.max_steps:
                    break
                self._take_step(batches)
        if self._selected is None:
            return self._evaluations[-1]
        # The one look at the test split, after everything has been chosen.
        with self.selected_weights():
            final = self._score(self._test, step=self._selected.step, split="test", is_final=True)
        self._reporter.metrics(training=(), evaluations=(final,))
        return final

    def suspend(self) -> None:
        """Writes down where the trial stands, unless that is done or there is nothing to lose."""
        if self._stepper.step not in (0, self._checkpoints.saved_step):
            self._save()

    def selected_weights(self) -> AbstractContextManager[None]:
        """Within it the model has the weights that the result is of."""
        return nullcontext() if self._selected is None else other_weights(self.trained, self._selected.weights)

    def whole_weights(self) -> Weights:
        """Of all processes, for the first of them."""
        return self._processes.gather(self.trained)

    def restore_selected(self) -> None:
        """Gives the model the weights that the result is of."""
        if self._selected is not None:
            restore_weights(self.trained, self._selected.weights)

    def _take_step(self, batches: TrainingBatches) -> None:
        monitor, step = self._monitor, self._stepper.step
        with monitor.phase("train"):
            loss = self._stepper.take(self._counter.counting(batches.passes(step)))
            self._loss_sum += loss
            monitor.step = step + 1
            monitor.rows += batches.rows(step)
            monitor.work += self._counter.work
            # Reading from the device waits for it: only now and then, and as part of training's time.
            if self._is_evaluation_due() or monitor.is_progress_due():
                self._stepper.check()
                monitor.loss = float(loss)
        monitor.beat("train")

    def _is_evaluation_due(self) -> bool:
        step = self._stepper.step
        if step == self._evaluated_step:
            return False
        return step % self._settings.eval_steps == 0 or step == self._settings.max_steps

    @property
    def _evaluated_step(self) -> int:
        return self._training[-1].step if self._training else 0

    def _evaluate(self) -> None:
        step = self._stepper.step
        evaluations = [self._score(self._valid, step=step, split="valid")]
        if self._settings.select == "compat":
            is_final = step == self._settings.max_steps
            evaluations.append(self._score(self._test, step=step, split="test", is_final=is_final))
        elif self._selected is None or evaluations[0].accuracy > self._selected.accuracy:
            self._selected = Selected(step=step, accuracy=evaluations[0].accuracy, weights=copy_weights(self.trained))
        point = TrainingPoint(step=step, loss=float(self._loss_sum) / (step - self._evaluated_step))
        self._loss_sum.zero_()
        self._training.append(point)
        self._evaluations += evaluations
        self._reporter.metrics(training=(point,), evaluations=tuple(evaluations))

    def _score(
        self, evaluator: Evaluator, *, step: int, split: Literal["valid", "test"], is_final: bool = False
    ) -> Evaluation:
        with self._monitor.phase("evaluate"):
            score = evaluator.score(
                self.model,
                between_batches=lambda: self._monitor.beat("evaluate"),
                with_choices=is_final,
                while_choosing=lambda: self._monitor.phase("choices"),
                processes=self._processes,
            )
        return Evaluation(
            step=step,
            split=split,
            loss=score.loss,
            accuracy=score.accuracy,
            rows=len(score.correct),
            correct=pack_bits(score.correct),
            choice_accuracy=score.choice_accuracy,
        )

    def _save(self) -> None:
        # A trial that has failed has nowhere to go on.
        self._stepper.check()
        with self._monitor.phase("checkpoint"):
            self._checkpoints.save(
                Checkpoint(
                    step=self._stepper.step,
                    weights=trained_weights(self.trained),
                    stepper=self._stepper.state(),
                    plan=self._stepper.plan,
                    selected=self._selected,
                    loss_sum=float(self._loss_sum),
                    training=tuple(self._training),
                    evaluations=tuple(self._evaluations),
                    tally=replace(self._monitor.tally, work=total_work(self._monitor.work, self._processes)),
                ),
                self.divisions,
            )
        step = self._stepper.step
        if self._checkpoints.saved_step == step:
            self._reporter.checkpointed(step=step, name=checkpoint_name(step))


def _seed_of_share(seed: int, index: int) -> int:
    """Of a process's draws. Below 2**32, of which a processor's generator makes use; a GPU's would of more."""
    return seed if index == 0 else int(np.random.SeedSequence((seed, index)).generate_state(1)[0])
