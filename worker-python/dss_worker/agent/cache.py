"""Files by what is in them, on this machine: bounded, and shared by its workers.

    files/ab/abcd…   whole and checked; `.part` is on its way
    locks/abcd…      held by whoever fetches that file: the others wait, and then have it
    views/…          directories whose names lead to files, as a trial's source has them
    trials/ID        a trial's own folder, as long as it may go on here

Who uses a file or a trial's folder holds a shared lock on it (flock), which the system takes back however a process
ends. What nobody holds goes when there is no room, the longest unused first.
"""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import os
import secrets
import shutil
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

from dss_worker.agent.clock import Clock, sleep
from dss_worker.agent.digests import Digests
from dss_worker.agent.protocol import StoredFile
from dss_worker.errors import WorkerError

# Of its disk, what the cache leaves free.
SPARE_BYTES = 512 * 1024**2
_LOOK_AGAIN_S = 0.2
_PART = ".part"


@dataclass(frozen=True, slots=True)
class Pin:
    """Holds something in its place until it is let go."""

    descriptor: int

    def let_go(self) -> None:
        os.close(self.descriptor)


class FileCache:
    def __init__(self, root: Path, *, limit_bytes: int, clock: Clock, spare_bytes: int = SPARE_BYTES) -> None:
        """`root` need not be there."""
        self._root = root
        self._limit_bytes = limit_bytes
        self._spare_bytes = spare_bytes
        self._clock = clock
        self._digests = Digests()

    @property
    def root(self) -> Path:
        return self._root

    def path_of(self, sha256: str) -> Path:
        return self._root / "files" / sha256[:2] / sha256

    async def hold(self, file: StoredFile, fetch: Callable[[Path], Awaitable[None]]) -> Pin:
        """The file in its place. `fetch` fills a draft, which may hold its beginning; nobody else does so meanwhile.

        Raises: WorkerError (CACHE_FULL), OSError, what `fetch` raises.
        """
        path = self.path_of(file.sha256)
        while True:
            async with self._lock(file.sha256):
                pin = await self._take(file)
                if pin is not None:
                    return pin
                path.unlink(missing_ok=True)  # damaged, or cut short
                draft = path.with_name(path.name + _PART)
                draft.parent.mkdir(parents=True, exist_ok=True)
                came = draft.stat().st_size if draft.exists() else 0
                self._make_room(max(0, file.size_bytes - came))
                await fetch(draft)
                draft.rename(path)

    def view(self, files: Iterable[StoredFile]) -> Path:
        """A directory in which they have their names: one for the same files, so that a warm child knows it."""
        listed = sorted((file.path, file.sha256) for file in files)
        name = hashlib.sha256(repr(listed).encode()).hexdigest()[:32]
        target = self._root / "views" / name
        if target.is_dir():
            return target
        draft = target.with_name(f".{name}-{secrets.token_hex(4)}")
        for path, sha256 in listed:
            link = draft / path
            link.parent.mkdir(parents=True, exist_ok=True)
            link.symlink_to(self.path_of(sha256))
        with contextlib.suppress(OSError):  # another worker was first: its view is the same
            draft.rename(target)
        shutil.rmtree(draft, ignore_errors=True)
        return target

    def trial_folder(self, trial_id: str) -> tuple[Path, Pin]:
        folder = self._root / "trials" / trial_id
        folder.mkdir(parents=True, exist_ok=True)
        descriptor = os.open(folder, os.O_RDONLY)
        fcntl.flock(descriptor, fcntl.LOCK_SH)
        os.utime(folder)
        return folder, Pin(descriptor)

    async def _take(self, file: StoredFile) -> Pin | None:
        path = self.path_of(file.sha256)
        try:
            descriptor = os.open(path, os.O_RDONLY)
        except FileNotFoundError:
            return None
        with contextlib.ExitStack() as unless_taken:
            unless_taken.callback(os.close, descriptor)
            fcntl.flock(descriptor, fcntl.LOCK_SH)
            is_there = os.fstat(descriptor).st_nlink > 0  # else it was removed before we held it
            if is_there and await self._digests.is_file(path, sha256=file.sha256, size_bytes=file.size_bytes):
                _touch(path)
                unless_taken.pop_all()
                return Pin(descriptor)
        return None

    def _lock_of(self, path: Path) -> Path:
        """What whoever uses it holds."""
        return self._root / "locks" / path.name.removesuffix(_PART) if path.name.endswith(_PART) else path

    @contextlib.asynccontextmanager
    async def _lock(self, sha256: str) -> AsyncIterator[None]:
        path = self._root / "locks" / sha256
        path.parent.mkdir(parents=True, exist_ok=True)
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
        try:
            while True:
                try:
                    fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
                    break
                except BlockingIOError:
                    await sleep(self._clock, _LOOK_AGAIN_S)
            yield
        finally:
            os.close(descriptor)

    def _make_room(self, needed_bytes: int) -> None:
        used = sum(size for _, size, _ in self._entries())
        lacking = max(
            used + needed_bytes - self._limit_bytes,
            needed_bytes + self._spare_bytes - shutil.disk_usage(self._root).free,
        )
        for _, size, path in sorted(self._entries()):
            if lacking <= 0:
                return
            if _remove_unless_held(path, self._lock_of(path)):
                lacking -= size
        if lacking > 0:
            message = f"the cache {self._root} has no room for {needed_bytes} bytes: {lacking} are lacking"
            hint = "DSS_WORKER_CACHE names a folder on a larger disk, DSS_WORKER_CACHE_BYTES allows more"
            raise WorkerError("CACHE_FULL", message, hint=hint, kind="infrastructure")

    def _entries(self) -> list[tuple[float, int, Path]]:
        """When last used, size, path."""
        entries = []
        for path in self._root.glob("files/*/*"):
            with contextlib.suppress(FileNotFoundError):
                found = path.stat()
                entries.append((found.st_atime, found.st_size, path))
        for folder in self._root.glob("trials/*"):
            with contextlib.suppress(FileNotFoundError):
                size = sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())
                entries.append((folder.stat().st_mtime, size, folder))
        return entries


def _remove_unless_held(path: Path, lock: Path) -> bool:
    try:
        descriptor = os.open(lock, os.O_RDONLY)
    except FileNotFoundError:
        return True
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        if path.is_dir():
            shutil.rmtree(path, ignore_errors=True)
        else:
            path.unlink(missing_ok=True)
        return True
    except BlockingIOError:
        return False
    finally:
        os.close(descriptor)


def _touch(path: Path) -> None:
    """Its time of use only: that of its change says whether it was checked."""
    found = path.stat()
    os.utime(path, ns=(time.time_ns(), found.st_mtime_ns))
