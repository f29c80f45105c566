"""Which code this is: a hash of the package's own sources, as `dss report` takes it of those that lie beside it."""

from __future__ import annotations

import functools
import hashlib
from pathlib import Path


@functools.cache
def own_code() -> str:
    """Of the files as they are at the first call: what runs was loaded before, and they may change afterwards."""
    return hash_of_sources(Path(__file__).parent)


def hash_of_sources(root: Path) -> str:
    """SHA-256 in hex, over path, length and bytes of every Python file below, in the order of their paths."""
    digest = hashlib.sha256()
    for name in sorted(path.relative_to(root).as_posix() for path in root.rglob("*.py")):
        content = (root / name).read_bytes()
        digest.update(f"{name}\0{len(content)}\0".encode())
        digest.update(content)
    return digest.hexdigest()
