from dss_worker.agent.generated.dss.v1 import common_pb2 as _common_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class WorkerMessage(_message.Message):
    __slots__ = ("sequence", "hello", "renew", "progress", "metrics", "log", "checkpoint", "finished", "failed", "drained", "load")
    SEQUENCE_FIELD_NUMBER: _ClassVar[int]
    HELLO_FIELD_NUMBER: _ClassVar[int]
    RENEW_FIELD_NUMBER: _ClassVar[int]
    PROGRESS_FIELD_NUMBER: _ClassVar[int]
    METRICS_FIELD_NUMBER: _ClassVar[int]
    LOG_FIELD_NUMBER: _ClassVar[int]
    CHECKPOINT_FIELD_NUMBER: _ClassVar[int]
    FINISHED_FIELD_NUMBER: _ClassVar[int]
    FAILED_FIELD_NUMBER: _ClassVar[int]
    DRAINED_FIELD_NUMBER: _ClassVar[int]
    LOAD_FIELD_NUMBER: _ClassVar[int]
    sequence: int
    hello: Hello
    renew: Renew
    progress: Progress
    metrics: MetricsReport
    log: LogReport
    checkpoint: CheckpointReport
    finished: FinishedReport
    failed: FailedReport
    drained: Drained
    load: Load
    def __init__(self, sequence: _Optional[int] = ..., hello: _Optional[_Union[Hello, _Mapping]] = ..., renew: _Optional[_Union[Renew, _Mapping]] = ..., progress: _Optional[_Union[Progress, _Mapping]] = ..., metrics: _Optional[_Union[MetricsReport, _Mapping]] = ..., log: _Optional[_Union[LogReport, _Mapping]] = ..., checkpoint: _Optional[_Union[CheckpointReport, _Mapping]] = ..., finished: _Optional[_Union[FinishedReport, _Mapping]] = ..., failed: _Optional[_Union[FailedReport, _Mapping]] = ..., drained: _Optional[_Union[Drained, _Mapping]] = ..., load: _Optional[_Union[Load, _Mapping]] = ...) -> None: ...

class Hello(_message.Message):
    __slots__ = ("worker_id", "engine_version", "host", "pid", "devices", "versions", "running", "slots", "instance_id", "prefetch", "address", "rendezvous_port", "trials")
    class VersionsEntry(_message.Message):
        __slots__ = ("key", "value")
        KEY_FIELD_NUMBER: _ClassVar[int]
        VALUE_FIELD_NUMBER: _ClassVar[int]
        key: str
        value: str
        def __init__(self, key: _Optional[str] = ..., value: _Optional[str] = ...) -> None: ...
    WORKER_ID_FIELD_NUMBER: _ClassVar[int]
    ENGINE_VERSION_FIELD_NUMBER: _ClassVar[int]
    HOST_FIELD_NUMBER: _ClassVar[int]
    PID_FIELD_NUMBER: _ClassVar[int]
    DEVICES_FIELD_NUMBER: _ClassVar[int]
    VERSIONS_FIELD_NUMBER: _ClassVar[int]
    RUNNING_FIELD_NUMBER: _ClassVar[int]
    SLOTS_FIELD_NUMBER: _ClassVar[int]
    INSTANCE_ID_FIELD_NUMBER: _ClassVar[int]
    PREFETCH_FIELD_NUMBER: _ClassVar[int]
    ADDRESS_FIELD_NUMBER: _ClassVar[int]
    RENDEZVOUS_PORT_FIELD_NUMBER: _ClassVar[int]
    TRIALS_FIELD_NUMBER: _ClassVar[int]
    worker_id: str
    engine_version: int
    host: str
    pid: int
    devices: _containers.RepeatedCompositeFieldContainer[Device]
    versions: _containers.ScalarMap[str, str]
    running: _containers.RepeatedCompositeFieldContainer[_common_pb2.Lease]
    slots: int
    instance_id: str
    prefetch: int
    address: str
    rendezvous_port: int
    trials: int
    def __init__(self, worker_id: _Optional[str] = ..., engine_version: _Optional[int] = ..., host: _Optional[str] = ..., pid: _Optional[int] = ..., devices: _Optional[_Iterable[_Union[Device, _Mapping]]] = ..., versions: _Optional[_Mapping[str, str]] = ..., running: _Optional[_Iterable[_Union[_common_pb2.Lease, _Mapping]]] = ..., slots: _Optional[int] = ..., instance_id: _Optional[str] = ..., prefetch: _Optional[int] = ..., address: _Optional[str] = ..., rendezvous_port: _Optional[int] = ..., trials: _Optional[int] = ...) -> None: ...

