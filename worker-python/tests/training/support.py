"""Small real things to train on: a word tokenizer, a T5 of some thousand weights, rows of additions."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from hashlib import sha256
from pathlib import Path
from typing import Any

import numpy as np
import torch
from tokenizers import Tokenizer
from tokenizers.models import WordLevel
from tokenizers.pre_tokenizers import Whitespace
from tokenizers.processors import TemplateProcessing
from transformers import PreTrainedTokenizerFast, T5Config, T5ForConditionalGeneration

from dss_worker.config import DatasetSource, Metric, ModelSource, SourceFile, TrialConfig, TrialSettings
from dss_worker.data.encode import EncodedSplit, EncodedTask
from dss_worker.data.tokens import TokenTable
from dss_worker.messages import Evaluation, Phase, TrainingPoint
from dss_worker.training.micro_batches import MicroBatchPlan

WORDS = [*map(str, range(21)), "+", "-", "*", "/", "(", ")", ".", ":", "predict", "explain", "plus", "and", "is", "of"]
VOCABULARY = ["<pad>", "</s>", "<unk>", *WORDS]
CPU = torch.device("cpu")


def write_tokenizer(directory: Path) -> None:
    """One token per word of WORDS, `</s>` at the end."""
    tokenizer = Tokenizer(WordLevel({word: i for i, word in enumerate(VOCABULARY)}, unk_token="<unk>"))
    tokenizer.pre_tokenizer = Whitespace()
    tokenizer.post_processor = TemplateProcessing(single="$A </s>", special_tokens=[("</s>", 1)])
    fast = PreTrainedTokenizerFast(  # type: ignore[no-untyped-call]
        tokenizer_object=tokenizer, pad_token="<pad>", eos_token="</s>", unk_token="<unk>", model_max_length=512
    )
    fast.save_pretrained(str(directory))


def tiny_config(**changes: object) -> T5Config:
    shape = {"d_model": 32, "d_kv": 8, "d_ff": 48, "num_heads": 4, "num_layers": 1, "num_decoder_layers": 1}
    tokens = {"vocab_size": len(VOCABULARY), "decoder_start_token_id": 0, "pad_token_id": 0, "eos_token_id": 1}
    values: dict[str, Any] = {**shape, **tokens, "feed_forward_proj": "gated-gelu", "dropout_rate": 0.1, **changes}
    return T5Config(**values)


def tiny_model(seed: int = 0, *, untied: bool = True, **changes: object) -> T5ForConditionalGeneration:
    """Random weights; with an output layer of its own, as real T5 v1.1 checkpoints have, unless told otherwise."""
    torch.manual_seed(seed)
    model = T5ForConditionalGeneration(tiny_config(**changes))
    if untied:
        model.lm_head.weight = torch.nn.Parameter(torch.randn_like(model.lm_head.weight) * 0.1)
    return model


def write_model(directory: Path, *, weights: bool = True, untied: bool = True, **changes: object) -> ModelSource:
    directory.mkdir(parents=True, exist_ok=True)
    if weights:
        tiny_model(0, untied=untied, **changes).save_pretrained(str(directory))
    else:
        tiny_config(**changes).save_pretrained(str(directory))
    write_tokenizer(directory)
    return model_source(directory)


def model_source(directory: Path) -> ModelSource:
    """As a plan has it: every file of a model with its size and hash."""
    roles = {"config.json": "config", "model.safetensors": "weights"}
    names = [*roles, "tokenizer.json", "tokenizer_config.json", "spiece.model"]
    files = [
        source_file(directory, name, roles.get(name, "tokenizer")) for name in names if (directory / name).exists()
    ]
    return ModelSource(directory=directory, files=tuple(files))


def source_file(directory: Path, path: str, role: str) -> SourceFile:
    content = (directory / path).read_bytes()
    return SourceFile(path=path, sha256=sha256(content).hexdigest(), size_bytes=len(content), role=role)


def addition(a: int, b: int) -> dict[str, str]:
    return {"input": f"{a} plus {b}", "label": f"( {a} + {b} )", "rationale": f"{a} and {b} is {a + b}"}


def write_dataset(
    root: Path, *, name: str = "sums", metric: Metric = "equation", rows: Sequence[dict[str, str]] | None = None
) -> DatasetSource:
    """Two thirds of the rows to train on, a sixth each to select and to test on."""
    rows = [addition(a, b) for a in range(8) for b in range(6)] if rows is None else rows
    order = np.random.default_rng(0).permutation(len(rows))
    cuts = {"train": order[: len(rows) * 2 // 3], "valid": order[len(rows) * 2 // 3 : len(rows) * 5 // 6]}
    cuts["test"] = order[len(rows) * 5 // 6 :]
    (root / name).mkdir(parents=True, exist_ok=True)
    for split, numbers in cuts.items():
        lines = [json.dumps(rows[number]) + "\n" for number in numbers]
        (root / name / f"{split}.jsonl").write_text("".join(lines))
    files = tuple(source_file(root, f"{name}/{split}.jsonl", split) for split in cuts)
    return DatasetSource(directory=root, layout="folder", files=files, metric=metric)


def settings(**changes: object) -> TrialSettings:
    values: dict[str, Any] = {
        "model": "tiny", "dataset": "sums", "label_type": "gt", "model_type": "task_prefix", "seed": 0, "llm": None,
        "alpha": 0.5, "subsample": 1.0, "max_steps": 6, "eval_steps": 2, "batch_size": 8, "grad_steps": 1, "lr": 1e-2,
        "max_input_length": 32, "gen_max_len": 12, "precision": "fp32", "dropout": 0.0, "select": "valid",
        "init": "pretrained",
    }  # fmt: skip
    if changes.get("model_type") == "standard":
        values["alpha"] = None
    values.update(changes)
    return TrialSettings(**values)


def trial(directory: Path, *, dataset: DatasetSource | None = None, **changes: object) -> TrialConfig:
    """A trial on sums with a tiny model, its files written below the directory."""
    model = write_model(directory / "model")
    dataset = write_dataset(directory / "datasets") if dataset is None else dataset
    return TrialConfig(trial_id="0" * 20, settings=settings(**changes), model=model, dataset=dataset)


def random_split(*, rows: int, seed: int, longest: int = 9) -> EncodedSplit:
    """Both tasks with random tokens of very different lengths, each ended by `</s>`."""
    draw = np.random.default_rng(seed)

    def table() -> TokenTable:
        lengths = draw.integers(1, longest, size=rows)
        return token_table([*draw.integers(3, len(VOCABULARY), size=n).tolist(), 1] for n in lengths)

    return EncodedSplit(EncodedTask(table(), table()), EncodedTask(table(), table()))


def micro_batches(rows: int, **changes: object) -> MicroBatchPlan:
    """Passes of at most so many rows, with no other bounds."""
    values: dict[str, Any] = {
        "pass_tokens": 10**9, "pass_cells": 10**9, "passes": 1, "group_rows": 8, "length_multiple": 1
    }  # fmt: skip
    return MicroBatchPlan(pass_rows=rows, **{**values, **changes})


def token_table(rows: Iterable[Sequence[int]]) -> TokenTable:
    return TokenTable.of(rows)


@dataclass
class Recorder:
    """A reporter that keeps everything."""

    training: list[TrainingPoint] = field(default_factory=list)
    evaluations: list[Evaluation] = field(default_factory=list)
    progresses: list[tuple[Phase, int, float]] = field(default_factory=list)
    checkpoints: list[tuple[int, str]] = field(default_factory=list)

    def progress(self, *, step: int, loss: float, examples_per_second: float, phase: Phase) -> None:
        self.progresses.append((phase, step, loss))

    def metrics(self, *, training: tuple[TrainingPoint, ...], evaluations: tuple[Evaluation, ...]) -> None:
        self.training.extend(training)
        self.evaluations.extend(evaluations)

    def checkpointed(self, *, step: int, name: str) -> None:
        self.checkpoints.append((step, name))


def never() -> bool:
    return False
