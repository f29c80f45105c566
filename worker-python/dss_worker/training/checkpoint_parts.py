"""The tensors of a checkpoint that several processes wrote, each its part, for processes that divide them otherwise."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import torch
from safetensors import safe_open
from torch import Tensor

from dss_worker.training.collate import RowShare
from dss_worker.training.shares import Division, Divisions, Part, Place

_MODEL, _SELECTED, _OPTIMIZER, RANDOM = "model/", "selected/", "stepper/optimizer/", "stepper/random-"
# Of the optimizer's tensors of a weight, those that are as large as it, and Adafactor's, of its rows and its columns.
_ALIKE, _OF_ROWS, _OF_COLUMNS = ("exp_avg", "exp_avg_sq", "variance"), "row_variance", "column_variance"


@dataclass(frozen=True, slots=True, kw_only=True)
class Writers:
    """The processes that wrote a checkpoint, or that read one: in the order of their ranks."""

    copies: int = 1
    shards: int = 1
    tensors: int = 1

    @property
    def count(self) -> int:
        return self.copies * self.holders

    @property
    def holders(self) -> int:
        """Of a copy of the weights, which come first."""
        return self.shards * self.tensors

    def places(self) -> Iterator[Place]:
        for number in range(self.holders):
            shard, tensor = divmod(number, self.tensors)
            yield Place(shard=RowShare(index=shard, of=self.shards), tensor=RowShare(index=tensor, of=self.tensors))

    def to_json(self) -> dict[str, int]:
        return asdict(self)


class Parts:
    def __init__(self, folder: Path, names: Sequence[str], writers: Writers, divisions: Divisions) -> None:
        """
        Args:
            names: of the files, in the order of the processes that wrote them.
            divisions: of every weight, if more than one process wrote or is to read.
        """
        self._folder = folder
        self._names = names
        self._writers = writers
        self._divisions = divisions
        self._places = list(writers.places())

    def needed(self, place: Place, rank: int, readers: Writers) -> list[str]:
        """The files that a process reads: where its part of the weights is, and its own random state."""
        if readers == self._writers:
            return [self._names[each] for each in sorted({rank % readers.holders, rank})]
        # The first for what is no weight's.
        numbers = {0}
        for division in self._divisions.values():
            numbers |= self._overlaps(division, division.part(place)).keys()
        return [self._names[each] for each in sorted(numbers)]

    def read(self, place: Place, rank: int, readers: Writers) -> dict[str, Tensor]:
        """All tensors, as far as they are the process's. Random states only where each writer has one reader.

        Raises: ValueError for a state of the optimizer that cannot be divided otherwise.
        """
        with ExitStack() as open_files:
            files = {
                name: open_files.enter_context(safe_open(self._folder / name, framework="pt"))
                for name in self.needed(place, rank, readers)
            }
            if readers == self._writers:
                own, ours = files[self._names[rank]], files[self._names[rank % readers.holders]]
                weights = {name: ours.get_tensor(name) for name in ours.keys() if not name.startswith(RANDOM)}  # noqa: SIM118
                return weights | {name: own.get_tensor(name) for name in own.keys() if name.startswith(RANDOM)}  # noqa: SIM118
            first = files[self._names[0]]
            tensors: dict[str, Tensor] = {}
            for name in first.keys():  # noqa: SIM118 - it is no dictionary
                if name.startswith(RANDOM):
                    continue
                division = self._division(name) if first.get_slice(name).get_shape() else None
                whole = division is None
                tensors[name] = first.get_tensor(name) if whole else self._join(files, name, division, place)
            return tensors

    def _join(self, files: Mapping[str, Any], name: str, division: Division | None, place: Place) -> Tensor:
        assert division is not None
        ours = division.part(place)
        example = files[self._names[0]].get_slice(name)
        is_flat = len(example.get_shape()) == 1
        joined: Tensor | None = None
        for number, theirs in self._overlaps(division, ours).items():
            source, target = ours.within(theirs), theirs.within(ours)
            assert source is not None
            assert target is not None
            piece = files[self._names[number]].get_slice(name)[_index(source, is_flat=is_flat)]
            if joined is None:
                shape = (len(ours.rows),) if is_flat else (len(ours.rows), len(ours.columns))
                joined = torch.empty(shape, dtype=piece.dtype)
            joined[_index(target, is_flat=is_flat)] = piece
        if joined is not None:
            return joined
        none: Tensor = example[0:0]
        return none if is_flat else none.new_empty((0, len(ours.columns)))

    def _overlaps(self, division: Division, ours: Part) -> dict[int, Part]:
        """By file, what its writer had of the weight, if any of it is ours."""
        theirs = {number: division.part(place) for number, place in enumerate(self._places)}
        return {number: part for number, part in theirs.items() if ours.within(part) is not None}

    def _division(self, tensor: str) -> Division | None:
        """None: each process had all of it.

        Raises: ValueError for a state that belongs to its part as a whole, as moments in 8 bits do.
        """
        for prefix in (_MODEL, _SELECTED):
            if tensor.startswith(prefix):
                return self._divisions.get(tensor.removeprefix(prefix))
        weight, _, what = tensor.removeprefix(_OPTIMIZER).rpartition("/")
        division = self._divisions.get(weight)
        if division is None:
            raise ValueError(f"{tensor} was of another number of processes, which nobody can go on with")
        if what in _ALIKE:
            return division
        along = division.along
        if what == _OF_ROWS:
            return replace(division, columns=1, along=0 if along == 0 else None)
        if what == _OF_COLUMNS:
            return Division(rows=division.columns, along=0 if along == 1 else None, is_sharded=False)
        raise ValueError(f"{tensor} is the state of an optimizer that nobody knows")


def _index(part: Part, *, is_flat: bool) -> slice | tuple[slice, slice]:
    rows = slice(part.rows.start, part.rows.stop)
    return rows if is_flat else (rows, slice(part.columns.start, part.columns.stop))
