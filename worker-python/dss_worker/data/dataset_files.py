"""The files of a dataset, as found by its name alone."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal, get_args

from dss_worker.config import Layout, Metric, Teacher

SplitName = Literal["train", "valid", "test"]
SPLITS: tuple[SplitName, ...] = get_args(SplitName)


@dataclass(frozen=True, slots=True, kw_only=True)
class DatasetFiles:
    """All paths are relative to the datasets root, with forward slashes."""

    layout: Layout
    metric: Metric
    # By split, those that are there, in reading order.
    splits: Mapping[SplitName, tuple[str, ...]]
    # In reading order; layout "release" only.
    teachers: Mapping[tuple[Teacher, SplitName], tuple[str, ...]] = field(default_factory=dict)
    # Layout "folder" only, as in `DatasetSource`.
    fields: Mapping[str, str] = field(default_factory=dict)
    templates: Mapping[str, str] = field(default_factory=dict)
    choices: tuple[str, ...] = ()
    # Layout "folder" only: where the teachers' outputs are, "rationale" and "llm_label" -> name in the file, by the
    # teacher's name. None: the one without a name, whose fields need not be there.
    teacher_fields: Mapping[Teacher | None, Mapping[str, str]] = field(default_factory=dict)
    # What a sweep needs and is not there.
    missing: tuple[str, ...] = ()
