"""What a teacher's raw text says: a rationale and a label.

The teachers were shown examples and went on writing more of them, so that each text must be cut before it is read.
The rules are those of the code released with Hsieh et al. 2023, arXiv:2305.02301: other rules train other labels.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import NamedTuple

from dss_worker.config import Teacher


class TeacherOutput(NamedTuple):
    """A text as read. What it does not say is blank, and the row stays in the data."""

    rationale: str
    label: str


# Matches no gold label. A space is a token of its own to some tokenizers, so that it is not the empty text.
BLANK = TeacherOutput(" ", " ")
EMPTY = TeacherOutput("", "")

_MARKER = re.compile(r"\(.\)")
_PARENTHESES = re.compile(r"\(.*\)")


def read_teacher_text(dataset: str, teacher: Teacher, text: str) -> TeacherOutput:
    """A teacher's text for a row of one of the release's datasets.

    Args:
        dataset: esnli, anli1, cqa, svamp or asdiv.
    Raises: KeyError for another dataset.
    """
    return _READERS[dataset, teacher](text)


def _cqa_palm(text: str) -> TeacherOutput:
    rationale, _, answer = text.split("Q:", 1)[0].partition("So the answer is")
    return TeacherOutput(rationale.rstrip(), _choice(answer))


def _cqa_gpt(text: str) -> TeacherOutput:
    parts = text.split("Q:", 1)[0].strip().split("So the answer is")
    if len(parts) != 2:
        return BLANK
    return TeacherOutput(parts[0].rstrip(), _choice(parts[1]))


def _choice(answer: str) -> str:
    """The text after the first marker such as `(a)`, up to the next one."""
    parts = _MARKER.split(answer, maxsplit=2)
    text = parts[1].strip().removesuffix(".") if len(parts) > 1 else ""
    return text or BLANK.label


def _svamp_palm(text: str) -> TeacherOutput:
    parts = text.split("Q:", 1)[0].split("The answer is")
    if len(parts) != 2:
        return BLANK
    found = _PARENTHESES.search(parts[1])
    return TeacherOutput(parts[0].rstrip(), found[0] if found else BLANK.label)


def _svamp_gpt(text: str) -> TeacherOutput:
    return _svamp_palm(text.lstrip())


def _esnli_palm(text: str) -> TeacherOutput:
    rationale = text.split("Answer:", 1)[0].rstrip()
    _, marker, rest = text.partition("Answer: ")
    return TeacherOutput(rationale, rest.split("Premise", 1)[0].rstrip() if marker else BLANK.label)


def _esnli_gpt(text: str) -> TeacherOutput:
    return _esnli_palm(text.lstrip())


def _anli1_palm(text: str) -> TeacherOutput:
    return _before_and_after(text, "So the answer is") or EMPTY


def _anli1_gpt(text: str) -> TeacherOutput:
    return _before_and_after(text, "So the answer is") or _before_and_after(text, "The answer is") or EMPTY


def _before_and_after(text: str, marker: str) -> TeacherOutput | None:
    parts = text.split("Premise:", 1)[0].rstrip().split(marker)
    # The label's last character is its full stop, and is cut whatever it is.
    return TeacherOutput(parts[0].rstrip(), parts[1].lstrip()[:-1]) if len(parts) == 2 else None


_READERS: Mapping[tuple[str, Teacher], Callable[[str], TeacherOutput]] = {
    ("cqa", "palm"): _cqa_palm,
    ("cqa", "gpt"): _cqa_gpt,
    ("svamp", "palm"): _svamp_palm,
    ("svamp", "gpt"): _svamp_gpt,
    ("asdiv", "palm"): _svamp_palm,
    ("asdiv", "gpt"): _svamp_gpt,
    ("esnli", "palm"): _esnli_palm,
    ("esnli", "gpt"): _esnli_gpt,
    ("anli1", "palm"): _anli1_palm,
    ("anli1", "gpt"): _anli1_gpt,
}
