"""How weights are divided among the processes that have a model together.

Tensor ranks divide what a layer computes: heads, columns of the feed-forward layer, tokens of the vocabulary. What is
left of a weight then, shard ranks divide by its rows, as FSDP2 does: equally many each, but for the last.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any, Literal, NamedTuple

from dss_worker.training.collate import ALL_ROWS, RowShare


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Which part of each weight is a process's."""

    shard: RowShare
    tensor: RowShare


WHOLE = Place(shard=ALL_ROWS, tensor=ALL_ROWS)


class Part(NamedTuple):
    """Of a weight; one of one dimension has one column."""

    rows: range
    columns: range

    def within(self, other: Part) -> Part | None:
        """Where the other has what both have, counted from its first row and column; None: nowhere."""
        rows, columns = _within(self.rows, other.rows), _within(self.columns, other.columns)
        return Part(rows, columns) if rows and columns else None


@dataclass(frozen=True, slots=True, kw_only=True)
class Division:
    """Of one weight."""

    # Of the whole weight; columns 1 where it has one dimension.
    rows: int
    columns: int = 1
    # The dimension that tensor ranks divide; None: each has all of it.
    along: Literal[0, 1] | None = None
    # Shard ranks have a part of it each, and not all.
    is_sharded: bool = True

    def part(self, place: Place) -> Part:
        rows, columns = range(self.rows), range(self.columns)
        if self.along == 0:
            rows = rows_of(place.tensor, self.rows)
        elif self.along == 1:
            columns = rows_of(place.tensor, self.columns)
        if self.is_sharded:
            ours = rows_of(place.shard, len(rows))
            rows = range(rows.start + ours.start, rows.start + ours.stop)
        return Part(rows, columns)

    def to_json(self) -> dict[str, Any]:
        return asdict(self)

    @classmethod
    def from_json(cls, value: Mapping[str, Any]) -> Division:
        """Raises: TypeError for another version's."""
        return cls(**value)


# By name, the weights that are divided.
Divisions = Mapping[str, Division]


def rows_of(share: RowShare, rows: int) -> range:
    """Which rows of so many are the share's; where there are fewer rows than processes, the last have none."""
    each = -(-rows // share.of)
    return range(min(share.index * each, rows), min((share.index + 1) * each, rows))


def _within(ours: range, theirs: range) -> range:
    start, stop = max(ours.start, theirs.start), min(ours.stop, theirs.stop)
    return range(start - theirs.start, max(start, stop) - theirs.start)
