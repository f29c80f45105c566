"""Bytes of a file to values, one after the other; what is wrong comes out in the place of its row."""

from __future__ import annotations

import codecs
import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import TypeVar

from dss_worker.errors import DataError

T = TypeVar("T")

_SHOWN_CHARACTERS = 40


@dataclass(frozen=True, slots=True, kw_only=True)
class WrongRow:
    """A row that is none."""

    # `file:line`; in a file that is one array `file[item]`, from 0.
    where: str
    # "expected …, got …".
    message: str

    def __str__(self) -> str:
        return f"{self.where}: {self.message}"


class WrongValue(Exception):
    """What a reader raises for a value that makes no row."""

    def __init__(self, expected: str, got: str) -> None:
        super().__init__(f"expected {expected}, got {got}")


def parse_lines(content: bytes, shown: str, read: Callable[[Mapping[str, object]], T]) -> Iterator[T | WrongRow]:
    """A file with one JSON object a line; empty lines are none.

    Args:
        shown: the file's name in messages.
        read: makes a row of an object, or raises WrongValue.
    """
    lines = content.removeprefix(codecs.BOM_UTF8).split(b"\n")
    for number, line in enumerate(lines, start=1):
        if not line.strip():
            continue
        try:
            value = _parse(line)
            if not isinstance(value, dict):
                raise WrongValue("a JSON object", describe(value))
            yield read(value)
        except WrongValue as wrong:
            yield WrongRow(where=f"{shown}:{number}", message=str(wrong))


def parse_outputs(content: bytes, shown: str, read: Callable[[str], T]) -> Iterator[T | WrongRow]:
    """A file with one JSON array of texts.

    Raises: DataError if the file is anything else.
    """
    try:
        values = _parse(content.removeprefix(codecs.BOM_UTF8))
        if not isinstance(values, list):
            raise WrongValue("a JSON array of texts", describe(values))
    except WrongValue as wrong:
        raise DataError(f"{shown}: {wrong}") from wrong
    for number, value in enumerate(values):
        try:
            yield read(checked_text(value, "a text"))
        except WrongValue as wrong:
            yield WrongRow(where=f"{shown}[{number}]", message=str(wrong))


def _refuse_constant(name: str) -> object:
    """NaN and the infinities: Python reads and writes them, and they are no JSON."""
    raise ValueError(f"{name}, which is no JSON value")


# One for all: `json.loads` makes a new one for each call with options.
_DECODER = json.JSONDecoder(parse_constant=_refuse_constant)


def _parse(content: bytes) -> object:
    try:
        value: object = _DECODER.decode(content.decode("utf-8"))
    except UnicodeDecodeError as error:
        raise WrongValue("UTF-8", f"the byte 0x{content[error.start]:02x} at column {error.start + 1}") from error
    except json.JSONDecodeError as error:
        raise WrongValue("JSON", f"other text (column {error.colno}: {error.msg})") from error
    except RecursionError as error:
        raise WrongValue("JSON", "brackets nested too deeply") from error
    except ValueError as error:  # also a number of more digits than Python reads
        raise WrongValue("JSON", str(error)) from error
    return value


def text_of(row: Mapping[str, object], name: str) -> str:
    """A field that must be there."""
    if name not in row:
        raise WrongValue(f'a field "{name}"', f"only {', '.join(sorted(row)[:8]) or 'an empty object'}")
    return checked_text(row[name], f'a text in "{name}"')


def texts_of(row: Mapping[str, object], name: str) -> tuple[str, ...]:
    """A field that must be a list of texts, one at least."""
    values = row.get(name)
    if not isinstance(values, list) or not values:
        raise WrongValue(f'texts in "{name}"', describe(values))
    return tuple(checked_text(value, f'a text in "{name}[{i}]"') for i, value in enumerate(values))


def checked_text(value: object, expected: str) -> str:
    if not isinstance(value, str):
        raise WrongValue(expected, describe(value))
    if not value.isascii():
        try:
            value.encode()
        except UnicodeEncodeError as error:
            # JSON can write half of a pair; no tokenizer reads it.
            raise WrongValue(expected, f"half of a surrogate pair at character {error.start + 1}") from error
    return value


def describe(value: object) -> str:
    """A JSON value in a few words."""
    match value:
        case dict():
            return "an object"
        case list():
            return f"an array of {len(value)}"
        case _:
            text = json.dumps(value, ensure_ascii=False)
            return text if len(text) <= _SHOWN_CHARACTERS else f"{text[:_SHOWN_CHARACTERS]}…"
