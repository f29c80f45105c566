"""All that the rest of a trial depends on, as tensors and JSON."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor

from dss_worker.config import ENGINE_VERSION, TrialConfig
from dss_worker.messages import Evaluation, Metrics, TrainingPoint, decode_from_child, encode
from dss_worker.training.micro_batches import MicroBatchPlan
from dss_worker.training.model import Weights
from dss_worker.training.monitor import Tally

FORMAT = 1
_WEIGHTS, _SELECTED, _STEPPER = "model/", "selected/", "stepper/"
# Of the stepper's tensors.
_RANDOM = "random-"

# What must be equal for a checkpoint to be this trial's, by what to call it.
Identity = dict[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Selected:
    """The earliest of the steps with the highest valid accuracy so far."""

    step: int
    accuracy: float
    weights: Weights


@dataclass(frozen=True, slots=True, kw_only=True)
class Checkpoint:
    """A trial between two steps. The order of rows and the learning rate are functions of the step."""

    # Optimizer steps done.
    step: int
    weights: Weights
    # Of `Stepper.state`: the optimizer's moments and all random states.
    stepper: Mapping[str, Tensor]
    plan: MicroBatchPlan
    selected: Selected | None
    # Of the steps since the last training point, in nats.
    loss_sum: float
    # The curve so far. Where the evaluations of this step are due and not in it, they come next.
    training: tuple[TrainingPoint, ...]
    evaluations: tuple[Evaluation, ...]
    tally: Tally

    @property
    def is_of_others(self) -> bool:
        """It was written by other processes than it was read by: another number, or another layout."""
        return not any(name.startswith(_RANDOM) for name in self.stepper)

    def tensors(self) -> dict[str, Tensor]:
        selected = {} if self.selected is None else self.selected.weights
        groups = ((_WEIGHTS, self.weights), (_SELECTED, selected), (_STEPPER, self.stepper))
        return {prefix + name: tensor for prefix, group in groups for name, tensor in group.items()}

    def to_json(self) -> dict[str, Any]:
        """All that is no tensor."""
        selected = None if self.selected is None else {"step": self.selected.step, "accuracy": self.selected.accuracy}
        curve = Metrics(run=0, training=self.training, evaluations=self.evaluations)
        return {
            "step": self.step,
            "plan": self.plan.to_json(),
            "selected": selected,
            "loss_sum": self.loss_sum,
            "curve": json.loads(encode(curve)),
            "tally": self.tally.to_json(),
        }

    @classmethod
    def from_parts(cls, tensors: Mapping[str, Tensor], value: Mapping[str, Any]) -> Checkpoint:
        """Raises: ValueError, KeyError or TypeError for anything that `tensors` and `to_json` do not give."""
        curve = decode_from_child(json.dumps(value["curve"]).encode())
        if not isinstance(curve, Metrics):
            raise ValueError(f"curve: expected Metrics, got {type(curve).__name__}")
        selected = value["selected"]
        # A copy: the others are read once and then forgotten, this outlives the file.
        best = {name: weight.clone() for name, weight in _group(tensors, _SELECTED).items()}
        return cls(
            step=value["step"],
            weights=_group(tensors, _WEIGHTS),
            stepper=_group(tensors, _STEPPER),
            plan=MicroBatchPlan.from_json(value["plan"]),
            selected=None if selected is None else Selected(**selected, weights=best),
            loss_sum=value["loss_sum"],
            training=curve.training,
            evaluations=curve.evaluations,
            tally=Tally.from_json(value["tally"]),
        )


def identity_of(config: TrialConfig, *, device: torch.device) -> Identity:
    """Equal for all attempts that may go on where one of them stood.

    The trial's id stands for the content of the dataset and the model. The libraries' versions are part of it, since
    neither promises that another one draws the same numbers from a random state.
    """
    settings = {f"setting {name}": value for name, value in asdict(config.settings).items()}
    return {
        "format": FORMAT,
        "engine version": ENGINE_VERSION,
        "trial": config.trial_id,
        "device": device.type,
        "torch version": torch.__version__,
        "numpy version": np.__version__,
        **settings,
    }


def _group(tensors: Mapping[str, Tensor], prefix: str) -> dict[str, Tensor]:
    return {name.removeprefix(prefix): tensor for name, tensor in tensors.items() if name.startswith(prefix)}
