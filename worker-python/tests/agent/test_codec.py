"""What is said on the wire, against messages made by hand."""

from __future__ import annotations

import math
from dataclasses import fields
from typing import get_args

import pytest

from dss_worker.agent.codec import WireError, decode_to_worker, encode_from_worker
from dss_worker.agent.generated.dss.v1 import common_pb2, worker_pb2
from dss_worker.agent.generated.dss.v1.worker_pb2 import ControlMessage
from dss_worker.agent.protocol import (
    Acknowledged,
    Assign,
    Cancel,
    CheckpointReport,
    Drain,
    FailedReport,
    FinishedReport,
    Lease,
    LeaseProgress,
    LogLine,
    LogReport,
    MetricsReport,
    Numbered,
    Refused,
    Renewed,
    Stale,
    StoredCheckpoint,
    StoredFile,
    StorePlace,
    ToWorker,
    Welcome,
)
from dss_worker.config import TrialConfig
from dss_worker.errors import Failure, FailureKind
from dss_worker.messages import Evaluation, GangPlace, TrialResult
from tests.agent.control_plane import TRIAL, assignment, lease_of, scripted_trial
from tests.agent.scripted_child import RESULT

LEASE = Lease(trial_id=TRIAL, attempt=1, token=2**63)
WIRE_LEASE = lease_of(2**63)
FILE = StoredFile(path="state.json", sha256="ab" * 32, size_bytes=2**40)
WIRE_FILE = common_pb2.StoredFile(path="state.json", sha256="ab" * 32, size_bytes=2**40)


@pytest.mark.parametrize(
    ("message", "said"),
    [
        (
            ControlMessage(welcome=worker_pb2.Welcome(lease_ms=3, renew_every_ms=1)),
            Welcome(lease_ms=3, renew_every_ms=1),
        ),
        (
            ControlMessage(
                welcome=worker_pb2.Welcome(lease_ms=3, renew_every_ms=1, home="/h", home_id="i", store_port=7)
            ),
            Welcome(lease_ms=3, renew_every_ms=1, store=StorePlace(home="/h", home_id="i", port=7)),
        ),
        (ControlMessage(renewed=worker_pb2.Renewed(leases=[WIRE_LEASE])), Renewed(leases=(LEASE,))),
        (ControlMessage(acknowledged=worker_pb2.Acknowledged(sequences=[1, 2])), Acknowledged(sequences=(1, 2))),
        (ControlMessage(stale=worker_pb2.Stale(lease=WIRE_LEASE)), Stale(lease=LEASE)),
        (ControlMessage(cancel=worker_pb2.Cancel(lease=WIRE_LEASE, reason="w")), Cancel(lease=LEASE, reason="w")),
        (ControlMessage(drain=worker_pb2.Drain(grace_ms=5)), Drain(grace_ms=5)),
        (
            ControlMessage(refused=worker_pb2.Refused(code="A", message="b", hint="c")),
            Refused(code="A", message="b", hint="c"),
        ),
    ],
)
def test_orders_are_read(message: ControlMessage, said: ToWorker) -> None:
    assert decode_to_worker(message) == said


def test_an_assignment_is_read_whole() -> None:
    config = scripted_trial("some-model")
    message = ControlMessage(assign=assignment(WIRE_LEASE, config))
    assert decode_to_worker(message) == Assign(lease=LEASE, trial=config)


def test_a_stored_checkpoint_is_read_with_its_files() -> None:
    message = assignment(WIRE_LEASE, scripted_trial("m"))
    assert _checkpoint_of(message) is None
    message.checkpoint.CopyFrom(common_pb2.StoredCheckpoint(step=7, path="step-7", files=[WIRE_FILE]))
    assert _checkpoint_of(message) == StoredCheckpoint(step=7, path="step-7", files=(FILE,))