class Device(_message.Message):
    __slots__ = ("kind", "name", "memory_bytes", "threads")
    KIND_FIELD_NUMBER: _ClassVar[int]
    NAME_FIELD_NUMBER: _ClassVar[int]
    MEMORY_BYTES_FIELD_NUMBER: _ClassVar[int]
    THREADS_FIELD_NUMBER: _ClassVar[int]
    kind: str
    name: str
    memory_bytes: int
    threads: int
    def __init__(self, kind: _Optional[str] = ..., name: _Optional[str] = ..., memory_bytes: _Optional[int] = ..., threads: _Optional[int] = ...) -> None: ...

class Renew(_message.Message):
    __slots__ = ("leases",)
    LEASES_FIELD_NUMBER: _ClassVar[int]
    leases: _containers.RepeatedCompositeFieldContainer[_common_pb2.Lease]
    def __init__(self, leases: _Optional[_Iterable[_Union[_common_pb2.Lease, _Mapping]]] = ...) -> None: ...

class Progress(_message.Message):
    __slots__ = ("lease", "step", "loss", "examples_per_second", "phase")
    LEASE_FIELD_NUMBER: _ClassVar[int]
    STEP_FIELD_NUMBER: _ClassVar[int]
    LOSS_FIELD_NUMBER: _ClassVar[int]
    EXAMPLES_PER_SECOND_FIELD_NUMBER: _ClassVar[int]
    PHASE_FIELD_NUMBER: _ClassVar[int]
    lease: _common_pb2.Lease
    step: int
    loss: float
    examples_per_second: float
    phase: str
    def __init__(self, lease: _Optional[_Union[_common_pb2.Lease, _Mapping]] = ..., step: _Optional[int] = ..., loss: _Optional[float] = ..., examples_per_second: _Optional[float] = ..., phase: _Optional[str] = ...) -> None: ...

class Load(_message.Message):
    __slots__ = ("devices", "warm")
    DEVICES_FIELD_NUMBER: _ClassVar[int]
    WARM_FIELD_NUMBER: _ClassVar[int]
    devices: _containers.RepeatedCompositeFieldContainer[_common_pb2.DeviceLoad]
    warm: int
    def __init__(self, devices: _Optional[_Iterable[_Union[_common_pb2.DeviceLoad, _Mapping]]] = ..., warm: _Optional[int] = ...) -> None: ...

class MetricsReport(_message.Message):
    __slots__ = ("lease", "training", "evaluations")
    LEASE_FIELD_NUMBER: _ClassVar[int]
    TRAINING_FIELD_NUMBER: _ClassVar[int]
    EVALUATIONS_FIELD_NUMBER: _ClassVar[int]
    lease: _common_pb2.Lease
    training: _containers.RepeatedCompositeFieldContainer[_common_pb2.TrainingPoint]
    evaluations: _containers.RepeatedCompositeFieldContainer[_common_pb2.Evaluation]
    def __init__(self, lease: _Optional[_Union[_common_pb2.Lease, _Mapping]] = ..., training: _Optional[_Iterable[_Union[_common_pb2.TrainingPoint, _Mapping]]] = ..., evaluations: _Optional[_Iterable[_Union[_common_pb2.Evaluation, _Mapping]]] = ...) -> None: ...

class LogReport(_message.Message):
    __slots__ = ("lease", "lines", "dropped")
    LEASE_FIELD_NUMBER: _ClassVar[int]
    LINES_FIELD_NUMBER: _ClassVar[int]
    DROPPED_FIELD_NUMBER: _ClassVar[int]
    lease: _common_pb2.Lease
    lines: _containers.RepeatedCompositeFieldContainer[LogLine]
    dropped: int
    def __init__(self, lease: _Optional[_Union[_common_pb2.Lease, _Mapping]] = ..., lines: _Optional[_Iterable[_Union[LogLine, _Mapping]]] = ..., dropped: _Optional[int] = ...) -> None: ...

class LogLine(_message.Message):
    __slots__ = ("unix_ms", "stream", "text")
    UNIX_MS_FIELD_NUMBER: _ClassVar[int]
    STREAM_FIELD_NUMBER: _ClassVar[int]
    TEXT_FIELD_NUMBER: _ClassVar[int]
    unix_ms: int
    stream: str
    text: str
    def __init__(self, unix_ms: _Optional[int] = ..., stream: _Optional[str] = ..., text: _Optional[str] = ...) -> None: ...

