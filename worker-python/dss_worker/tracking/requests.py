"""What the control plane's side asks to be written."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

State = Literal["succeeded", "failed", "cancelled"]
Value = str | int | float


@dataclass(frozen=True, slots=True, kw_only=True)
class Begin:
    """A run from its beginning; what of an earlier one lies at its place goes."""

    # Trials of one cell share it.
    group: str
    name: str
    # Of the trial; empty: none is known.
    trial_id: str
    config: Mapping[str, Value]
    # Seconds since 1970.
    started: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Point:
    """One number of a curve."""

    key: str
    step: int
    value: float
    # Seconds since 1970.
    at: float


@dataclass(frozen=True, slots=True, kw_only=True)
class End:
    """A run that gets no more points."""

    state: State
    # Seconds since 1970.
    ended: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Settle:
    """All of it is there, as it stands."""

    id: str
    standing: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """In the order of the fields."""

    # Relative to the directory, with forward slashes.
    run: str
    begin: Begin | None
    points: tuple[Point, ...]
    end: End | None
    settle: Settle | None


def parse(line: str) -> Request:
    """Both sides are of one version: what has another shape is a mistake of ours, and raises as such."""
    value: dict[str, Any] = json.loads(line)
    begin, end, settle = value.get("begin"), value.get("end"), value.get("settle")
    return Request(
        run=value["run"],
        begin=None if begin is None else Begin(**begin),
        # JSON has no word for NaN and the infinities: they come as text, which float() knows.
        points=tuple(
            Point(key=key, step=int(step), value=float(number), at=float(at))
            for key, step, number, at in value.get("points", [])
        ),
        end=None if end is None else End(**end),
        settle=None if settle is None else Settle(**settle),
    )