def _checkpoint_of(message: worker_pb2.Assign) -> StoredCheckpoint | None:
    said = decode_to_worker(ControlMessage(assign=message))
    assert isinstance(said, Assign)
    return said.checkpoint


def test_a_place_in_a_gang_is_read_and_devices_are_one_unless_said() -> None:
    message = assignment(WIRE_LEASE, scripted_trial("m"))
    message.gang.CopyFrom(worker_pb2.Gang(rank=1, size=2, address="first.lab", port=7))
    message.run.devices = 4
    said = decode_to_worker(ControlMessage(assign=message))
    assert isinstance(said, Assign)
    assert isinstance(said.trial, TrialConfig)
    assert said.gang == GangPlace(
        rank=1, size=2, address="first.lab", port=7, run_id=f"{LEASE.trial_id}/{LEASE.attempt}"
    )
    assert said.trial.run.devices == 4
    message.run.ClearField("devices")
    said = decode_to_worker(ControlMessage(assign=message))
    assert isinstance(said, Assign)
    assert isinstance(said.trial, TrialConfig)
    assert said.trial.run.devices == 1


def test_files_that_were_sent_are_told_of() -> None:
    checkpoint = CheckpointReport(lease=LEASE, step=7, path="step-7", files=(FILE,))
    told = encode_from_worker(Numbered(sequence=1, report=checkpoint)).checkpoint
    assert (told.lease, told.step, told.path, list(told.files)) == (WIRE_LEASE, 7, "step-7", [WIRE_FILE])
    finished = FinishedReport(lease=LEASE, result=RESULT, files=(FILE,))
    assert list(encode_from_worker(Numbered(sequence=1, report=finished)).finished.files) == [WIRE_FILE]


def test_absent_settings_are_none_and_zero_is_zero() -> None:
    message = assignment(WIRE_LEASE, scripted_trial("m"))
    message.settings.alpha = 0.0
    for name in ("llm", "lora_rank", "lora_alpha"):
        message.settings.ClearField(name)
    message.settings.adapter = "none"
    message.run.ClearField("directory")
    assign = decode_to_worker(ControlMessage(assign=message))
    assert isinstance(assign, Assign)
    assert not isinstance(assign.trial, Failure)
    settings = assign.trial.settings
    assert (settings.alpha, settings.llm, settings.lora_rank, settings.lora_alpha) == (0.0, None, None, None)
    assert assign.trial.run.directory is None


@pytest.mark.parametrize(
    ("place", "value", "message"),
    [
        ("settings.precision", "fp8", "precision: expected one of fp32, tf32, bf16, got 'fp8'"),
        ("settings.lr", math.inf, "lr: expected a number above 0, got inf"),
        ("dataset.layout", "zip", "layout: expected one of release, folder, got 'zip'"),
        ("settings.optimizer", "sgd", "optimizer: expected one of adamw, adamw8bit, adafactor, got 'sgd'"),
        ("settings.llm", "../gpt", "llm: expected a name, got '../gpt'"),
        ("run.keep", "all", "keep: expected one of none, last, best, got 'all'"),
        ("run.compile", "", "compile: expected one of auto, on, off, got ''"),
        ("run.gradient_checkpointing", "yes", "gradient_checkpointing: expected one of auto, on, off, got 'yes'"),
        ("dataset.metric", "bleu", "metric: expected one of text, equation, got 'bleu'"),
    ],
)
def test_a_trial_that_cannot_be_read_is_a_failure_of_that_lease(place: str, value: object, message: str) -> None:
    assign = assignment(WIRE_LEASE, scripted_trial("m"))
    part, name = place.split(".")
    setattr(getattr(assign, part), name, value)
    said = decode_to_worker(ControlMessage(assign=assign))
    assert isinstance(said, Assign)
    assert isinstance(said.trial, Failure)
    assert (said.lease, said.trial.code, said.trial.message) == (LEASE, "CONFIG_INVALID", message)


