"""From a trial's files to its training, validation and test rows.

The order of the steps is the release's and decides which rows a trial trains on: read, cut to the teacher's outputs,
subsample, split the validation rows off, and only then take the teacher's labels, so that validation stays gold.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Sequence
from dataclasses import replace
from functools import partial
from typing import TypeVar

import numpy as np

from dss_worker.config import DatasetSource, SourceFile, Teacher, TrialSettings
from dss_worker.data.bounded_cache import BoundedCache
from dss_worker.data.formats import RELEASE_READERS, RowReader, folder_reader
from dss_worker.data.parse import WrongRow, parse_lines, parse_outputs
from dss_worker.data.release_layout import check_alignment, part_of, parts_of
from dss_worker.data.rows import Index, Row, RowTable, Split, Splits, split_rows
from dss_worker.data.teacher import TeacherOutput, read_teacher_text
from dss_worker.errors import DataError

T = TypeVar("T")

VALID_FRACTION = 0.1
VALID_SEED = 0


def load_splits(
    dataset: DatasetSource, settings: TrialSettings, *, tables: BoundedCache[RowTable] | None = None
) -> Splits:
    """The rows of a trial.

    Args:
        tables: keeps what was read, between trials, by the hashes of the files. Where it has a table, files are not
            looked at again: its rows are those of the planned content, whatever the files hold by now.
    Raises: DataError: DATASET_MISSING or DATASET_CHANGED for a file that is not as planned, DATASET_INVALID for
        what is in it, naming the first wrong row.
    """
    cache = row_table_cache() if tables is None else tables
    table = cache.get(_key(dataset, settings, "train"), lambda: _train_table(dataset, settings))
    index: Index = np.arange(len(table.rows))
    if settings.subsample < 1:
        kept, _ = split_rows(len(index), 1.0 - settings.subsample, settings.seed)
        index = index[kept]

    def whole(role: str) -> Split:
        found = cache.get(_key(dataset, settings, role), lambda: read_table(dataset, settings.dataset, role))
        return Split(table=found, index=np.arange(len(found.rows)))

    if dataset.paths("valid"):
        valid = whole("valid")
    else:
        kept, split_off = split_rows(len(index), VALID_FRACTION, VALID_SEED)
        valid = Split(table=table, index=index[split_off])
        index = index[kept]
    train = Split(table=table, index=index, label_type=settings.label_type)
    test = whole("test")
    _check_not_empty(train=train, valid=valid, test=test)
    return Splits(train=train, valid=valid, test=test)


def row_table_cache(max_bytes: int = 512 * 1024**2) -> BoundedCache[RowTable]:
    return BoundedCache(limit=max_bytes, size_of=lambda table: table.size_bytes)


def _key(dataset: DatasetSource, settings: TrialSettings, role: str) -> str:
    """Of everything that a table's rows, or a refusal to make them, depend on."""
    needed = _needed_fields(settings) if role == "train" else ()
    files = [file for file in dataset.files if file.role == role]
    if dataset.layout == "release" and needed:
        # All of an output is read, whatever part of it a trial needs.
        needed = ("output", settings.llm or "")
        files += [file for file in dataset.files if file.role == "teacher"]
    how = [dataset.layout, settings.dataset, sorted(dataset.fields.items()), dataset.templates.get("input")]
    return _digest([*how, dataset.choices, role, needed], files)


def _train_table(dataset: DatasetSource, settings: TrialSettings) -> RowTable:
    """Training rows, cut to those that a teacher has an output for if the trial reads these."""
    needed = _needed_fields(settings)
    if not needed or dataset.layout == "folder":
        return read_table(dataset, settings.dataset, "train", required=needed)
    # Each part is cut to its own outputs, or those of the next one would move to other rows.
    return _joined([_with_teacher(part, name, settings) for name, part in _parts(dataset, settings.dataset, "train")])


def _needed_fields(settings: TrialSettings) -> tuple[str, ...]:
    """What a trial trains on of the teacher's, as layout "folder" calls it."""
    rationale = ("rationale",) if settings.needs_rationales else ()
    return (*rationale, "llm_label") if settings.label_type == "llm" else rationale


def reader_of(dataset: DatasetSource, name: str, *, role: str, required: Sequence[str] = ()) -> RowReader:
    """How the lines of a dataset read.

    Args:
        name: the dataset's; in the layout of the release it decides.
        role: of the file; the answers that a dataset of layout "folder" allows are read with its test rows alone.
        required: of layout "folder", what a trial trains on of the teacher's.
    """
    if dataset.layout == "folder":
        return folder_reader(
            dataset.fields,
            dataset.templates,
            required=required,
            choices=dataset.choices,
            with_choices=role == "test",
        )
    if name not in RELEASE_READERS:
        known = ", ".join(RELEASE_READERS)
        raise DataError(f'expected one of {known} in the layout of the release, got "{name}"')
    return RELEASE_READERS[name]


def read_table(dataset: DatasetSource, name: str, role: str, *, required: Sequence[str] = ()) -> RowTable:
    """All rows of one role's files; `name` and `required` as in `reader_of`."""
    return _joined([_read_part(part, of, role, required=required) for of, part in _parts(dataset, name, role)])


