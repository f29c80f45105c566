"""What a worker on a Ray cluster makes of what Ray gave it."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from dss_worker.config import ENGINE_VERSION
from dss_worker.ray_gang import _options_of
from dss_worker.ray_probe import look, reach
from dss_worker.ray_worker import device_of, worker_environment


@pytest.mark.parametrize(("gpus", "device"), [(0, "cpu"), (1, "cuda:0"), (0.25, "cuda:0"), (3, "cuda:0,1,2")])
def test_its_devices_are_the_first_of_those_that_ray_lets_it_see(gpus: float, device: str) -> None:
    assert device_of(gpus) == device


def test_nothing_of_rays_reaches_the_training() -> None:
    given = {
        "RAY_AUTH_TOKEN": "secret",
        "RAY_JOB_CONFIG_JSON_ENV_VAR": "{}",
        "CUDA_VISIBLE_DEVICES": "3",
        "PATH": "/bin",
    }
    assert worker_environment(given) == {"CUDA_VISIBLE_DEVICES": "3", "PATH": "/bin"}


def test_another_python_does_not_look_where_rays_packages_are() -> None:
    given = {"DSS_PYTHON": "/opt/python", "PYTHONPATH": "/rays", "PYTHONHOME": "/rays"}
    kept = worker_environment(given)
    assert "/rays" not in kept.values()
    assert set(kept) == {"DSS_PYTHON", "PYTHONPATH"}


def test_it_ends_when_whoever_started_it_is_gone(listener: socket.socket, tmp_path: Path) -> None:
    server = f"127.0.0.1:{listener.getsockname()[1]}"
    words = ["--server", server, "--worker-id", "w-1-1", "--threads", "1", "--ends-with-input"]
    command = [sys.executable, "-m", "dss_worker.ray_worker", *words]
    environment = {**os.environ, "DSS_JOIN_TOKEN": "token", "HOME": str(tmp_path)}
    worker = subprocess.Popen(command, env=environment, stdin=subprocess.PIPE, stderr=subprocess.DEVNULL)
    # It calls, and so its agent runs.
    listener.accept()[0].close()
    assert worker.poll() is None
    assert worker.stdin is not None
    worker.stdin.close()
    assert worker.wait() == 128 + signal.SIGTERM


def test_a_member_of_a_gang_takes_the_whole_of_its_bundle() -> None:
    assert _options_of({"CPU": 0.5, "GPU": 1, "memory": 4, "fast": 2}) == {
        "num_cpus": 0.5,
        "num_gpus": 1,
        "memory": 4,
        "resources": {"fast": 2},
        "max_concurrency": 2,
    }
    # Ray would take one CPU where none is asked for.
    assert _options_of({})["num_cpus"] == 0


@pytest.fixture
def listener() -> Iterator[socket.socket]:
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield server


def test_it_reaches_what_listens_and_says_why_not_else(listener: socket.socket) -> None:
    port = listener.getsockname()[1]
    assert reach(f"127.0.0.1:{port}", "") == ""
    listener.close()
    assert reach(f"127.0.0.1:{port}", "") == "connect: Connection refused"
    assert reach("no-such-host.invalid:1", "").startswith("name: ")


def test_a_look_says_what_can_run_here_in_plain_values() -> None:
    found = look("127.0.0.1:1")
    assert json.loads(json.dumps(found)) == found
    assert found["engine"] == ENGINE_VERSION
    assert found["agent"] == found["training"] == ""
    assert found["training_versions"]["torch"]
    assert look("127.0.0.1:1", training_python="/no/python")["training"].startswith("/no/python: ")
    assert found["training_python"] == sys.executable
