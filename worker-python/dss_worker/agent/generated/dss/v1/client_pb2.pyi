from dss_worker.agent.generated.dss.v1 import common_pb2 as _common_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class SubmitRequest(_message.Message):
    __slots__ = ("sweep", "trials", "last", "retry_failed", "first", "options", "extend", "rerun")
    SWEEP_FIELD_NUMBER: _ClassVar[int]
    TRIALS_FIELD_NUMBER: _ClassVar[int]
    LAST_FIELD_NUMBER: _ClassVar[int]
    RETRY_FAILED_FIELD_NUMBER: _ClassVar[int]
    FIRST_FIELD_NUMBER: _ClassVar[int]
    OPTIONS_FIELD_NUMBER: _ClassVar[int]
    EXTEND_FIELD_NUMBER: _ClassVar[int]
    RERUN_FIELD_NUMBER: _ClassVar[int]
    sweep: str
    trials: _containers.RepeatedCompositeFieldContainer[SubmittedTrial]
    last: bool
    retry_failed: bool
    first: int
    options: SweepOptions
    extend: bool
    rerun: bool
    def __init__(self, sweep: _Optional[str] = ..., trials: _Optional[_Iterable[_Union[SubmittedTrial, _Mapping]]] = ..., last: _Optional[bool] = ..., retry_failed: _Optional[bool] = ..., first: _Optional[int] = ..., options: _Optional[_Union[SweepOptions, _Mapping]] = ..., extend: _Optional[bool] = ..., rerun: _Optional[bool] = ...) -> None: ...

class SweepOptions(_message.Message):
    __slots__ = ("priority", "weight", "budget", "place", "compare")
    PRIORITY_FIELD_NUMBER: _ClassVar[int]
    WEIGHT_FIELD_NUMBER: _ClassVar[int]
    BUDGET_FIELD_NUMBER: _ClassVar[int]
    PLACE_FIELD_NUMBER: _ClassVar[int]
    COMPARE_FIELD_NUMBER: _ClassVar[int]
    priority: int
    weight: float
    budget: Budget
    place: str
    compare: str
    def __init__(self, priority: _Optional[int] = ..., weight: _Optional[float] = ..., budget: _Optional[_Union[Budget, _Mapping]] = ..., place: _Optional[str] = ..., compare: _Optional[str] = ...) -> None: ...

class Budget(_message.Message):
    __slots__ = ("wall_hours", "device_hours", "failed_trials")
    WALL_HOURS_FIELD_NUMBER: _ClassVar[int]
    DEVICE_HOURS_FIELD_NUMBER: _ClassVar[int]
    FAILED_TRIALS_FIELD_NUMBER: _ClassVar[int]
    wall_hours: float
    device_hours: float
    failed_trials: int
    def __init__(self, wall_hours: _Optional[float] = ..., device_hours: _Optional[float] = ..., failed_trials: _Optional[int] = ...) -> None: ...

class SubmittedTrial(_message.Message):
    __slots__ = ("trial_id", "settings", "model", "dataset", "run")
    TRIAL_ID_FIELD_NUMBER: _ClassVar[int]
    SETTINGS_FIELD_NUMBER: _ClassVar[int]
    MODEL_FIELD_NUMBER: _ClassVar[int]
    DATASET_FIELD_NUMBER: _ClassVar[int]
    RUN_FIELD_NUMBER: _ClassVar[int]
    trial_id: str
    settings: _common_pb2.TrialSettings
    model: _common_pb2.ModelSource
    dataset: _common_pb2.DatasetSource
    run: _common_pb2.RunOptions
    def __init__(self, trial_id: _Optional[str] = ..., settings: _Optional[_Union[_common_pb2.TrialSettings, _Mapping]] = ..., model: _Optional[_Union[_common_pb2.ModelSource, _Mapping]] = ..., dataset: _Optional[_Union[_common_pb2.DatasetSource, _Mapping]] = ..., run: _Optional[_Union[_common_pb2.RunOptions, _Mapping]] = ...) -> None: ...

