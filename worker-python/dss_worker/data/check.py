"""What is in a dataset, and what is wrong with it, read exactly as training reads it.

`python -m dss_worker.data.check` reads `{"root", "names", "model"}` (a path, names of datasets, a model directory or
null) on stdin and writes one JSON document on stdout: `{"root", "datasets": [...]}` or `{"error": {...}}`. What is
wrong with one dataset stands in its `problems` and `wrong_rows`, and the others are still looked at.
"""

from __future__ import annotations

import hashlib
import sys
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

import numpy as np

from dss_worker.config import DatasetSource, Metric, Teacher
from dss_worker.data.answer import Refused, answer
from dss_worker.data.dataset_files import DatasetFiles, SplitName
from dss_worker.data.datasets import reader_of, with_output
from dss_worker.data.equation import equal_values
from dss_worker.data.layout import find_dataset
from dss_worker.data.parse import WrongRow, parse_lines, parse_outputs
from dss_worker.data.release_layout import check_alignment
from dss_worker.data.rows import Row
from dss_worker.data.teacher import TeacherOutput, read_teacher_text
from dss_worker.data.tokens import tokenize
from dss_worker.errors import DataError

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerBase

T = TypeVar("T")
JsonObject = dict[str, object]

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
    findings = _Findings()
    files = None
    try:
        files = find_dataset(root, name)
        _look_at(_Reader(root=root, name=name, files=files, findings=findings), tokenizer)
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
        "problems": [{"code": each.code, "message": each.message, "hint": each.hint} for each in findings.problems],
        "wrong_rows": {
            "count": len(findings.wrong_rows),
            "shown": [
                {"where": row.where, "message": row.message} for row in findings.wrong_rows[:MAX_WRONG_ROWS_SHOWN]
            ],
        },
    }


@dataclass(slots=True)
class _Findings:
    """What is known of a dataset so far."""

    splits: list[JsonObject] = field(default_factory=list)
    teachers: list[JsonObject] = field(default_factory=list)
    files: list[JsonObject] = field(default_factory=list)
    problems: list[DataError] = field(default_factory=list)
    wrong_rows: list[WrongRow] = field(default_factory=list)


def _look_at(reader: _Reader, tokenizer: PreTrainedTokenizerBase | None) -> None:
    findings, files = reader.findings, reader.files
    for path in files.missing:
        hint = f"a sweep needs it, below {reader.root}"
        findings.problems.append(DataError(f"there is no file {path}", code="DATASET_MISSING", hint=hint))
    for split in files.splits:
        rows = reader.rows(split)
        if not rows:
            findings.problems.append(DataError(f"{files.splits[split]}: expected at least one row, got none"))
        findings.splits.append(_describe_split(split, rows, tokenizer))
        for teacher, own in reader.rows_by_teacher(split, rows):
            findings.teachers.append(_describe_teacher(teacher, split, own, files.metric, tokenizer))


@dataclass(frozen=True, slots=True, kw_only=True)
class _Reader:
    """Reads the files of a dataset; what is wrong goes to the findings, and the rest goes on."""

    root: Path
    name: str
    files: DatasetFiles
    findings: _Findings

    def rows(self, split: SplitName) -> list[Row | None]:
        """Rows in the order of the file; None for a wrong one, so that rows and outputs still line up."""
        files = self.files
        source = DatasetSource(
            directory=self.root,
            layout=files.layout,
            files=(),
            metric=files.metric,
            fields=files.fields,
            templates=files.templates,
        )
        path = files.splits[split]
        return self._keep_right(parse_lines(self._content(path, split), path, reader_of(source, self.name)))

    def rows_by_teacher(
        self, split: SplitName, rows: Sequence[Row | None]
    ) -> Iterator[tuple[Teacher | None, list[Row]]]:
        """Per teacher, the rows that it has an output for, with the output. None: a folder's own teacher."""
        own = [row for row in rows if row and (row.teacher_label is not None or row.rationale is not None)]
        if own:
            yield None, own
        for (teacher, of), paths in self.files.teachers.items():
            if of != split:
                continue
            try:
                outputs = [output for path in paths for output in self._outputs(path, teacher)]
                check_alignment(paths[0], split, rows=len(rows), outputs=len(outputs))
            except DataError as error:
                self.findings.problems.append(error)
                continue
            pairs = zip(rows, outputs, strict=False)
            yield teacher, [with_output(row, output) for row, output in pairs if row and output]

    def _outputs(self, path: str, teacher: Teacher) -> list[TeacherOutput | None]:
        content = self._content(path, "teacher")
        return self._keep_right(parse_outputs(content, path, partial(read_teacher_text, self.name, teacher)))

    def _content(self, path: str, role: str) -> bytes:
        content = (self.root / path).read_bytes()
        digest = hashlib.sha256(content).hexdigest()
        self.findings.files.append({"path": path, "role": role, "size_bytes": len(content), "sha256": digest})
        return content

    def _keep_right(self, values: Iterator[T | WrongRow]) -> list[T | None]:
        kept: list[T | None] = []
        for value in values:
            if isinstance(value, WrongRow):
                self.findings.wrong_rows.append(value)
            kept.append(None if isinstance(value, WrongRow) else value)
        return kept


def _describe_split(
    split: SplitName, rows: Sequence[Row | None], tokenizer: PreTrainedTokenizerBase | None
) -> JsonObject:
    right = [row for row in rows if row]
    labels = Counter(row.label for row in right)
    return {
        "split": split,
        "rows": len(rows),
        "distinct_labels": len(labels),
        "labels": [{"label": label, "rows": count} for label, count in labels.most_common(MAX_LABELS_SHOWN)],
        "tokens": tokenizer
        and {
            "input": _lengths([(tokenizer.eos_token or "").join(row.inputs) for row in right], tokenizer),
            "label": _lengths([row.label for row in right], tokenizer),
        },
    }


def _describe_teacher(
    teacher: Teacher | None,
    split: SplitName,
    rows: Sequence[Row],
    metric: Metric,
    tokenizer: PreTrainedTokenizerBase | None,
) -> JsonObject:
    labels = [(row.teacher_label, row.label) for row in rows if row.teacher_label is not None]
    right = sum(equal_values(*pair) if metric == "equation" else pair[0] == pair[1] for pair in labels)
    rationales = [row.rationale for row in rows if row.rationale and row.rationale.strip()]
    return {
        "teacher": teacher,
        "split": split,
        "rows": len(rows),
        "label_accuracy": right / len(labels) if labels else None,
        "rationale_coverage": len(rationales) / len(rows) if rows else None,
        "tokens": tokenizer and {"rationale": _lengths(rationales, tokenizer)},
    }


def _lengths(texts: Sequence[str], tokenizer: PreTrainedTokenizerBase) -> Mapping[str, float] | None:
    """Tokens of the whole texts, end token included and prefix not; nothing is cut."""
    if not texts:
        return None
    lengths = tokenize(texts, tokenizer).lengths
    p50, p99 = np.percentile(lengths, [50, 99], method="inverted_cdf")
    return {"mean": float(lengths.mean()), "p50": int(p50), "p99": int(p99), "max": int(lengths.max())}


if __name__ == "__main__":
    sys.exit(answer(check_data))
