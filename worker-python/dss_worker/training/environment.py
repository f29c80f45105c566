"""What a trial ran on, for its result."""

from __future__ import annotations

import platform
from pathlib import Path

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
    return _processor_name() or platform.processor() or platform.machine()


def _processor_name() -> str:
    """As Linux has it; empty where it has none."""
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        return ""
    return next((line.partition(":")[2].strip() for line in lines if line.startswith("model name")), "")
