"""What a trained model says when it is asked to explain: rationales for a split, kept as JSON lines."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
from transformers import PreTrainedTokenizerBase, T5ForConditionalGeneration

from dss_worker.config import TrialSettings
from dss_worker.data.answer import replace_file
from dss_worker.data.encode import MAX_TARGET_TOKENS, EncodedSplit, TokenTable
from dss_worker.errors import DataError
from dss_worker.training.encoded_rows import batches_by_length, encode_rows
from dss_worker.training.generate import generate_greedily, inference
from dss_worker.training.metrics import split_answer


def write_rationales(
    path: Path,
    *,
    model: T5ForConditionalGeneration,
    split: EncodedSplit,
    settings: TrialSettings,
    tokenizer: PreTrainedTokenizerBase,
    before_step: Callable[[], None] = lambda: None,
) -> None:
    """Generates a rationale and a prediction for every row and writes them, one object a line, in the split's order:

        {"row": 0, "input": "...", "rationale": "...", "prediction": "...", "label": "..."}

    Rows are numbered from 0. All texts are decoded, so they read as the tokenizer writes them. A single-task text
    without an answer is all rationale, and its prediction is null. The file is there whole or not at all.

    Args:
        split: with `explain_inputs` under step-by-step; the single-task method explains what it predicts from.
        before_step: called before every step of generation; may raise to end it all.
    Raises: DataError for a split or a method that explains nothing.
    """
    is_single_task = settings.model_type == "single_task"
    inputs = split.predict.inputs if is_single_task else split.explain_inputs
    if inputs is None:
        raise DataError(
            "output_rationale: the split has no inputs to explain", hint="only task_prefix and single_task do"
        )

    def texts(table: TokenTable, max_tokens: int) -> list[str]:
        return generate_texts(
            model,
            table,
            tokenizer=tokenizer,
            batch_size=settings.batch_size,
            max_tokens=max_tokens,
            before_step=before_step,
        )

    explanations = texts(inputs, MAX_TARGET_TOKENS)
    pairs: Sequence[tuple[str, str | None]]
    if is_single_task:
        pairs = [split_answer(text) for text in explanations]
    else:
        pairs = list(zip(explanations, texts(split.predict.inputs, settings.gen_max_len - 1), strict=True))
    asked, labels = (_decoded(table, tokenizer) for table in (split.predict.inputs, split.predict.targets))
    lines = (
        {"row": row, "input": question, "rationale": rationale, "prediction": prediction, "label": label}
        for row, (question, (rationale, prediction), label) in enumerate(zip(asked, pairs, labels, strict=True))
    )
    path.parent.mkdir(parents=True, exist_ok=True)
    replace_file(path, "".join(json.dumps(line, ensure_ascii=False) + "\n" for line in lines).encode())


def generate_texts(
    model: T5ForConditionalGeneration,
    inputs: TokenTable,
    *,
    tokenizer: PreTrainedTokenizerBase,
    batch_size: int,
    max_tokens: int,
    before_step: Callable[[], None] = lambda: None,
) -> list[str]:
    """Greedy generations, special tokens left out, in the order of the inputs.

    Args:
        batch_size: rows in memory at a time if they are the longest; more if they are shorter.
        max_tokens: of a text, the end token included.
    """
    lengths = inputs.lengths
    texts = [""] * len(inputs)
    outputs = np.full_like(lengths, max_tokens)
    with inference(model):
        for rows in batches_by_length(lengths, outputs, tokens=batch_size * (int(lengths.max()) + max_tokens)):
            before_step()
            encoded = encode_rows(model, inputs, rows)
            generated = generate_greedily(
                model,
                [encoded.of(place) for place in range(len(rows))],
                max_tokens=max_tokens,
                before_step=before_step,
            )
            for row, tokens in zip(rows.tolist(), generated, strict=True):
                texts[row] = _decode(tokens, tokenizer)
    return texts


def _decoded(table: TokenTable, tokenizer: PreTrainedTokenizerBase) -> list[str]:
    return [_decode(table.row(row).tolist(), tokenizer) for row in range(len(table))]


def _decode(tokens: list[int], tokenizer: PreTrainedTokenizerBase) -> str:
    return str(tokenizer.decode(tokens, skip_special_tokens=True))
