"""Reads the files of a dataset as training reads them, but goes on after what is wrong."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from itertools import repeat
from pathlib import Path
from typing import TypeVar

from dss_worker.config import DatasetSource, Teacher
from dss_worker.data.check_notes import Note
from dss_worker.data.dataset_files import DatasetFiles, SplitName
from dss_worker.data.datasets import reader_of, with_output
from dss_worker.data.parse import WrongRow, parse_lines, parse_outputs, text_of
from dss_worker.data.release_layout import check_alignment, part_of
from dss_worker.data.rows import Row
from dss_worker.data.teacher import TeacherOutput, read_teacher_text
from dss_worker.errors import DataError

T = TypeVar("T")
JsonObject = dict[str, object]
# None for a wrong one, so that rows and a teacher's outputs still line up.
Rows = Sequence[Row | None]


@dataclass(slots=True)
class Findings:
    """What is known of a dataset so far."""

    splits: list[JsonObject] = field(default_factory=list)
    teachers: list[JsonObject] = field(default_factory=list)
    files: list[JsonObject] = field(default_factory=list)
    notes: list[Note] = field(default_factory=list)
    problems: list[DataError] = field(default_factory=list)
    wrong_rows: list[WrongRow] = field(default_factory=list)


@dataclass(frozen=True, slots=True, kw_only=True)
class Reader:
    """Reads the files of a dataset; what is wrong goes to the findings, and the rest goes on."""

    root: Path
    name: str
    files: DatasetFiles
    findings: Findings

    def rows(self, path: str, split: SplitName) -> Rows:
        """Rows in the order of the file; None for a wrong one, so that rows and outputs still line up."""
        files = self.files
        source = DatasetSource(
            directory=self.root,
            layout=files.layout,
            files=(),
            metric=files.metric,
            fields=files.fields,
            templates=files.templates,
            choices=files.choices,
        )
        reader = reader_of(source, part_of(self.name, path), role=split)
        return self._keep_right(parse_lines(self._content(path, split), path, reader))

    def rows_by_teacher(
        self, split: SplitName, by_path: Mapping[str, Rows]
    ) -> Iterator[tuple[Teacher | None, list[Row]]]:
        """Per teacher, the rows that it has an output for, with the output. None: a folder's nameless teacher."""
        for teacher, fields in self.files.teacher_fields.items():
            own = [row for path, rows in by_path.items() for row in self._taught(path, split, rows, teacher, fields)]
            if own:
                yield teacher, own
        for (teacher, of), paths in self.files.teachers.items():
            if of != split:
                continue
            try:
                pairs = [
                    pair for path, rows in by_path.items() for pair in self._pairs(path, split, rows, teacher, paths)
                ]
            except DataError as error:
                self.findings.problems.append(error)
                continue
            yield teacher, [with_output(row, output) for row, output in pairs if row and output]

    def _pairs(
        self, path: str, split: SplitName, rows: Rows, teacher: Teacher, paths: Sequence[str]
    ) -> list[tuple[Row | None, TeacherOutput | None]]:
        """Rows of a file in the release's layout, with the outputs that are its own among a dataset's.

        Raises: DataError if they do not line up.
        """
        own = [each for each in paths if part_of(self.name, each) == part_of(self.name, path)]
        outputs = [output for each in own for output in self._outputs(each, teacher)]
        check_alignment(own[0], split, rows=len(rows), outputs=len(outputs))
        return list(zip(rows, outputs, strict=False))

    def _taught(
        self, path: str, split: SplitName, rows: Rows, teacher: Teacher | None, fields: Mapping[str, str]
    ) -> list[Row]:
        """Rows of a file in layout "folder" with what a teacher says in their fields."""
        columns = {of: self._column(path, split, rows, teacher, name) for of, name in fields.items()}
        rationales, labels = (columns.get(of) or repeat(None) for of in ("rationale", "llm_label"))
        taught = (
            replace(row, rationale=rationale, teacher_label=label)
            for row, rationale, label in zip(rows, rationales, labels, strict=False)
            if row
        )
        return [row for row in taught if row.rationale is not None or row.teacher_label is not None]

    def _column(
        self, path: str, split: SplitName, rows: Rows, teacher: Teacher | None, name: str
    ) -> list[str | None] | None:
        """A field of a file's rows; None if it is in none of them. What trains on it needs it in every row of train."""
        content = (self.root / path).read_bytes()
        if not any(found is True for found in parse_lines(content, path, lambda row: row.get(name) is not None)):
            if split == "train" and teacher is not None:
                said = f'{path}: no row has the field "{name}" that dataset.yaml names for the teacher {teacher}'
                self.findings.problems.append(DataError(said))
            return None
        texts: list[str | None] = []
        # A row that is wrong anyway has been found before.
        for row, found in zip(rows, parse_lines(content, path, partial(text_of, name=name)), strict=True):
            if isinstance(found, WrongRow) and row and split == "train":
                self.findings.wrong_rows.append(found)
            texts.append(None if isinstance(found, WrongRow) else found)
        return texts

    def _outputs(self, path: str, teacher: Teacher) -> list[TeacherOutput | None]:
        content = self._content(path, "teacher")
        read = partial(read_teacher_text, part_of(self.name, path), teacher)
        return self._keep_right(parse_outputs(content, path, read))

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
