"""A split's texts of one kind as tokens, each kind tokenized once for all trials that read it."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import lru_cache
from typing import TYPE_CHECKING, Protocol

from dss_worker.config import ENGINE_VERSION, Metric, SourceFile
from dss_worker.data.label_tokens import check_choices, check_labels
from dss_worker.data.rows import Split
from dss_worker.data.tokens import TokenTable, tokenize
from dss_worker.errors import WorkerError

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerBase

MAX_TARGET_TOKENS = 256
# Of the single-task method; ours, since the paper's release has no code for it.
ANSWER_MARKER = " So the answer is "


# By row, its allowed answers in tokens, end token included.
ChoiceTokens = tuple[tuple[tuple[int, ...], ...], ...]


class TableCache(Protocol):
    """Where tables are kept: equal keys, equal tables."""

    def get(self, key: str, make: Callable[[], TokenTable], /) -> TokenTable: ...


def _versions() -> tuple[object, ...]:
    """Of what decides which tokens a row of the same files has; rules that read rows change with the engine."""
    import tokenizers  # not by those who only look at data
    import transformers

    return ENGINE_VERSION, transformers.__version__, tokenizers.__version__


# What trials have in common is one object for all of them, so that what is made of it can be kept by identity.
@lru_cache(maxsize=8)
def _choice_tokens(
    by_row: tuple[tuple[str, ...] | None, ...], texts: tuple[str, ...], table: TokenTable
) -> ChoiceTokens:
    tokens = {text: tuple(table.row(i).tolist()) for i, text in enumerate(texts)}
    return tuple(tuple(tokens[text] for text in choices or ()) for choices in by_row)


class Columns:
    """A split's texts of one kind, as tokens."""

    def __init__(
        self,
        split: Split,
        tokenizer: PreTrainedTokenizerBase,
        *,
        dataset: str,
        metric: Metric,
        cache: TableCache | None,
        tokenizer_files: Sequence[SourceFile],
    ) -> None:
        """
        Args:
            dataset: its name, for messages.
            metric: what labels are compared by.
        """
        self._split = split
        self._tokenizer = tokenizer
        self._place = f'dataset "{dataset}"'
        self._metric: Metric = metric
        self._tokenizer_digest = [[file.path, file.sha256] for file in tokenizer_files if file.role != "weights"]
        self._cache = cache if self._tokenizer_digest else None

    def inputs(self, prefix: str, *, max_length: int) -> TokenTable:
        content = ["inputs", prefix, self._split.table.digest]
        return self._take(self._input_texts(prefix), content, max_length=max_length)

    def labels(self) -> TokenTable:
        """Raises: DataError for gold labels that answers could not be compared with."""
        table = self._split.table
        if self._split.label_type == "llm":
            # Only trained on, whatever a teacher says: no answer is compared with it.
            return self._take(self._label_texts(), ["teacher labels", table.teacher_digest])

        def check(made: TokenTable) -> None:
            labels = [row.label for row in table.rows]
            check_labels(labels, made, self._tokenizer, metric=self._metric, place=self._place)

        return self._take(self._label_texts(), ["labels", self._metric, table.digest], check=check)

    def rationales(self) -> TokenTable:
        texts = (row.rationale or "" for row in self._split.table.rows)
        return self._take(texts, ["rationales", self._split.table.teacher_digest])

    def rationales_with_labels(self) -> TokenTable:
        """Of the single-task method. A long text is cut at its end like every target, and its label with it."""
        table = self._split.table
        pairs = zip(table.rows, self._label_texts(), strict=True)
        texts = (f"{row.rationale or ''}{ANSWER_MARKER}{label}" for row, label in pairs)
        content = ["rationales with labels", self._split.label_type, table.digest, table.teacher_digest]
        return self._take(texts, content)

    def choices(self) -> ChoiceTokens | None:
        """By row of the split its allowed answers; None if a row names none.

        Raises: DataError for answers of a row that become the same.
        """
        by_row = tuple(row.choices for row in self._split)
        if None in by_row:
            return None
        # In dictionaries for the order of their first appearance: a set has another in each process.
        different = tuple(choices for choices in dict.fromkeys(by_row) if choices is not None)
        texts = tuple(dict.fromkeys(text for choices in different for text in choices))
        content = ["choices", hashlib.sha256(json.dumps(different).encode()).hexdigest()]

        def check(made: TokenTable) -> None:
            check_choices(different, texts, made, self._tokenizer, place=self._place)

        return _choice_tokens(by_row, texts, self._table(texts, content, max_length=MAX_TARGET_TOKENS, check=check))

    def _input_texts(self, prefix: str) -> Iterator[str]:
        end = self._tokenizer.eos_token
        for row in self._split.table.rows:
            if len(row.inputs) > 1 and end is None:
                raise WorkerError(
                    "MODEL_INVALID",
                    "the dataset's inputs have parts, and the tokenizer has no end-of-sequence token to join them",
                    hint="name its eos_token in tokenizer_config.json",
                )
            yield prefix + (end or "").join(row.inputs)

    def _label_texts(self) -> Iterator[str]:
        is_gold = self._split.label_type == "gt"
        return (row.label if is_gold else row.teacher_label or "" for row in self._split.table.rows)

    def _take(
        self,
        texts: Iterable[str],
        content: Sequence[str],
        *,
        max_length: int = MAX_TARGET_TOKENS,
        check: Callable[[TokenTable], None] = lambda _: None,
    ) -> TokenTable:
        """The split's rows of a table that has a text for each row of the split's table."""
        return self._table(texts, content, max_length=max_length, check=check).select(self._split.index)

    def _table(
        self, texts: Iterable[str], content: Sequence[str], *, max_length: int, check: Callable[[TokenTable], None]
    ) -> TokenTable:
        """
        Args:
            texts: read only if the table must be made.
            content: says what the texts are and how they are checked, so that equal content means equal texts.
            check: called with a table that was made now, and may refuse it; what is kept has passed it.
        """

        def make() -> TokenTable:
            table = tokenize(texts, self._tokenizer, max_length=max_length)
            check(table)
            return table

        if self._cache is None:
            return make()
        return self._cache.get(json.dumps([*_versions(), *content, max_length, self._tokenizer_digest]), make)
