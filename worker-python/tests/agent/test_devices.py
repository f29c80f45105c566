"""What there is to train on, without a library that takes seconds to ask."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from dss_worker.agent.devices import (
    _memory_bytes,
    chosen_device,
    cuda_devices,
    devices_of,
    devices_of_smi,
    find_devices,
    visible_devices,
)
from dss_worker.agent.main import AgentOptions, child_environment
from dss_worker.errors import WorkerError

SMI = """0, GPU-aaaa-1, NVIDIA H100 80GB HBM3, 81559
1, GPU-bbbb-2, NVIDIA H100 80GB HBM3, [N/A]
"""
TWO = devices_of_smi(SMI)


def test_the_cpu_comes_first_with_its_memory_and_threads() -> None:
    first = find_devices()[0]
    assert (first.kind, first.threads) == ("cpu", len(os.sched_getaffinity(0)))
    assert first.memory_bytes > 2**20


@pytest.mark.parametrize("file", ["memory.max", "memory/memory.limit_in_bytes"], ids=["cgroup v2", "cgroup v1"])
def test_a_container_has_the_memory_that_it_may_use(tmp_path: Path, file: str) -> None:
    whole = _memory_bytes(cgroup=tmp_path)
    (tmp_path / file).parent.mkdir(exist_ok=True)
    # v1 says it with the largest number where v2 says "max".
    for said, expected in (("1048576\n", 2**20), ("max\n", whole), ("9223372036854771712\n", whole)):
        (tmp_path / file).write_text(said)
        assert _memory_bytes(cgroup=tmp_path) == expected


def test_a_table_of_nvidia_smi_is_read() -> None:
    assert [(device.kind, device.name) for _, device in TWO] == [("cuda", "NVIDIA H100 80GB HBM3")] * 2
    assert [device.memory_bytes for _, device in TWO] == [81_559 * 2**20, 0]


@pytest.mark.parametrize(
    ("visible", "places"),
    [
        (None, [0, 1]),
        ("", []),
        ("1", [1]),
        ("1,0", [1, 0]),
        ("GPU-bbbb", [1]),
        ("0,7,1", [0]),
        ("-1", []),
        ("NoDevFiles", []),
    ],
)
def test_only_what_cuda_would_show_is_found(visible: str | None, places: list[int]) -> None:
    environment = {} if visible is None else {"CUDA_VISIBLE_DEVICES": visible}
    assert visible_devices(TWO, environment) == [TWO[place][1] for place in places]


def test_the_drivers_own_list_serves_where_nvidia_smi_is_missing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)
    for name in ("0000:01:00.0", "0000:02:00.0"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "information").write_text("Model: \t\t NVIDIA A100\nGPU UUID: \t GPU-cc\n")
    assert [device.name for device in cuda_devices(proc=tmp_path)] == ["NVIDIA A100", "NVIDIA A100"]
    assert cuda_devices(proc=tmp_path / "none") == []


def test_a_device_that_is_not_here_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "")
    with pytest.raises(WorkerError, match="device cuda:3 is not here: 0 CUDA devices were found"):
        devices_of("cuda:3", threads=1)


@pytest.mark.parametrize(
    ("name", "visible", "chosen"),
    [
        ("auto", None, "cuda:0"),
        ("auto", "1", "cuda:0"),
        ("auto", "", "cpu"),
        ("cpu", None, "cpu"),
        ("cuda:1", None, "cuda:1"),
        ("cuda:0,1", "", "cuda:0,1"),
    ],
)
def test_a_gpu_is_taken_where_there_is_one_and_nobody_said_otherwise(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str, visible: str | None, chosen: str
) -> None:
    smi = tmp_path / "nvidia-smi"
    smi.write_text(f"#!/bin/sh\necho '{SMI.strip()}'\n")
    smi.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:/bin")
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)
    if visible is not None:
        monkeypatch.setenv("CUDA_VISIBLE_DEVICES", visible)
    assert chosen_device(name) == chosen


@pytest.mark.parametrize(
    ("device", "visible", "shown"),
    [
        ("cpu", None, ""),
        ("cpu", "0,1", ""),
        ("cuda:1", None, "1"),
        ("cuda:1", "4,GPU-x", "GPU-x"),
        ("cuda:2,0", None, "2,0"),
        ("cuda:1,2", "4,GPU-x,7", "GPU-x,7"),
    ],
)
def test_the_child_is_shown_its_devices_alone(device: str, visible: str | None, shown: str) -> None:
    options = AgentOptions(server="localhost:1", worker_id="w", threads=3, device=device, join_token="")
    environment = {"HOME": "/home/me"} if visible is None else {"HOME": "/home/me", "CUDA_VISIBLE_DEVICES": visible}
    child = child_environment(options, environment)
    assert (child["CUDA_VISIBLE_DEVICES"], child["CUDA_DEVICE_ORDER"]) == (shown, "PCI_BUS_ID")
    assert (child["OMP_NUM_THREADS"], child["HOME"]) == ("3", "/home/me")
