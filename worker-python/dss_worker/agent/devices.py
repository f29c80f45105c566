"""What a machine can train on, found without torch, which would take seconds and a GPU's memory to ask."""

from __future__ import annotations

import csv
import os
import platform
import subprocess
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import TypeVar

from dss_worker.agent.cgroup import CGROUP, container_memory
from dss_worker.agent.protocol import Device
from dss_worker.errors import WorkerError

_QUERY = ["nvidia-smi", "--query-gpu=index,uuid,name,memory.total", "--format=csv,noheader,nounits"]
_MIB = 1024 * 1024

T = TypeVar("T")


def find_devices() -> list[Device]:
    """The CPU first, then each CUDA device that a process of ours would see, in its numbering."""
    return [cpu_device(), *cuda_devices()]


def chosen_device(name: str) -> str:
    """What `auto` means here: the first GPU, where there is one; any other name means itself."""
    if name != "auto":
        return name
    return "cuda:0" if cuda_devices() else "cpu"


def devices_of(name: str, *, threads: int) -> tuple[Device, ...]:
    """What `cpu`, `cuda:K` or `cuda:K,L` means here.

    Raises: WorkerError (DEVICE_MISSING).
    """
    if name == "cpu":
        return (replace(cpu_device(), threads=threads),)
    devices = cuda_devices()
    missing = [index for index in cuda_indices(name) if index >= len(devices)]
    if not missing:
        return tuple(devices[index] for index in cuda_indices(name))
    message = f"device cuda:{missing[0]} is not here: {len(devices)} CUDA devices were found"
    hint = "nvidia-smi and CUDA_VISIBLE_DEVICES decide what is found; --device auto takes what there is"
    raise WorkerError("DEVICE_MISSING", message, hint=hint, kind="infrastructure")


def cuda_indices(name: str) -> list[int]:
    """Of `cuda:K,L`, in its order."""
    return [int(index) for index in name.removeprefix("cuda:").split(",")]


def cpu_device() -> Device:
    return Device(kind="cpu", name=_cpu_name(), memory_bytes=_memory_bytes(), threads=_thread_count())


def cuda_devices(*, proc: Path = Path("/proc/driver/nvidia/gpus")) -> list[Device]:
    try:
        out = subprocess.run(_QUERY, capture_output=True, text=True, timeout=20, check=True).stdout
    except (OSError, subprocess.SubprocessError):
        return visible_devices(_devices_of_proc(proc), os.environ)
    return visible_devices(devices_of_smi(out), os.environ)


def devices_of_smi(out: str) -> list[tuple[str, Device]]:
    """nvidia-smi's table as (UUID, device) in order."""
    devices = []
    for row in csv.reader(out.splitlines(), skipinitialspace=True):
        if len(row) == 4:
            _, uuid, name, memory_mib = row
            memory_bytes = int(memory_mib) * _MIB if memory_mib.isdigit() else 0
            devices.append((uuid, Device(kind="cuda", name=name, memory_bytes=memory_bytes)))
    return devices


def visible_devices(devices: list[tuple[str, T]], environment: Mapping[str, str]) -> list[T]:
    """CUDA's rule: numbers or beginnings of UUIDs, in the order listed, up to the first that is none."""
    visible = environment.get("CUDA_VISIBLE_DEVICES")
    if visible is None:
        return [device for _, device in devices]
    seen = []
    for word in visible.split(","):
        found = _find(devices, word.strip())
        if found is None:
            break
        seen.append(found)
    return seen


def _find(devices: list[tuple[str, T]], word: str) -> T | None:
    if word.isdigit():
        return devices[int(word)][1] if int(word) < len(devices) else None
    return next((device for uuid, device in devices if word and uuid.startswith(word)), None)


def _devices_of_proc(proc: Path) -> list[tuple[str, Device]]:
    """The driver's own list, for images without nvidia-smi. It does not say how much memory there is."""
    devices = []
    for path in sorted(proc.glob("*/information")):
        facts = _facts(path)
        name = facts.get("Model", "unknown")
        devices.append((facts.get("GPU UUID", ""), Device(kind="cuda", name=name, memory_bytes=0)))
    return devices


def _facts(path: Path) -> dict[str, str]:
    """Lines of `name : value`; the first of a name."""
    facts: dict[str, str] = {}
    try:
        for line in path.read_text(errors="replace").splitlines():
            name, _, value = line.partition(":")
            facts.setdefault(name.strip(), value.strip())
    except OSError:
        pass
    return facts


def _cpu_name() -> str:
    return _facts(Path("/proc/cpuinfo")).get("model name") or platform.processor() or platform.machine()


def _memory_bytes(*, cgroup: Path = CGROUP) -> int:
    """What a container may use, when it may use less than the machine has."""
    total = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    container = container_memory(cgroup)
    return total if container is None else min(total, container.limit)


def _thread_count() -> int:
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1