class SubmitResponse(_message.Message):
    __slots__ = ("done", "to_run", "failed")
    DONE_FIELD_NUMBER: _ClassVar[int]
    TO_RUN_FIELD_NUMBER: _ClassVar[int]
    FAILED_FIELD_NUMBER: _ClassVar[int]
    done: int
    to_run: int
    failed: int
    def __init__(self, done: _Optional[int] = ..., to_run: _Optional[int] = ..., failed: _Optional[int] = ...) -> None: ...

class RetryRequest(_message.Message):
    __slots__ = ("sweep", "only_failed")
    SWEEP_FIELD_NUMBER: _ClassVar[int]
    ONLY_FAILED_FIELD_NUMBER: _ClassVar[int]
    sweep: str
    only_failed: bool
    def __init__(self, sweep: _Optional[str] = ..., only_failed: _Optional[bool] = ...) -> None: ...

class RetryResponse(_message.Message):
    __slots__ = ("queued",)
    QUEUED_FIELD_NUMBER: _ClassVar[int]
    queued: int
    def __init__(self, queued: _Optional[int] = ...) -> None: ...

class PauseRequest(_message.Message):
    __slots__ = ("sweep",)
    SWEEP_FIELD_NUMBER: _ClassVar[int]
    sweep: str
    def __init__(self, sweep: _Optional[str] = ...) -> None: ...

