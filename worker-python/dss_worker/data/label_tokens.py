"""Whether labels are still told apart as a tokenizer's tokens.

A prediction is compared with its label as text decoded from tokens. What the vocabulary cannot write is missing from
both: labels of unknown tokens alone would all be the same empty text, and every answer right.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from dss_worker.config import Metric
from dss_worker.data.equation import equation_value
from dss_worker.data.tokens import TokenTable, tokenize, written_in_part
from dss_worker.errors import DataError

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerBase

_SHOWN_LABELS = 3
_SHOWN_CHARACTERS = 60
_HINT = (
    "answers are compared as the model can write them: write labels in what its vocabulary has, or take another "
    "model; `dss data check NAME --model DIR` says how much of the texts is unknown to it"
)


@dataclass(frozen=True, slots=True)
class _Written:
    """A text as the tokenizer writes it."""

    # Of what it can write: equal for two texts whose answers cannot be told apart.
    tokens: bytes
    # What it can write; None: all.
    left: str | None = None


def check_labels(
    labels: Sequence[str], table: TokenTable, tokenizer: PreTrainedTokenizerBase, *, metric: Metric, place: str
) -> None:
    """Refuses labels that answers would be compared with as something else.

    Args:
        labels: of any number of rows; each is looked at once.
        table: their tokens, row by row.
        place: whose labels these are.
    Raises: DataError for labels of which nothing can be written; under "text" for two that become the same, unless
        they differ in white space or in how Unicode composes a character; under "equation" for one that is left with
        another value (one that is left without any makes no answer right).
    """
    written = _written(labels, table, tokenizer)
    unsaid = [label for label, each in written.items() if each.left == "" and label.strip()]
    if unsaid:
        more = len(unsaid) - _SHOWN_LABELS
        said = ", ".join(map(_shown, unsaid[:_SHOWN_LABELS])) + (f" and {more:,} more" if more > 0 else "")
        raise DataError(
            f"{place}: expected labels in words of the model's vocabulary, got {said}, of which it has none", hint=_HINT
        )
    if metric == "text":
        _check_distinct(written, place, "labels")
        return
    left = {label: each.left for label, each in written.items() if each.left is not None}
    for label, text in left.items():
        value = equation_value(text)
        if value is not None and value != equation_value(label):
            said = f"the label {_shown(label)} becomes {_shown(text)} in the model's tokens"
            raise DataError(f"{place}: {said}, which has another value", hint=_HINT)


def check_room(table: TokenTable, *, gen_max_len: int, place: str) -> int:
    """Gives how many labels are longer than any prediction, which no model gets right.

    Args:
        table: their tokens, row by row, each with its end.
        gen_max_len: tokens of a prediction, the start token included.
        place: whose labels these are.
    Raises: DataError if all of them are.
    """
    tokens = table.lengths - 1
    too_long = int((tokens >= gen_max_len).sum())
    if too_long == len(tokens) > 0:
        shortest = int(tokens.min())
        raise DataError(
            f"{place}: no label fits into gen_max_len {gen_max_len}: the shortest has {shortest} tokens, and the start "
            "token counts too",
            hint=f"set gen_max_len to {int(tokens.max()) + 1}, with which all of them fit, or more",
        )
    return too_long


def check_choices(
    choices: Iterable[Sequence[str]],
    texts: Sequence[str],
    table: TokenTable,
    tokenizer: PreTrainedTokenizerBase,
    *,
    place: str,
) -> None:
    """Refuses allowed answers of a row that become the same.

    Args:
        choices: of the rows, each list once.
        texts: all that are in them.
        table: the texts' tokens.
    Raises: DataError.
    """
    written = _written(texts, table, tokenizer)
    for each in choices:
        _check_distinct({text: written[text] for text in each}, place, "choices")


def _written(texts: Sequence[str], table: TokenTable, tokenizer: PreTrainedTokenizerBase) -> dict[str, _Written]:
    """Each text once, in the order of their first appearance."""
    rows: dict[str, int] = {}
    for row, text in enumerate(texts):
        rows.setdefault(text, row)
    # Decoding every text takes long, and all of it is left where no token is left out. One token beside the end token
    # may be the mark of a word's beginning, with nothing after it.
    is_partial = written_in_part(table, tokenizer) | (table.lengths <= 2)
    left = {
        text: str(tokenizer.decode(table.row(row).tolist(), skip_special_tokens=True)).strip()
        for text, row in rows.items()
        if is_partial[row]
    }
    again = tokenize(left.values(), tokenizer)
    partial = {text: _Written(again.row(i).tobytes(), said) for i, (text, said) in enumerate(left.items())}
    return {text: partial.get(text) or _Written(table.row(row).tobytes()) for text, row in rows.items()}


def _check_distinct(written: Mapping[str, _Written], place: str, called: str) -> None:
    known: dict[bytes, str] = {}
    for text, each in written.items():
        other = known.setdefault(each.tokens, text)
        if other != text and _composed(other) != _composed(text):
            said = f"the {called} {_shown(other)} and {_shown(text)} become the same tokens of the model"
            raise DataError(f"{place}: {said}", hint=_HINT)


def _composed(text: str) -> str:
    """Without what nobody means when they tell two labels apart; most tokenizers do not tell it apart either."""
    return " ".join(unicodedata.normalize("NFC", text).split())


def _shown(text: str) -> str:
    return repr(text if len(text) <= _SHOWN_CHARACTERS else f"{text[:_SHOWN_CHARACTERS]}…")
