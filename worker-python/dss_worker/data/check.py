"""What is in a dataset, and what is wrong with it, read exactly as training reads it.

`python -m dss_worker.data.check` reads `{"root", "names", "model"}` (a path, names of datasets, a model directory or
null) on stdin and writes one JSON document on stdout: `{"root", "datasets": [...]}` or `{"error": {...}}`. What is
wrong with one dataset stands in its `problems` and `wrong_rows`, and the others are still looked at; what is allowed,
and seldom meant, in its `notes`.
"""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from dss_worker.config import Metric, Teacher
from dss_worker.data.answer import Refused, answer
from dss_worker.data.check_files import Findings, JsonObject, Reader, Rows
from dss_worker.data.check_notes import notes_on
from dss_worker.data.columns import MAX_TARGET_TOKENS
from dss_worker.data.dataset_files import SplitName
from dss_worker.data.equation import equal_values
from dss_worker.data.label_tokens import check_choices, check_labels
from dss_worker.data.layout import find_dataset
from dss_worker.data.rows import Row
from dss_worker.data.tokens import count_tokens, tokenize
from dss_worker.errors import DataError

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerBase

MAX_LABELS_SHOWN = 10
MAX_WRONG_ROWS_SHOWN = 50


def check_data(request: dict[str, object]) -> dict[str, object]:
    """Looks at each dataset named.

    Raises: Refused (MODEL_INVALID) if the model directory has no tokenizer that can be loaded.
    """
    root, names, model = Path(str(request["root"])), request["names"], request["model"]
    if not isinstance(names, list):
        raise Refused("USAGE", f"names: expected an array, got {names!r}")
    tokenizer = None if model is None else _load_tokenizer(Path(str(model)))
    return {"root": str(root), "datasets": [check_dataset(root, str(name), tokenizer) for name in names]}


def _load_tokenizer(directory: Path) -> PreTrainedTokenizerBase:
    from transformers import AutoTokenizer, PreTrainedTokenizerBase  # takes seconds, and most checks need none

    if not directory.is_dir():
        raise Refused("MODEL_MISSING", f"there is no model directory at {directory}")
    try:
        tokenizer = AutoTokenizer.from_pretrained(str(directory), local_files_only=True, trust_remote_code=False)
    except (OSError, ValueError, KeyError, ImportError, TypeError) as error:
        first = str(error).strip().split("\n", 1)[0]
        hint = "a T5 model's directory holds spiece.model or tokenizer.json"
        raise Refused("MODEL_INVALID", f"{directory}: its tokenizer cannot be loaded: {first}", hint) from error
    if not isinstance(tokenizer, PreTrainedTokenizerBase):
        raise Refused("MODEL_INVALID", f"{directory}: its tokenizer is a {type(tokenizer).__name__}")
    return tokenizer


def check_dataset(root: Path, name: str, tokenizer: PreTrainedTokenizerBase | None = None) -> JsonObject:
    """One dataset below a datasets root."""
    findings = Findings()
    files = None
    try:
        files = find_dataset(root, name)
        _look_at(Reader(root=root, name=name, files=files, findings=findings), tokenizer)
    except DataError as error:
        findings.problems.append(error)
    except OSError as error:
        findings.problems.append(DataError(f"{error.filename} cannot be read: {error.strerror}"))
    return {
        "name": name,
        "layout": files and files.layout,
        "metric": files and files.metric,
        "splits": findings.splits,
        "teachers": findings.teachers,
        "files": findings.files,
        "notes": [{"message": note.message, "hint": note.hint} for note in findings.notes],
        "problems": [{"code": each.code, "message": each.message, "hint": each.hint} for each in findings.problems],
        "wrong_rows": {
            "count": len(findings.wrong_rows),
            "shown": [
                {"where": row.where, "message": row.message} for row in findings.wrong_rows[:MAX_WRONG_ROWS_SHOWN]
            ],
        },
    }


