"""The tensors of a checkpoint that several processes wrote, each its part, for another number of processes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import torch
from safetensors import safe_open
from torch import Tensor

from dss_worker.training.collate import RowShare
from dss_worker.training.shares import rows_of

# By name, the rows of each whole weight that is divided.
Rows = Mapping[str, int]

_MODEL, _SELECTED, _OPTIMIZER, _RANDOM = "model/", "selected/", "stepper/optimizer/", "stepper/random-"


class Parts:
    def __init__(self, folder: Path, names: Sequence[str], divided: Rows) -> None:
        """
        Args:
            names: of the files, in the order of the processes that wrote them.
            divided: by name, the rows of each whole weight that was divided among them, or is to be now.
        """
        self._folder = folder
        self._names = names
        self._divided = divided

    def needed(self, share: RowShare) -> list[str]:
        """The files that a process reads: where its rows are, and its own of what each process has one of."""
        places = {self._place(share)}
        for rows in self._divided.values():
            places |= self._overlaps(rows_of(share, rows), rows).keys()
        return [self._names[place] for place in sorted(places)]

    def read(self, share: RowShare) -> dict[str, Tensor]:
        """All tensors, as far as they are the share's. Random states only where each writer has one reader."""
        with ExitStack() as open_files:

            def opened(place: int) -> Any:  # noqa: ANN401
                return open_files.enter_context(safe_open(self._folder / self._names[place], framework="pt"))

            files = {place: opened(place) for place in map(self._names.index, self.needed(share))}
            own = files[self._place(share)]
            tensors: dict[str, Tensor] = {}
            for name in own.keys():  # noqa: SIM118 - it is no dictionary
                if name.startswith(_RANDOM) and share.of != len(self._names):
                    continue
                rows = self._rows(name) if own.get_slice(name).get_shape() else None
                tensors[name] = own.get_tensor(name) if rows is None else self._join(files, name, rows, share)
            return tensors

    def _join(self, files: Mapping[int, Any], name: str, rows: int, share: RowShare) -> Tensor:
        overlaps = self._overlaps(rows_of(share, rows), rows)
        if not overlaps:
            none: Tensor = files[self._place(share)].get_slice(name)[0:0]
            return none
        slices = [files[place].get_slice(name)[part.start : part.stop] for place, part in sorted(overlaps.items())]
        return torch.cat(slices)

    def _overlaps(self, ours: range, rows: int) -> dict[int, range]:
        """By file, which of its own rows are among ours."""
        found = {}
        for place in range(len(self._names)):
            theirs = rows_of(RowShare(index=place, of=len(self._names)), rows)
            start, stop = max(ours.start, theirs.start), min(ours.stop, theirs.stop)
            if start < stop:
                found[place] = range(start - theirs.start, stop - theirs.start)
        return found

    def _place(self, share: RowShare) -> int:
        return min(share.index, len(self._names) - 1)

    def _rows(self, tensor: str) -> int | None:
        """None: each process had all of it."""
        for prefix in (_MODEL, _SELECTED):
            if tensor.startswith(prefix):
                return self._divided.get(tensor.removeprefix(prefix))
        if tensor.startswith(_OPTIMIZER):
            return self._divided.get(tensor.removeprefix(_OPTIMIZER).rpartition("/")[0])
        return None
