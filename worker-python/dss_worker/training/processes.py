"""The processes that have one trial together; most trials have one process alone."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager, nullcontext
from dataclasses import astuple, fields, replace
from typing import Protocol

import numpy as np
import numpy.typing as npt
import torch
from transformers import T5ForConditionalGeneration

from dss_worker.config import TrialConfig
from dss_worker.training.collate import ALL_ROWS, RowShare
from dss_worker.training.micro_batches import MicroBatchPlan
from dss_worker.training.model import Weights, trained_weights
from dss_worker.training.packed_t5 import Engine
from dss_worker.training.trained import Trained, WholeModel
from dss_worker.training.work import Work

Sums = npt.NDArray[np.float64]


class Processes(Protocol):
    """Every process calls the same of these methods in the same order, or the others wait for it."""

    @property
    def share(self) -> RowShare:
        """Which rows, and which part of a weight that is divided, are this process's."""
        ...

    @property
    def is_first(self) -> bool:
        """Of one of them only: it reports, and writes what is to be written once."""
        ...

    def load(
        self, config: TrialConfig, *, device: torch.device, whole: Callable[[], T5ForConditionalGeneration]
    ) -> T5ForConditionalGeneration:
        """The trial's model, of which each process has its part.

        Args:
            whole: gives all of it, the same in each process.
        """
        ...

    def trained(self, model: T5ForConditionalGeneration) -> Trained:
        """What this process moves of a model that it has loaded."""
        ...

    def gather(self, trained: Trained) -> Weights:
        """The whole weights in ordinary memory, for the first process; nothing for the others."""
        ...

    def evaluating(self) -> AbstractContextManager[None]:
        """Within, each may run the model as often as it likes, and train nothing."""
        ...

    def sum(self, values: Sums) -> Sums:
        """Over the processes; float64."""
        ...

    def least(self, values: Sums) -> Sums:
        """Of the processes' values, each the smallest; float64."""
        ...

    def first_says(self, *answers: bool) -> tuple[bool, ...]:
        """What the first process answers, whatever this one does."""
        ...


def agreed_plan(plan: MicroBatchPlan, processes: Processes) -> MicroBatchPlan:
    """One that all can bear: by another one, a process would take other rows, or make another number of passes."""
    if processes.share.of == 1:
        return plan
    # More activations computed twice is what all can bear, too.
    ours = [plan.pass_rows, plan.pass_tokens, plan.pass_cells, 0 if plan.engine.with_checkpoints else 1]
    rows, tokens, cells, keeps = processes.least(np.array(ours, dtype=np.float64)).tolist()
    (is_compiled,) = processes.first_says(plan.engine.is_compiled)
    engine = Engine(with_checkpoints=keeps == 0, is_compiled=is_compiled)
    return replace(plan, pass_rows=int(rows), pass_tokens=int(tokens), pass_cells=int(cells), engine=engine)


def total_work(work: Work, processes: Processes) -> Work:
    """What all have done."""
    if processes.share.of == 1:
        return work
    sums = processes.sum(np.array(astuple(work), dtype=np.float64)).tolist()
    return Work(**{field.name: int(value) for field, value in zip(fields(Work), sums, strict=True)})


def divided_rows(trained: Trained) -> Mapping[str, int]:
    """By name, the rows of each whole weight that is divided."""
    return getattr(trained, "divided_rows", {})


class Alone:
    share = ALL_ROWS
    is_first = True

    def load(
        self, config: TrialConfig, *, device: torch.device, whole: Callable[[], T5ForConditionalGeneration]
    ) -> T5ForConditionalGeneration:
        return whole()

    def trained(self, model: T5ForConditionalGeneration) -> Trained:
        return WholeModel(model)

    def gather(self, trained: Trained) -> Weights:
        return trained_weights(trained)

    def evaluating(self) -> AbstractContextManager[None]:
        return nullcontext()

    def sum(self, values: Sums) -> Sums:
        return values

    def least(self, values: Sums) -> Sums:
        return values

    def first_says(self, *answers: bool) -> tuple[bool, ...]:
        return answers


ALONE = Alone()
