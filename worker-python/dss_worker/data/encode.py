"""A split's texts as the token ids that the two tasks train on: predict the label, explain it."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from dss_worker.config import SourceFile, TrialSettings
from dss_worker.data.bounded_cache import BoundedCache
from dss_worker.data.rows import Row, Split
from dss_worker.data.tokens import TokenTable, tokenize
from dss_worker.errors import WorkerError

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerBase

__all__ = ["EncodedSplit", "EncodedTask", "TokenTable", "encode_split"]

MAX_TARGET_TOKENS = 256
_PREFIXES = {"predict": "predict: ", "explain": "explain: "}


@dataclass(frozen=True, slots=True)
class EncodedTask:
    """What goes in and what should come out, row by row."""

    inputs: TokenTable
    targets: TokenTable


@dataclass(frozen=True, slots=True)
class EncodedSplit:
    """A split, ready to be put into batches."""

    predict: EncodedTask
    # None under "standard" and for splits that are only predicted.
    explain: EncodedTask | None

    def __len__(self) -> int:
        return len(self.predict.targets)


def encode_split(
    split: Split,
    tokenizer: PreTrainedTokenizerBase,
    *,
    settings: TrialSettings,
    templates: Mapping[str, str],
    with_rationale: bool,
    cache: BoundedCache[TokenTable] | None = None,
    tokenizer_files: Sequence[SourceFile] = (),
) -> EncodedSplit:
    """The split's rows in their order.

    A table is tokenized whole, in the order of its file, and the split's rows are taken out of it: the trials of a
    sweep take different rows of the same tables.

    Args:
        templates: of the dataset; "predict" and "explain" replace the release's prefixes.
        with_rationale: whether to make the explain task, if the trial has one.
        cache: keeps tables between trials, by content. Settings that change no token (seed, subsample, alpha, the
            learning rate) are no part of that, so the trials of a sweep share their tables.
        tokenizer_files: what the tokenizer was loaded from; without them nothing is kept.
    Raises: WorkerError (MODEL_INVALID) if rows have parts and the tokenizer has no end-of-sequence token.
    """
    columns = _Columns(split, tokenizer, cache=cache, tokenizer_files=tokenizer_files)
    prefixes = {task: templates.get(task, prefix) for task, prefix in _PREFIXES.items()}
    task_prefix = settings.model_type == "task_prefix"
    max_length = settings.max_input_length
    explain = None
    if task_prefix and with_rationale:
        explain = EncodedTask(columns.inputs(prefixes["explain"], max_length=max_length), columns.rationales())
    prefix = prefixes["predict"] if task_prefix else ""
    predict = EncodedTask(columns.inputs(prefix, max_length=max_length), columns.labels())
    return EncodedSplit(predict, explain)


class _Columns:
    """A split's texts of one kind, as tokens."""

    def __init__(
        self,
        split: Split,
        tokenizer: PreTrainedTokenizerBase,
        *,
        cache: BoundedCache[TokenTable] | None,
        tokenizer_files: Sequence[SourceFile],
    ) -> None:
        self._split = split
        self._tokenizer = tokenizer
        self._tokenizer_digest = [[file.path, file.sha256] for file in tokenizer_files if file.role != "weights"]
        self._cache = cache if self._tokenizer_digest else None

    def inputs(self, prefix: str, *, max_length: int) -> TokenTable:
        rows = self._split.table.rows
        if any(len(row.inputs) > 1 for row in rows) and self._tokenizer.eos_token is None:
            raise WorkerError(
                "MODEL_INVALID",
                "the dataset's inputs have parts, and the tokenizer has no end-of-sequence token to join them",
                hint="name its eos_token in tokenizer_config.json",
            )
        end = self._tokenizer.eos_token or ""
        texts = (prefix + end.join(row.inputs) for row in rows)
        return self._take(texts, ["inputs", prefix, self._split.table.digest], max_length=max_length)

    def labels(self) -> TokenTable:
        if self._split.label_type == "gt":
            texts = (row.label for row in self._split.table.rows)
            return self._take(texts, ["labels", self._split.table.digest], max_length=MAX_TARGET_TOKENS)
        return self._teacher_texts("teacher labels", lambda row: row.teacher_label)

    def rationales(self) -> TokenTable:
        return self._teacher_texts("rationales", lambda row: row.rationale)

    def _teacher_texts(self, name: str, text_of: Callable[[Row], str | None]) -> TokenTable:
        texts = (text_of(row) or "" for row in self._split.table.rows)
        return self._take(texts, [name, self._split.table.teacher_digest], max_length=MAX_TARGET_TOKENS)

    def _take(self, texts: Iterable[str], content: Sequence[str], *, max_length: int) -> TokenTable:
        """The split's rows of a table.

        Args:
            texts: of every row of the table; read only if the table must be made.
            content: says what the texts are, so that equal content means equal texts.
        """

        def make() -> TokenTable:
            return tokenize(texts, self._tokenizer, max_length=max_length)

        if self._cache is None:
            return make().select(self._split.index)
        key = json.dumps([*content, max_length, self._tokenizer_digest])
        return self._cache.get(hashlib.sha256(key.encode()).hexdigest(), make).select(self._split.index)
