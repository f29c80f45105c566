"""What workers and the control plane say to each other. proto/dss/v1/worker.proto says when and why."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from dss_worker.config import TrialConfig
from dss_worker.errors import Failure
from dss_worker.messages import Evaluation, GangPlace, Phase, TrainingPoint, TrialResult

LogStream = Literal["stdout", "stderr", "dss"]
DeviceKind = Literal["cpu", "cuda"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Lease:
    """A claim on an attempt."""

    trial_id: str
    # From 1.
    attempt: int
    # Fencing token.
    token: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Device:
    kind: DeviceKind
    name: str
    # 0: unknown.
    memory_bytes: int
    # Of a CPU: how many may run at once.
    threads: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredFile:
    """A file by its content; see store.proto."""

    # Relative, with forward slashes.
    path: str
    sha256: str
    size_bytes: int


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredCheckpoint:
    """A checkpoint whose files are in the store."""

    step: int
    # Its folder's name.
    path: str
    files: tuple[StoredFile, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class StorePlace:
    """Where files are, for workers that share no folder with the control plane."""

    # The state folder, on the control plane's machine.
    home: str
    # What the file `id` says there.
    home_id: str
    # Of the store; 0: files do not travel.
    port: int


# From the worker.


@dataclass(frozen=True, slots=True, kw_only=True)
class Hello:
    worker_id: str
    # Another one in each life of its process.
    instance_id: str
    engine_version: int
    host: str
    pid: int
    devices: tuple[Device, ...]
    versions: Mapping[str, str]
    # What it runs or holds ready, and what has ended without its end having been acknowledged.
    running: tuple[Lease, ...]
    slots: int
    # Attempts that it holds ready beyond those that run.
    prefetch: int
    # Where other workers reach it; empty: nowhere, and it joins no gang.
    address: str = ""
    # Free there for a gang whose first member it is; 0: it is never the first.
    rendezvous_port: int = 0
    # Attempts that it still takes before it ends; None: any number.
    trials: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Renew:
    leases: tuple[Lease, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class LeaseProgress:
    """News, not a report: unnumbered, never resent."""

    lease: Lease
    step: int
    loss: float
    examples_per_second: float
    phase: Phase


@dataclass(frozen=True, slots=True, kw_only=True)
class DeviceLoad:
    """By whomever."""

    # Share of its time that the device was busy, from 0 to 1. None: unknown.
    utilization: float | None
    memory_used_bytes: int
    # 0: unknown.
    memory_total_bytes: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Load:
    """News, as progress is."""

    # As in Hello, in its order.
    devices: tuple[DeviceLoad, ...]
    # Training processes that are up, their libraries loaded.
    warm: int


@dataclass(frozen=True, slots=True, kw_only=True)
class MetricsReport:
    lease: Lease
    training: tuple[TrainingPoint, ...]
    evaluations: tuple[Evaluation, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class LogLine:
    unix_ms: int
    stream: LogStream
    # At most 8 KiB of UTF-8.
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class LogReport:
    lease: Lease
    lines: tuple[LogLine, ...]
    # Lines before these that were left out because the buffer was full.
    dropped: int


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckpointReport:
    lease: Lease
    step: int
    # Its folder's name.
    path: str
    # What of it is in the store.
    files: tuple[StoredFile, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class FinishedReport:
    lease: Lease
    result: TrialResult
    # What is kept of the trial and is in the store.
    files: tuple[StoredFile, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class FailedReport:
    lease: Lease
    failure: Failure


@dataclass(frozen=True, slots=True, kw_only=True)
class Drained:
    """Nothing runs here any more."""


Report = MetricsReport | LogReport | CheckpointReport | FinishedReport | FailedReport | Drained


@dataclass(frozen=True, slots=True, kw_only=True)
class Numbered:
    """A report under the number by which it is acknowledged."""

    sequence: int
    report: Report


FromWorker = Hello | Renew | LeaseProgress | Load | Numbered


# To the worker.


@dataclass(frozen=True, slots=True, kw_only=True)
class Welcome:
    lease_ms: int
    renew_every_ms: int
    # None: nothing is said of it.
    store: StorePlace | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Assign:
    lease: Lease
    # A failure: the lease can be read, what it is for cannot.
    trial: TrialConfig | Failure
    # The newest that is in the store.
    checkpoint: StoredCheckpoint | None = None
    # None: no other machine has a part in it.
    gang: GangPlace | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Renewed:
    leases: tuple[Lease, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Acknowledged:
    sequences: tuple[int, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Stale:
    lease: Lease


@dataclass(frozen=True, slots=True, kw_only=True)
class Cancel:
    lease: Lease
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Drain:
    grace_ms: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Refused:
    code: str
    message: str
    hint: str


ToWorker = Welcome | Assign | Renewed | Acknowledged | Stale | Cancel | Drain | Refused
