"""How busy devices are: read from what the kernel and nvidia-smi say, and told for as long as somebody listens."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
from pathlib import Path

import pytest

from dss_worker.agent.load import EVERY_S, FIRST_AFTER_S, CpuMeter, LoadNews, loads_of_smi, measure_of
from dss_worker.agent.protocol import DeviceLoad
from tests.agent.control_plane import ControlPlane
from tests.agent.manual_clock import ManualClock
from tests.agent.processes import SCRIPTED_AGENT, started

ENDS_WHILE_IT_ASKS = """
import asyncio
from dss_worker.agent.load import measure_of

async def main():
    asking = asyncio.ensure_future(measure_of("cuda:0")())
    await asyncio.sleep(0)
    asking.cancel()

asyncio.run(main())
"""

GIB = 2**30
KIB = 2**10


class FakeMachine:
    """Files as the kernel writes them."""

    def __init__(self, folder: Path) -> None:
        self.proc = folder / "proc"
        self.cgroup = folder / "cgroup"
        self.proc.mkdir()
        self.cgroup.mkdir()
        self.write_times({0: (0, 0)})
        (self.proc / "meminfo").write_text(
            f"MemTotal: {16 * GIB // KIB} kB\nMemFree: 1 kB\nMemAvailable: {12 * GIB // KIB} kB\n"
        )

    def write_times(self, cores: dict[int, tuple[int, int]]) -> None:
        """Of each core, ticks busy and idle."""
        lines = [f"cpu{core} {busy} 0 0 {idle} 0 0 0 0 0 0" for core, (busy, idle) in cores.items()]
        (self.proc / "stat").write_text("\n".join(["cpu  9 9 9 9 9 9 9 9 9 9", *lines, "intr 1 2 3", "ctxt 4"]))

    def limit_memory(self, *, most: int | str, current: int, files: int, version: int) -> None:
        names = {1: "memory/memory.limit_in_bytes memory/memory.usage_in_bytes", 2: "memory.max memory.current"}
        limit, used = names[version].split()
        folder = (self.cgroup / limit).parent
        folder.mkdir(exist_ok=True)
        (self.cgroup / limit).write_text(f"{most}\n")
        (self.cgroup / used).write_text(f"{current}\n")
        # Of v1 the total has those of the groups below in it.
        total = "" if version == 2 else f"total_inactive_file {files}\n"
        own = files if version == 2 else 1
        (folder / "memory.stat").write_text(f"anon 1\ninactive_file {own}\n{total}")

    def meter(self) -> CpuMeter:
        return CpuMeter(proc=self.proc, cgroup=self.cgroup)


@pytest.fixture
def machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> FakeMachine:
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: {0, 1})
    return FakeMachine(tmp_path)


def test_a_cpu_is_as_busy_as_the_cores_that_we_may_use_were_since_the_last_look(machine: FakeMachine) -> None:
    machine.write_times({0: (100, 100), 1: (0, 0), 2: (0, 0)})
    meter = machine.meter()
    machine.write_times({0: (130, 170), 1: (20, 80), 2: (500, 0)})
    assert meter.load().utilization == pytest.approx(50 / 200)
    machine.write_times({0: (230, 170), 1: (120, 80), 2: (500, 0)})
    assert meter.load().utilization == 1


def test_where_no_time_has_passed_or_nobody_counts_it_is_unknown(machine: FakeMachine) -> None:
    meter = machine.meter()
    assert meter.load().utilization is None
    (machine.proc / "stat").unlink()
    (machine.proc / "meminfo").unlink()
    assert machine.meter().load() == DeviceLoad(utilization=None, memory_used_bytes=0, memory_total_bytes=0)


def test_memory_in_use_is_what_nobody_else_could_get(machine: FakeMachine) -> None:
    load = machine.meter().load()
    assert (load.memory_used_bytes, load.memory_total_bytes) == (4 * GIB, 16 * GIB)


@pytest.mark.parametrize(("version", "unlimited"), [(2, "max"), (1, 0x7FFFFFFFFFFFF000)])
def test_in_a_container_its_limit_counts_and_not_what_the_kernel_only_keeps_for_it(
    machine: FakeMachine, version: int, unlimited: int | str
) -> None:
    machine.limit_memory(most=2 * GIB, current=3 * GIB // 2, files=GIB, version=version)
    load = machine.meter().load()
    assert (load.memory_used_bytes, load.memory_total_bytes) == (GIB // 2, 2 * GIB)
    machine.limit_memory(most=unlimited, current=GIB, files=GIB, version=version)
    load = machine.meter().load()
    assert (load.memory_used_bytes, load.memory_total_bytes) == (4 * GIB, 16 * GIB)


def test_a_table_of_nvidia_smi_is_read_and_what_a_device_does_not_count_is_unknown() -> None:
    table = "GPU-a, 87, 1024, 81559\nGPU-b, [N/A], [N/A], [N/A]\nnonsense\n"
    assert loads_of_smi(table) == [
        ("GPU-a", DeviceLoad(utilization=0.87, memory_used_bytes=GIB, memory_total_bytes=81_559 * 2**20)),
        ("GPU-b", DeviceLoad(utilization=None, memory_used_bytes=0, memory_total_bytes=0)),
    ]


def test_gpus_are_told_in_the_order_in_which_the_worker_has_them(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    smi = tmp_path / "nvidia-smi"
    smi.write_text("#!/bin/sh\necho 'GPU-a, 10, 1, 2'\necho 'GPU-b, 20, 1, 2'\necho 'GPU-c, 30, 1, 2'\n")
    smi.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path), prepend=os.pathsep)
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "2,0")

    async def measured() -> tuple[DeviceLoad, ...]:
        return await measure_of("cuda:0,1,2")()

    loads = asyncio.run(measured())
    assert [load.utilization for load in loads] == [0.3, 0.1, None]


async def _news(clock: ManualClock, heard: list[tuple[DeviceLoad, ...]]) -> LoadNews:
    load = DeviceLoad(utilization=0.5, memory_used_bytes=1, memory_total_bytes=2)

    async def measure() -> tuple[DeviceLoad, ...]:
        return (load,)

    return LoadNews(clock, measure=measure, on_news=heard.append)


async def _turns() -> None:
    for _ in range(3):
        await asyncio.sleep(0)


def test_news_come_soon_and_then_every_ten_seconds_until_nobody_listens() -> None:
    async def run() -> list[int]:
        clock, heard, counts = ManualClock(), list[tuple[DeviceLoad, ...]](), list[int]()
        news = await _news(clock, heard)
        news.start()
        for now_s in (FIRST_AFTER_S - 1, FIRST_AFTER_S, FIRST_AFTER_S + EVERY_S - 1, FIRST_AFTER_S + EVERY_S):
            clock.advance_to(now_s)
            await _turns()
            counts.append(len(heard))
        news.stop()
        clock.advance_to(1_000)
        await _turns()
        return [*counts, len(heard)]

    assert asyncio.run(run()) == [0, 1, 1, 2, 2]


def test_a_worker_says_how_busy_it_is_and_that_its_child_is_up() -> None:
    with ControlPlane() as plane, started(*SCRIPTED_AGENT, plane.address):
        stream = plane.stream()
        stream.welcome()
        load = stream.next("load").load
        assert len(load.devices) == 1
        assert 0 <= load.devices[0].utilization <= 1
        assert 0 < load.devices[0].memory_used_bytes < load.devices[0].memory_total_bytes
        assert load.warm == 1


def test_a_driver_that_hangs_keeps_no_agent_from_ending(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    smi = tmp_path / "nvidia-smi"
    smi.write_text("#!/bin/sh\nexec sleep 30\n")
    smi.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path), prepend=os.pathsep)
    subprocess.run([sys.executable, "-c", ENDS_WHILE_IT_ASKS], check=True, timeout=20)
