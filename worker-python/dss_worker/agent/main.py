"""`python -m dss_worker agent`: one worker agent, from its flags to its exit status."""

from __future__ import annotations

import asyncio
import logging
import os
import platform
import random
import signal
import socket
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any
from uuid import uuid4

from dss_worker.agent.agent import Agent, AgentEnd, Identity
from dss_worker.agent.channel import TlsFiles
from dss_worker.agent.clock import SystemClock
from dss_worker.agent.devices import device_of
from dss_worker.agent.session import Session
from dss_worker.agent.tasks import start_task
from dss_worker.errors import WorkerError

logger = logging.getLogger(__name__)

_PACKAGE_ROOT = Path(__file__).resolve().parents[2]


@dataclass(frozen=True, slots=True, kw_only=True)
class AgentOptions:
    # HOST:PORT
    server: str
    worker_id: str
    # CPU threads of training.
    threads: int
    # "cpu" or "cuda:K".
    device: str
    join_token: str
    # However long the control plane is out of reach.
    keeps_trying: bool = False
    # None: everything is said in the clear, on this machine.
    tls: TlsFiles | None = None


def run_agent(options: AgentOptions, *, child_command: Sequence[str] | None = None) -> int:
    """Gives the exit status. `child_command`: another program in training's place."""
    logging.basicConfig(level=logging.INFO, stream=sys.stderr, format="%(asctime)s %(message)s")
    try:
        device = device_of(options.device, threads=options.threads)
    except WorkerError as error:
        print(f"{error.message}\nhint: {error.hint}", file=sys.stderr)
        return 2
    identity = Identity(
        worker_id=options.worker_id,
        instance_id=uuid4().hex,
        host=socket.gethostname(),
        pid=os.getpid(),
        device=device,
        versions=_versions(),
    )
    environment = child_environment(options, os.environ)
    end = asyncio.run(_run(options, identity, child_command or child_command_of(options), environment))
    logger.log(logging.INFO if end.status == 0 else logging.ERROR, "%s", end.message)
    return end.status


async def _run(
    options: AgentOptions, identity: Identity, child_command: Sequence[str], environment: Mapping[str, str]
) -> AgentEnd:
    clock = SystemClock()
    agent = Agent(identity, clock=clock, child_command=child_command, environment=environment)
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, agent.stop, 128 + number)

    def fail(loop: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
        loop.default_exception_handler(context)
        agent.end(1, "internal error, see above")

    loop.set_exception_handler(fail)
    session = Session(
        agent,
        server=options.server,
        token=options.join_token,
        clock=clock,
        random=random.SystemRandom().random,
        keeps_trying=options.keeps_trying,
        tls=options.tls,
    )
    try:
        await agent.start()
        speaking = start_task(session.run())
        end = await agent.ended
        speaking.cancel()
        await asyncio.wait({speaking})
        return end
    finally:
        await agent.close()


def child_command_of(options: AgentOptions) -> list[str]:
    device = "cpu" if options.device == "cpu" else "cuda"
    # -P: a file torch.py where the agent was started is not torch.
    return [sys.executable, "-P", "-m", "dss_worker", "child", "--threads", str(options.threads), "--device", device]


def child_environment(options: AgentOptions, environment: Mapping[str, str]) -> dict[str, str]:
    threads = str(options.threads)
    ours = {
        "PYTHONPATH": os.pathsep.join(filter(None, [str(_PACKAGE_ROOT), environment.get("PYTHONPATH")])),
        "PYTHONUNBUFFERED": "1",
        # The order of a set must not tell two processes' results apart.
        "PYTHONHASHSEED": "0",
        # Read once, when the libraries are loaded.
        "OMP_NUM_THREADS": threads,
        "MKL_NUM_THREADS": threads,
        # Threads that spin while they wait for each other take the core from the one they wait for, as soon as
        # anything else runs here. 2026-11-25, 2 threads on 2 cores, a tiny T5, 20 steps with evaluations: by default
        # 1.2 s, and 40 to 100 s beside one busy process; with this 1.7 s, and 8 s with five times as much.
        "GOMP_SPINCOUNT": environment.get("GOMP_SPINCOUNT", "1000"),
        "TOKENIZERS_PARALLELISM": "false",
        # What a trial reads is named in its assignment; nothing is fetched.
        "HF_HUB_OFFLINE": "1",
        # nvidia-smi's numbers, by which devices were found; CUDA's own order puts the fastest first.
        "CUDA_DEVICE_ORDER": "PCI_BUS_ID",
        # Training takes the first device that it sees.
        "CUDA_VISIBLE_DEVICES": _visible(options.device, environment.get("CUDA_VISIBLE_DEVICES")),
    }
    return {**environment, **ours}


def _visible(device: str, visible: str | None) -> str:
    if device == "cpu":
        return ""
    index = int(device.removeprefix("cuda:"))
    return str(index) if visible is None else visible.split(",")[index].strip()


def _versions() -> dict[str, str]:
    """By what is installed; training says in each result what it really ran on."""
    versions = {"python": platform.python_version()}
    for package in ("torch", "transformers"):
        try:
            versions[package] = version(package)
        except PackageNotFoundError:
            continue
    return versions
