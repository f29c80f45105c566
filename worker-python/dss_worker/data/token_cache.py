"""Token tables that are made once: kept by the process, and on disk for all workers of the machine.

`DSS_TOKEN_CACHE` names the folder; without it every process makes its own. It is a cache in the full sense: a file
that is damaged, deleted or from another version costs the time to make it again and changes nothing.

2026-11: one lock file for each first two digits of a key, locked with flock. A lock per table would leave a file per
table behind, since a lock file cannot be deleted safely while others wait for it; one lock for all would make workers
that need different tables wait for each other. The kernel frees the lock of a process that is killed.
"""

from __future__ import annotations

import fcntl
import hashlib
import os
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from dss_worker.data.bounded_cache import BoundedCache
from dss_worker.data.table_file import DamagedTable, map_table, write_table
from dss_worker.data.tokens import TokenTable

FOLDER_VARIABLE = "DSS_TOKEN_CACHE"
MAX_DISK_BYTES = 4 * 1024**3
MAX_MEMORY_BYTES = 1024**3

_TABLE, _PART, _LOCK = ".tokens", ".part", ".lock"


class TokenCache:
    """Tables by a text that says what they are made from: in memory, else on disk, else made now."""

    def __init__(self, folder: Path | None = None, *, max_memory_bytes: int = MAX_MEMORY_BYTES) -> None:
        """`folder`: on disk; None: in memory alone."""
        self._memory = BoundedCache[TokenTable](limit=max_memory_bytes, size_of=lambda table: table.size_bytes)
        self._disk = None if folder is None else TableFolder(folder)

    @classmethod
    def from_environment(cls) -> TokenCache:
        folder = os.environ.get(FOLDER_VARIABLE, "")
        return cls(Path(folder) if folder else None)

    def get(self, key: str, make: Callable[[], TokenTable]) -> TokenTable:
        disk = self._disk
        return self._memory.get(key, make if disk is None else lambda: disk.get(key, make))


class TableFolder:
    """Tables as files, within a bound. Workers that need the same one at the same time make it once."""

    def __init__(self, folder: Path, *, max_bytes: int = MAX_DISK_BYTES) -> None:
        self._folder = folder
        self._max_bytes = max_bytes
        # Files may still be read where none can be written.
        self._is_writable = True

    def get(self, key: str, make: Callable[[], TokenTable]) -> TokenTable:
        """The table of this key; made now if it is not here. What goes wrong with the folder is said, not raised."""
        digest = hashlib.sha256(key.encode())
        path = self._folder / f"{digest.hexdigest()}{_TABLE}"
        found = self._read(path, digest.digest())
        if found is not None:
            return found
        with ExitStack() as stack:
            if self._is_writable:
                stack.enter_context(self._lock(path))
                # Another worker may have made it while this one waited.
                found = self._read(path, digest.digest())
            return self._keep(path, make(), digest.digest()) if found is None else found

    def _keep(self, path: Path, made: TokenTable, digest: bytes) -> TokenTable:
        if not self._is_writable:
            return made
        try:
            write_table(path, made, key=digest, beside=path.with_suffix(_PART))
            self._keep_within_bound(path)
        except OSError as error:
            self._go_on_without(error)
        # The pages of the file are shared with the other workers, those of what was made are not.
        kept = self._read(path, digest)
        return made if kept is None else kept

    def _read(self, path: Path, digest: bytes) -> TokenTable | None:
        try:
            table = map_table(path, key=digest)
        except (FileNotFoundError, NotADirectoryError):
            return None
        except (OSError, DamagedTable) as error:
            print(f"token cache: {path} is made again: {error}", flush=True)
            return None
        self._note_use(path)
        return table

    def _go_on_without(self, error: OSError) -> None:
        self._is_writable = False
        reason = error.strerror or str(error)
        print(f"token cache {self._folder} cannot be written: {reason}; this process tokenizes by itself", flush=True)

    @staticmethod
    def _note_use(path: Path) -> None:
        """As its time of change, since many disks do not note when a file was read."""
        try:
            os.utime(path)
        except OSError:
            return  # deleted just now, or another user's

    @contextmanager
    def _lock(self, path: Path) -> Iterator[None]:
        """Waits until no other process makes this table."""
        with ExitStack() as stack:
            try:
                self._folder.mkdir(parents=True, exist_ok=True, mode=0o700)
                file = stack.enter_context(self._lock_file(path.name).open("ab"))
                fcntl.flock(file, fcntl.LOCK_EX)
            except OSError as error:
                self._go_on_without(error)
            yield

    def _lock_file(self, name: str) -> Path:
        return self._folder / f"{name[:2]}{_LOCK}"

    def _keep_within_bound(self, newest: Path) -> None:
        """Deletes what was not used for longest. Processes that have it mapped are not disturbed."""
        self._remove_leftovers()
        by_use = sorted(_states(self._folder, _TABLE), key=lambda found: found[1].st_mtime_ns)
        size = sum(state.st_size for _, state in by_use)
        for path, state in by_use:
            if size <= self._max_bytes:
                return
            if path != newest:
                path.unlink(missing_ok=True)
                size -= state.st_size

    def _remove_leftovers(self) -> None:
        """What a process was writing when it was killed: nobody holds its lock any more."""
        for path, _ in _states(self._folder, _PART):
            with self._lock_file(path.name).open("ab") as file:
                try:
                    fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
                except BlockingIOError:
                    continue
                path.unlink(missing_ok=True)


def _states(folder: Path, suffix: str) -> list[tuple[Path, os.stat_result]]:
    found = []
    for path in folder.glob(f"*{suffix}"):
        try:
            found.append((path, path.stat()))
        except FileNotFoundError:
            continue
    return found
