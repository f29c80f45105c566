"""A split's texts as the token ids that a trial trains on and is judged by.

Step-by-step has two tasks, predict the label and explain it. The single-task method, whose template is ours, writes
the rationale and then the label in one target; it is judged by the label alone.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from dss_worker.config import Metric, SourceFile, TrialSettings
from dss_worker.data.columns import MAX_TARGET_TOKENS, ChoiceTokens, Columns, TableCache
from dss_worker.data.rows import Split
from dss_worker.data.tokens import TokenTable

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerBase

__all__ = ["MAX_TARGET_TOKENS", "EncodedSplit", "EncodedTask", "TokenTable", "encode_split"]

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
    # None unless step-by-step trains on the split.
    explain: EncodedTask | None
    # None where the dataset names no allowed answers, or nobody asked for them.
    choices: ChoiceTokens | None = None
    # What rationales are generated from; None unless asked for.
    explain_inputs: TokenTable | None = None

    def __len__(self) -> int:
        return len(self.predict.targets)


def encode_split(
    split: Split,
    tokenizer: PreTrainedTokenizerBase,
    *,
    settings: TrialSettings,
    metric: Metric,
    templates: Mapping[str, str],
    with_rationale: bool,
    with_choices: bool = False,
    with_explain_inputs: bool = False,
    cache: TableCache | None = None,
    tokenizer_files: Sequence[SourceFile] = (),
) -> EncodedSplit:
    """The split's rows in their order.

    A table is tokenized whole, in the order of its file, and the split's rows are taken out of it: the trials of a
    sweep take different rows of the same tables.

    Args:
        metric: of the dataset, by which labels must be told apart.
        templates: of the dataset; "predict" and "explain" replace the release's prefixes.
        with_rationale: whether the split is trained on, rationales included, if the trial has a use for these.
        with_choices: whether to give the rows' allowed answers.
        with_explain_inputs: whether to give what step-by-step generates rationales from.
        cache: keeps tables between trials, by content. Settings that change no token (seed, subsample, alpha, the
            learning rate) are no part of that, so the trials of a sweep share their tables.
        tokenizer_files: what the tokenizer was loaded from; without them nothing is kept.
    Raises: WorkerError (MODEL_INVALID) if rows have parts and the tokenizer has no end-of-sequence token; DataError
        for gold labels or choices that are something else as its tokens.
    """
    columns = Columns(
        split, tokenizer, dataset=settings.dataset, metric=metric, cache=cache, tokenizer_files=tokenizer_files
    )
    prefixes = {task: templates.get(task, prefix) for task, prefix in _PREFIXES.items()}
    max_length = settings.max_input_length
    choices = columns.choices() if with_choices else None
    if settings.model_type != "task_prefix":
        is_single_task = settings.model_type == "single_task" and with_rationale
        targets = columns.rationales_with_labels() if is_single_task else columns.labels()
        return EncodedSplit(EncodedTask(columns.inputs("", max_length=max_length), targets), None, choices)
    predict = EncodedTask(columns.inputs(prefixes["predict"], max_length=max_length), columns.labels())
    explain_inputs = None
    if with_rationale or with_explain_inputs:
        explain_inputs = columns.inputs(prefixes["explain"], max_length=max_length)
    explain = None
    if with_rationale and explain_inputs is not None:
        explain = EncodedTask(explain_inputs, columns.rationales())
    return EncodedSplit(predict, explain, choices, explain_inputs if with_explain_inputs else None)
