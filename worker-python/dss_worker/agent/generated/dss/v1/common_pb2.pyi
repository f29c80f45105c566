from google.protobuf.internal import containers as _containers
from google.protobuf.internal import enum_type_wrapper as _enum_type_wrapper
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class FailureKind(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    FAILURE_KIND_UNSPECIFIED: _ClassVar[FailureKind]
    FAILURE_KIND_USER: _ClassVar[FailureKind]
    FAILURE_KIND_INFRASTRUCTURE: _ClassVar[FailureKind]
    FAILURE_KIND_LOST: _ClassVar[FailureKind]
    FAILURE_KIND_PREEMPTED: _ClassVar[FailureKind]
FAILURE_KIND_UNSPECIFIED: FailureKind
FAILURE_KIND_USER: FailureKind
FAILURE_KIND_INFRASTRUCTURE: FailureKind
FAILURE_KIND_LOST: FailureKind
FAILURE_KIND_PREEMPTED: FailureKind

class TrialSettings(_message.Message):
    __slots__ = ("model", "dataset", "label_type", "model_type", "seed", "llm", "alpha", "subsample", "max_steps", "eval_steps", "batch_size", "grad_steps", "lr", "max_input_length", "gen_max_len", "precision", "dropout", "select", "init", "optimizer", "adapter", "lora_rank", "lora_alpha")
    MODEL_FIELD_NUMBER: _ClassVar[int]
    DATASET_FIELD_NUMBER: _ClassVar[int]
    LABEL_TYPE_FIELD_NUMBER: _ClassVar[int]
    MODEL_TYPE_FIELD_NUMBER: _ClassVar[int]
    SEED_FIELD_NUMBER: _ClassVar[int]
    LLM_FIELD_NUMBER: _ClassVar[int]
    ALPHA_FIELD_NUMBER: _ClassVar[int]
    SUBSAMPLE_FIELD_NUMBER: _ClassVar[int]
    MAX_STEPS_FIELD_NUMBER: _ClassVar[int]
    EVAL_STEPS_FIELD_NUMBER: _ClassVar[int]
    BATCH_SIZE_FIELD_NUMBER: _ClassVar[int]
    GRAD_STEPS_FIELD_NUMBER: _ClassVar[int]
    LR_FIELD_NUMBER: _ClassVar[int]
    MAX_INPUT_LENGTH_FIELD_NUMBER: _ClassVar[int]
    GEN_MAX_LEN_FIELD_NUMBER: _ClassVar[int]
    PRECISION_FIELD_NUMBER: _ClassVar[int]
    DROPOUT_FIELD_NUMBER: _ClassVar[int]
    SELECT_FIELD_NUMBER: _ClassVar[int]
    INIT_FIELD_NUMBER: _ClassVar[int]
    OPTIMIZER_FIELD_NUMBER: _ClassVar[int]
    ADAPTER_FIELD_NUMBER: _ClassVar[int]
    LORA_RANK_FIELD_NUMBER: _ClassVar[int]
    LORA_ALPHA_FIELD_NUMBER: _ClassVar[int]
    model: str
    dataset: str
    label_type: str
    model_type: str
    seed: int
    llm: str
    alpha: float
    subsample: float
    max_steps: int
    eval_steps: int
    batch_size: int
    grad_steps: int
    lr: float
    max_input_length: int
    gen_max_len: int
    precision: str
    dropout: float
    select: str
    init: str
    optimizer: str
    adapter: str
    lora_rank: int
    lora_alpha: float
    def __init__(self, model: _Optional[str] = ..., dataset: _Optional[str] = ..., label_type: _Optional[str] = ..., model_type: _Optional[str] = ..., seed: _Optional[int] = ..., llm: _Optional[str] = ..., alpha: _Optional[float] = ..., subsample: _Optional[float] = ..., max_steps: _Optional[int] = ..., eval_steps: _Optional[int] = ..., batch_size: _Optional[int] = ..., grad_steps: _Optional[int] = ..., lr: _Optional[float] = ..., max_input_length: _Optional[int] = ..., gen_max_len: _Optional[int] = ..., precision: _Optional[str] = ..., dropout: _Optional[float] = ..., select: _Optional[str] = ..., init: _Optional[str] = ..., optimizer: _Optional[str] = ..., adapter: _Optional[str] = ..., lora_rank: _Optional[int] = ..., lora_alpha: _Optional[float] = ...) -> None: ...

class RunOptions(_message.Message):
    __slots__ = ("directory", "checkpoint_steps", "keep_checkpoints", "keep", "output_rationale", "micro_batches", "compile", "gradient_checkpointing", "devices", "machines", "memory_bytes", "shard", "tensor", "optimizer_states", "min_machines")
    DIRECTORY_FIELD_NUMBER: _ClassVar[int]
    CHECKPOINT_STEPS_FIELD_NUMBER: _ClassVar[int]
    KEEP_CHECKPOINTS_FIELD_NUMBER: _ClassVar[int]
    KEEP_FIELD_NUMBER: _ClassVar[int]
    OUTPUT_RATIONALE_FIELD_NUMBER: _ClassVar[int]
    MICRO_BATCHES_FIELD_NUMBER: _ClassVar[int]
    COMPILE_FIELD_NUMBER: _ClassVar[int]
    GRADIENT_CHECKPOINTING_FIELD_NUMBER: _ClassVar[int]
    DEVICES_FIELD_NUMBER: _ClassVar[int]
    MACHINES_FIELD_NUMBER: _ClassVar[int]
    MEMORY_BYTES_FIELD_NUMBER: _ClassVar[int]
    SHARD_FIELD_NUMBER: _ClassVar[int]
    TENSOR_FIELD_NUMBER: _ClassVar[int]
    OPTIMIZER_STATES_FIELD_NUMBER: _ClassVar[int]
    MIN_MACHINES_FIELD_NUMBER: _ClassVar[int]
    directory: str
    checkpoint_steps: int
    keep_checkpoints: bool
    keep: str
    output_rationale: bool
    micro_batches: int
    compile: str
    gradient_checkpointing: str
    devices: int
    machines: int
    memory_bytes: int
    shard: int
    tensor: int
    optimizer_states: str
    min_machines: int
    def __init__(self, directory: _Optional[str] = ..., checkpoint_steps: _Optional[int] = ..., keep_checkpoints: _Optional[bool] = ..., keep: _Optional[str] = ..., output_rationale: _Optional[bool] = ..., micro_batches: _Optional[int] = ..., compile: _Optional[str] = ..., gradient_checkpointing: _Optional[str] = ..., devices: _Optional[int] = ..., machines: _Optional[int] = ..., memory_bytes: _Optional[int] = ..., shard: _Optional[int] = ..., tensor: _Optional[int] = ..., optimizer_states: _Optional[str] = ..., min_machines: _Optional[int] = ...) -> None: ...

class SourceFile(_message.Message):
    __slots__ = ("path", "sha256", "size_bytes", "role")
    PATH_FIELD_NUMBER: _ClassVar[int]
    SHA256_FIELD_NUMBER: _ClassVar[int]
    SIZE_BYTES_FIELD_NUMBER: _ClassVar[int]
    ROLE_FIELD_NUMBER: _ClassVar[int]
    path: str
    sha256: str
    size_bytes: int
    role: str
    def __init__(self, path: _Optional[str] = ..., sha256: _Optional[str] = ..., size_bytes: _Optional[int] = ..., role: _Optional[str] = ...) -> None: ...

class ModelSource(_message.Message):
    __slots__ = ("directory", "files")
    DIRECTORY_FIELD_NUMBER: _ClassVar[int]
    FILES_FIELD_NUMBER: _ClassVar[int]
    directory: str
    files: _containers.RepeatedCompositeFieldContainer[SourceFile]
    def __init__(self, directory: _Optional[str] = ..., files: _Optional[_Iterable[_Union[SourceFile, _Mapping]]] = ...) -> None: ...

class DatasetSource(_message.Message):
    __slots__ = ("directory", "layout", "files", "metric", "fields", "templates", "choices")
    class FieldsEntry(_message.Message):
        __slots__ = ("key", "value")
        KEY_FIELD_NUMBER: _ClassVar[int]
        VALUE_FIELD_NUMBER: _ClassVar[int]
        key: str
        value: str
        def __init__(self, key: _Optional[str] = ..., value: _Optional[str] = ...) -> None: ...
    class TemplatesEntry(_message.Message):
        __slots__ = ("key", "value")
        KEY_FIELD_NUMBER: _ClassVar[int]
        VALUE_FIELD_NUMBER: _ClassVar[int]
        key: str
        value: str
        def __init__(self, key: _Optional[str] = ..., value: _Optional[str] = ...) -> None: ...
    DIRECTORY_FIELD_NUMBER: _ClassVar[int]
    LAYOUT_FIELD_NUMBER: _ClassVar[int]
    FILES_FIELD_NUMBER: _ClassVar[int]
    METRIC_FIELD_NUMBER: _ClassVar[int]
    FIELDS_FIELD_NUMBER: _ClassVar[int]
    TEMPLATES_FIELD_NUMBER: _ClassVar[int]
    CHOICES_FIELD_NUMBER: _ClassVar[int]
    directory: str
    layout: str
    files: _containers.RepeatedCompositeFieldContainer[SourceFile]
    metric: str
    fields: _containers.ScalarMap[str, str]
    templates: _containers.ScalarMap[str, str]
    choices: _containers.RepeatedScalarFieldContainer[str]
    def __init__(self, directory: _Optional[str] = ..., layout: _Optional[str] = ..., files: _Optional[_Iterable[_Union[SourceFile, _Mapping]]] = ..., metric: _Optional[str] = ..., fields: _Optional[_Mapping[str, str]] = ..., templates: _Optional[_Mapping[str, str]] = ..., choices: _Optional[_Iterable[str]] = ...) -> None: ...

class StoredFile(_message.Message):
    __slots__ = ("path", "sha256", "size_bytes")
    PATH_FIELD_NUMBER: _ClassVar[int]
    SHA256_FIELD_NUMBER: _ClassVar[int]
    SIZE_BYTES_FIELD_NUMBER: _ClassVar[int]
    path: str
    sha256: str
    size_bytes: int
    def __init__(self, path: _Optional[str] = ..., sha256: _Optional[str] = ..., size_bytes: _Optional[int] = ...) -> None: ...

class StoredCheckpoint(_message.Message):
    __slots__ = ("step", "path", "files")
    STEP_FIELD_NUMBER: _ClassVar[int]
    PATH_FIELD_NUMBER: _ClassVar[int]
    FILES_FIELD_NUMBER: _ClassVar[int]
    step: int
    path: str
    files: _containers.RepeatedCompositeFieldContainer[StoredFile]
    def __init__(self, step: _Optional[int] = ..., path: _Optional[str] = ..., files: _Optional[_Iterable[_Union[StoredFile, _Mapping]]] = ...) -> None: ...

class Lease(_message.Message):
    __slots__ = ("trial_id", "attempt", "token")
    TRIAL_ID_FIELD_NUMBER: _ClassVar[int]
    ATTEMPT_FIELD_NUMBER: _ClassVar[int]
    TOKEN_FIELD_NUMBER: _ClassVar[int]
    trial_id: str
    attempt: int
    token: int
    def __init__(self, trial_id: _Optional[str] = ..., attempt: _Optional[int] = ..., token: _Optional[int] = ...) -> None: ...

class Failure(_message.Message):
    __slots__ = ("code", "message", "hint", "detail", "kind")
    CODE_FIELD_NUMBER: _ClassVar[int]
    MESSAGE_FIELD_NUMBER: _ClassVar[int]
    HINT_FIELD_NUMBER: _ClassVar[int]
    DETAIL_FIELD_NUMBER: _ClassVar[int]
    KIND_FIELD_NUMBER: _ClassVar[int]
    code: str
    message: str
    hint: str
    detail: str
    kind: FailureKind
    def __init__(self, code: _Optional[str] = ..., message: _Optional[str] = ..., hint: _Optional[str] = ..., detail: _Optional[str] = ..., kind: _Optional[_Union[FailureKind, str]] = ...) -> None: ...

class Evaluation(_message.Message):
    __slots__ = ("step", "split", "loss", "accuracy", "rows", "correct", "choice_accuracy")
    STEP_FIELD_NUMBER: _ClassVar[int]
    SPLIT_FIELD_NUMBER: _ClassVar[int]
    LOSS_FIELD_NUMBER: _ClassVar[int]
    ACCURACY_FIELD_NUMBER: _ClassVar[int]
    ROWS_FIELD_NUMBER: _ClassVar[int]
    CORRECT_FIELD_NUMBER: _ClassVar[int]
    CHOICE_ACCURACY_FIELD_NUMBER: _ClassVar[int]
    step: int
    split: str
    loss: float
    accuracy: float
    rows: int
    correct: bytes
    choice_accuracy: float
    def __init__(self, step: _Optional[int] = ..., split: _Optional[str] = ..., loss: _Optional[float] = ..., accuracy: _Optional[float] = ..., rows: _Optional[int] = ..., correct: _Optional[bytes] = ..., choice_accuracy: _Optional[float] = ...) -> None: ...

class TrainingPoint(_message.Message):
    __slots__ = ("step", "loss")
    STEP_FIELD_NUMBER: _ClassVar[int]
    LOSS_FIELD_NUMBER: _ClassVar[int]
    step: int
    loss: float
    def __init__(self, step: _Optional[int] = ..., loss: _Optional[float] = ...) -> None: ...

class TrialResult(_message.Message):
    __slots__ = ("test_accuracy", "selected_step", "seconds", "seconds_by_phase", "examples_per_second", "train_rows", "valid_rows", "test_rows", "environment", "choice_accuracy", "resumed_step", "useful_tokens_per_second", "padded_tokens_per_second", "mfu_useful", "mfu_padded", "peak_flops", "peak_flops_source", "peak_memory_bytes", "predicted_memory_bytes")
    class SecondsByPhaseEntry(_message.Message):
        __slots__ = ("key", "value")
        KEY_FIELD_NUMBER: _ClassVar[int]
        VALUE_FIELD_NUMBER: _ClassVar[int]
        key: str
        value: float
        def __init__(self, key: _Optional[str] = ..., value: _Optional[float] = ...) -> None: ...
    class EnvironmentEntry(_message.Message):
        __slots__ = ("key", "value")
        KEY_FIELD_NUMBER: _ClassVar[int]
        VALUE_FIELD_NUMBER: _ClassVar[int]
        key: str
        value: str
        def __init__(self, key: _Optional[str] = ..., value: _Optional[str] = ...) -> None: ...
    TEST_ACCURACY_FIELD_NUMBER: _ClassVar[int]
    SELECTED_STEP_FIELD_NUMBER: _ClassVar[int]
    SECONDS_FIELD_NUMBER: _ClassVar[int]
    SECONDS_BY_PHASE_FIELD_NUMBER: _ClassVar[int]
    EXAMPLES_PER_SECOND_FIELD_NUMBER: _ClassVar[int]
    TRAIN_ROWS_FIELD_NUMBER: _ClassVar[int]
    VALID_ROWS_FIELD_NUMBER: _ClassVar[int]
    TEST_ROWS_FIELD_NUMBER: _ClassVar[int]
    ENVIRONMENT_FIELD_NUMBER: _ClassVar[int]
    CHOICE_ACCURACY_FIELD_NUMBER: _ClassVar[int]
    RESUMED_STEP_FIELD_NUMBER: _ClassVar[int]
    USEFUL_TOKENS_PER_SECOND_FIELD_NUMBER: _ClassVar[int]
    PADDED_TOKENS_PER_SECOND_FIELD_NUMBER: _ClassVar[int]
    MFU_USEFUL_FIELD_NUMBER: _ClassVar[int]
    MFU_PADDED_FIELD_NUMBER: _ClassVar[int]
    PEAK_FLOPS_FIELD_NUMBER: _ClassVar[int]
    PEAK_FLOPS_SOURCE_FIELD_NUMBER: _ClassVar[int]
    PEAK_MEMORY_BYTES_FIELD_NUMBER: _ClassVar[int]
    PREDICTED_MEMORY_BYTES_FIELD_NUMBER: _ClassVar[int]
    test_accuracy: float
    selected_step: int
    seconds: float
    seconds_by_phase: _containers.ScalarMap[str, float]
    examples_per_second: float
    train_rows: int
    valid_rows: int
    test_rows: int
    environment: _containers.ScalarMap[str, str]
    choice_accuracy: float
    resumed_step: int
    useful_tokens_per_second: float
    padded_tokens_per_second: float
    mfu_useful: float
    mfu_padded: float
    peak_flops: float
    peak_flops_source: str
    peak_memory_bytes: int
    predicted_memory_bytes: int
    def __init__(self, test_accuracy: _Optional[float] = ..., selected_step: _Optional[int] = ..., seconds: _Optional[float] = ..., seconds_by_phase: _Optional[_Mapping[str, float]] = ..., examples_per_second: _Optional[float] = ..., train_rows: _Optional[int] = ..., valid_rows: _Optional[int] = ..., test_rows: _Optional[int] = ..., environment: _Optional[_Mapping[str, str]] = ..., choice_accuracy: _Optional[float] = ..., resumed_step: _Optional[int] = ..., useful_tokens_per_second: _Optional[float] = ..., padded_tokens_per_second: _Optional[float] = ..., mfu_useful: _Optional[float] = ..., mfu_padded: _Optional[float] = ..., peak_flops: _Optional[float] = ..., peak_flops_source: _Optional[str] = ..., peak_memory_bytes: _Optional[int] = ..., predicted_memory_bytes: _Optional[int] = ...) -> None: ...

class DeviceLoad(_message.Message):
    __slots__ = ("utilization", "memory_used_bytes", "memory_total_bytes")
    UTILIZATION_FIELD_NUMBER: _ClassVar[int]
    MEMORY_USED_BYTES_FIELD_NUMBER: _ClassVar[int]
    MEMORY_TOTAL_BYTES_FIELD_NUMBER: _ClassVar[int]
    utilization: float
    memory_used_bytes: int
    memory_total_bytes: int
    def __init__(self, utilization: _Optional[float] = ..., memory_used_bytes: _Optional[int] = ..., memory_total_bytes: _Optional[int] = ...) -> None: ...
