"""How a line of each kind of file reads as a row."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from types import MappingProxyType

from dss_worker.data.parse import WrongValue, describe, text_of, texts_of
from dss_worker.data.rows import Row

RowReader = Callable[[Mapping[str, object]], Row]

_NLI_LABELS = ("entailment", "neutral", "contradiction")
_LETTERS = "abcde"
_PLACEHOLDER = re.compile(r"\{([^{}]*)\}")


def _cqa(row: Mapping[str, object]) -> Row:
    choices = row.get("choices")
    if not isinstance(choices, list) or len(choices) != len(_LETTERS):
        raise WrongValue(f'{len(_LETTERS)} texts in "choices"', describe(choices))
    texts = texts_of(row, "choices")
    lines = [f"({letter}) {text}" for letter, text in zip(_LETTERS, texts, strict=True)]
    question = text_of(row, "question")
    return Row(inputs=("\n".join([question, "Answer Choices:", *lines]),), label=text_of(row, "answer"), choices=texts)


def _svamp(row: Mapping[str, object]) -> Row:
    return Row(inputs=(text_of(row, "input"),), label=text_of(row, "label"))


def _asdiv(row: Mapping[str, object]) -> Row:
    answer = text_of(row, "Answer")
    number, *_ = answer.split(maxsplit=1) or [""]
    if not number:
        raise WrongValue('a number in "Answer"', describe(answer))
    return Row(inputs=(f"{text_of(row, 'Body')}\n{text_of(row, 'Question')}",), label=number)


def _nli(row: Mapping[str, object]) -> Row:
    label = row.get("label")
    if isinstance(label, (int, float)) and not isinstance(label, bool) and label in range(len(_NLI_LABELS)):
        label = _NLI_LABELS[int(label)]
    if label not in _NLI_LABELS:
        expected = ", ".join(_NLI_LABELS)
        raise WrongValue(f'0, 1, 2 or one of {expected} in "label"', describe(row.get("label")))
    return Row(inputs=(text_of(row, "premise"), text_of(row, "hypothesis")), label=str(label), choices=_NLI_LABELS)


RELEASE_READERS: Mapping[str, RowReader] = MappingProxyType(
    {"esnli": _nli, "anli1": _nli, "cqa": _cqa, "svamp": _svamp, "asdiv": _asdiv},
)


def folder_reader(
    fields: Mapping[str, str],
    templates: Mapping[str, str],
    *,
    required: Sequence[str] = (),
    choices: tuple[str, ...] = (),
    with_choices: bool = False,
) -> RowReader:
    """Reads rows of layout "folder".

    Args:
        fields: names in the file of "input", "label", "rationale" and "llm_label", these unless given; of "choices",
            if rows name their allowed answers themselves.
        templates: "input", a text with {name in the file} placeholders; without it the input is its field.
        required: of "rationale" and "llm_label", what the trial trains on; the other is not read.
        choices: the allowed answers of all rows.
        with_choices: whether to read them, and to hold the label against them.
    """
    names = {field: fields.get(field, field) for field in ("input", "label", "rationale", "llm_label")}
    template = templates.get("input")

    def read(row: Mapping[str, object]) -> Row:
        inputs = (text_of(row, names["input"]) if template is None else fill(template, row),)
        label = text_of(row, names["label"])
        return Row(
            inputs=inputs,
            label=label,
            rationale=text_of(row, names["rationale"]) if "rationale" in required else None,
            teacher_label=text_of(row, names["llm_label"]) if "llm_label" in required else None,
            choices=allowed(row, label) if with_choices else None,
        )

    def allowed(row: Mapping[str, object], label: str) -> tuple[str, ...] | None:
        found = texts_of(row, fields["choices"]) if "choices" in fields else choices
        if found and label not in found:
            raise WrongValue(f'one of {", ".join(found)} in "{names["label"]}"', describe(label))
        return found or None

    return read


def fill(template: str, row: Mapping[str, object]) -> str:
    """The template with each {field} replaced by that field's text, once: braces in a text stay as they are."""
    return _PLACEHOLDER.sub(lambda found: text_of(row, found[1]), template)
