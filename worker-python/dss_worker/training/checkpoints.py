"""When a trial's checkpoints are written, and what becomes of a trial whose checkpoints cannot be."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from types import MappingProxyType

from safetensors import SafetensorError

from dss_worker.config import RunOptions
from dss_worker.training.checkpoint import Checkpoint, Identity
from dss_worker.training.checkpoint_folder import CheckpointFolder
from dss_worker.training.processes import ALONE, Processes
from dss_worker.training.shares import Divisions

# By time, saving takes at most one part in so many of a trial.
_COST_INVERSE = 50
_LEAST_INTERVAL_S = 30.0
# Of a disk that is not the fastest: what the first save is thought to take.
_BYTES_PER_SECOND = 200e6


def checkpoint_directory(run: RunOptions) -> Path | None:
    return None if run.directory is None else run.directory / "checkpoints"


class Checkpoints:
    """Every so many steps, or by time. Which steps are saved changes no result, nor does a save that fails."""

    def __init__(
        self, run: RunOptions, *, identity: Identity, now: Callable[[], float], processes: Processes = ALONE
    ) -> None:
        """`now`: seconds of a clock that never goes back."""
        directory = checkpoint_directory(run)
        self._folder = (
            None if directory is None else CheckpointFolder(directory, identity=identity, processes=processes)
        )
        self._every_steps = run.checkpoint_steps
        self._now = now
        self._next_save = 0.0
        # Of the newest checkpoint; 0: there is none.
        self.saved_step = 0

    def find(self, divisions: Divisions = MappingProxyType({})) -> Checkpoint | None:
        """Where to go on. `divisions`: of the weights, where this process has a part of each."""
        checkpoint = None if self._folder is None else self._folder.find(divisions)
        self.saved_step = 0 if checkpoint is None else checkpoint.step
        return checkpoint

    def begin(self, size_bytes: int) -> None:
        """Training begins; a checkpoint of so many bytes has not been timed yet."""
        self._next_save = self._now() + _interval_s(size_bytes / _BYTES_PER_SECOND)

    def is_due(self, step: int) -> bool:
        if self._folder is None or step == self.saved_step:
            return False
        return step % self._every_steps == 0 if self._every_steps > 0 else self._now() >= self._next_save

    def save(self, checkpoint: Checkpoint, divisions: Divisions = MappingProxyType({})) -> None:
        """If it fails, that is said on stdout, and the trial goes on without."""
        if self._folder is None:
            return
        started = self._now()
        try:
            self._folder.save(checkpoint, divisions)
            self.saved_step = checkpoint.step
        except (OSError, SafetensorError) as error:
            print(f"the checkpoint of step {checkpoint.step} could not be saved: {error}", flush=True)
        ended = self._now()
        self._next_save = ended + _interval_s(ended - started)


def _interval_s(save_s: float) -> float:
    return max(_LEAST_INTERVAL_S, _COST_INVERSE * save_s)
