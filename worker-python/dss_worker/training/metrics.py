"""When a prediction is right, while it still can be, and how rights and wrongs are kept."""

from __future__ import annotations

import re
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from dss_worker.config import Metric
from dss_worker.data.columns import ANSWER_MARKER
from dss_worker.data.equation import ExpressionPrefix, equal_values
from dss_worker.training.token_text import TokenText

# The marker's last space is missing before an empty answer, its first before a text that begins with it.
_MARKER = re.compile(rf"\s*{re.escape(ANSWER_MARKER.strip())}(?:\s+|$)")


def is_right(prediction: str | None, target: str, *, metric: Metric) -> bool:
    """Whether a decoded prediction answers the decoded target.

    Args:
        prediction, target: decoded text, special tokens removed. A prediction that is None answers nothing.
        metric: "text" for equal texts; "equation" for equal values, where what has no value equals nothing.
    Source: the released code of Hsieh et al. 2023, with a parser for its `eval`.
    """
    if prediction is None:
        return False
    return equal_values(prediction, target) if metric == "equation" else prediction == target


def split_answer(text: str) -> tuple[str, str | None]:
    """A single-task text as (rationale, answer): before and after the last marker; all of it and None without one."""
    markers = list(_MARKER.finditer(text))
    return (text[: markers[-1].start()], text[markers[-1].end() :].strip()) if markers else (text, None)


def answer_of(text: str) -> str | None:
    """What follows the last marker of a single-task text, stripped; None without a marker."""
    return split_answer(text)[1]


class Hope:
    """A prediction that grows token by token, given up once no continuation of it can be right.

    It may hope in vain, but never gives up a prediction that could still become right: for "text" one that is the
    beginning of the target; for "equation" the beginning of an expression whose parentheses can all be closed with
    the tokens that are left. Half-trained models like to open them without end.
    """

    def __init__(self, target: str, *, metric: Metric, token_text: TokenText | None, max_tokens: int) -> None:
        """
        Args:
            token_text: without it, there is always hope.
            max_tokens: of the prediction.
        """
        self._token_text = token_text
        self._left = max_tokens
        self._is_empty = True
        # What is still to come of the text; where in the grammar the expression is.
        self._rest = target
        self._expression = ExpressionPrefix() if metric == "equation" else None
        self.is_lost = False

    def add(self, token: int) -> bool:
        """The prediction's next token, special ones included; whether there is hope after it."""
        if self._token_text is None or self.is_lost:
            return not self.is_lost
        self._left -= 1
        part = self._token_text.of(token, is_first=self._is_empty)
        self._is_empty = self._is_empty and part is None
        if self._expression is None:
            self.is_lost = not self._rest.startswith(part or "")
            self._rest = self._rest[len(part or "") :]
        elif (extended := self._expression.extend(part or "")) is not None:
            self.is_lost = extended.depth > self._left * self._token_text.most_closed
            self._expression = extended
        else:
            self.is_lost = True
        return not self.is_lost


def pack_bits(correct: Sequence[bool] | npt.NDArray[np.bool_]) -> bytes:
    """One bit per row: row i at byte i // 8, bit i % 8, least significant first; the last byte is filled with 0."""
    return np.packbits(np.asarray(correct, dtype=bool), bitorder="little").tobytes()