def _look_at(reader: Reader, tokenizer: PreTrainedTokenizerBase | None) -> None:
    findings, files = reader.findings, reader.files
    for path in files.missing:
        hint = f"a sweep needs it, below {reader.root}"
        findings.problems.append(DataError(f"there is no file {path}", code="DATASET_MISSING", hint=hint))
    right: dict[SplitName, list[Row]] = {}
    for split, paths in files.splits.items():
        by_path = {path: reader.rows(path, split) for path in paths}
        for path, rows in by_path.items():
            if not rows:
                findings.problems.append(DataError(f"{path}: expected at least one row, got none"))
        all_rows = [row for rows in by_path.values() for row in rows]
        right[split] = [row for row in all_rows if row]
        findings.splits.append(_describe_split(split, all_rows, tokenizer))
        if tokenizer is not None:
            findings.problems += _unsayable(split, right[split], files.metric, tokenizer)
        for teacher, own in reader.rows_by_teacher(split, by_path):
            findings.teachers.append(_describe_teacher(teacher, split, own, files.metric, tokenizer))
    findings.notes += notes_on(right, files.metric)


def _describe_split(split: SplitName, rows: Rows, tokenizer: PreTrainedTokenizerBase | None) -> JsonObject:
    right = [row for row in rows if row]
    labels = Counter(row.label for row in right)
    return {
        "split": split,
        "rows": len(rows),
        "distinct_labels": len(labels),
        "labels": [{"label": label, "rows": count} for label, count in labels.most_common(MAX_LABELS_SHOWN)],
        "tokens": tokenizer
        and {
            "input": _describe_tokens([(tokenizer.eos_token or "").join(row.inputs) for row in right], tokenizer),
            "label": _describe_tokens([row.label for row in right], tokenizer),
        },
    }


def _unsayable(
    split: SplitName, rows: Sequence[Row], metric: Metric, tokenizer: PreTrainedTokenizerBase
) -> Iterator[DataError]:
    """What a trial refuses of labels and choices as the model's tokens."""
    labels = list(dict.fromkeys(row.label for row in rows))
    choices = [each for each in dict.fromkeys(row.choices for row in rows) if each]
    texts = list(dict.fromkeys(text for each in choices for text in each))
    try:
        table = tokenize(labels, tokenizer, max_length=MAX_TARGET_TOKENS)
        check_labels(labels, table, tokenizer, metric=metric, place=split)
        table = tokenize(texts, tokenizer, max_length=MAX_TARGET_TOKENS)
        check_choices(choices, texts, table, tokenizer, place=split)
    except DataError as error:
        yield error


def _describe_teacher(
    teacher: Teacher | None,
    split: SplitName,
    rows: Sequence[Row],
    metric: Metric,
    tokenizer: PreTrainedTokenizerBase | None,
) -> JsonObject:
    labels = [(row.teacher_label, row.label) for row in rows if row.teacher_label is not None]
    # A model's answers have no white space at their ends either.
    right = sum(equal_values(*pair) if metric == "equation" else pair[0].strip() == pair[1].strip() for pair in labels)
    rationales = [row.rationale for row in rows if row.rationale and row.rationale.strip()]
    return {
        "teacher": teacher,
        "split": split,
        "rows": len(rows),
        "label_accuracy": right / len(labels) if labels else None,
        "rationale_coverage": len(rationales) / len(rows) if rows else None,
        # Tokens need a model, and words do not.
        "rationale_words": _summary(np.array([len(text.split()) for text in rationales], np.int64)),
        "tokens": tokenizer and {"rationale": _describe_tokens(rationales, tokenizer)},
    }


def _describe_tokens(texts: Sequence[str], tokenizer: PreTrainedTokenizerBase) -> Mapping[str, float] | None:
    """Tokens of the whole texts, prefix not included; nothing is cut. End tokens count in lengths, not in the share
    of tokens that are unknown to the vocabulary."""
    table = tokenize(texts, tokenizer)
    lengths = _summary(table.lengths)
    unknown, ends = (
        int(count_tokens(table, [token]).sum()) for token in (tokenizer.unk_token_id, tokenizer.eos_token_id)
    )
    return lengths and {**lengths, "unknown": unknown / max(1, len(table.ids) - ends)}


def _summary(lengths: npt.NDArray[np.int64]) -> Mapping[str, float] | None:
    if lengths.size == 0:
        return None
    p50, p99 = np.percentile(lengths, [50, 99], method="inverted_cdf")
    return {"mean": float(lengths.mean()), "p50": int(p50), "p99": int(p99), "max": int(lengths.max())}


if __name__ == "__main__":
    sys.exit(answer(check_data))
