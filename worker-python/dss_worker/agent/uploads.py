"""What attempts send to the store: their checkpoints while they run, and in the end what is kept of them.

Training waits for none of it. Of checkpoints only the newest that waits matters. What is kept is sent before the result
is told, for as long as the lease is held.
"""

from __future__ import annotations

import asyncio
import json
import logging
import os
import secrets
import shutil
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Any

from dss_worker.agent.digests import digest_of
from dss_worker.agent.protocol import CheckpointReport, FinishedReport, Lease, Report, StoredFile
from dss_worker.agent.storage import Storage
from dss_worker.agent.store import StoreError
from dss_worker.agent.tasks import start_task
from dss_worker.messages import TrialResult

logger = logging.getLogger(__name__)

_KEPT = ("model", "rationales.jsonl")
_MANIFEST = "manifest.json"


class Uploads:
    def __init__(self, storage: Storage, *, report: Callable[[Report], None], on_change: Callable[[], None]) -> None:
        """`on_change`: fewer leases have something under way."""
        self._storage = storage
        self._report = report
        self._on_change = on_change
        self._tasks: dict[Lease, asyncio.Task[None]] = {}
        # The newest that waits.
        self._waiting: dict[Lease, _Snapshot] = {}

    @property
    def leases(self) -> tuple[Lease, ...]:
        """Those that have something under way."""
        return tuple(self._tasks)

    def takes(self, folder: Path) -> bool:
        """What a trial writes there is where the control plane cannot read."""
        return self._storage.is_own(folder)

    def checkpoint(self, lease: Lease, step: int, folder: Path) -> None:
        snapshot = _Snapshot.of(folder, step=step)
        if snapshot is None:
            return
        older = self._waiting.pop(lease, None)
        if older is not None:
            older.remove()
        self._waiting[lease] = snapshot
        if lease not in self._tasks:
            self._start(lease, self._send_checkpoints(lease))

    def finish(self, lease: Lease, result: TrialResult, folder: Path, *, after_checkpoints: bool) -> None:
        """Tells the result once what is kept is there; no checkpoint is needed then, unless it is to be kept too."""
        running = self._tasks.get(lease) if after_checkpoints else None
        if running is None:
            self._cancel(lease)
        self._start(lease, self._send_kept(lease, result, folder, running))

    def forget(self, lease: Lease) -> None:
        """Nobody wants it any more."""
        if self._cancel(lease):
            self._on_change()

    async def close(self) -> None:
        tasks = list(self._tasks.values())
        for lease in tuple(self._tasks):
            self._cancel(lease)
        await asyncio.gather(*tasks, return_exceptions=True)

    def _start(self, lease: Lease, work: Coroutine[Any, Any, None]) -> None:
        task = self._tasks[lease] = start_task(work)
        task.add_done_callback(lambda done: self._ended(lease, done))

    def _ended(self, lease: Lease, task: asyncio.Task[None]) -> None:
        if self._tasks.get(lease) is task:
            del self._tasks[lease]
            self._on_change()

    def _cancel(self, lease: Lease) -> bool:
        snapshot = self._waiting.pop(lease, None)
        if snapshot is not None:
            snapshot.remove()
        task = self._tasks.pop(lease, None)
        if task is not None:
            task.cancel()
        return task is not None

    async def _send_checkpoints(self, lease: Lease) -> None:
        while (snapshot := self._waiting.pop(lease, None)) is not None:
            try:
                files = await asyncio.to_thread(snapshot.describe)
                what = f"sending the checkpoint of step {snapshot.step}"
                pairs = [(snapshot.folder / file.path, file) for file in files]
                await self._storage.send(lease.trial_id, pairs, what=what)
                self._report(CheckpointReport(lease=lease, step=snapshot.step, path=snapshot.name, files=files))
            except (StoreError, OSError) as error:
                logger.warning("trial %s: checkpoint %s was not sent: %s", lease.trial_id, snapshot.name, error)
            finally:
                snapshot.remove()

    async def _send_kept(
        self, lease: Lease, result: TrialResult, folder: Path, before: asyncio.Task[None] | None
    ) -> None:
        if before is not None:
            await asyncio.wait({before})
        files: tuple[StoredFile, ...] = ()
        try:
            files = await asyncio.to_thread(_describe_kept, folder)
            pairs = [(folder / file.path, file) for file in files]
            if pairs and not self._storage.has_store:
                logger.warning("trial %s: what is kept of it stays in %s: there is no store", lease.trial_id, folder)
                self._report(FinishedReport(lease=lease, result=result))
                return
            if pairs:
                await self._storage.send(lease.trial_id, pairs, what="sending what is kept of the trial")
        except (StoreError, OSError) as error:
            # The control plane finds them missing, and has another attempt made.
            logger.warning("trial %s: what is kept of it was not sent: %s", lease.trial_id, error)
        self._report(FinishedReport(lease=lease, result=result, files=files))
        shutil.rmtree(folder, ignore_errors=True)


class _Snapshot:
    """A checkpoint's files under names of our own: training may remove its own at any time."""

    def __init__(self, folder: Path, *, name: str, step: int) -> None:
        self.folder = folder
        self.name = name
        self.step = step

    @classmethod
    def of(cls, checkpoint: Path, *, step: int) -> _Snapshot | None:
        folder = checkpoint.parent.parent / "sending" / f"{checkpoint.name}-{secrets.token_hex(4)}"
        try:
            folder.mkdir(parents=True)
            for path in checkpoint.iterdir():
                os.link(path, folder / path.name)
        except OSError as error:
            logger.warning("checkpoint %s is not sent: %s", checkpoint.name, error)
            shutil.rmtree(folder, ignore_errors=True)
            return None
        return cls(folder, name=checkpoint.name, step=step)

    def describe(self) -> tuple[StoredFile, ...]:
        """As its manifest says; what that does not name is hashed. Raises: OSError."""
        named = _manifest_of(self.folder / _MANIFEST)
        return tuple(
            StoredFile(path=path.name, sha256=named.get(path.name) or digest_of(path), size_bytes=path.stat().st_size)
            for path in sorted(self.folder.iterdir())
        )

    def remove(self) -> None:
        shutil.rmtree(self.folder, ignore_errors=True)


def _manifest_of(path: Path) -> dict[str, str]:
    try:
        files = json.loads(path.read_text(encoding="utf-8"))["files"]
        return {name: str(each["sha256"]) for name, each in files.items()}
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return {}


def _describe_kept(folder: Path) -> tuple[StoredFile, ...]:
    paths = [path for name in _KEPT for path in sorted([folder / name, *(folder / name).rglob("*")]) if path.is_file()]
    return tuple(
        StoredFile(path=path.relative_to(folder).as_posix(), sha256=digest_of(path), size_bytes=path.stat().st_size)
        for path in paths
    )
