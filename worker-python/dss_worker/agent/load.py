"""How busy a worker's devices are and how much of their memory is in use, by whomever: for people who wonder why it is
slow, or whether it does anything at all. Found without torch, and never waited for."""

from __future__ import annotations

import asyncio
import contextlib
import csv
import os
import subprocess
import threading
from collections.abc import Awaitable, Callable
from pathlib import Path

from dss_worker.agent.cgroup import CGROUP, container_memory
from dss_worker.agent.clock import Clock, Timer
from dss_worker.agent.devices import cuda_indices, visible_devices
from dss_worker.agent.protocol import DeviceLoad
from dss_worker.agent.tasks import start_task

# A share of time needs some time; the first soon, since somebody may be looking.
FIRST_AFTER_S = 2.0
EVERY_S = 10.0
_QUERY = ["nvidia-smi", "--query-gpu=uuid,utilization.gpu,memory.used,memory.total", "--format=csv,noheader,nounits"]
_QUERY_WITHIN_S = 20
_KIB = 1024
_MIB = 1024 * 1024
_UNKNOWN = DeviceLoad(utilization=None, memory_used_bytes=0, memory_total_bytes=0)

Measure = Callable[[], Awaitable[tuple[DeviceLoad, ...]]]


class LoadNews:
    """Measures again and again while there is somebody to hear of it."""

    def __init__(self, clock: Clock, *, measure: Measure, on_news: Callable[[tuple[DeviceLoad, ...]], None]) -> None:
        self._clock = clock
        self._measure = measure
        self._on_news = on_news
        self._timer: Timer | None = None
        self._measuring: asyncio.Task[None] | None = None

    def start(self) -> None:
        self.stop()
        self._look_after(FIRST_AFTER_S)

    def stop(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
        if self._measuring is not None:
            self._measuring.cancel()
        self._timer = self._measuring = None

    def _look_after(self, seconds: float) -> None:
        self._timer = self._clock.call_at(self._clock.now_s() + seconds, self._look)

    def _look(self) -> None:
        self._measuring = start_task(self._tell())

    async def _tell(self) -> None:
        self._on_news(await self._measure())
        self._look_after(EVERY_S)


def measure_of(device: str) -> Measure:
    """Of `cpu`, `cuda:K` or `cuda:K,L`; see `devices_of`."""
    if device == "cpu":
        meter = CpuMeter()

        async def measure_cpu() -> tuple[DeviceLoad, ...]:
            return (meter.load(),)

        return measure_cpu
    indices = cuda_indices(device)

    async def measure_gpus() -> tuple[DeviceLoad, ...]:
        loads = visible_devices(loads_of_smi(await _asked_in_thread()), os.environ)
        return tuple(loads[index] if index < len(loads) else _UNKNOWN for index in indices)

    return measure_gpus


class CpuMeter:
    """Of the cores that this process may use, since the last time that it was asked."""

    def __init__(self, *, proc: Path = Path("/proc"), cgroup: Path = CGROUP) -> None:
        self._proc = proc
        self._cgroup = cgroup
        self._times = self._busy_and_all()

    def load(self) -> DeviceLoad:
        times = self._busy_and_all()
        busy, all_of_it = (now - before for now, before in zip(times, self._times, strict=True))
        self._times = times
        used, total = self._memory()
        # Between two looks a counter may go back by a little.
        share = min(1.0, max(0.0, busy / all_of_it)) if all_of_it > 0 else None
        return DeviceLoad(utilization=share, memory_used_bytes=used, memory_total_bytes=total)

    def _busy_and_all(self) -> tuple[int, int]:
        ours = os.sched_getaffinity(0) if hasattr(os, "sched_getaffinity") else None
        busy = all_of_it = 0
        for line in _lines(self._proc / "stat"):
            name, *times = line.split()
            number = name.removeprefix("cpu")
            if not name.startswith("cpu") or not number.isdigit() or (ours is not None and int(number) not in ours):
                continue
            # user, nice, system, idle, iowait, irq, softirq, steal; guests are in the first two.
            ticks = [int(each) for each in times[:8]]
            all_of_it += sum(ticks)
            busy += sum(ticks) - sum(ticks[3:5])
        return busy, all_of_it

    def _memory(self) -> tuple[int, int]:
        """What a container may use, when it may use less than the machine has."""
        machine = {name: value * _KIB for name, value in _numbers(self._proc / "meminfo").items()}
        total = machine.get("MemTotal:", 0)
        used = total - machine.get("MemAvailable:", total)
        container = container_memory(self._cgroup)
        return (used, total) if container is None or container.limit >= total else (container.used, container.limit)


def loads_of_smi(out: str) -> list[tuple[str, DeviceLoad]]:
    """nvidia-smi's table as (UUID, load) in order. What a device does not count is unknown."""
    loads = []
    for row in csv.reader(out.splitlines(), skipinitialspace=True):
        if len(row) == 4:
            uuid, busy, used, total = row
            load = DeviceLoad(
                utilization=min(100, int(busy)) / 100 if busy.isdigit() else None,
                memory_used_bytes=int(used) * _MIB if used.isdigit() else 0,
                memory_total_bytes=int(total) * _MIB if total.isdigit() else 0,
            )
            loads.append((uuid, load))
    return loads


def _asked_in_thread() -> asyncio.Future[str]:
    """A driver that hangs may never answer: nothing waits for this thread, and an agent that is to end does."""
    loop = asyncio.get_running_loop()
    answered: asyncio.Future[str] = loop.create_future()

    def tell(out: str) -> None:
        if not answered.done():
            answered.set_result(out)

    def ask() -> None:
        try:
            out = subprocess.run(_QUERY, capture_output=True, text=True, timeout=_QUERY_WITHIN_S, check=True).stdout
        except (OSError, subprocess.SubprocessError):
            out = ""
        with contextlib.suppress(RuntimeError):  # the loop is closed: nobody asks any more
            loop.call_soon_threadsafe(tell, out)

    threading.Thread(target=ask, name="device-load", daemon=True).start()
    return answered


def _lines(path: Path) -> list[str]:
    try:
        return path.read_text(errors="replace").splitlines()
    except OSError:
        return []


def _numbers(path: Path) -> dict[str, int]:
    """Lines of a name and a number."""
    words = (line.split() for line in _lines(path))
    return {line[0]: int(line[1]) for line in words if len(line) >= 2 and line[1].isdigit()}
