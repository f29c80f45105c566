from __future__ import annotations

import socket
import subprocess
import sys
from pathlib import Path

import pytest

WORKER = Path(__file__).parents[2]
# Prints the answer; then what became of a connection, or of the libraries' settings.
PROBE = """
import os, socket, sys
from dss_worker.models.isolation import leave_network
print(leave_network())
try:
    socket.create_connection(("127.0.0.1", int(sys.argv[1]))).close()
    print("connected")
except OSError:
    print("cut off")
from huggingface_hub.constants import HF_HUB_OFFLINE
print(HF_HUB_OFFLINE)
"""


def test_where_the_system_allows_it_not_even_this_machine_can_be_reached() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        finished = subprocess.run(
            [sys.executable, "-c", PROBE, str(server.getsockname()[1])],
            capture_output=True,
            text=True,
            check=True,
            env={"PYTHONPATH": str(WORKER)},
        )
    isolation, connection, is_offline = finished.stdout.split("\n")[:3]
    assert is_offline == "True"
    if isolation == "settings":
        assert connection == "connected"
        pytest.skip("NOT TESTED: this system gives no process a network namespace of its own")
    assert (isolation, connection) == ("namespace", "cut off")