class CheckpointReport(_message.Message):
    __slots__ = ("lease", "step", "path", "files")
    LEASE_FIELD_NUMBER: _ClassVar[int]
    STEP_FIELD_NUMBER: _ClassVar[int]
    PATH_FIELD_NUMBER: _ClassVar[int]
    FILES_FIELD_NUMBER: _ClassVar[int]
    lease: _common_pb2.Lease
    step: int
    path: str
    files: _containers.RepeatedCompositeFieldContainer[_common_pb2.StoredFile]
    def __init__(self, lease: _Optional[_Union[_common_pb2.Lease, _Mapping]] = ..., step: _Optional[int] = ..., path: _Optional[str] = ..., files: _Optional[_Iterable[_Union[_common_pb2.StoredFile, _Mapping]]] = ...) -> None: ...

class FinishedReport(_message.Message):
    __slots__ = ("lease", "result", "files")
    LEASE_FIELD_NUMBER: _ClassVar[int]
    RESULT_FIELD_NUMBER: _ClassVar[int]
    FILES_FIELD_NUMBER: _ClassVar[int]
    lease: _common_pb2.Lease
    result: _common_pb2.TrialResult
    files: _containers.RepeatedCompositeFieldContainer[_common_pb2.StoredFile]
    def __init__(self, lease: _Optional[_Union[_common_pb2.Lease, _Mapping]] = ..., result: _Optional[_Union[_common_pb2.TrialResult, _Mapping]] = ..., files: _Optional[_Iterable[_Union[_common_pb2.StoredFile, _Mapping]]] = ...) -> None: ...

class FailedReport(_message.Message):
    __slots__ = ("lease", "failure")
    LEASE_FIELD_NUMBER: _ClassVar[int]
    FAILURE_FIELD_NUMBER: _ClassVar[int]
    lease: _common_pb2.Lease
    failure: _common_pb2.Failure
    def __init__(self, lease: _Optional[_Union[_common_pb2.Lease, _Mapping]] = ..., failure: _Optional[_Union[_common_pb2.Failure, _Mapping]] = ...) -> None: ...

