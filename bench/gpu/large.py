"""Which of the large models a device has the memory for, and by what ways dss can train it there."""

from __future__ import annotations

from pathlib import Path

import torch
from dss_worker.agent.cgroup import container_memory
from gpu.drawn import count_weights
from gpu.measure import Way, free_memory

# Activations, scores, and what CUDA keeps for itself.
_ROOM_BYTES = 8 * 2**30
ADAMW = Way(name="dss", precision="bf16")
ADAFACTOR = Way(name="dss", precision="bf16", optimizer="adafactor")
ON_THE_HOST = Way(name="dss", precision="bf16", optimizer_states="host")


def ways_that_fit(size: str, device: torch.device) -> list[Way]:
    """The fastest first; none: the device has not the memory for its weights and gradients."""
    free_memory(device)
    free_bytes, _ = torch.cuda.mem_get_info(device)
    weights = count_weights(size)
    # Weights, gradients, and autocast's copies; two moments.
    here, moments = weights * (4 + 4 + 2) + _ROOM_BYTES, weights * 8
    if here + moments <= free_bytes:
        return [ADAMW]
    if here > free_bytes:
        return []
    return [ADAFACTOR, ON_THE_HOST] if moments + _ROOM_BYTES <= ordinary_memory_bytes() else [ADAFACTOR]


def ordinary_memory_bytes() -> int:
    """What this process may still have of it: of the machine, and of the container that it is in."""
    lines = Path("/proc/meminfo").read_text(encoding="ascii").splitlines()
    available = next(int(line.split()[1]) * 1024 for line in lines if line.startswith("MemAvailable:"))
    container = container_memory()
    return available if container is None else min(available, container.limit - container.used)
