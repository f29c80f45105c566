"""What goes wrong in a trial, as data: a code for machines, a message for people, a hint for the next step."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

FailureKind = Literal["user", "infrastructure", "lost", "preempted"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Failure:
    """Why an attempt did not succeed; `dss.v1.Failure` on the wire."""

    # For machines: UPPER_SNAKE_CASE.
    code: str
    # One line, for people.
    message: str
    # The next step; may be empty.
    hint: str = ""
    # Stack or last output, at most 16 KiB.
    detail: str = ""
    # user: the same again fails again. infrastructure: worth some attempts. lost: worth many.
    kind: FailureKind = "user"


class WorkerError(Exception):
    """Everything that we expect to go wrong; ends an attempt as a `Failure`."""

    def __init__(self, code: str, message: str, *, hint: str = "", kind: FailureKind = "user") -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.hint = hint
        self.kind: FailureKind = kind

    def to_failure(self, detail: str = "") -> Failure:
        return Failure(code=self.code, message=self.message, hint=self.hint, detail=detail, kind=self.kind)


class DataError(WorkerError):
    """Rows or files that cannot be trained on: DATASET_INVALID unless said otherwise."""

    def __init__(self, message: str, *, code: str = "DATASET_INVALID", hint: str = "") -> None:
        super().__init__(code, message, hint=hint)
