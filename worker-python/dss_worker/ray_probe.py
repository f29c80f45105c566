"""`python -m dss_worker.ray_probe`: what a Ray cluster's Python is and whether the control plane is reached from there.

Asked before the first worker starts. It needs nothing but the standard library, so that it can say what is missing.
"""

from __future__ import annotations

import argparse
import json
import os
import socket
import ssl
import subprocess
import sys
from collections.abc import Sequence
from typing import Any

from dss_worker.config import ENGINE_VERSION
from dss_worker.ray_worker import CA_PEM, TRAINING_PYTHON, worker_environment

# Begins the line of the answer among whatever else a job prints.
MARK = "dss-probe:"
CONNECT_S = 5.0
_ASK_S = 60.0

# Run by the Python that trains, which may be another one and know nothing of this package.
_VERSIONS = """
import json, platform
from importlib.metadata import PackageNotFoundError, version
found = {"python": platform.python_version()}
for name in ("torch", "transformers", "grpcio", "protobuf"):
    try:
        found[name] = version(name)
    except PackageNotFoundError:
        pass
print(json.dumps(found))
"""


def look(server: str, *, ca_pem: str = "", training_python: str = "") -> dict[str, Any]:
    """Every value is plain, so that it can be read without Python."""
    python = training_python or sys.executable
    own, _ = _ask(sys.executable, _VERSIONS)
    training, complaint = (own, "") if python == sys.executable else _ask(python, _VERSIONS)
    agents = _ask(sys.executable, "import dss_worker.agent.main", with_package=True)[1]
    agents_elsewhere = "" if not agents or python == sys.executable else _agent_of(python)
    return {
        "engine": ENGINE_VERSION,
        "host": socket.gethostname(),
        "versions": json.loads(own or "{}"),
        "agent": agents,
        "training_agent": agents_elsewhere,
        "training_python": python,
        "training_versions": json.loads(training or "{}"),
        "training": complaint,
        "reach": reach(server, ca_pem),
    }


def _agent_of(python: str) -> str:
    return _ask(python, "import dss_worker.agent.main", with_package=True)[1]


def reach(server: str, ca_pem: str) -> str:
    """Why the control plane is not reached from here; empty: it is."""
    host, _, port = server.rpartition(":")
    host = host.strip("[]")
    try:
        with socket.create_connection((host, int(port)), timeout=CONNECT_S) as connection:
            if ca_pem:
                context = ssl.create_default_context(cadata=ca_pem)
                context.set_alpn_protocols(["h2"])
                context.wrap_socket(connection, server_hostname=host).close()
    except ssl.SSLCertVerificationError as error:
        return f"certificate: {error.verify_message}"
    except ssl.SSLError as error:
        return f"tls: {error.reason}"
    except socket.gaierror as error:
        return f"name: {error.strerror}"
    except TimeoutError:
        return f"timeout: no answer in {CONNECT_S:g} s"
    except OSError as error:
        return f"connect: {error.strerror or error}"
    return ""


def _ask(python: str, code: str, *, with_package: bool = False) -> tuple[str, str]:
    """What it prints, and what it complains of."""
    environment = worker_environment(os.environ) if python != sys.executable else dict(os.environ)
    if with_package:
        from dss_worker.ray_worker import _PACKAGE_ROOT

        environment["PYTHONPATH"] = os.pathsep.join(filter(None, [str(_PACKAGE_ROOT), environment.get("PYTHONPATH")]))
    try:
        done = subprocess.run(
            [python, "-c", code], capture_output=True, text=True, timeout=_ASK_S, check=False, env=environment
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        return "", f"{python}: {error}"
    if done.returncode == 0:
        return done.stdout, ""
    last = done.stderr.strip().splitlines()[-1:] or [f"ended with {done.returncode}"]
    return "", f"{python}: {last[0]}"


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m dss_worker.ray_probe", description=__doc__)
    parser.add_argument("--server", required=True)
    options = parser.parse_args(arguments)
    found = look(
        options.server,
        ca_pem=os.environ.get(CA_PEM, ""),
        training_python=os.environ.get(TRAINING_PYTHON, ""),
    )
    print(f"{MARK}{json.dumps(found)}", flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