def _parts(dataset: DatasetSource, name: str, role: str) -> list[tuple[str, DatasetSource]]:
    """What the rows of a role come from, by name, each with its own files; mostly the dataset alone."""
    if dataset.layout == "folder":
        return [(name, dataset)]
    files = {part: tuple(file for file in dataset.files if part_of(name, file.path) == part) for part in parts_of(name)}
    parts = [
        (part, replace(dataset, files=own)) for part, own in files.items() if any(file.role == role for file in own)
    ]
    return parts or [(name, dataset)]


def _joined(tables: Sequence[RowTable]) -> RowTable:
    if len(tables) == 1:
        return tables[0]
    return RowTable(
        rows=tuple(row for table in tables for row in table.rows),
        digest=_digest([table.digest for table in tables], []),
        teacher_digest=_digest([table.teacher_digest for table in tables], []),
    )


def _read_part(dataset: DatasetSource, name: str, role: str, *, required: Sequence[str] = ()) -> RowTable:
    reader = reader_of(dataset, name, role=role, required=required)
    files = [file for file in dataset.files if file.role == role]
    if not files:
        raise DataError(f"the trial has no {role} file", code="DATASET_MISSING", hint="submit the sweep again")
    rows = tuple(_right(row) for file in files for row in parse_lines(read_file(dataset, file), file.path, reader))
    digest = _digest([dataset.layout, name, *_named(dataset, "input", "label"), dataset.templates.get("input")], files)
    # A folder's teacher outputs are fields of the same rows.
    teacher_digest = _digest([digest, *_named(dataset, "rationale", "llm_label")], [])
    return RowTable(rows=rows, digest=digest, teacher_digest=teacher_digest)


def _named(dataset: DatasetSource, *fields: str) -> list[str | None]:
    return [dataset.fields.get(field) for field in fields]


def _with_teacher(dataset: DatasetSource, name: str, settings: TrialSettings) -> RowTable:
    """The first training rows with a teacher's outputs, as many as there are of these."""
    table = _read_part(dataset, name, "train")
    teacher = settings.llm
    files = [file for file in dataset.files if file.role == "teacher"]
    if teacher is None or not files:
        need = "rationales" if settings.needs_rationales else "labels"
        raise DataError(
            f'the trial trains on a teacher\'s {need}, and dataset "{name}" came without its outputs',
            code="DATASET_MISSING",
            hint="set llm to a teacher whose outputs are there; `dss data check` lists them",
        )
    outputs = [_right(output) for file in files for output in _outputs(dataset, file, name, teacher)]
    check_alignment(files[0].path, "train", rows=len(table.rows), outputs=len(outputs))
    rows = tuple(with_output(row, output) for row, output in zip(table.rows, outputs, strict=False))
    digest = table.digest if len(rows) == len(table.rows) else _digest([table.digest, len(rows)], [])
    return RowTable(rows=rows, digest=digest, teacher_digest=_digest([digest, teacher], files))


def with_output(row: Row, output: TeacherOutput) -> Row:
    return replace(row, rationale=output.rationale, teacher_label=output.label)


def _outputs(
    dataset: DatasetSource, file: SourceFile, name: str, teacher: Teacher
) -> Iterator[TeacherOutput | WrongRow]:
    return parse_outputs(read_file(dataset, file), file.path, partial(read_teacher_text, name, teacher))


def read_file(dataset: DatasetSource, file: SourceFile) -> bytes:
    """A file's content, which is what the trial was planned with: hashed and parsed are the same bytes."""
    path = dataset.directory / file.path
    try:
        content = path.read_bytes()
    except FileNotFoundError as error:
        raise DataError(
            f"there is no file at {path}", code="DATASET_MISSING", hint="the worker must see the datasets folder"
        ) from error
    except OSError as error:
        raise DataError(f"{path} cannot be read: {error.strerror}", code="DATASET_MISSING") from error
    if hashlib.sha256(content).hexdigest() != file.sha256:
        # Not what is there instead: whoever submits may name any file of this machine, and reads what comes of it.
        raise DataError(
            f"{path} has changed since the trial was planned: expected sha256 {file.sha256[:12]}…",
            code="DATASET_CHANGED",
            hint="`sha256sum` there says what it is now; submit the sweep again: other data are other trials",
        )
    return content


def _digest(how: Sequence[object], files: Sequence[SourceFile]) -> str:
    """Of what some files say, read in some way."""
    parts = [*how, [file.sha256 for file in files]]
    return hashlib.sha256(json.dumps(parts).encode()).hexdigest()


def _right(value: T | WrongRow) -> T:
    if isinstance(value, WrongRow):
        raise DataError(str(value), hint="`dss data check` lists every wrong row")
    return value


def _check_not_empty(**splits: Split) -> None:
    for name, split in splits.items():
        if not len(split):
            raise DataError(
                f"expected at least one {name} row after subsample and split, got none",
                hint="use more of the data, or a larger subsample",
            )
