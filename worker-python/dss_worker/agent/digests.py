"""SHA-256 of files, each read once as long as it does not change."""

from __future__ import annotations

import asyncio
import hashlib
from pathlib import Path


class Digests:
    def __init__(self) -> None:
        # By path, which file it is, size and time of change: archives give all their files one time.
        self._known: dict[tuple[Path, int, int, int, int], str] = {}

    async def is_file(self, path: Path, *, sha256: str, size_bytes: int) -> bool:
        """Whether that is there, and nothing else."""
        try:
            found = path.stat()
            if found.st_size != size_bytes:
                return False
            key = (path, found.st_dev, found.st_ino, found.st_size, found.st_mtime_ns)
            if key not in self._known:
                self._known[key] = await asyncio.to_thread(digest_of, path)
        except OSError:
            return False
        return self._known[key] == sha256


def digest_of(path: Path) -> str:
    """Raises: OSError."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
