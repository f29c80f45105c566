"""`python -m dss_worker`: the worker's agent, the training child that it starts, and a look at the machine.

Heavy modules load in the command that needs them: `devices` and `agent` never load torch.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import signal
import sys
from dataclasses import asdict
from pathlib import Path

_WORKER_ID = re.compile(r"[a-z0-9-]{1,63}")
_DEVICE = re.compile(r"auto|cpu|cuda:\d{1,3}(,\d{1,3})*")
_SERVER = re.compile(r"(?P<host>\[[0-9a-f:]+\]|[^:\[\]]+):(?P<port>\d{1,5})")
_LOOPBACK = ("127.0.0.1", "[::1]", "localhost")
# Each is a process that has loaded torch.
_MAX_SLOTS = 64
_JOIN_TOKEN = "DSS_JOIN_TOKEN"
_JOIN_TOKEN_FILE = "DSS_JOIN_TOKEN_FILE"


def main(arguments: list[str] | None = None) -> int:
    parser = _parser()
    options = parser.parse_args(arguments)
    match options.command:
        case "agent":
            return _agent(parser, options)
        case "devices":
            return _devices(options)
        case "rank":
            return _rank(options)
        case _:
            return _child(options)


def _agent(parser: argparse.ArgumentParser, options: argparse.Namespace) -> int:
    # Until the agent takes it: the first process of a container that has no handler does not hear it.
    signal.signal(signal.SIGTERM, lambda number, _: os._exit(128 + number))
    # Out of the environment at once, so that no child gets it.
    token = os.environ.pop(_JOIN_TOKEN, "")
    path = os.environ.pop(_JOIN_TOKEN_FILE, "")
    if not token and path:
        try:
            token = Path(path).read_text(encoding="utf-8").strip()
        except (OSError, UnicodeDecodeError) as error:
            parser.error(f"{_JOIN_TOKEN_FILE}: {path} cannot be read: {error}")
    if options.slots > 1 and "," in options.device:
        parser.error(
            f"argument --slots: trials share one device, and --device names several: {options.device!r}. "
            "Start a worker for each of them, or leave --slots at 1"
        )
    from dss_worker.agent.channel import TLS_CA, TLS_CERT, tls_files_of
    from dss_worker.errors import WorkerError

    try:
        tls = tls_files_of(os.environ)
    except WorkerError as error:
        parser.error(error.message)
    if tls is None and options.server.rpartition(":")[0] not in _LOOPBACK:
        parser.error(
            f"argument --server: {options.server!r} is refused: without TLS only this machine is spoken to "
            f"({', '.join(_LOOPBACK)}). {TLS_CA} names the CA certificate of another"
        )
    if not token and (tls is None or tls.certificate is None):
        parser.error(
            f"{_JOIN_TOKEN} is not set, nor {_JOIN_TOKEN_FILE}: the control plane gives each worker a token to join "
            f"with, unless {TLS_CERT} names a certificate of its CA"
        )
    from dss_worker.parent import die_with_parent

    die_with_parent()
    from dss_worker.agent.main import AgentOptions, run_agent

    return run_agent(
        AgentOptions(
            server=options.server,
            worker_id=options.worker_id,
            threads=options.threads,
            device=options.device,
            join_token=token,
            keeps_trying=options.keep_trying,
            tls=tls,
            cache=Path(options.cache) if options.cache else None,
            cache_bytes=options.cache_bytes,
            rendezvous_port=options.rendezvous_port,
            trials=options.trials,
            idle_exit_s=options.idle_exit,
            drained_status=options.drained_status,
            slots=options.slots,
        )
    )


def _devices(options: argparse.Namespace) -> int:
    from dss_worker.agent.devices import find_devices

    devices = find_devices()
    if options.json:
        print(json.dumps([asdict(device) for device in devices]))
        return 0
    for device in devices:
        threads = f", {device.threads} threads" if device.threads else ""
        print(f"{device.kind}  {device.name}, {device.memory_bytes / 1024**3:.1f} GiB{threads}")
    return 0


def _child(options: argparse.Namespace) -> int:
    from dss_worker.parent import die_with_parent

    die_with_parent(options.agent_pid)
    from dss_worker.training.serve import serve

    return serve(
        options.read_fd,
        options.write_fd,
        device=options.device,
        threads=options.threads,
        sharers=options.sharers,
    )


def _rank(options: argparse.Namespace) -> int:
    from dss_worker.parent import die_with_parent

    die_with_parent(options.parent_pid)
    from dss_worker.parallel.run import serve_rank

    return serve_rank(options.write_fd, device=options.device, threads=options.threads)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m dss_worker", description="The worker of dss, which trains what the control plane lends it."
    )
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")

    agent = commands.add_parser(
        "agent",
        help="join a control plane and run what it lends",
        description=f"Joins a control plane and runs what it lends, until it is drained. The token to join with is "
        f"read from {_JOIN_TOKEN}, or from the file that {_JOIN_TOKEN_FILE} names.",
        epilog="example: python -m dss_worker agent --server 127.0.0.1:50051 --worker-id local-1 --threads 2 "
        "--device cpu",
    )
    agent.add_argument("--server", required=True, type=_server, metavar="HOST:PORT", help="of the control plane")
    agent.add_argument("--worker-id", required=True, type=_worker_id, metavar="ID", help="unlike any other worker's")
    agent.add_argument("--threads", type=_threads, default=1, metavar="N", help="CPU threads of each trial (default 1)")
    devices = "one or several GPUs, or the CPU (default auto: the first GPU, else the CPU)"
    agent.add_argument("--device", type=_device, default="auto", metavar="auto|cpu|cuda:K,…", help=devices)
    agent.add_argument(
        "--slots",
        type=_slots,
        default=os.environ.get("DSS_WORKER_SLOTS", "1"),
        metavar="N",
        help="trials side by side on the device, where its memory bears them (default $DSS_WORKER_SLOTS, else 1)",
    )
    agent.add_argument(
        "--rendezvous-port",
        type=_port,
        default=0,
        metavar="PORT",
        help="where other machines meet this one, of trials that several have (default: any that is free)",
    )
    agent.add_argument(
        "--keep-trying", action="store_true", help="never give up while the control plane is out of reach"
    )
    trials = "end with status 0 after so many trials, however they went (default: take one after the other)"
    agent.add_argument("--trials", type=_trials, default=None, metavar="N", help=trials)
    idle = "end after so long without a trial (default: never)"
    agent.add_argument("--idle-exit", type=_seconds, default=None, metavar="SECONDS", help=idle)
    drained = "exit status once the control plane has drained it (default 0)"
    agent.add_argument("--drained-status", type=_exit_status, default=0, metavar="N", help=drained)

    agent.add_argument(
        "--cache",
        default=os.environ.get("DSS_WORKER_CACHE"),
        metavar="DIR",
        help="for files that travel (default $DSS_WORKER_CACHE, else in $DSS_HOME or ~/.cache)",
    )
    agent.add_argument(
        "--cache-bytes",
        type=_bytes,
        default=os.environ.get("DSS_WORKER_CACHE_BYTES", str(50 * 1024**3)),
        metavar="N",
        help="that it may take at most (default $DSS_WORKER_CACHE_BYTES, else 50 GiB)",
    )

    looking = commands.add_parser(
        "devices",
        help="say what this machine can train on",
        description="Says what this machine can train on, without loading torch.",
        epilog="example: python -m dss_worker devices --json",
    )
    looking.add_argument("--json", action="store_true", help="a JSON list of {kind, name, memory_bytes, threads}")

    child = commands.add_parser("child", help="train for an agent; it starts this itself")
    child.add_argument("--threads", required=True, type=_threads)
    child.add_argument("--device", required=True, choices=["cpu", "cuda"])
    child.add_argument("--sharers", type=_slots, default=1)
    child.add_argument("--read-fd", required=True, type=int)
    child.add_argument("--write-fd", required=True, type=int)
    child.add_argument("--agent-pid", required=True, type=int)

    rank = commands.add_parser(
        "rank", help="train beside a child that trains with several devices; it starts this itself"
    )
    rank.add_argument("--threads", required=True, type=_threads)
    rank.add_argument("--device", required=True, choices=["cpu", "cuda"])
    rank.add_argument("--write-fd", required=True, type=int)
    rank.add_argument("--parent-pid", required=True, type=int)
    return parser


def _server(text: str) -> str:
    match = _SERVER.fullmatch(text)
    if match is None:
        raise argparse.ArgumentTypeError(f"expected HOST:PORT, got {text!r}")
    if not 1 <= int(match["port"]) <= 65_535:
        raise argparse.ArgumentTypeError(f"expected a port from 1 to 65535, got {match['port']}")
    return text


def _port(text: str) -> int:
    if not text.isascii() or not text.isdigit() or not 1 <= int(text) <= 65_535:
        raise argparse.ArgumentTypeError(f"expected a port from 1 to 65535, got {text!r}")
    return int(text)


def _seconds(text: str) -> float:
    if re.fullmatch(r"\d{1,7}(\.\d{1,3})?", text) is None or float(text) == 0:
        raise argparse.ArgumentTypeError(f"expected a number of seconds above 0, got {text!r}")
    return float(text)


def _exit_status(text: str) -> int:
    if not text.isascii() or not text.isdigit() or int(text) > 255:
        raise argparse.ArgumentTypeError(f"expected a number from 0 to 255, got {text!r}")
    return int(text)


def _worker_id(text: str) -> str:
    if _WORKER_ID.fullmatch(text) is None:
        raise argparse.ArgumentTypeError(f"expected 1 to 63 of a-z, 0-9 and -, got {text!r}")
    return text


def _device(text: str) -> str:
    if _DEVICE.fullmatch(text) is None:
        raise argparse.ArgumentTypeError(f"expected auto, cpu, cuda:K or cuda:K,L,…, got {text!r}")
    return text


def _bytes(text: str) -> int:
    if not text.isascii() or not text.isdigit() or int(text) == 0:
        raise argparse.ArgumentTypeError(f"expected a number of bytes, got {text!r}")
    return int(text)


def _slots(text: str) -> int:
    if not text.isascii() or not text.isdigit() or not 1 <= int(text) <= _MAX_SLOTS:
        raise argparse.ArgumentTypeError(f"expected a number from 1 to {_MAX_SLOTS}, got {text!r}")
    return int(text)


def _trials(text: str) -> int:
    if re.fullmatch(r"[1-9]\d{0,8}", text) is None:
        raise argparse.ArgumentTypeError(f"expected a number of trials, at least 1, got {text!r}")
    return int(text)


def _threads(text: str) -> int:
    if not text.isascii() or not text.isdigit() or not 1 <= int(text) <= 1_024:
        raise argparse.ArgumentTypeError(f"expected a number from 1 to 1024, got {text!r}")
    return int(text)


if __name__ == "__main__":
    sys.exit(main())
