"""How a line of each kind of file reads as a row."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from types import MappingProxyType

from dss_worker.data.parse import WrongValue, describe, optional_text_of, text_of
from dss_worker.data.rows import Row

RowReader = Callable[[Mapping[str, object]], Row]

_NLI_LABELS = ("entailment", "neutral", "contradiction")
_CHOICES = "abcde"
_PLACEHOLDER = re.compile(r"\{([^{}]*)\}")

# The fields of layout "folder", under the names that a file has unless dataset.yaml says otherwise.
FOLDER_FIELDS = ("input", "label", "rationale", "llm_label")


def _cqa(row: Mapping[str, object]) -> Row:
    choices = row.get("choices")
    if not isinstance(choices, list) or len(choices) != len(_CHOICES):
        raise WrongValue(f'{len(_CHOICES)} texts in "choices"', describe(choices))
    texts = {f"choices[{i}]": choice for i, choice in enumerate(choices)}
    lines = [f"({letter}) {text_of(texts, name)}" for letter, name in zip(_CHOICES, texts, strict=True)]
    question = text_of(row, "question")
    return Row(inputs=("\n".join([question, "Answer Choices:", *lines]),), label=text_of(row, "answer"))


def _svamp(row: Mapping[str, object]) -> Row:
    return Row(inputs=(text_of(row, "input"),), label=text_of(row, "label"))


def _nli(row: Mapping[str, object]) -> Row:
    label = row.get("label")
    if isinstance(label, (int, float)) and not isinstance(label, bool) and label in range(len(_NLI_LABELS)):
        label = _NLI_LABELS[int(label)]
    if label not in _NLI_LABELS:
        expected = ", ".join(_NLI_LABELS)
        raise WrongValue(f'0, 1, 2 or one of {expected} in "label"', describe(row.get("label")))
    return Row(inputs=(text_of(row, "premise"), text_of(row, "hypothesis")), label=str(label))


RELEASE_READERS: Mapping[str, RowReader] = MappingProxyType(
    {"esnli": _nli, "anli1": _nli, "cqa": _cqa, "svamp": _svamp},
)


def folder_reader(
    fields: Mapping[str, str], templates: Mapping[str, str], *, required: Sequence[str] = ()
) -> RowReader:
    """Reads rows of layout "folder".

    Args:
        fields: names in the file by FOLDER_FIELDS; the same where absent.
        templates: "input", a text with {name in the file} placeholders; without it the input is its field.
        required: of "rationale" and "llm_label", what the trial trains on.
    """
    names = {field: fields.get(field, field) for field in FOLDER_FIELDS}
    template = templates.get("input")

    def teacher_text(row: Mapping[str, object], field: str) -> str | None:
        return (text_of if field in required else optional_text_of)(row, names[field])

    def read(row: Mapping[str, object]) -> Row:
        return Row(
            inputs=(text_of(row, names["input"]) if template is None else fill(template, row),),
            label=text_of(row, names["label"]),
            rationale=teacher_text(row, "rationale"),
            teacher_label=teacher_text(row, "llm_label"),
        )

    return read


def fill(template: str, row: Mapping[str, object]) -> str:
    """The template with each {field} replaced by that field's text, once: braces in a text stay as they are."""
    return _PLACEHOLDER.sub(lambda found: text_of(row, found[1]), template)
