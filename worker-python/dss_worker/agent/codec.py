"""Messages of worker.proto ↔ what workers and the control plane say. Nothing else touches generated code."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import assert_never, cast

from dss_worker.agent.generated.dss.v1 import common_pb2, worker_pb2
from dss_worker.agent.protocol import (
    Acknowledged,
    Assign,
    Cancel,
    CheckpointReport,
    DeviceLoad,
    Drain,
    Drained,
    FailedReport,
    FinishedReport,
    FromWorker,
    Hello,
    Lease,
    LeaseProgress,
    Load,
    LogReport,
    MetricsReport,
    Numbered,
    Refused,
    Renew,
    Renewed,
    Stale,
    StoredCheckpoint,
    StoredFile,
    StorePlace,
    ToWorker,
    Welcome,
)
from dss_worker.config import (
    Adapter,
    DatasetSource,
    Init,
    Keep,
    LabelType,
    Layout,
    Metric,
    ModelSource,
    ModelType,
    Optimizer,
    OptimizerStates,
    Precision,
    RankLayout,
    RunOptions,
    Select,
    SourceFile,
    Switch,
    TrialConfig,
    TrialSettings,
)
from dss_worker.errors import Failure, FailureKind, WorkerError
from dss_worker.messages import Evaluation, GangPlace, TrialResult

_KINDS: Mapping[FailureKind, common_pb2.FailureKind] = {
    "user": common_pb2.FAILURE_KIND_USER,
    "infrastructure": common_pb2.FAILURE_KIND_INFRASTRUCTURE,
    "lost": common_pb2.FAILURE_KIND_LOST,
    "preempted": common_pb2.FAILURE_KIND_PREEMPTED,
}
_DETAIL_BYTES = 16 * 1024


class WireError(Exception):
    """A message that does not say what the contract has it say."""


def encode_from_worker(said: FromWorker) -> worker_pb2.WorkerMessage:
    match said:
        case Hello():
            return worker_pb2.WorkerMessage(hello=_encode_hello(said))
        case Renew(leases=leases):
            return worker_pb2.WorkerMessage(renew=worker_pb2.Renew(leases=[_encode_lease(each) for each in leases]))
        case LeaseProgress():
            progress = worker_pb2.Progress(
                lease=_encode_lease(said.lease),
                step=said.step,
                loss=said.loss,
                examples_per_second=said.examples_per_second,
                phase=said.phase,
            )
            return worker_pb2.WorkerMessage(progress=progress)
        case Load(devices=devices, warm=warm):
            load = worker_pb2.Load(devices=[_encode_load(each) for each in devices], warm=warm)
            return worker_pb2.WorkerMessage(load=load)
        case Numbered():
            message = _encode_report(said)
            message.sequence = said.sequence
            return message
        case _:
            assert_never(said)


def _encode_load(load: DeviceLoad) -> common_pb2.DeviceLoad:
    return common_pb2.DeviceLoad(
        utilization=load.utilization,
        memory_used_bytes=load.memory_used_bytes,
        memory_total_bytes=load.memory_total_bytes,
    )


def _encode_report(numbered: Numbered) -> worker_pb2.WorkerMessage:
    match numbered.report:
        case MetricsReport(lease=lease, training=training, evaluations=evaluations):
            metrics = worker_pb2.MetricsReport(
                lease=_encode_lease(lease),
                training=[common_pb2.TrainingPoint(step=point.step, loss=point.loss) for point in training],
                evaluations=[_encode_evaluation(each) for each in evaluations],
            )
            return worker_pb2.WorkerMessage(metrics=metrics)
        case LogReport(lease=lease, lines=lines, dropped=dropped):
            log = worker_pb2.LogReport(
                lease=_encode_lease(lease),
                lines=[worker_pb2.LogLine(unix_ms=each.unix_ms, stream=each.stream, text=each.text) for each in lines],
                dropped=dropped,
            )
            return worker_pb2.WorkerMessage(log=log)
        case CheckpointReport(lease=lease, step=step, path=path, files=files):
            checkpoint = worker_pb2.CheckpointReport(
                lease=_encode_lease(lease), step=step, path=path, files=_encode_stored(files)
            )
            return worker_pb2.WorkerMessage(checkpoint=checkpoint)
        case FinishedReport(lease=lease, result=result, files=files):
            finished = worker_pb2.FinishedReport(
                lease=_encode_lease(lease), result=_encode_result(result), files=_encode_stored(files)
            )
            return worker_pb2.WorkerMessage(finished=finished)
        case FailedReport(lease=lease, failure=failure):
            failed = worker_pb2.FailedReport(lease=_encode_lease(lease), failure=_encode_failure(failure))
            return worker_pb2.WorkerMessage(failed=failed)
        case Drained():
            return worker_pb2.WorkerMessage(drained=worker_pb2.Drained())
        case _:
            assert_never(numbered.report)


def decode_to_worker(message: worker_pb2.ControlMessage) -> ToWorker:  # noqa: PLR0911 - one for each kind
    """Raises: WireError."""
    match message.WhichOneof("message"):
        case "welcome":
            welcome = message.welcome
            return Welcome(
                lease_ms=_positive(welcome.lease_ms, "lease_ms"),
                renew_every_ms=_positive(welcome.renew_every_ms, "renew_every_ms"),
                store=_decode_place(welcome),
            )
        case "assign":
            return Assign(
                lease=_decode_lease(message.assign.lease),
                trial=_decode_trial(message.assign),
                checkpoint=_decode_checkpoint(message.assign),
                gang=_decode_gang(message.assign),
            )
        case "renewed":
            return Renewed(leases=tuple(_decode_lease(lease) for lease in message.renewed.leases))
        case "acknowledged":
            return Acknowledged(sequences=tuple(message.acknowledged.sequences))
        case "stale":
            return Stale(lease=_decode_lease(message.stale.lease))
        case "cancel":
            return Cancel(lease=_decode_lease(message.cancel.lease), reason=message.cancel.reason)
        case "drain":
            return Drain(grace_ms=message.drain.grace_ms)
        case "refused":
            refused = message.refused
            return Refused(code=refused.code, message=refused.message, hint=refused.hint)
        case None:
            raise WireError("the control plane says something that is not known here")
        case other:
            assert_never(other)


def _encode_stored(files: Iterable[StoredFile]) -> list[common_pb2.StoredFile]:
    return [common_pb2.StoredFile(path=each.path, sha256=each.sha256, size_bytes=each.size_bytes) for each in files]


def _decode_place(welcome: worker_pb2.Welcome) -> StorePlace | None:
    if welcome.home_id == "":
        return None
    return StorePlace(home=welcome.home, home_id=welcome.home_id, port=welcome.store_port)


def _decode_checkpoint(assign: worker_pb2.Assign) -> StoredCheckpoint | None:
    if not assign.HasField("checkpoint"):
        return None
    step, path = assign.checkpoint.step, assign.checkpoint.path
    files = tuple(
        StoredFile(path=file.path, sha256=file.sha256, size_bytes=file.size_bytes) for file in assign.checkpoint.files
    )
    return StoredCheckpoint(step=step, path=path, files=files)


def _decode_gang(assign: worker_pb2.Assign) -> GangPlace | None:
    if not assign.HasField("gang"):
        return None
    gang, lease = assign.gang, assign.lease
    run_id = f"{lease.trial_id}/{lease.attempt}"
    return GangPlace(rank=gang.rank, size=gang.size, address=gang.address, port=gang.port, run_id=run_id)


def _encode_hello(hello: Hello) -> worker_pb2.Hello:
    return worker_pb2.Hello(
        worker_id=hello.worker_id,
        instance_id=hello.instance_id,
        engine_version=hello.engine_version,
        host=hello.host,
        pid=hello.pid,
        devices=[
            worker_pb2.Device(kind=each.kind, name=each.name, memory_bytes=each.memory_bytes, threads=each.threads)
            for each in hello.devices
        ],
        versions=hello.versions,
        running=[_encode_lease(lease) for lease in hello.running],
        slots=hello.slots,
        prefetch=hello.prefetch,
        address=hello.address,
        rendezvous_port=hello.rendezvous_port,
        trials=hello.trials,
    )


def _encode_lease(lease: Lease) -> common_pb2.Lease:
    return common_pb2.Lease(trial_id=lease.trial_id, attempt=lease.attempt, token=lease.token)


def _encode_evaluation(evaluation: Evaluation) -> common_pb2.Evaluation:
    return common_pb2.Evaluation(
        step=evaluation.step,
        split=evaluation.split,
        loss=evaluation.loss,
        accuracy=evaluation.accuracy,
        rows=evaluation.rows,
        correct=evaluation.correct,
        choice_accuracy=evaluation.choice_accuracy,
    )


def _encode_result(result: TrialResult) -> common_pb2.TrialResult:
    return common_pb2.TrialResult(
        test_accuracy=result.test_accuracy,
        selected_step=result.selected_step,
        seconds=result.seconds,
        seconds_by_phase=result.seconds_by_phase,
        examples_per_second=result.examples_per_second,
        train_rows=result.train_rows,
        valid_rows=result.valid_rows,
        test_rows=result.test_rows,
        environment={key: _text(value) for key, value in result.environment.items()},
        choice_accuracy=result.choice_accuracy,
        resumed_step=result.resumed_step,
        useful_tokens_per_second=result.useful_tokens_per_second,
        padded_tokens_per_second=result.padded_tokens_per_second,
        mfu_useful=result.mfu_useful,
        mfu_padded=result.mfu_padded,
        peak_flops=result.peak_flops,
        peak_flops_source=result.peak_flops_source,
        peak_memory_bytes=result.peak_memory_bytes,
        predicted_memory_bytes=result.predicted_memory_bytes,
    )


def _encode_failure(failure: Failure) -> common_pb2.Failure:
    # The end of a traceback or of an output says more than its beginning.
    detail = failure.detail.encode(errors="replace")[-_DETAIL_BYTES:]
    return common_pb2.Failure(
        code=failure.code,
        message=_text(failure.message),
        hint=_text(failure.hint),
        detail=detail.decode(errors="ignore"),
        kind=_KINDS[failure.kind],
    )


def _text(text: str) -> str:
    """Without the half characters that names of files may hold, which protobuf refuses."""
    return text.encode(errors="replace").decode()


def _decode_lease(lease: common_pb2.Lease) -> Lease:
    if lease.trial_id == "":
        raise WireError("a lease names no trial")
    return Lease(trial_id=lease.trial_id, attempt=lease.attempt, token=lease.token)


def _decode_trial(assign: worker_pb2.Assign) -> TrialConfig | Failure:
    try:
        return TrialConfig(
            trial_id=assign.lease.trial_id,
            settings=_decode_settings(assign.settings),
            model=ModelSource(directory=Path(assign.model.directory), files=_decode_files(assign.model.files)),
            dataset=_decode_dataset(assign.dataset),
            run=_decode_run(assign.run),
        )
    except WorkerError as error:
        return error.to_failure()


def _decode_settings(settings: common_pb2.TrialSettings) -> TrialSettings:
    """The casts are safe: `TrialSettings` checks every word that it is given."""
    return TrialSettings(
        model=settings.model,
        dataset=settings.dataset,
        label_type=cast(LabelType, settings.label_type),
        model_type=cast(ModelType, settings.model_type),
        seed=settings.seed,
        llm=settings.llm if settings.HasField("llm") else None,
        alpha=settings.alpha if settings.HasField("alpha") else None,
        subsample=settings.subsample,
        max_steps=settings.max_steps,
        eval_steps=settings.eval_steps,
        batch_size=settings.batch_size,
        grad_steps=settings.grad_steps,
        lr=settings.lr,
        max_input_length=settings.max_input_length,
        gen_max_len=settings.gen_max_len,
        precision=cast(Precision, settings.precision),
        dropout=settings.dropout,
        select=cast(Select, settings.select),
        init=cast(Init, settings.init),
        optimizer=cast(Optimizer, settings.optimizer),
        adapter=cast(Adapter, settings.adapter),
        lora_rank=settings.lora_rank if settings.HasField("lora_rank") else None,
        lora_alpha=settings.lora_alpha if settings.HasField("lora_alpha") else None,
    )


def _decode_dataset(dataset: common_pb2.DatasetSource) -> DatasetSource:
    return DatasetSource(
        directory=Path(dataset.directory),
        layout=cast(Layout, _one_of(dataset.layout, ("release", "folder"), "layout")),
        files=_decode_files(dataset.files),
        metric=cast(Metric, _one_of(dataset.metric, ("text", "equation"), "metric")),
        fields=dict(dataset.fields),
        templates=dict(dataset.templates),
        choices=tuple(dataset.choices),
    )


_SWITCH = ("auto", "on", "off")


def _decode_run(run: common_pb2.RunOptions) -> RunOptions:
    checkpointing = _one_of(run.gradient_checkpointing, _SWITCH, "gradient_checkpointing")
    states = _one_of(run.optimizer_states or "device", ("device", "host"), "optimizer_states")
    return RunOptions(
        directory=Path(run.directory) if run.directory else None,
        checkpoint_steps=run.checkpoint_steps,
        keep_checkpoints=run.keep_checkpoints,
        keep=cast(Keep, _one_of(run.keep, ("none", "last", "best"), "keep")),
        output_rationale=run.output_rationale,
        micro_batches=run.micro_batches,
        compile=cast(Switch, _one_of(run.compile, _SWITCH, "compile")),
        gradient_checkpointing=cast(Switch, checkpointing),
        devices=max(1, run.devices),
        layout=RankLayout(shard=run.shard, tensor=run.tensor) if run.shard > 0 and run.tensor > 0 else None,
        optimizer_states=cast(OptimizerStates, states),
    )


_ROLES = ("train", "valid", "test", "teacher", "config", "tokenizer", "weights")


def _decode_files(files: Iterable[common_pb2.SourceFile]) -> tuple[SourceFile, ...]:
    return tuple(
        SourceFile(
            path=file.path, sha256=file.sha256, size_bytes=file.size_bytes, role=_one_of(file.role, _ROLES, "role")
        )
        for file in files
    )


def _one_of(value: str, allowed: tuple[str, ...], name: str) -> str:
    if value in allowed:
        return value
    message = f"{name}: expected one of {', '.join(allowed)}, got {value!r}"
    raise WorkerError("CONFIG_INVALID", message, hint="control plane and worker must come from the same dss")


def _positive(value: int, name: str) -> int:
    if value < 1:
        raise WireError(f"{name} is missing")
    return value
