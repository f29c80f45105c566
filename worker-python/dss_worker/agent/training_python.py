"""The Python that trains, where it is not the one that the agent runs in."""

from __future__ import annotations

import json
import subprocess

_ASK = """
import json, platform
from importlib.metadata import PackageNotFoundError, version
found = {"python": platform.python_version()}
for name in ("torch", "transformers"):
    try:
        found[name] = version(name)
    except PackageNotFoundError:
        pass
print(json.dumps(found))
"""


def versions_of(python: str) -> dict[str, str]:
    """By what is installed there. Empty when it does not answer: training will say why."""
    try:
        done = subprocess.run([python, "-P", "-c", _ASK], capture_output=True, text=True, timeout=60, check=True)
    except (OSError, subprocess.SubprocessError):
        return {}
    versions: dict[str, str] = json.loads(done.stdout)
    return versions