@pytest.mark.parametrize(
    "message",
    [
        ControlMessage(),
        ControlMessage(welcome=worker_pb2.Welcome()),
        ControlMessage(stale=worker_pb2.Stale()),
    ],
)
def test_what_the_contract_does_not_know_is_refused(message: ControlMessage) -> None:
    with pytest.raises(WireError):
        decode_to_worker(message)


@pytest.mark.parametrize("kind", get_args(FailureKind))
def test_every_kind_of_failure_has_its_value(kind: FailureKind) -> None:
    failure = Failure(code="X", message="m", kind=kind)
    message = encode_from_worker(Numbered(sequence=3, report=FailedReport(lease=LEASE, failure=failure)))
    assert message.sequence == 3
    assert common_pb2.FailureKind.Name(message.failed.failure.kind) == f"FAILURE_KIND_{kind.upper()}"


def test_a_result_travels_whole() -> None:
    result = TrialResult(
        test_accuracy=0.5, selected_step=5, seconds=1.5, seconds_by_phase={"import": 2.0, "train": 1.0},
        examples_per_second=8.0, train_rows=4, valid_rows=9, test_rows=10, environment={"plan": "1 group"},
        choice_accuracy=0.0, resumed_step=3, useful_tokens_per_second=6.0, padded_tokens_per_second=7.0,
        mfu_useful=0.25, mfu_padded=0.5, peak_flops=1e12, peak_flops_source="measured", peak_memory_bytes=2**40,
        predicted_memory_bytes=2**41,
    )  # fmt: skip
    report = FinishedReport(lease=LEASE, result=result)
    wire = encode_from_worker(Numbered(sequence=1, report=report)).finished.result
    assert wire.HasField("choice_accuracy")
    read = {field.name: getattr(wire, field.name) for field in fields(result)}
    maps = {name: dict(read[name]) for name in ("seconds_by_phase", "environment")}
    assert TrialResult(**{**read, **maps}) == result


@pytest.mark.parametrize("choice_accuracy", [None, 0.0, 0.75])
def test_an_evaluation_says_how_often_the_right_choice_was_likeliest_where_there_are_choices(
    choice_accuracy: float | None,
) -> None:
    evaluation = Evaluation(
        step=1, split="test", loss=0.5, accuracy=0.5, rows=2, correct=b"\x01", choice_accuracy=choice_accuracy
    )
    report = MetricsReport(lease=LEASE, training=(), evaluations=(evaluation,))
    (wire,) = encode_from_worker(Numbered(sequence=1, report=report)).metrics.evaluations
    assert (wire.choice_accuracy if wire.HasField("choice_accuracy") else None) == choice_accuracy


def test_of_a_long_detail_the_end_is_kept_and_half_characters_are_replaced() -> None:
    failure = Failure(code="X", message="file \udcff", detail="é" * 20_000 + "the end")
    message = encode_from_worker(Numbered(sequence=1, report=FailedReport(lease=LEASE, failure=failure)))
    wire = message.failed.failure
    assert wire.message == "file ?"
    assert wire.detail.endswith("éthe end")
    assert 16_000 < len(wire.detail.encode()) <= 16_384


def test_a_loss_that_is_no_number_travels_as_such() -> None:
    progress = LeaseProgress(lease=LEASE, step=1, loss=math.nan, examples_per_second=0, phase="load")
    message = encode_from_worker(progress)
    assert message.sequence == 0
    assert math.isnan(message.progress.loss)


def test_lines_keep_their_stream_and_time() -> None:
    line = LogLine(unix_ms=1_700_000_000_000, stream="dss", text="x")
    message = encode_from_worker(Numbered(sequence=1, report=LogReport(lease=LEASE, lines=(line,), dropped=4)))
    assert message.log == worker_pb2.LogReport(
        lease=WIRE_LEASE, lines=[worker_pb2.LogLine(unix_ms=1_700_000_000_000, stream="dss", text="x")], dropped=4
    )