class PauseResponse(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class ResumeRequest(_message.Message):
    __slots__ = ("sweep",)
    SWEEP_FIELD_NUMBER: _ClassVar[int]
    sweep: str
    def __init__(self, sweep: _Optional[str] = ...) -> None: ...

class ResumeResponse(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class InfoRequest(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class InfoResponse(_message.Message):
    __slots__ = ("version", "home", "host", "workers", "home_id", "store_port", "notices")
    VERSION_FIELD_NUMBER: _ClassVar[int]
    HOME_FIELD_NUMBER: _ClassVar[int]
    HOST_FIELD_NUMBER: _ClassVar[int]
    WORKERS_FIELD_NUMBER: _ClassVar[int]
    HOME_ID_FIELD_NUMBER: _ClassVar[int]
    STORE_PORT_FIELD_NUMBER: _ClassVar[int]
    NOTICES_FIELD_NUMBER: _ClassVar[int]
    version: str
    home: str
    host: str
    workers: _containers.RepeatedCompositeFieldContainer[WorkerStanding]
    home_id: str
    store_port: int
    notices: _containers.RepeatedCompositeFieldContainer[Notice]
    def __init__(self, version: _Optional[str] = ..., home: _Optional[str] = ..., host: _Optional[str] = ..., workers: _Optional[_Iterable[_Union[WorkerStanding, _Mapping]]] = ..., home_id: _Optional[str] = ..., store_port: _Optional[int] = ..., notices: _Optional[_Iterable[_Union[Notice, _Mapping]]] = ...) -> None: ...

class Notice(_message.Message):
    __slots__ = ("code", "message", "hint")
    CODE_FIELD_NUMBER: _ClassVar[int]
    MESSAGE_FIELD_NUMBER: _ClassVar[int]
    HINT_FIELD_NUMBER: _ClassVar[int]
    code: str
    message: str
    hint: str
    def __init__(self, code: _Optional[str] = ..., message: _Optional[str] = ..., hint: _Optional[str] = ...) -> None: ...

class WorkerStanding(_message.Message):
    __slots__ = ("worker_id", "host", "slots", "lent", "state", "reason", "devices", "loads", "warm", "running")
    WORKER_ID_FIELD_NUMBER: _ClassVar[int]
    HOST_FIELD_NUMBER: _ClassVar[int]
    SLOTS_FIELD_NUMBER: _ClassVar[int]
    LENT_FIELD_NUMBER: _ClassVar[int]
    STATE_FIELD_NUMBER: _ClassVar[int]
    REASON_FIELD_NUMBER: _ClassVar[int]
    DEVICES_FIELD_NUMBER: _ClassVar[int]
    LOADS_FIELD_NUMBER: _ClassVar[int]
    WARM_FIELD_NUMBER: _ClassVar[int]
    RUNNING_FIELD_NUMBER: _ClassVar[int]
    worker_id: str
    host: str
    slots: int
    lent: int
    state: str
    reason: str
    devices: _containers.RepeatedScalarFieldContainer[str]
    loads: _containers.RepeatedCompositeFieldContainer[_common_pb2.DeviceLoad]
    warm: int
    running: _containers.RepeatedCompositeFieldContainer[TrialProgress]
    def __init__(self, worker_id: _Optional[str] = ..., host: _Optional[str] = ..., slots: _Optional[int] = ..., lent: _Optional[int] = ..., state: _Optional[str] = ..., reason: _Optional[str] = ..., devices: _Optional[_Iterable[str]] = ..., loads: _Optional[_Iterable[_Union[_common_pb2.DeviceLoad, _Mapping]]] = ..., warm: _Optional[int] = ..., running: _Optional[_Iterable[_Union[TrialProgress, _Mapping]]] = ...) -> None: ...

class ListRequest(_message.Message):
    __slots__ = ("sweep", "first")
    SWEEP_FIELD_NUMBER: _ClassVar[int]
    FIRST_FIELD_NUMBER: _ClassVar[int]
    sweep: str
    first: int
    def __init__(self, sweep: _Optional[str] = ..., first: _Optional[int] = ...) -> None: ...

class ListResponse(_message.Message):
    __slots__ = ("sweeps", "more")
    SWEEPS_FIELD_NUMBER: _ClassVar[int]
    MORE_FIELD_NUMBER: _ClassVar[int]
    sweeps: _containers.RepeatedCompositeFieldContainer[SweepRecord]
    more: bool
    def __init__(self, sweeps: _Optional[_Iterable[_Union[SweepRecord, _Mapping]]] = ..., more: _Optional[bool] = ...) -> None: ...

class SweepRecord(_message.Message):
    __slots__ = ("summary", "submitted_at_unix_ms", "state", "reason", "owner", "options", "declared_at_unix_ms")
    SUMMARY_FIELD_NUMBER: _ClassVar[int]
    SUBMITTED_AT_UNIX_MS_FIELD_NUMBER: _ClassVar[int]
    STATE_FIELD_NUMBER: _ClassVar[int]
    REASON_FIELD_NUMBER: _ClassVar[int]
    OWNER_FIELD_NUMBER: _ClassVar[int]
    OPTIONS_FIELD_NUMBER: _ClassVar[int]
    DECLARED_AT_UNIX_MS_FIELD_NUMBER: _ClassVar[int]
    summary: SweepSummary
    submitted_at_unix_ms: int
    state: str
    reason: str
    owner: str
    options: SweepOptions
    declared_at_unix_ms: int
    def __init__(self, summary: _Optional[_Union[SweepSummary, _Mapping]] = ..., submitted_at_unix_ms: _Optional[int] = ..., state: _Optional[str] = ..., reason: _Optional[str] = ..., owner: _Optional[str] = ..., options: _Optional[_Union[SweepOptions, _Mapping]] = ..., declared_at_unix_ms: _Optional[int] = ...) -> None: ...

class SweepSummary(_message.Message):
    __slots__ = ("sweep", "total", "queued", "running", "succeeded", "failed", "cancelled")
    SWEEP_FIELD_NUMBER: _ClassVar[int]
    TOTAL_FIELD_NUMBER: _ClassVar[int]
    QUEUED_FIELD_NUMBER: _ClassVar[int]
    RUNNING_FIELD_NUMBER: _ClassVar[int]
    SUCCEEDED_FIELD_NUMBER: _ClassVar[int]
    FAILED_FIELD_NUMBER: _ClassVar[int]
    CANCELLED_FIELD_NUMBER: _ClassVar[int]
    sweep: str
    total: int
    queued: int
    running: int
    succeeded: int
    failed: int
    cancelled: int
    def __init__(self, sweep: _Optional[str] = ..., total: _Optional[int] = ..., queued: _Optional[int] = ..., running: _Optional[int] = ..., succeeded: _Optional[int] = ..., failed: _Optional[int] = ..., cancelled: _Optional[int] = ...) -> None: ...

class WatchRequest(_message.Message):
    __slots__ = ("sweep",)
    SWEEP_FIELD_NUMBER: _ClassVar[int]
    sweep: str
    def __init__(self, sweep: _Optional[str] = ...) -> None: ...

class WatchEvent(_message.Message):
    __slots__ = ("summary", "trial", "worker")
    SUMMARY_FIELD_NUMBER: _ClassVar[int]
    TRIAL_FIELD_NUMBER: _ClassVar[int]
    WORKER_FIELD_NUMBER: _ClassVar[int]
    summary: SweepSummary
    trial: TrialChange
    worker: WorkerState
    def __init__(self, summary: _Optional[_Union[SweepSummary, _Mapping]] = ..., trial: _Optional[_Union[TrialChange, _Mapping]] = ..., worker: _Optional[_Union[WorkerState, _Mapping]] = ...) -> None: ...

class TrialChange(_message.Message):
    __slots__ = ("trial_id", "state", "attempt", "worker_id", "failure", "test_accuracy", "seconds", "environment")
    class EnvironmentEntry(_message.Message):
        __slots__ = ("key", "value")
        KEY_FIELD_NUMBER: _ClassVar[int]
        VALUE_FIELD_NUMBER: _ClassVar[int]
        key: str
        value: str
        def __init__(self, key: _Optional[str] = ..., value: _Optional[str] = ...) -> None: ...
    TRIAL_ID_FIELD_NUMBER: _ClassVar[int]
    STATE_FIELD_NUMBER: _ClassVar[int]
    ATTEMPT_FIELD_NUMBER: _ClassVar[int]
    WORKER_ID_FIELD_NUMBER: _ClassVar[int]
    FAILURE_FIELD_NUMBER: _ClassVar[int]
    TEST_ACCURACY_FIELD_NUMBER: _ClassVar[int]
    SECONDS_FIELD_NUMBER: _ClassVar[int]
    ENVIRONMENT_FIELD_NUMBER: _ClassVar[int]
    trial_id: str
    state: str
    attempt: int
    worker_id: str
    failure: _common_pb2.Failure
    test_accuracy: float
    seconds: float
    environment: _containers.ScalarMap[str, str]
    def __init__(self, trial_id: _Optional[str] = ..., state: _Optional[str] = ..., attempt: _Optional[int] = ..., worker_id: _Optional[str] = ..., failure: _Optional[_Union[_common_pb2.Failure, _Mapping]] = ..., test_accuracy: _Optional[float] = ..., seconds: _Optional[float] = ..., environment: _Optional[_Mapping[str, str]] = ...) -> None: ...

class WorkerState(_message.Message):
    __slots__ = ("worker_id", "gone", "slots", "running")
    WORKER_ID_FIELD_NUMBER: _ClassVar[int]
    GONE_FIELD_NUMBER: _ClassVar[int]
    SLOTS_FIELD_NUMBER: _ClassVar[int]
    RUNNING_FIELD_NUMBER: _ClassVar[int]
    worker_id: str
    gone: bool
    slots: int
    running: _containers.RepeatedCompositeFieldContainer[TrialProgress]
    def __init__(self, worker_id: _Optional[str] = ..., gone: _Optional[bool] = ..., slots: _Optional[int] = ..., running: _Optional[_Iterable[_Union[TrialProgress, _Mapping]]] = ...) -> None: ...

class TrialProgress(_message.Message):
    __slots__ = ("trial_id", "step", "max_steps", "loss", "examples_per_second", "phase")
    TRIAL_ID_FIELD_NUMBER: _ClassVar[int]
    STEP_FIELD_NUMBER: _ClassVar[int]
    MAX_STEPS_FIELD_NUMBER: _ClassVar[int]
    LOSS_FIELD_NUMBER: _ClassVar[int]
    EXAMPLES_PER_SECOND_FIELD_NUMBER: _ClassVar[int]
    PHASE_FIELD_NUMBER: _ClassVar[int]
    trial_id: str
    step: int
    max_steps: int
    loss: float
    examples_per_second: float
    phase: str
    def __init__(self, trial_id: _Optional[str] = ..., step: _Optional[int] = ..., max_steps: _Optional[int] = ..., loss: _Optional[float] = ..., examples_per_second: _Optional[float] = ..., phase: _Optional[str] = ...) -> None: ...

class StandingRequest(_message.Message):
    __slots__ = ("trial_ids",)
    TRIAL_IDS_FIELD_NUMBER: _ClassVar[int]
    trial_ids: _containers.RepeatedScalarFieldContainer[str]
    def __init__(self, trial_ids: _Optional[_Iterable[str]] = ...) -> None: ...

class StandingResponse(_message.Message):
    __slots__ = ("trials",)
    TRIALS_FIELD_NUMBER: _ClassVar[int]
    trials: _containers.RepeatedCompositeFieldContainer[TrialChange]
    def __init__(self, trials: _Optional[_Iterable[_Union[TrialChange, _Mapping]]] = ...) -> None: ...

class FindTrialsRequest(_message.Message):
    __slots__ = ("prefix", "limit")
    PREFIX_FIELD_NUMBER: _ClassVar[int]
    LIMIT_FIELD_NUMBER: _ClassVar[int]
    prefix: str
    limit: int
    def __init__(self, prefix: _Optional[str] = ..., limit: _Optional[int] = ...) -> None: ...

class FindTrialsResponse(_message.Message):
    __slots__ = ("trial_ids",)
    TRIAL_IDS_FIELD_NUMBER: _ClassVar[int]
    trial_ids: _containers.RepeatedScalarFieldContainer[str]
    def __init__(self, trial_ids: _Optional[_Iterable[str]] = ...) -> None: ...

class TrialsRequest(_message.Message):
    __slots__ = ("sweep", "trial_id")
    SWEEP_FIELD_NUMBER: _ClassVar[int]
    TRIAL_ID_FIELD_NUMBER: _ClassVar[int]
    sweep: str
    trial_id: str
    def __init__(self, sweep: _Optional[str] = ..., trial_id: _Optional[str] = ...) -> None: ...

class TrialsPage(_message.Message):
    __slots__ = ("models", "datasets", "trials")
    MODELS_FIELD_NUMBER: _ClassVar[int]
    DATASETS_FIELD_NUMBER: _ClassVar[int]
    TRIALS_FIELD_NUMBER: _ClassVar[int]
    models: _containers.RepeatedCompositeFieldContainer[_common_pb2.ModelSource]
    datasets: _containers.RepeatedCompositeFieldContainer[_common_pb2.DatasetSource]
    trials: _containers.RepeatedCompositeFieldContainer[TrialRecord]
    def __init__(self, models: _Optional[_Iterable[_Union[_common_pb2.ModelSource, _Mapping]]] = ..., datasets: _Optional[_Iterable[_Union[_common_pb2.DatasetSource, _Mapping]]] = ..., trials: _Optional[_Iterable[_Union[TrialRecord, _Mapping]]] = ...) -> None: ...

class TrialRecord(_message.Message):
    __slots__ = ("trial_id", "settings", "model", "dataset", "run", "state", "attempts", "result", "failure", "queued_at_unix_ms", "started_at_unix_ms", "ended_at_unix_ms")
    TRIAL_ID_FIELD_NUMBER: _ClassVar[int]
    SETTINGS_FIELD_NUMBER: _ClassVar[int]
    MODEL_FIELD_NUMBER: _ClassVar[int]
    DATASET_FIELD_NUMBER: _ClassVar[int]
    RUN_FIELD_NUMBER: _ClassVar[int]
    STATE_FIELD_NUMBER: _ClassVar[int]
    ATTEMPTS_FIELD_NUMBER: _ClassVar[int]
    RESULT_FIELD_NUMBER: _ClassVar[int]
    FAILURE_FIELD_NUMBER: _ClassVar[int]
    QUEUED_AT_UNIX_MS_FIELD_NUMBER: _ClassVar[int]
    STARTED_AT_UNIX_MS_FIELD_NUMBER: _ClassVar[int]
    ENDED_AT_UNIX_MS_FIELD_NUMBER: _ClassVar[int]
    trial_id: str
    settings: _common_pb2.TrialSettings
    model: int
    dataset: int
    run: _common_pb2.RunOptions
    state: str
    attempts: int
    result: _common_pb2.TrialResult
    failure: _common_pb2.Failure
    queued_at_unix_ms: int
    started_at_unix_ms: int
    ended_at_unix_ms: int
    def __init__(self, trial_id: _Optional[str] = ..., settings: _Optional[_Union[_common_pb2.TrialSettings, _Mapping]] = ..., model: _Optional[int] = ..., dataset: _Optional[int] = ..., run: _Optional[_Union[_common_pb2.RunOptions, _Mapping]] = ..., state: _Optional[str] = ..., attempts: _Optional[int] = ..., result: _Optional[_Union[_common_pb2.TrialResult, _Mapping]] = ..., failure: _Optional[_Union[_common_pb2.Failure, _Mapping]] = ..., queued_at_unix_ms: _Optional[int] = ..., started_at_unix_ms: _Optional[int] = ..., ended_at_unix_ms: _Optional[int] = ...) -> None: ...

class MeasurementsRequest(_message.Message):
    __slots__ = ("sweep",)
    SWEEP_FIELD_NUMBER: _ClassVar[int]
    sweep: str
    def __init__(self, sweep: _Optional[str] = ...) -> None: ...

class MeasurementsPage(_message.Message):
    __slots__ = ("trials",)
    TRIALS_FIELD_NUMBER: _ClassVar[int]
    trials: _containers.RepeatedCompositeFieldContainer[TrialMeasurements]
    def __init__(self, trials: _Optional[_Iterable[_Union[TrialMeasurements, _Mapping]]] = ...) -> None: ...

class TrialMeasurements(_message.Message):
    __slots__ = ("trial_id", "training", "evaluations")
    TRIAL_ID_FIELD_NUMBER: _ClassVar[int]
    TRAINING_FIELD_NUMBER: _ClassVar[int]
    EVALUATIONS_FIELD_NUMBER: _ClassVar[int]
    trial_id: str
    training: _containers.RepeatedCompositeFieldContainer[_common_pb2.TrainingPoint]
    evaluations: _containers.RepeatedCompositeFieldContainer[_common_pb2.Evaluation]
    def __init__(self, trial_id: _Optional[str] = ..., training: _Optional[_Iterable[_Union[_common_pb2.TrainingPoint, _Mapping]]] = ..., evaluations: _Optional[_Iterable[_Union[_common_pb2.Evaluation, _Mapping]]] = ...) -> None: ...

class LogsRequest(_message.Message):
    __slots__ = ("trial_id", "follow")
    TRIAL_ID_FIELD_NUMBER: _ClassVar[int]
    FOLLOW_FIELD_NUMBER: _ClassVar[int]
    trial_id: str
    follow: bool
    def __init__(self, trial_id: _Optional[str] = ..., follow: _Optional[bool] = ...) -> None: ...

class LogsChunk(_message.Message):
    __slots__ = ("lines",)
    LINES_FIELD_NUMBER: _ClassVar[int]
    lines: _containers.RepeatedScalarFieldContainer[str]
    def __init__(self, lines: _Optional[_Iterable[str]] = ...) -> None: ...

class CancelRequest(_message.Message):
    __slots__ = ("sweep",)
    SWEEP_FIELD_NUMBER: _ClassVar[int]
    sweep: str
    def __init__(self, sweep: _Optional[str] = ...) -> None: ...

class CancelResponse(_message.Message):
    __slots__ = ("cancelled",)
    CANCELLED_FIELD_NUMBER: _ClassVar[int]
    cancelled: int
    def __init__(self, cancelled: _Optional[int] = ...) -> None: ...

class StopRequest(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class StopResponse(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...