class Drained(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class ControlMessage(_message.Message):
    __slots__ = ("welcome", "assign", "renewed", "acknowledged", "stale", "cancel", "drain", "refused")
    WELCOME_FIELD_NUMBER: _ClassVar[int]
    ASSIGN_FIELD_NUMBER: _ClassVar[int]
    RENEWED_FIELD_NUMBER: _ClassVar[int]
    ACKNOWLEDGED_FIELD_NUMBER: _ClassVar[int]
    STALE_FIELD_NUMBER: _ClassVar[int]
    CANCEL_FIELD_NUMBER: _ClassVar[int]
    DRAIN_FIELD_NUMBER: _ClassVar[int]
    REFUSED_FIELD_NUMBER: _ClassVar[int]
    welcome: Welcome
    assign: Assign
    renewed: Renewed
    acknowledged: Acknowledged
    stale: Stale
    cancel: Cancel
    drain: Drain
    refused: Refused
    def __init__(self, welcome: _Optional[_Union[Welcome, _Mapping]] = ..., assign: _Optional[_Union[Assign, _Mapping]] = ..., renewed: _Optional[_Union[Renewed, _Mapping]] = ..., acknowledged: _Optional[_Union[Acknowledged, _Mapping]] = ..., stale: _Optional[_Union[Stale, _Mapping]] = ..., cancel: _Optional[_Union[Cancel, _Mapping]] = ..., drain: _Optional[_Union[Drain, _Mapping]] = ..., refused: _Optional[_Union[Refused, _Mapping]] = ...) -> None: ...

class Welcome(_message.Message):
    __slots__ = ("lease_ms", "renew_every_ms", "home", "home_id", "store_port")
    LEASE_MS_FIELD_NUMBER: _ClassVar[int]
    RENEW_EVERY_MS_FIELD_NUMBER: _ClassVar[int]
    HOME_FIELD_NUMBER: _ClassVar[int]
    HOME_ID_FIELD_NUMBER: _ClassVar[int]
    STORE_PORT_FIELD_NUMBER: _ClassVar[int]
    lease_ms: int
    renew_every_ms: int
    home: str
    home_id: str
    store_port: int
    def __init__(self, lease_ms: _Optional[int] = ..., renew_every_ms: _Optional[int] = ..., home: _Optional[str] = ..., home_id: _Optional[str] = ..., store_port: _Optional[int] = ...) -> None: ...

class Assign(_message.Message):
    __slots__ = ("lease", "settings", "model", "dataset", "run", "checkpoint", "devices", "gang")
    LEASE_FIELD_NUMBER: _ClassVar[int]
    SETTINGS_FIELD_NUMBER: _ClassVar[int]
    MODEL_FIELD_NUMBER: _ClassVar[int]
    DATASET_FIELD_NUMBER: _ClassVar[int]
    RUN_FIELD_NUMBER: _ClassVar[int]
    CHECKPOINT_FIELD_NUMBER: _ClassVar[int]
    DEVICES_FIELD_NUMBER: _ClassVar[int]
    GANG_FIELD_NUMBER: _ClassVar[int]
    lease: _common_pb2.Lease
    settings: _common_pb2.TrialSettings
    model: _common_pb2.ModelSource
    dataset: _common_pb2.DatasetSource
    run: _common_pb2.RunOptions
    checkpoint: _common_pb2.StoredCheckpoint
    devices: _containers.RepeatedScalarFieldContainer[int]
    gang: Gang
    def __init__(self, lease: _Optional[_Union[_common_pb2.Lease, _Mapping]] = ..., settings: _Optional[_Union[_common_pb2.TrialSettings, _Mapping]] = ..., model: _Optional[_Union[_common_pb2.ModelSource, _Mapping]] = ..., dataset: _Optional[_Union[_common_pb2.DatasetSource, _Mapping]] = ..., run: _Optional[_Union[_common_pb2.RunOptions, _Mapping]] = ..., checkpoint: _Optional[_Union[_common_pb2.StoredCheckpoint, _Mapping]] = ..., devices: _Optional[_Iterable[int]] = ..., gang: _Optional[_Union[Gang, _Mapping]] = ...) -> None: ...

class Gang(_message.Message):
    __slots__ = ("rank", "size", "address", "port")
    RANK_FIELD_NUMBER: _ClassVar[int]
    SIZE_FIELD_NUMBER: _ClassVar[int]
    ADDRESS_FIELD_NUMBER: _ClassVar[int]
    PORT_FIELD_NUMBER: _ClassVar[int]
    rank: int
    size: int
    address: str
    port: int
    def __init__(self, rank: _Optional[int] = ..., size: _Optional[int] = ..., address: _Optional[str] = ..., port: _Optional[int] = ...) -> None: ...

class Renewed(_message.Message):
    __slots__ = ("leases",)
    LEASES_FIELD_NUMBER: _ClassVar[int]
    leases: _containers.RepeatedCompositeFieldContainer[_common_pb2.Lease]
    def __init__(self, leases: _Optional[_Iterable[_Union[_common_pb2.Lease, _Mapping]]] = ...) -> None: ...

class Acknowledged(_message.Message):
    __slots__ = ("sequences",)
    SEQUENCES_FIELD_NUMBER: _ClassVar[int]
    sequences: _containers.RepeatedScalarFieldContainer[int]
    def __init__(self, sequences: _Optional[_Iterable[int]] = ...) -> None: ...

class Stale(_message.Message):
    __slots__ = ("lease",)
    LEASE_FIELD_NUMBER: _ClassVar[int]
    lease: _common_pb2.Lease
    def __init__(self, lease: _Optional[_Union[_common_pb2.Lease, _Mapping]] = ...) -> None: ...

class Cancel(_message.Message):
    __slots__ = ("lease", "reason")
    LEASE_FIELD_NUMBER: _ClassVar[int]
    REASON_FIELD_NUMBER: _ClassVar[int]
    lease: _common_pb2.Lease
    reason: str
    def __init__(self, lease: _Optional[_Union[_common_pb2.Lease, _Mapping]] = ..., reason: _Optional[str] = ...) -> None: ...

class Drain(_message.Message):
    __slots__ = ("grace_ms",)
    GRACE_MS_FIELD_NUMBER: _ClassVar[int]
    grace_ms: int
    def __init__(self, grace_ms: _Optional[int] = ...) -> None: ...

class Refused(_message.Message):
    __slots__ = ("code", "message", "hint")
    CODE_FIELD_NUMBER: _ClassVar[int]
    MESSAGE_FIELD_NUMBER: _ClassVar[int]
    HINT_FIELD_NUMBER: _ClassVar[int]
    code: str
    message: str
    hint: str
    def __init__(self, code: _Optional[str] = ..., message: _Optional[str] = ..., hint: _Optional[str] = ...) -> None: ...
