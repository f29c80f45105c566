"""What the agent and the training child say to each other: one JSON object a line, each way through a pipe of its own.

Agent and training meet here and nowhere else. The child runs one trial at a time; `run` numbers the agent's
requests, and every answer carries the number of the one that it belongs to.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any, Literal

from dss_worker.config import TrialConfig
from dss_worker.errors import Failure

# "import" and "idle" are the process's: its start before its first trial, and its waiting before each.
Phase = Literal["import", "idle", "load", "tokenize", "compile", "train", "evaluate", "choices", "checkpoint"]


@dataclass(frozen=True, slots=True, kw_only=True)
class TrainingPoint:
    """A point of the training curve."""

    # Optimizer steps done, from 1.
    step: int
    # Mean of the steps since the last point, in nats; NaN and infinities travel as such.
    loss: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Evaluation:
    """One pass over a split."""

    step: int
    split: Literal["valid", "test"]
    # Nats per label token, mean over the split.
    loss: float
    # In [0, 1].
    accuracy: float
    rows: int
    # One bit per row, row i at byte i // 8, bit i % 8 (least significant first).
    correct: bytes
    # In [0, 1]: how often the right one of the allowed answers was the likeliest; None where none are named.
    choice_accuracy: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class TrialResult:
    """What one successful attempt measured; the fields of `dss.v1.TrialResult`."""

    # In [0, 1].
    test_accuracy: float
    # Whose weights gave test_accuracy.
    selected_step: int
    # Wall time of the attempt in the child.
    seconds: float
    seconds_by_phase: Mapping[str, float]
    # Training rows per second of the train phase.
    examples_per_second: float
    train_rows: int
    valid_rows: int
    test_rows: int
    # python, torch, transformers, device, threads, host, engine, precision, plan.
    environment: Mapping[str, str]
    # Of the final test evaluation; None where the dataset names no allowed answers.
    choice_accuracy: float | None = None
    # The step that the last attempt went on from; 0: the beginning.
    resumed_step: int = 0
    # Input and target tokens per second of the train phase: real ones, and with padding.
    useful_tokens_per_second: float = 0.0
    padded_tokens_per_second: float = 0.0
    # Model FLOPs of the train phase over what the device could have done, for real tokens and with padding.
    mfu_useful: float = 0.0
    mfu_padded: float = 0.0
    # FLOP/s of the device in the trial's precision, and where that comes from: "measured" or "vendor".
    peak_flops: float = 0.0
    peak_flops_source: str = ""
    # Of the process on a CPU, of torch's allocator on a GPU.
    peak_memory_bytes: int = 0
    predicted_memory_bytes: int = 0


# To the child.


@dataclass(frozen=True, slots=True, kw_only=True)
class GangPlace:
    """This machine among those that have a trial together."""

    # From 0. The first speaks for the trial.
    rank: int
    size: int
    # Where the first waits for the others.
    address: str
    port: int
    # The same for all of them, and never again.
    run_id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class RunTrial:
    run: int
    config: TrialConfig
    # None: no other machine has a part in it.
    gang: GangPlace | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class CancelTrial:
    """Stop at the next step; answered by `Cancelled`, or by how the trial ended meanwhile."""

    run: int


@dataclass(frozen=True, slots=True, kw_only=True)
class SuspendTrial:
    """Write a checkpoint and leave the trial; answered by `Suspended`, or by how the trial ended meanwhile."""

    run: int


# From the child.


@dataclass(frozen=True, slots=True, kw_only=True)
class Ready:
    """Sent once, when imports are done and a trial may come."""

    # python, torch, transformers.
    versions: Mapping[str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Progress:
    run: int
    step: int
    # Of the newest step that was read back.
    loss: float
    examples_per_second: float
    phase: Phase


@dataclass(frozen=True, slots=True, kw_only=True)
class Metrics:
    run: int
    training: tuple[TrainingPoint, ...] = ()
    evaluations: tuple[Evaluation, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Checkpointed:
    """A checkpoint is whole, in the trial's folder."""

    run: int
    step: int
    # Its folder's name below the trial's checkpoints.
    name: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Finished:
    run: int
    result: TrialResult


@dataclass(frozen=True, slots=True, kw_only=True)
class Failed:
    run: int
    failure: Failure
    # Nobody foresaw it, so nobody knows what it left behind: the child ends now, and runs nothing more.
    is_leaving: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Cancelled:
    run: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Suspended:
    run: int
    # Where another attempt will go on; 0: at the beginning.
    step: int


ToChild = RunTrial | CancelTrial | SuspendTrial
FromChild = Ready | Progress | Metrics | Checkpointed | Finished | Failed | Cancelled | Suspended


def encode(message: ToChild | FromChild) -> bytes:
    """One line, its end included."""
    if isinstance(message, RunTrial):
        gang = None if message.gang is None else asdict(message.gang)
        value: dict[str, Any] = {"run": message.run, "config": message.config.to_json(), "gang": gang}
    else:
        value = asdict(message)
    if isinstance(message, Metrics):
        for evaluation in value["evaluations"]:
            evaluation["correct"] = base64.b64encode(evaluation["correct"]).decode("ascii")
    return json.dumps({"kind": type(message).__name__, **value}, separators=(",", ":")).encode() + b"\n"


def decode_to_child(line: bytes) -> ToChild:
    """Raises: ValueError or KeyError for anything that `encode` does not write."""
    value = json.loads(line)
    kind = value.pop("kind")
    if kind == "RunTrial":
        gang = None if value["gang"] is None else GangPlace(**value["gang"])
        return RunTrial(run=value["run"], config=TrialConfig.from_json(value["config"]), gang=gang)
    if kind == "CancelTrial":
        return CancelTrial(**value)
    if kind == "SuspendTrial":
        return SuspendTrial(**value)
    raise ValueError(f"unknown message {kind!r}")


def decode_from_child(line: bytes) -> FromChild:  # noqa: PLR0911 - one for each kind
    """Raises: ValueError or KeyError for anything that `encode` does not write."""
    value = json.loads(line)
    kind = value.pop("kind")
    match kind:
        case "Ready":
            return Ready(**value)
        case "Progress":
            return Progress(**value)
        case "Metrics":
            return Metrics(
                run=value["run"],
                training=tuple(TrainingPoint(**point) for point in value["training"]),
                evaluations=tuple(
                    Evaluation(**{**each, "correct": base64.b64decode(each["correct"])})
                    for each in value["evaluations"]
                ),
            )
        case "Checkpointed":
            return Checkpointed(**value)
        case "Finished":
            return Finished(run=value["run"], result=TrialResult(**value["result"]))
        case "Failed":
            return Failed(run=value["run"], failure=Failure(**value["failure"]), is_leaving=value["is_leaving"])
        case "Cancelled":
            return Cancelled(**value)
        case "Suspended":
            return Suspended(**value)
        case _:
            raise ValueError(f"unknown message {kind!r}")
