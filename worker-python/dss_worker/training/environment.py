"""What a trial ran on, for its result."""

from __future__ import annotations

import platform

import torch
import transformers

from dss_worker.config import ENGINE_VERSION, Precision


def pick_device() -> torch.device:
    """The first accelerator that this process is shown, else the CPU."""
    return torch.device("cuda" if torch.cuda.is_available() else "cpu")


def describe_environment(device: torch.device, precision: Precision) -> dict[str, str]:
    return {
        "python": platform.python_version(),
        "torch": torch.__version__,
        "transformers": transformers.__version__,
        "device": device.type,
        "device_name": _device_name(device),
        # On a CPU, results depend on it: sums are split among threads.
        "threads": str(torch.get_num_threads()),
        "host": platform.node(),
        "engine": str(ENGINE_VERSION),
        "precision": precision,
    }


def _device_name(device: torch.device) -> str:
    if device.type == "cuda":
        return torch.cuda.get_device_name(device)
    return platform.processor() or platform.machine()
