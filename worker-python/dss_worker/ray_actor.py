"""Actors of a Ray cluster: workers, and gangs of them.

A worker's agent is a process of its own: Ray's gRPC and ours do not meet. It ends when its actor does, however that
ends. Answers are plain values, since a control plane that speaks Ray's client protocol reads them without Python.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
import traceback
from collections.abc import Mapping, Sequence
from pathlib import Path

from dss_worker.ray_probe import look

# An agent gives what it runs 20 s to write down where it is.
STOP_WITHIN_S = 28.0

_PACKAGE_ROOT = Path(__file__).resolve().parents[1]
_FAILED = 70


class Worker:
    """starting → its agent runs → the agent ends, and this with it."""

    def __init__(self, python: str, arguments: list[str], variables: dict[str, str]) -> None:
        self._agent = _start_agent(python, arguments, variables)
        threading.Thread(target=self._end_with_agent, daemon=True).start()

    def status(self) -> str:
        return json.dumps({"runs": True})

    def stop(self) -> bool:
        """Has the agent give back what it runs; the actor ends when that is done."""
        _stop(self._agent)
        return True

    def _end_with_agent(self) -> None:
        # By the process: there is nothing left that could be told of it.
        os._exit(min(abs(self._agent.wait()), 255))


class Member:
    """A worker of a gang. It stays when its agent has ended, so that the gang hears how."""

    def __init__(self, python: str, arguments: list[str], variables: dict[str, str]) -> None:
        self._agent = _start_agent(python, arguments, variables)

    def ended(self) -> int:
        """Waits for it, and gives the agent's exit status."""
        return self._agent.wait()

    def stop(self) -> None:
        _stop(self._agent)


class Gang:
    """Has the gang's room and its members, as `python -m dss_worker.ray_gang` has by the Jobs interface."""

    def __init__(
        self,
        members: list[str],
        bundle: dict[str, float],
        python: str,
        arguments: list[str],
        variables: dict[str, str],
    ) -> None:
        from dss_worker.ray_gang import Gang as Members
        from dss_worker.ray_gang import GangOrder

        order = GangOrder(members=members, bundle=bundle, python=python, arguments=arguments, variables=variables)
        self._members = Members(order)
        threading.Thread(target=self._run, daemon=True).start()

    def status(self) -> str:
        return json.dumps({"runs": self._members.runs})

    def stop(self) -> bool:
        self._members.stop()
        return True

    def _run(self) -> None:
        status = _FAILED
        try:
            status = self._members.run()
        except Exception:
            traceback.print_exc()
        finally:
            os._exit(status)


class Probe:
    def look(self, server: str, ca_pem: str, training_python: str) -> str:
        return json.dumps(look(server, ca_pem=ca_pem, training_python=training_python))


def _start_agent(python: str, arguments: Sequence[str], variables: Mapping[str, str]) -> subprocess.Popen[bytes]:
    environment = {**os.environ, **variables}
    environment["PYTHONPATH"] = os.pathsep.join(filter(None, [str(_PACKAGE_ROOT), environment.get("PYTHONPATH")]))
    command = [python or sys.executable, "-m", "dss_worker.ray_worker", "--ends-with-input", *arguments]
    # Nothing is ever written into it: it ends when this process does, also by SIGKILL.
    return subprocess.Popen(command, env=environment, stdin=subprocess.PIPE)


def _stop(agent: subprocess.Popen[bytes]) -> None:
    agent.send_signal(signal.SIGTERM)
    late = threading.Timer(STOP_WITHIN_S, agent.kill)
    late.daemon = True
    late.start()
