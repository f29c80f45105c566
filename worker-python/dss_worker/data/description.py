"""dataset.yaml: how the rows of a user's own dataset read. The control plane's checks are the same."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from reprlib import Repr
from typing import cast, get_args

from dss_worker.config import Metric, Teacher
from dss_worker.data.yaml_file import read_yaml
from dss_worker.errors import DataError

_FIELDS = ("input", "label", "rationale", "llm_label", "choices")
_OF_TEACHERS = ("rationale", "llm_label")
_TEMPLATES = ("input", "predict", "explain")
_KEYS = ("metric", "fields", "templates", "teachers", "choices")
_TEACHER = re.compile(r"[A-Za-z0-9][\w.-]{0,63}", re.ASCII)
_PLACEHOLDER = re.compile(r"\{[^{}]+\}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Description:
    """All names and texts as `DatasetFiles` has them."""

    metric: Metric = "text"
    fields: Mapping[str, str] = field(default_factory=dict)
    templates: Mapping[str, str] = field(default_factory=dict)
    choices: tuple[str, ...] = ()
    teacher_fields: Mapping[Teacher | None, Mapping[str, str]] = field(
        default_factory=lambda: {None: {name: name for name in _OF_TEACHERS}}
    )


def read_description(path: Path, shown: str) -> Description:
    """
    Args:
        shown: the file's name in messages.
    Raises: DataError that names what is wrong and where.
    """
    described = _mapping(read_yaml(path, shown), _KEYS, shown)
    metric = described.get("metric", "text")
    if metric not in get_args(Metric):
        raise DataError(f"{shown}: metric: expected {' or '.join(get_args(Metric))}, got {_shown(metric)}")
    fields = _texts(described.get("fields") or {}, _FIELDS, f"{shown}: fields")
    templates = _texts(described.get("templates") or {}, _TEMPLATES, f"{shown}: templates")
    if "input" in templates and not _PLACEHOLDER.search(templates["input"]):
        expected = "a text with the name of a field in braces, as {question}"
        raise DataError(f"{shown}: templates.input: expected {expected}, got {_shown(templates['input'])}")
    return Description(
        metric=cast(Metric, metric),
        fields={name: of for name, of in fields.items() if name not in _OF_TEACHERS},
        templates=templates,
        choices=_choices(described, fields, shown),
        teacher_fields=_teachers(described, fields, shown),
    )


def _choices(described: Mapping[str, object], fields: Mapping[str, str], shown: str) -> tuple[str, ...]:
    if "choices" not in described:
        return ()
    if "choices" in fields:
        raise DataError(f"{shown}: fields.choices: expected either this or choices, got both")
    choices = described["choices"]
    if not isinstance(choices, list) or not all(isinstance(each, str) for each in choices):
        hint = "write numbers, and words such as true, in quotes"
        raise DataError(f"{shown}: choices: expected a list of texts, got {_shown(choices)}", hint=hint)
    if len(choices) < 2 or len(set(choices)) < len(choices):
        raise DataError(f"{shown}: choices: expected at least two different texts, got {_shown(choices)}")
    return tuple(choices)


def _teachers(
    described: Mapping[str, object], fields: Mapping[str, str], shown: str
) -> Mapping[Teacher | None, Mapping[str, str]]:
    if "teachers" not in described:
        return {None: {name: fields.get(name, name) for name in _OF_TEACHERS}}
    for name in _OF_TEACHERS:
        if name in fields:
            raise DataError(f"{shown}: fields.{name}: expected this within one of the teachers, since there are some")
    teachers = described["teachers"]
    if not isinstance(teachers, dict) or not teachers:
        raise DataError(f"{shown}: teachers: expected a mapping of names to fields, got {_shown(teachers)}")
    for name, of in teachers.items():
        if not isinstance(name, str) or not _TEACHER.fullmatch(name) or name == "none":
            raise DataError(f"{shown}: teachers: expected a name of letters, digits and ._-, got {_shown(name)}")
        if not _texts(of, _OF_TEACHERS, f"{shown}: teachers.{name}"):
            raise DataError(f"{shown}: teachers.{name}: expected {' or '.join(_OF_TEACHERS)}, got neither")
    return teachers


def _texts(value: object, names: Sequence[str], where: str) -> dict[str, str]:
    values = _mapping(value, names, where)
    for name, text in values.items():
        if not isinstance(text, str):
            raise DataError(f"{where}.{name}: expected a text, got {_shown(text)}")
    return {name: str(text) for name, text in values.items()}


def _shown(value: object) -> str:
    """Not all of it: aliases within aliases are short in the file, and endless written out."""
    short = Repr()
    short.maxlevel, short.maxlist, short.maxdict, short.maxstring, short.maxother = 2, 8, 8, 100, 100
    return short.repr(value)


def _mapping(value: object, names: Sequence[str], where: str) -> dict[str, object]:
    if not isinstance(value, dict):
        raise DataError(f"{where}: expected a mapping with the keys {', '.join(names)}, got {_shown(value)}")
    for name in value:
        if name not in names:
            raise DataError(f"{where}: expected only the keys {', '.join(names)}, got {_shown(name)}")
    return value
