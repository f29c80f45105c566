"""Offline runs of Weights & Biases, by its own package; `wandb sync` sends them when somebody wants that.

A run's id is its trial's: sent twice, it is the same run there.
"""

from __future__ import annotations

import os
import shutil
from collections import defaultdict
from pathlib import Path
from typing import Any

from dss_worker.data.answer import Refused
from dss_worker.tracking.marks import NAME, read_marks, write_mark
from dss_worker.tracking.requests import Begin, Point, Request

# Before the import: it looks at its environment then, and nothing may go out.
os.environ.update(WANDB_MODE="offline", WANDB_SILENT="true", WANDB_ERROR_REPORTING="false")
try:
    import wandb
except ImportError as error:
    raise Refused("PACKAGE_MISSING", f"W&B's runs need its package: {error}", "pip install wandb") from error


class WandbWriter:
    """One run at a time, whole: only trials that have ended come here."""

    def __init__(self, directory: Path, project: str) -> None:
        self._directory = directory
        self._project = project

    def settled(self) -> dict[str, str]:
        return read_marks(path.parent for path in self._directory.glob(f"wandb/offline-run-*/{NAME}"))

    def write(self, request: Request) -> None:
        if request.begin is not None and request.end is not None:
            self._write_run(request.begin, request.points, failed=request.end.state != "succeeded")
        if request.settle is not None:
            for folder in self._folders(request.settle.id):
                write_mark(folder, request.settle)

    def close(self) -> None:
        pass

    def _folders(self, trial_id: str) -> list[Path]:
        return list(self._directory.glob(f"wandb/offline-run-*-{trial_id}"))

    def _write_run(self, begin: Begin, points: tuple[Point, ...], *, failed: bool) -> None:
        for folder in self._folders(begin.trial_id):
            shutil.rmtree(folder)
        self._directory.mkdir(parents=True, exist_ok=True)
        run = wandb.init(
            mode="offline",
            dir=str(self._directory),
            project=self._project,
            id=begin.trial_id,
            group=begin.group,
            name=begin.name,
            config=dict(begin.config),
            # Of this process, which trains nothing, there is nothing worth knowing.
            settings=wandb.Settings(console="off", disable_git=True, disable_code=True, x_disable_stats=True),
        )
        rows: defaultdict[int, dict[str, Any]] = defaultdict(dict)
        for point in points:
            rows[point.step][point.key] = point.value
        for step in sorted(rows):
            run.log(rows[step], step=step)
        run.finish(exit_code=1 if failed else 0)
