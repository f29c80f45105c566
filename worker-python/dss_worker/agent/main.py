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
from dataclasses import dataclass, replace
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any
from uuid import uuid4

from dss_worker.agent.agent import Agent, AgentEnd, Identity
from dss_worker.agent.cache import FileCache
from dss_worker.agent.channel import TlsFiles
from dss_worker.agent.clock import SystemClock
from dss_worker.agent.devices import chosen_device, cuda_indices, devices_of
from dss_worker.agent.load import measure_of
from dss_worker.agent.rendezvous import free_port, interface_of, own_address
from dss_worker.agent.session import Session
from dss_worker.agent.storage import Storage, StoreAccess
from dss_worker.agent.tasks import start_task
from dss_worker.agent.training_python import versions_of
from dss_worker.errors import WorkerError

logger = logging.getLogger(__name__)

CACHE_BYTES = 50 * 1024**3

_PACKAGE_ROOT = Path(__file__).resolve().parents[2]


@dataclass(frozen=True, slots=True, kw_only=True)
class AgentOptions:
    # HOST:PORT
    server: str
    worker_id: str
    # CPU threads of each trial.
    threads: int
    # "auto", "cpu", "cuda:K" or "cuda:K,L".
    device: str
    join_token: str
    # However long the control plane is out of reach.
    keeps_trying: bool = False
    # None: everything is said in the clear, on this machine.
    tls: TlsFiles | None = None
    # Of files that the control plane's machine has; None: see `cache_folder`.
    cache: Path | None = None
    cache_bytes: int = CACHE_BYTES
    # Where other workers meet this one, when it is the first of several; 0: any that is free now.
    rendezvous_port: int = 0
    # It ends once it has had so many; None: it takes one after the other.
    trials: int | None = None
    # It ends after so long without an attempt; None: it waits for ever.
    idle_exit_s: float | None = None
    # How it ends once the control plane has drained it. 0 would tell Kubernetes that its work is done for good.
    drained_status: int = 0
    # Trials side by side on its device, as far as its memory bears them.
    slots: int = 1


def run_agent(options: AgentOptions, *, child_command: Sequence[str] | None = None) -> int:
    """Gives the exit status. `child_command`: another program in training's place."""
    logging.basicConfig(level=logging.INFO, stream=sys.stderr, format="%(asctime)s %(message)s")
    options = replace(options, device=chosen_device(options.device))
    try:
        devices = devices_of(options.device, threads=options.threads)
    except WorkerError as error:
        print(f"{error.message}\nhint: {error.hint}", file=sys.stderr)
        return 2
    logger.info("trains on %s: %s", options.device, ", ".join(device.name for device in devices))
    host, _, port = options.server.rpartition(":")
    # Where trials share a device no trial has several machines: two of them would be met by one port.
    address = own_address(host, int(port)) if options.slots == 1 else ""
    identity = Identity(
        worker_id=options.worker_id,
        instance_id=uuid4().hex,
        # In a pod the machine, which may be to blame for what fails on it, and not the pod.
        host=os.environ.get("DSS_NODE_NAME") or socket.gethostname(),
        pid=os.getpid(),
        devices=devices,
        versions=_versions(),
        address=address,
        rendezvous_port=(options.rendezvous_port or free_port(address)) if address else 0,
        slots=options.slots,
    )
    environment = {**child_environment(options, os.environ), **network_environment(address, os.environ)}
    end = asyncio.run(_run(options, identity, child_command or child_command_of(options), environment))
    logger.log(logging.INFO if end.status == 0 else logging.ERROR, "%s", end.message)
    return end.status


async def _run(
    options: AgentOptions, identity: Identity, child_command: Sequence[str], environment: Mapping[str, str]
) -> AgentEnd:
    clock = SystemClock()
    access = StoreAccess(
        host=options.server.rpartition(":")[0],
        token=options.join_token,
        worker_id=options.worker_id,
        tls=options.tls,
    )
    cache = FileCache(_cache_of(options), limit_bytes=options.cache_bytes, clock=clock)
    storage = Storage(access, cache=cache, clock=clock)
    agent = Agent(
        identity,
        clock=clock,
        child_command=child_command,
        environment=environment,
        storage=storage,
        measure=measure_of(options.device),
        trials=options.trials,
        idle_exit_s=options.idle_exit_s,
        drained_status=options.drained_status,
    )
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
    # On a cluster the agent may run in a Python that has no torch.
    python = os.environ.get("DSS_PYTHON") or sys.executable
    words = ["--threads", str(options.threads), "--device", device, "--sharers", str(options.slots)]
    return [python, "-P", "-m", "dss_worker", "child", *words]


def network_environment(address: str, environment: Mapping[str, str]) -> dict[str, str]:
    """By which interface the processes of a trial speak to those of other machines, where nobody has said it."""
    interface = interface_of(address)
    names = ("GLOO_SOCKET_IFNAME", "NCCL_SOCKET_IFNAME")
    return {} if interface is None else {name: environment.get(name, interface) for name in names}


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
        # Training takes the first devices that it sees.
        "CUDA_VISIBLE_DEVICES": _visible(options.device, environment.get("CUDA_VISIBLE_DEVICES")),
    }
    if options.cache is not None and "DSS_TOKEN_CACHE" not in environment:
        ours["DSS_TOKEN_CACHE"] = str(options.cache / "tokens")
    return {**environment, **ours}


def cache_folder(environment: Mapping[str, str]) -> Path:
    """Where a worker keeps what it fetches, unless it is told."""
    home = environment.get("DSS_HOME")
    if home:
        return Path(home).absolute() / "cache" / "worker"
    caches = environment.get("XDG_CACHE_HOME")
    return (Path(caches) if caches else Path.home() / ".cache") / "dss" / "worker"


def _cache_of(options: AgentOptions) -> Path:
    return (options.cache or cache_folder(os.environ)).absolute()


def _visible(device: str, visible: str | None) -> str:
    if device == "cpu":
        return ""
    indices = cuda_indices(device)
    return ",".join(str(index) if visible is None else visible.split(",")[index].strip() for index in indices)


def _versions() -> dict[str, str]:
    """By what is installed; training says in each result what it really ran on."""
    other = os.environ.get("DSS_PYTHON")
    if other and Path(other).resolve() != Path(sys.executable).resolve():
        return versions_of(other)
    versions = {"python": platform.python_version()}
    for package in ("torch", "transformers"):
        try:
            versions[package] = version(package)
        except PackageNotFoundError:
            continue
    return versions
