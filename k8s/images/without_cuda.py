"""Splits a lock file in two: torch, with the hash of another wheel of the same version, and all that is not CUDA's.

usage: without_cuda.py requirements.lock SHA256. Writes torch.lock and others.lock beside it.
"""

from __future__ import annotations

import re
import sys
from pathlib import Path

_CUDA_ONLY = re.compile(r"(nvidia-|cuda-|triton\b)")


def split(lock: str, sha256: str) -> tuple[str, str]:
    """Gives torch.lock and others.lock. Raises ValueError when the lock file has no torch."""
    # A requirement begins in the first column; its hashes and comments are indented.
    requirements = re.split(r"\n(?=[a-zA-Z])", lock)
    torch = next((each for each in requirements if each.startswith("torch==")), None)
    if torch is None:
        raise ValueError("the lock file has no torch")
    version = torch.split("==")[1].split()[0]
    others = [each for each in requirements if each is not torch and not _CUDA_ONLY.match(each)]
    return f"torch=={version} --hash=sha256:{sha256}\n", "\n".join(others)


def main() -> None:
    path, sha256 = Path(sys.argv[1]), sys.argv[2]
    torch, others = split(path.read_text(encoding="utf-8"), sha256)
    path.with_name("torch.lock").write_text(torch, encoding="utf-8")
    path.with_name("others.lock").write_text(others, encoding="utf-8")


if __name__ == "__main__":
    main()
