"""dss-import.json: what a converted model was made from, and what of it was checked."""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

RECORD = "dss-import.json"
VERSION = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class HashedFile:
    path: str
    sha256: str
    size_bytes: int

    @classmethod
    def of(cls, directory: Path, path: str) -> HashedFile:
        with (directory / path).open("rb") as file:
            digest = hashlib.file_digest(file, "sha256").hexdigest()
        return cls(path=path, sha256=digest, size_bytes=(directory / path).stat().st_size)


@dataclass(frozen=True, slots=True, kw_only=True)
class ImportRecord:
    # A hub model's; None for a directory's.
    name: str | None
    # The commit.
    revision: str | None
    # The pickled weights.
    source: tuple[HashedFile, ...]
    # All that was written.
    files: tuple[HashedFile, ...]
    tensors: int
    parameters: int
    # As stored: training makes them float32.
    dtypes: tuple[str, ...]
    # Tensors of the source that are no part of a T5.
    left_out: tuple[str, ...]
    # Whether the output layer is another than the input embedding.
    has_output_layer: bool
    # "namespace": the process that read the pickles had no network; "settings": its libraries had been told so.
    isolation: str

    def write(self, directory: Path) -> None:
        text = json.dumps({"version": VERSION, **asdict(self)}, indent=2)
        (directory / RECORD).write_text(text + "\n", encoding="utf-8")

    @classmethod
    def read(cls, directory: Path) -> ImportRecord | None:
        """None where there is no record, or one that this version does not understand."""
        try:
            value: dict[str, Any] = json.loads((directory / RECORD).read_text(encoding="utf-8"))
            if value.pop("version") != VERSION:
                return None
            for field in ("source", "files"):
                value[field] = tuple(HashedFile(**file) for file in value[field])
            for field in ("dtypes", "left_out"):
                value[field] = tuple(value[field])
            return cls(**value)
        except (OSError, ValueError, TypeError, KeyError, AttributeError):
            return None

    def is_whole(self, directory: Path) -> bool:
        """Whether every file is there, by its size."""
        paths = [(directory / file.path, file.size_bytes) for file in self.files]
        return all(path.is_file() and path.stat().st_size == size for path, size in paths)
