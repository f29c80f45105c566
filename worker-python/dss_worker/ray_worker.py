"""`python -m dss_worker.ray_worker`: a worker agent on a Ray cluster, with what Ray gave it.

Ray says by `CUDA_VISIBLE_DEVICES` which GPUs are ours; everything else comes from the control plane, by arguments and
by the environment. What is secret in the environment is gone before the agent, and so before any training, starts.
"""

from __future__ import annotations

import argparse
import math
import os
import shutil
import signal
import sys
import tempfile
import threading
from collections.abc import Mapping, Sequence
from pathlib import Path

CA_PEM = "DSS_TLS_CA_PEM"
TRAINING_PYTHON = "DSS_PYTHON"

_PACKAGE_ROOT = Path(__file__).resolve().parents[1]
# Ray's own settings, its cluster's token and our runtime environment among them.
_RAYS = ("RAY_", "SPT_NOENV", "PYTHONBREAKPOINT")


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m dss_worker.ray_worker", description=__doc__)
    parser.add_argument("--server", required=True)
    parser.add_argument("--worker-id", required=True)
    parser.add_argument("--threads", required=True)
    parser.add_argument("--gpus", type=float, default=0.0)
    parser.add_argument("--idle-exit", default=None)
    parser.add_argument("--ends-with-input", action="store_true", help="stop when whoever started this is gone")
    options = parser.parse_args(arguments)
    if options.ends_with_input:
        threading.Thread(target=_end_with_input, daemon=True).start()
    environment = worker_environment(os.environ)
    folder = None
    pem = environment.pop(CA_PEM, "")
    if pem:
        folder = Path(tempfile.mkdtemp(prefix="dss-ca-"))
        (folder / "ca.pem").write_text(pem, encoding="utf-8")
        environment["DSS_TLS_CA"] = str(folder / "ca.pem")
    os.environ.clear()
    os.environ.update(environment)

    from dss_worker.__main__ import main as run

    words = ["agent", "--server", options.server, "--worker-id", options.worker_id, "--threads", options.threads]
    words += ["--device", device_of(options.gpus)]
    if options.idle_exit is not None:
        words += ["--idle-exit", options.idle_exit]
    try:
        return run(words)
    finally:
        if folder is not None:
            shutil.rmtree(folder, ignore_errors=True)


def _end_with_input() -> None:
    """The other end of the standard input is closed by whatever ends the process that has it."""
    while os.read(sys.stdin.fileno(), 4096):
        pass
    os.kill(os.getpid(), signal.SIGTERM)


def device_of(gpus: float) -> str:
    """A share of a GPU is a GPU that others see too."""
    return "cuda:" + ",".join(str(index) for index in range(math.ceil(gpus))) if gpus > 0 else "cpu"


def worker_environment(environment: Mapping[str, str]) -> dict[str, str]:
    """Without what is Ray's. Another Python than Ray's must not look for its packages where Ray's are."""
    kept = {name: value for name, value in environment.items() if not name.startswith(_RAYS)}
    if kept.get(TRAINING_PYTHON):
        kept["PYTHONPATH"] = str(_PACKAGE_ROOT)
        kept.pop("PYTHONHOME", None)
    return kept


if __name__ == "__main__":
    sys.exit(main())
