"""The processes that have one trial together; most trials have one process alone."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from dataclasses import astuple, fields, replace
from pathlib import Path
from typing import Protocol

import numpy as np
import numpy.typing as npt
import torch
from transformers import T5ForConditionalGeneration

from dss_worker.config import TrialConfig
from dss_worker.training.checkpoint_parts import Writers
from dss_worker.training.collate import ALL_ROWS, RowShare
from dss_worker.training.micro_batches import MicroBatchPlan
from dss_worker.training.model import Weights, trained_weights
from dss_worker.training.packed_t5 import Engine
from dss_worker.training.shares import WHOLE, Divisions, Place
from dss_worker.training.trained import Trained, WholeModel
from dss_worker.training.work import Work

Sums = npt.NDArray[np.float64]


class Processes(Protocol):
    """Every process calls the same of these methods in the same order, or the others wait for it."""

    @property
    def share(self) -> RowShare:
        """Which rows are this process's; others may have the same."""
        ...

    @property
    def place(self) -> Place:
        """Which part of each weight is this process's."""
        ...

    @property
    def writers(self) -> Writers:
        """How many there are, and how they divide the weights."""
        ...

    @property
    def rank(self) -> int: ...

    @property
    def count(self) -> int: ...

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
        """The whole weights in ordinary memory, an adapter merged, for the first process; nothing for the others."""
        ...

    def evaluating(self) -> AbstractContextManager[None]:
        """Within, each may run the model as often as it likes, and train nothing."""
        ...

    def sum(self, values: Sums) -> Sums:
        """Over the processes, those with the same rows counted once; float64."""
        ...

    def least(self, values: Sums) -> Sums:
        """Of the processes' values, each the smallest; float64."""
        ...

    def collect(self, file: Path | None, target: Callable[[int], Path]) -> None:
        """The first process gets the file of each that has one to give, which is another's disk's.

        Args:
            target: by rank, where the first puts it.
        Raises: OSError for the first, if it cannot.
        """
        ...

    def first_says(self, *answers: bool) -> tuple[bool, ...]:
        """What the first process answers, whatever this one does."""
        ...


def agreed_plan(plan: MicroBatchPlan, processes: Processes) -> MicroBatchPlan:
    """One that all can bear: by another one, a process would take other rows, or make another number of passes."""
    if processes.count == 1:
        return plan
    # More activations computed twice is what all can bear, too.
    ours = [plan.pass_rows, plan.pass_tokens, plan.pass_cells, 0 if plan.engine.with_checkpoints else 1]
    rows, tokens, cells, keeps = processes.least(np.array(ours, dtype=np.float64)).tolist()
    (is_compiled,) = processes.first_says(plan.engine.is_compiled)
    # Neither recorded, as they wait for each other within a pass, nor joined, which keeps copies of weights that shards
    # let go.
    engine = Engine(with_checkpoints=keeps == 0, is_compiled=is_compiled)
    passes = {"pass_rows": int(rows), "pass_tokens": int(tokens), "pass_cells": int(cells)}
    return replace(plan, **passes, token_multiple=1, engine=engine)


def total_work(work: Work, processes: Processes) -> Work:
    """What all have done."""
    if processes.count == 1:
        return work
    sums = processes.sum(np.array(astuple(work), dtype=np.float64)).tolist()
    return Work(**{field.name: int(value) for field, value in zip(fields(Work), sums, strict=True)})


def describe_processes(processes: Processes) -> dict[str, str]:
    """For a trial's environment; nothing of one that has no other."""
    if processes.count == 1:
        return {}
    writers = processes.writers
    return {"processes": str(processes.count), "layout": f"{writers.shards}x{writers.tensors}"}


def divisions_of(trained: Trained) -> Divisions:
    """None where all weights are whole."""
    return getattr(trained, "divisions", {})


class Alone:
    share = ALL_ROWS
    place = WHOLE
    writers = Writers()
    rank = 0
    count = 1
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

    def collect(self, file: Path | None, target: Callable[[int], Path]) -> None:
        pass

    def first_says(self, *answers: bool) -> tuple[bool, ...]:
        return answers


ALONE = Alone()
