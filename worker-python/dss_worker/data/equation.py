"""Values of arithmetic expressions, by a parser of our own: a model's output never reaches `eval`.

    sum     = product {("+" | "-") product}
    product = factor {("*" | "/") factor}
    factor  = {"+" | "-"} (number | "(" sum ")")
    number  = digits ["." [digits]] | "." digits

White space may stand between any two of these. Values are doubles.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from math import isfinite
from typing import Literal

MAX_LENGTH = 1024
# Of parentheses within each other; each costs the parser three calls.
MAX_DEPTH = 64

_SPACE = " \t\r\n"
_DIGITS = "0123456789"
_TOKEN = re.compile(r"[ \t\r\n]*([0-9]+(?:\.[0-9]*)?|\.[0-9]+|[-+*/()])", re.ASCII)


def equal_values(a: str, b: str) -> bool:
    """Whether two expressions have exactly the same value, as doubles.

    An expression that cannot be evaluated equals nothing, itself included.
    """
    value = equation_value(a)
    return value is not None and value == equation_value(b)


def equation_value(text: str) -> float | None:
    """Value of an expression; None for anything else: another text, a division by zero, an overflow, beyond a limit."""
    tokens = _tokens(text)
    if tokens is None:
        return None
    parser = _Parser(tokens)
    try:
        value = parser.sum(depth=0)
    except (_NoExpression, ZeroDivisionError):
        return None
    return value if parser.at_end else None


def _tokens(text: str) -> list[str] | None:
    if len(text) > MAX_LENGTH:
        return None
    text = text.rstrip(_SPACE)
    tokens, end = [], 0
    while end < len(text):
        found = _TOKEN.match(text, end)
        if found is None:
            return None
        tokens.append(found[1])
        end = found.end()
    return tokens


class _NoExpression(Exception):
    """The text is none of the grammar's."""


def _finite(value: float) -> float:
    """Whatever becomes of it: one divided by an overflow is no zero."""
    if not isfinite(value):
        raise _NoExpression
    return value


class _Parser:
    """Reads tokens from left to right; each method takes what its rule of the grammar describes."""

    def __init__(self, tokens: list[str]) -> None:
        # Tokens are taken from the end.
        self._left = tokens[::-1]

    @property
    def at_end(self) -> bool:
        return not self._left

    def sum(self, *, depth: int) -> float:
        value = self._product(depth)
        while sign := self._take("+-"):
            other = self._product(depth)
            value = _finite(value + other if sign == "+" else value - other)
        return value

    def _product(self, depth: int) -> float:
        value = self._factor(depth)
        while sign := self._take("*/"):
            other = self._factor(depth)
            value = _finite(value * other if sign == "*" else value / other)
        return value

    def _factor(self, depth: int) -> float:
        negative = False
        while sign := self._take("+-"):
            negative ^= sign == "-"
        value = self._operand(depth)
        return -value if negative else value

    def _operand(self, depth: int) -> float:
        if self._take("("):
            if depth == MAX_DEPTH:
                raise _NoExpression
            value = self.sum(depth=depth + 1)
            if not self._take(")"):
                raise _NoExpression
            return value
        if not self._left or self._left[-1] in "+-*/()":
            raise _NoExpression
        return _finite(float(self._left.pop()))

    def _take(self, choices: str) -> str:
        """The next token if it is one of these, else an empty text."""
        return self._left.pop() if self._left and self._left[-1] in choices else ""


@dataclass(frozen=True, slots=True)
class ExpressionPrefix:
    """Where in the grammar a text ends that may still become an expression, as a character after it needs to know.

    It knows the grammar and the limits, not the values: `1 / 0` is a prefix of expressions, `1 / (0)` counts as one.
    """

    # What comes last: where an operand must follow, a point without a digit, within a number before or after its
    # point, or a finished operand.
    last: Literal["open", "point", "integer", "fraction", "operand"] = "open"
    # Parentheses to be closed.
    depth: int = 0
    # Characters so far.
    length: int = 0

    def extend(self, text: str) -> ExpressionPrefix | None:
        """After some more text; None if no expression begins like this."""
        last, depth, length = self.last, self.depth, self.length + len(text)
        for character in text:
            if character in _DIGITS:
                if last == "operand":
                    return None
                last = "integer" if last in ("open", "integer") else "fraction"
            elif character == ".":
                if last not in ("open", "integer"):
                    return None
                last = "point" if last == "open" else "fraction"
            elif last == "point":
                return None
            elif character in _SPACE:
                last = last if last == "open" else "operand"
            elif character in "+-" or (character in "*/" and last != "open"):
                last = "open"
            elif character == "(" and last == "open" and depth < MAX_DEPTH:
                depth += 1
            elif character == ")" and last != "open" and depth > 0:
                last, depth = "operand", depth - 1
            else:
                return None
        # What is missing at least: a digit where an operand is, and the parentheses.
        missing = (last in ("open", "point")) + depth
        return ExpressionPrefix(last, depth, length) if length + missing <= MAX_LENGTH else None


def can_become_expression(prefix: str) -> bool:
    """Whether some text that begins like this follows the grammar, within the limits."""
    return ExpressionPrefix().extend(prefix) is not None
