"""The agent as a process of its own, on a machine that shares no folder with the control plane."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import grpc
import pytest

from dss_worker.agent.generated.dss.v1 import common_pb2, worker_pb2
from dss_worker.config import TrialConfig
from tests.agent.control_plane import TRIAL, ControlPlane, Stream, assignment, lease_of
from tests.agent.processes import SCRIPTED_AGENT, started
from tests.agent.scripted_child import SUSPENDED_STEP
from tests.agent.store_server import StoreServer
from tests.agent.test_storage import DATASET, MODEL, trial_that_reads

CHECKPOINT = f"step-{SUSPENDED_STEP:08d}"


@pytest.fixture
def server() -> Iterator[StoreServer]:
    with StoreServer() as server:
        yield server


@pytest.fixture
def plane() -> Iterator[ControlPlane]:
    with ControlPlane() as plane:
        yield plane


@pytest.fixture
def agent(plane: ControlPlane, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[subprocess.Popen[str]]:
    monkeypatch.setenv("DSS_WORKER_CACHE", str(tmp_path / "cache"))
    with started(*SCRIPTED_AGENT, plane.address) as process:
        yield process


def trial(script: str, tmp_path: Path, trial_id: str = TRIAL) -> TrialConfig:
    config = trial_that_reads(tmp_path / "sources")
    run = replace(config.run, keep_checkpoints=False)
    return replace(config, trial_id=trial_id, settings=replace(config.settings, model=script), run=run)


def keep_sources(server: StoreServer) -> None:
    for data in (*MODEL.values(), *DATASET.values()):
        server.keep("", data)


def log_of(stream: Stream, *, until: str) -> list[str]:
    lines: list[str] = []
    while not any(until in line for line in lines):
        lines += [line.text for line in stream.take("log").log.lines]
    return lines


@pytest.mark.usefixtures("agent")
def test_a_trial_has_what_it_reads_and_goes_on_from_what_is_stored(
    plane: ControlPlane, server: StoreServer, tmp_path: Path
) -> None:
    keep_sources(server)
    state = server.keep(TRIAL, b"of step 7", "state.json")
    file = common_pb2.StoredFile(path=state.path, sha256=state.sha256, size_bytes=state.size_bytes)
    stream = plane.stream()
    stream.welcome(store_port=server.port)
    assign = assignment(lease_of(1), trial("show_files", tmp_path))
    assign.checkpoint.CopyFrom(common_pb2.StoredCheckpoint(step=7, path=CHECKPOINT, files=[file]))
    stream.say(assign=assign)
    assert stream.next("progress").progress.phase == "load"
    lines = log_of(stream, until="checkpoints")
    assert 'config.json: {"d_model": 8}' in lines
    assert "cqa/cqa_train.json: [1, 2, 3]" in lines
    assert f"checkpoints: ['{CHECKPOINT}']" in lines
    stream.take("finished")


@pytest.mark.usefixtures("agent")
def test_what_its_attempt_leaves_is_sent_before_the_end_is_told(
    plane: ControlPlane, server: StoreServer, tmp_path: Path
) -> None:
    keep_sources(server)
    stream = plane.stream()
    stream.welcome(store_port=server.port)
    stream.lend(trial("checkpoint_and_keep", tmp_path))
    finished = stream.take("finished").finished
    assert [file.path for file in finished.files] == ["model/config.json"]
    assert server.has(TRIAL, b"{}")


@pytest.mark.usefixtures("agent")
def test_a_drain_ends_when_the_last_checkpoint_has_arrived(
    plane: ControlPlane, server: StoreServer, tmp_path: Path
) -> None:
    keep_sources(server)
    stream = plane.stream()
    stream.welcome(store_port=server.port)
    stream.lend(trial("checkpoint_when_suspended", tmp_path))
    while stream.next("progress").progress.phase != "train":
        pass
    server.takes.clear()
    stream.say(drain=worker_pb2.Drain(grace_ms=60_000))
    stream.take("metrics")
    server.is_sending.wait()
    server.takes.set()
    message = stream.next("checkpoint", "drained")
    assert message.HasField("checkpoint"), "drained was said first"
    assert [file.path for file in message.checkpoint.files] == ["state.json"]
    assert (message.checkpoint.step, message.checkpoint.path) == (SUSPENDED_STEP, CHECKPOINT)
    assert server.has(TRIAL, b"of step 7")
    stream.acknowledge(message.sequence)
    stream.take("drained")


@pytest.mark.usefixtures("agent")
def test_a_lease_is_renewed_while_files_are_fetched_and_a_cancellation_ends_that(
    plane: ControlPlane, server: StoreServer, tmp_path: Path
) -> None:
    server.refusals = [grpc.StatusCode.UNAVAILABLE] * 10_000
    stream = plane.stream()
    stream.welcome(store_port=server.port, renew_every_ms=20)
    lease = stream.lend(trial("finish", tmp_path))
    while list(stream.next("renew").renew.leases) != [lease]:
        pass
    for _ in range(3):
        assert list(stream.next("renew").renew.leases) == [lease]
    stream.say(cancel=worker_pb2.Cancel(lease=lease, reason="nobody wants it"))
    while stream.next("renew").renew.leases:
        pass
    server.refusals = []
    keep_sources(server)
    stream.lend(trial("finish", tmp_path), token=2)
    assert stream.take("finished").finished.lease.token == 2


@pytest.mark.usefixtures("agent")
def test_what_comes_next_is_fetched_while_something_runs(
    plane: ControlPlane, server: StoreServer, tmp_path: Path
) -> None:
    keep_sources(server)
    stream = plane.stream()
    stream.welcome(store_port=server.port)
    first = stream.lend(trial("wait_for_cancel", tmp_path))
    while stream.next("progress").progress.phase != "train":
        pass
    other = server.keep("", b"another config")
    config = trial("finish", tmp_path, trial_id="f" * 20)
    file = replace(config.model.files[0], sha256=other.sha256, size_bytes=other.size_bytes)
    stream.lend(replace(config, model=replace(config.model, files=(file,))), token=2)
    cached = tmp_path / "cache" / "files" / other.sha256[:2] / other.sha256
    while not cached.exists():
        pass
    stream.say(cancel=worker_pb2.Cancel(lease=first, reason="nobody wants it"))
    assert stream.take("finished").finished.lease.token == 2


@pytest.mark.usefixtures("agent")
def test_a_trial_whose_files_are_nowhere_fails_and_the_next_one_runs(
    plane: ControlPlane, server: StoreServer, tmp_path: Path
) -> None:
    stream = plane.stream()
    stream.welcome(store_port=server.port)
    lease = stream.lend(trial("finish", tmp_path))
    failed = stream.take("failed").failed
    assert failed.lease == lease
    assert (failed.failure.code, failed.failure.kind) == ("SOURCE_MISSING", common_pb2.FAILURE_KIND_INFRASTRUCTURE)
    keep_sources(server)
    stream.lend(trial("finish", tmp_path), token=2)
    assert stream.take("finished").finished.lease.token == 2


@pytest.mark.usefixtures("agent")
def test_on_a_shared_folder_a_checkpoint_is_told_of_and_stays_where_it_is(plane: ControlPlane) -> None:
    stream = plane.stream()
    stream.welcome()
    lease = stream.assign("checkpoint_when_suspended")
    stream.next("progress")
    stream.say(drain=worker_pb2.Drain(grace_ms=60_000))
    report = stream.take("checkpoint").checkpoint
    assert (report.lease, report.step, list(report.files)) == (lease, SUSPENDED_STEP, [])
    stream.take("drained")
