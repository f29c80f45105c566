"""Small datasets on disk, and the settings of trials that read them."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from dss_worker.config import DatasetSource, SourceFile, TrialSettings

DEFAULTS: Mapping[str, Any] = {
    "model": "model",
    "dataset": "svamp",
    "label_type": "gt",
    "model_type": "standard",
    "seed": 0,
    "llm": None,
    "alpha": None,
    "subsample": 1.0,
    "max_steps": 10,
    "eval_steps": 5,
    "batch_size": 4,
    "grad_steps": 1,
    "lr": 5e-5,
    "max_input_length": 1024,
    "gen_max_len": 64,
    "precision": "fp32",
    "dropout": 0.0,
    "select": "valid",
    "init": "pretrained",
}


def settings(**changes: Any) -> TrialSettings:  # noqa: ANN401
    """Defaults with changes; what a model type needs is filled in."""
    values = {**DEFAULTS, **changes}
    if values["model_type"] == "task_prefix" and values["alpha"] is None:
        values["alpha"] = 0.5
    return TrialSettings(**values)


def lines(rows: Iterable[object]) -> str:
    return "".join(f"{json.dumps(row)}\n" for row in rows)


def write(root: Path, files: Mapping[str, str | bytes]) -> Path:
    """Files below a folder, by path."""
    for path, content in files.items():
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).write_bytes(content.encode() if isinstance(content, str) else content)
    return root


def source(root: Path, roles: Sequence[tuple[str, str]], **changes: Any) -> DatasetSource:  # noqa: ANN401
    """A planned dataset from (path, role) pairs, hashed as they are now."""
    files = tuple(
        SourceFile(
            path=path,
            sha256=hashlib.sha256((root / path).read_bytes()).hexdigest(),
            size_bytes=(root / path).stat().st_size,
            role=role,
        )
        for path, role in roles
    )
    return DatasetSource(**{"directory": root, "layout": "release", "files": files, "metric": "text", **changes})


def release_source(root: Path, name: str, *, teacher: Sequence[str] = ()) -> DatasetSource:
    """The files of a dataset in the release's layout that are there."""
    splits = [(f"{name}/{name}_{role}.json", role) for role in ("train", "valid", "test")]
    there = [(path, role) for path, role in splits if (root / path).exists()]
    return source(root, [*there, *((path, "teacher") for path in teacher)])
