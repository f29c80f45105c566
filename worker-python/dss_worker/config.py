"""What one trial trains. proto/dss/v1/common.proto says what each setting means, units included.

These values cross the pipe between the agent and the training child as JSON; the agent makes them from the
wire's messages, so that training knows neither.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from math import isfinite
from pathlib import Path
from typing import Any, Literal

from dss_worker.errors import WorkerError

# Changes whenever the same settings may give other results; the control plane's is the same number.
ENGINE_VERSION = 3

LabelType = Literal["gt", "llm"]
ModelType = Literal["standard", "task_prefix", "single_task"]
# "palm" and "gpt" in the release's layout; in layout "folder" the names that the dataset gives its teachers.
Teacher = str
Optimizer = Literal["adamw", "adamw8bit", "adafactor"]
Adapter = Literal["none", "lora"]
Precision = Literal["fp32", "tf32", "bf16"]
Select = Literal["valid", "compat"]
Init = Literal["pretrained", "random"]
Metric = Literal["text", "equation"]
Layout = Literal["release", "folder"]
Keep = Literal["none", "last", "best"]
Switch = Literal["auto", "on", "off"]
OptimizerStates = Literal["device", "host"]

_CHOICES: Mapping[str, tuple[str, ...]] = {
    "label_type": ("gt", "llm"),
    "model_type": ("standard", "task_prefix", "single_task"),
    "precision": ("fp32", "tf32", "bf16"),
    "select": ("valid", "compat"),
    "init": ("pretrained", "random"),
    "optimizer": ("adamw", "adamw8bit", "adafactor"),
    "adapter": ("none", "lora"),
}
_TEACHER = re.compile(r"[A-Za-z0-9][\w.-]{0,63}")


def _require(condition: bool, message: str) -> None:
    if not condition:
        raise WorkerError("CONFIG_INVALID", message, hint="control plane and worker must come from the same dss")


@dataclass(frozen=True, slots=True, kw_only=True)
class TrialSettings:
    """Every setting that can change a result, after defaults, aliases and overrides."""

    # As the sweep file names it; for people, the files come from ModelSource.
    model: str
    # The folder's name below the datasets root.
    dataset: str
    label_type: LabelType
    model_type: ModelType
    # Of the order of rows, the subsample, dropout and random initialisation.
    seed: int
    # Whose outputs; None when no teacher's output is read, or the rows hold those of one teacher without a name.
    llm: Teacher | None
    # loss = alpha * label + (1 - alpha) * rationale; None unless under "task_prefix".
    alpha: float | None
    # Fraction of the training split, in (0, 1].
    subsample: float
    # Optimizer steps.
    max_steps: int
    # Evaluate and log every so many steps; the last step always.
    eval_steps: int
    # Rows per micro-batch.
    batch_size: int
    # Micro-batches per optimizer step.
    grad_steps: int
    # AdamW's learning rate at step 0; decays linearly to 0 at max_steps.
    lr: float
    # Tokens of input kept.
    max_input_length: int
    # Tokens of a generated prediction, the decoder's start token included.
    gen_max_len: int
    precision: Precision
    # Dropout probability in the model.
    dropout: float
    # "valid": best step by valid accuracy, test once; "compat": the test curve.
    select: Select
    # "pretrained", or "random": weights drawn from the seed.
    init: Init
    # "adamw8bit": AdamW with its moments in 8 bits; "adafactor": moments of rows and columns. Other methods than
    # "adamw", so never chosen silently.
    optimizer: Optimizer = "adamw"
    # "lora": only low-rank updates of the attention's and feed-forward layers' matrices are trained.
    adapter: Adapter = "none"
    # Rank of the updates; None without an adapter.
    lora_rank: int | None = None
    # The updates are scaled by lora_alpha / lora_rank; None without an adapter.
    lora_alpha: float | None = None

    def __post_init__(self) -> None:
        for name, choices in _CHOICES.items():
            value = getattr(self, name)
            _require(value in choices, f"{name}: expected one of {', '.join(choices)}, got {value!r}")
        _require(
            self.llm is None or _TEACHER.fullmatch(self.llm) is not None, f"llm: expected a name, got {self.llm!r}"
        )
        for name in ("max_steps", "eval_steps", "batch_size", "grad_steps", "max_input_length", "gen_max_len"):
            _require(getattr(self, name) >= 1, f"{name}: expected at least 1, got {getattr(self, name)}")
        _require(self.seed >= 0, f"seed: expected at least 0, got {self.seed}")
        _require(0 < self.subsample <= 1, f"subsample: expected a number in (0, 1], got {self.subsample}")
        _require(isfinite(self.lr) and self.lr > 0, f"lr: expected a number above 0, got {self.lr}")
        _require(0 <= self.dropout < 1, f"dropout: expected a number in [0, 1), got {self.dropout}")
        if self.model_type == "task_prefix":
            alpha = self.alpha
            _require(alpha is not None and 0 <= alpha <= 1, f"alpha: expected a number in [0, 1], got {alpha}")
        else:
            _require(self.alpha is None, f"alpha: has no meaning under {self.model_type}")
        rank, scale = self.lora_rank, self.lora_alpha
        if self.adapter == "lora":
            _require(rank is not None and rank >= 1, f"lora_rank: expected at least 1, got {rank}")
            is_positive = scale is not None and isfinite(scale) and scale > 0
            _require(is_positive, f"lora_alpha: expected a number above 0, got {scale}")
        else:
            _require(rank is None and scale is None, "lora_rank, lora_alpha: have no meaning without an adapter")

    @property
    def needs_rationales(self) -> bool:
        return self.model_type in ("task_prefix", "single_task")


@dataclass(frozen=True, slots=True, kw_only=True)
class SourceFile:
    """A file that a trial reads."""

    # Relative to its source's directory, with forward slashes.
    path: str
    # 64 hex digits.
    sha256: str
    size_bytes: int
    # Dataset: "train", "valid", "test", "teacher"; model: "config", "tokenizer", "weights".
    role: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelSource:
    """Where a model's files are."""

    directory: Path
    files: tuple[SourceFile, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class DatasetSource:
    """Where a dataset's rows are and how they read."""

    # The datasets root: the release keeps GPT-NeoX outputs beside the dataset.
    directory: Path
    layout: Layout
    # In reading order within each role; only what the trial reads.
    files: tuple[SourceFile, ...]
    metric: Metric
    # Layout "folder" only: "input", "label", "choices", and what the trial reads of a teacher's, "rationale",
    # "llm_label" -> name in the file.
    fields: Mapping[str, str] = field(default_factory=dict)
    # "input" with {field} placeholders; "predict" and "explain" prefixes.
    templates: Mapping[str, str] = field(default_factory=dict)
    # Layout "folder" only: the answers that every row allows; empty: none are named, or each row names its own.
    choices: tuple[str, ...] = ()

    def paths(self, role: str) -> list[Path]:
        return [self.directory / file.path for file in self.files if file.role == role]


@dataclass(frozen=True, slots=True, kw_only=True)
class RankLayout:
    """How the processes of one trial divide its model; as often as they fit, each group has a copy of it."""

    # That divide the rows of each weight, and take other rows of a batch each.
    shard: int
    # That divide heads, feed-forward layers and vocabulary, and take the same rows.
    tensor: int

    def __post_init__(self) -> None:
        for name in ("shard", "tensor"):
            _require(getattr(self, name) >= 1, f"layout.{name}: expected at least 1, got {getattr(self, name)}")


@dataclass(frozen=True, slots=True, kw_only=True)
class RunOptions:
    """How a trial is run and what is kept of it: nothing here changes what it learns, or its id."""

    # The trial's own folder, the same for each of its attempts: checkpoints, the kept model, generated rationales.
    # None: nothing outlives the attempt.
    directory: Path | None = None
    # Steps between checkpoints; 0: by time, such that they cost little.
    checkpoint_steps: int = 0
    # Checkpoints stay when the trial has ended.
    keep_checkpoints: bool = False
    # Which weights stay as a model directory: of the last step, of the step that gave the result, or none.
    keep: Keep = "none"
    # Generate rationales for the test split and keep them.
    output_rationale: bool = False
    # Length groups that a batch of batch_size rows is split into; 0: chosen by the worker.
    micro_batches: int = 0
    # torch.compile; "auto": not that, but on a GPU CUDA graphs, which "off" leaves out too.
    compile: Switch = "auto"
    # Computing activations anew in the backward pass, to save memory.
    gradient_checkpointing: Switch = "auto"
    # Of each machine that trains it, with a process each.
    devices: int = 1
    # Of the processes of a trial that has several; None: chosen by their number.
    layout: RankLayout | None = None
    # Where the optimizer keeps its moments between steps: "host", ordinary memory, for models that fill a device.
    optimizer_states: OptimizerStates = "device"


@dataclass(frozen=True, slots=True, kw_only=True)
class TrialConfig:
    """One trial, whole."""

    trial_id: str
    settings: TrialSettings
    model: ModelSource
    dataset: DatasetSource
    run: RunOptions = field(default_factory=RunOptions)

    def to_json(self) -> dict[str, Any]:
        """A value that `json.dumps` writes and `from_json` reads back."""
        value = asdict(self)
        value["model"]["directory"] = str(self.model.directory)
        value["dataset"]["directory"] = str(self.dataset.directory)
        value["run"]["directory"] = None if self.run.directory is None else str(self.run.directory)
        return value

    @classmethod
    def from_json(cls, value: Mapping[str, Any]) -> TrialConfig:
        model, dataset, run = value["model"], value["dataset"], value["run"]
        return cls(
            trial_id=value["trial_id"],
            settings=TrialSettings(**value["settings"]),
            model=ModelSource(directory=Path(model["directory"]), files=_files(model["files"])),
            dataset=DatasetSource(
                **{
                    **dataset,
                    "directory": Path(dataset["directory"]),
                    "files": _files(dataset["files"]),
                    "choices": tuple(dataset["choices"]),
                }
            ),
            run=RunOptions(
                **{
                    **run,
                    "directory": None if run["directory"] is None else Path(run["directory"]),
                    "layout": None if run["layout"] is None else RankLayout(**run["layout"]),
                }
            ),
        )


def _files(values: list[dict[str, Any]]) -> tuple[SourceFile, ...]:
    return tuple(SourceFile(**value) for value in values)
