"""`python -m dss_worker`, as launchers and people call it."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

from tests.agent.processes import PACKAGE, environment

AGENT = ["agent", "--server", "127.0.0.1:1", "--worker-id", "local-1"]


def call(*arguments: str, **variables: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "dss_worker", *arguments]
    return subprocess.run(
        command, env={**environment(), **variables}, capture_output=True, text=True, check=False, cwd=PACKAGE
    )


def test_devices_are_one_json_document() -> None:
    done = call("devices", "--json")
    devices = json.loads(done.stdout)
    assert done.returncode == 0
    assert set(devices[0]) == {"kind", "name", "memory_bytes", "threads"}
    assert devices[0]["kind"] == "cpu"


def test_devices_are_shown_to_people_too() -> None:
    assert call("devices").stdout.startswith("cpu  ")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ([], "COMMAND"),
        (["train"], "invalid choice: 'train'"),
        (["agent"], "--server, --worker-id"),
        ([*AGENT, "--server", "127.0.0.1"], "expected HOST:PORT, got '127.0.0.1'"),
        ([*AGENT, "--server", "10.0.0.1:5"], "'10.0.0.1:5' is refused"),
        ([*AGENT, "--server", "127.0.0.1.example.org:5"], "only this machine is spoken to"),
        ([*AGENT, "--server", "127.0.0.1:0"], "expected a port from 1 to 65535, got 0"),
        ([*AGENT, "--worker-id", "Local"], "expected 1 to 63 of a-z, 0-9 and -, got 'Local'"),
        ([*AGENT, "--threads", "0"], "expected a number from 1 to 1024, got '0'"),
        ([*AGENT, "--trials", "0"], "expected a number of trials, at least 1, got '0'"),
        ([*AGENT, "--drained-status", "256"], "expected a number from 0 to 255, got '256'"),
        ([*AGENT, "--device", "tpu"], "expected auto, cpu, cuda:K or cuda:K,L,…, got 'tpu'"),
    ],
)
def test_wrong_use_is_told_and_ends_with_2(arguments: list[str], message: str) -> None:
    done = call(*arguments)
    assert done.returncode == 2
    assert message in done.stderr


def test_an_agent_without_a_token_says_so() -> None:
    done = call(*AGENT, DSS_JOIN_TOKEN="")
    assert (done.returncode, "DSS_JOIN_TOKEN is not set" in done.stderr) == (2, True)


def test_an_agent_speaks_to_another_machine_by_tls_only() -> None:
    far = [*AGENT, "--server", "192.0.2.1:7333", "--device", "cuda:99"]
    assert "DSS_TLS_CA names the CA certificate of another" in call(*far).stderr
    # It went on to look for its device.
    assert "device cuda:99 is not here" in call(*far, DSS_TLS_CA="ca.pem").stderr


def test_an_agent_with_a_certificate_needs_no_token() -> None:
    identity = {"DSS_TLS_CA": "ca.pem", "DSS_TLS_CERT": "worker.pem", "DSS_TLS_KEY": "worker.key"}
    done = call(*AGENT, "--device", "cuda:99", DSS_JOIN_TOKEN="", **identity)
    assert "device cuda:99 is not here" in done.stderr
    assert "DSS_TLS_CERT and DSS_TLS_KEY go together" in call(*AGENT, DSS_TLS_CERT="worker.pem").stderr


def test_an_agent_for_a_device_that_is_not_here_says_so() -> None:
    done = call(*AGENT, "--device", "cuda:0", CUDA_VISIBLE_DEVICES="")
    assert done.returncode == 2
    assert "device cuda:0 is not here: 0 CUDA devices were found\nhint: " in done.stderr


def test_trials_share_one_device_and_no_more() -> None:
    done = call(*AGENT, "--slots", "2", "--device", "cuda:0,1")
    assert done.returncode == 2
    assert "--slots: trials share one device, and --device names several: 'cuda:0,1'" in done.stderr
    assert "argument --slots: expected a number from 1 to 64, got '0'" in call(*AGENT, "--slots", "0").stderr
    assert "argument --slots: expected a number from 1 to 64, got 'x'" in call(*AGENT, DSS_WORKER_SLOTS="x").stderr


@pytest.mark.parametrize("command", [[], ["agent"], ["devices"], ["child"]])
def test_help_is_there(command: list[str]) -> None:
    done = call(*command, "--help")
    assert (done.returncode, done.stderr) == (0, "")
    assert "usage: python -m dss_worker" in done.stdout


def test_what_the_agent_loads_is_light() -> None:
    program = "import sys, dss_worker.__main__, dss_worker.agent.main; print(*sys.modules)"
    done = subprocess.run(
        [sys.executable, "-c", program], env=environment(), capture_output=True, text=True, check=True
    )
    loaded = {name.partition(".")[0] for name in done.stdout.split()}
    assert "grpc" in loaded
    assert loaded.isdisjoint({"torch", "numpy", "transformers", "tokenizers", "safetensors"})
