"""The worker as it is shipped: agent and training child, a tiny model and a real control plane's messages."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from dss_worker.agent.generated.dss.v1 import common_pb2, worker_pb2
from dss_worker.config import ENGINE_VERSION, RunOptions
from tests.agent.control_plane import ControlPlane, Stream
from tests.agent.processes import ended, started, wait_until_gone
from tests.training.support import model_source, trial, write_dataset


@pytest.fixture(scope="module")
def plane() -> Iterator[ControlPlane]:
    with ControlPlane() as plane:
        yield plane


def command(plane: ControlPlane) -> list[str]:
    agent = [sys.executable, "-m", "dss_worker", "agent", "--server", plane.address, "--worker-id", "local-1"]
    return [*agent, "--threads", "1", "--device", "cpu"]


@pytest.fixture(scope="module")
def worker(plane: ControlPlane) -> Iterator[tuple[subprocess.Popen[str], Stream]]:
    """One for all tests here that leave it alive: its imports take seconds, and staying warm is its purpose."""
    with started(*command(plane)) as agent:
        stream = plane.stream()
        stream.welcome()
        yield agent, stream


@pytest.fixture
def stream(worker: tuple[subprocess.Popen[str], Stream]) -> Stream:
    worker[1].unread.clear()
    return worker[1]


def child_of(pid: int) -> int:
    (child,) = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    return int(child)


def test_a_trial_is_trained_measured_and_finished(stream: Stream, tmp_path: Path) -> None:
    stream.lend(trial(tmp_path, max_steps=4, eval_steps=2), token=1)
    assert stream.next("progress").progress.phase in {"load", "tokenize", "train", "evaluate"}
    measured = [stream.take("metrics").metrics for _ in range(3)]
    assert [point.step for report in measured for point in report.training] == [2, 4]
    evaluations = [evaluation for report in measured for evaluation in report.evaluations]
    assert [evaluation.split for evaluation in evaluations] == ["valid", "valid", "test"]
    result = stream.take("finished").finished.result
    assert (result.train_rows, result.valid_rows, result.test_rows) == (32, 8, 8)
    assert result.test_accuracy == evaluations[-1].accuracy
    assert (result.environment["device"], result.environment["threads"]) == ("cpu", "1")
    assert result.environment["engine"] == str(ENGINE_VERSION)


def test_a_trial_is_cancelled_between_steps_and_its_child_runs_the_next(stream: Stream, tmp_path: Path) -> None:
    lease = stream.lend(trial(tmp_path, max_steps=1_000_000, eval_steps=1_000_000), token=2)
    while stream.next("progress").progress.phase != "train":
        pass
    stream.say(cancel=worker_pb2.Cancel(lease=lease, reason="test"))
    stream.lend(trial(tmp_path, max_steps=1, eval_steps=1), token=3)
    assert stream.take("finished").finished.lease.token == 3


def test_what_is_wrong_with_a_trial_is_told_by_its_code(stream: Stream, tmp_path: Path) -> None:
    # Rows that the child has not read yet: what it has, it trains on as it was planned.
    rows = [{"input": "1", "label": "2", "rationale": "3"}] * 12
    config = trial(tmp_path, dataset=write_dataset(tmp_path / "datasets", rows=rows))
    (config.dataset.directory / "sums" / "train.jsonl").unlink()
    stream.lend(config, token=4)
    failure = stream.take("failed").failed.failure
    assert failure.kind == common_pb2.FAILURE_KIND_USER
    assert failure.code.startswith("DATASET_")


def test_the_agent_itself_has_loaded_neither_torch_nor_numpy(
    worker: tuple[subprocess.Popen[str], Stream],
) -> None:
    loaded = Path(f"/proc/{worker[0].pid}/maps").read_text()
    assert "grpc" in loaded
    assert "torch" not in loaded
    assert "numpy" not in loaded


def test_the_child_is_easier_to_kill_for_memory_than_the_agent_and_was_not_given_the_token(
    worker: tuple[subprocess.Popen[str], Stream],
) -> None:
    child = child_of(worker[0].pid)
    assert Path(f"/proc/{child}/oom_score_adj").read_text() == "500\n"
    assert b"OMP_NUM_THREADS=1" in Path(f"/proc/{child}/environ").read_bytes()
    assert b"DSS_JOIN_TOKEN" not in Path(f"/proc/{child}/environ").read_bytes()


def test_after_an_error_that_nobody_foresaw_the_child_ends(
    worker: tuple[subprocess.Popen[str], Stream], stream: Stream, tmp_path: Path
) -> None:
    config = trial(tmp_path, init="random")
    path = config.model.directory / "config.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), "d_model": -1}))
    child = child_of(worker[0].pid)
    stream.lend(replace(config, model=model_source(config.model.directory)), token=5)
    failure = stream.take("failed").failed.failure
    assert (failure.code, failure.kind) == ("INTERNAL", common_pb2.FAILURE_KIND_INFRASTRUCTURE)
    assert "negative dimension" in failure.message
    wait_until_gone(child)


def test_told_to_end_in_the_middle_of_a_trial_it_loses_nothing(plane: ControlPlane, tmp_path: Path) -> None:
    config = trial(tmp_path, max_steps=400, eval_steps=200)
    config = replace(config, run=RunOptions(directory=tmp_path / "state"))
    with started(*command(plane)) as agent:
        stream = plane.stream()
        stream.welcome()
        stream.lend(config, token=1)
        while stream.next("progress").progress.phase != "train":
            pass
        agent.send_signal(signal.SIGTERM)
        stream.take("drained")
        assert ended(agent)[0] == 128 + signal.SIGTERM
        assert not any(message.HasField("failed") or message.HasField("finished") for message in stream.rest())
    with started(*command(plane)):
        stream = plane.stream()
        stream.welcome()
        stream.lend(config, token=2)
        result = stream.take("finished").finished.result
    assert 0 < result.resumed_step < config.settings.max_steps
