"""The training child's ends of its pipes, and what it makes of errors."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
from dataclasses import replace
from io import BytesIO
from pathlib import Path
from typing import TypeVar, cast

import pytest
import torch
from safetensors import SafetensorError

from dss_worker.config import RunOptions
from dss_worker.errors import DataError, Failure, WorkerError
from dss_worker.messages import (
    CancelTrial,
    Checkpointed,
    Evaluation,
    Failed,
    Finished,
    FromChild,
    Metrics,
    Progress,
    RunTrial,
    Suspended,
    SuspendTrial,
    ToChild,
    TrainingPoint,
    decode_from_child,
    encode,
)
from dss_worker.training.failures import failure_of
from dss_worker.training.serve import Inbox, Outlet, PipeReporter
from tests.training.support import trial

Message = TypeVar("Message", bound=FromChild)


def test_orders_come_in_turn_and_a_cancel_at_once(tmp_path: Path) -> None:
    reads, writes = os.pipe()
    inbox = Inbox(reads)
    config = trial(tmp_path)
    with open(writes, "wb", buffering=0) as agent:
        agent.write(encode(RunTrial(run=1, config=config)) + encode(RunTrial(run=2, config=config)))
        assert inbox.next() == RunTrial(run=1, config=config)
        assert not inbox.is_cancelled(1)
        agent.write(encode(CancelTrial(run=1)) + encode(RunTrial(run=3, config=config)))
        assert [inbox.next(), inbox.next()] == [RunTrial(run=2, config=config), RunTrial(run=3, config=config)]
        assert (inbox.is_cancelled(1), inbox.is_cancelled(2)) == (True, False)
    assert inbox.next() is None


def test_a_suspend_comes_at_once_and_cancels_nothing() -> None:
    reads, writes = os.pipe()
    inbox = Inbox(reads)
    with open(writes, "wb", buffering=0) as agent:
        agent.write(encode(SuspendTrial(run=1)) + b'{"kind":"Poetry"}\n')
        assert inbox.next() is None
    assert (inbox.is_suspended(1), inbox.is_suspended(2)) == (True, False)


def test_sigterm_suspends_what_runs_and_begins_nothing(tmp_path: Path) -> None:
    reads, writes = os.pipe()
    inbox = Inbox(reads)
    before = signal.signal(signal.SIGTERM, inbox.end)
    try:
        with open(writes, "wb", buffering=0) as agent:
            threading.Thread(target=os.kill, args=(os.getpid(), signal.SIGTERM)).start()
            assert inbox.next() is None
            agent.write(encode(RunTrial(run=8, config=trial(tmp_path))))
            assert inbox.next() is None
            assert (inbox.is_ended, inbox.is_suspended(7), inbox.is_cancelled(7)) == (True, True, False)
            # Whoever cannot wait sends a second one.
            assert signal.getsignal(signal.SIGTERM) is signal.SIG_DFL
    finally:
        signal.signal(signal.SIGTERM, before)


def test_after_nonsense_no_order_is_waited_for() -> None:
    reads, writes = os.pipe()
    inbox = Inbox(reads)
    with open(writes, "wb", buffering=0) as agent:
        agent.write(b'{"kind":"Poetry"}\n')
        assert inbox.next() is None
        assert inbox.is_cancelled(1)


def test_a_long_curve_comes_in_parts_and_a_short_one_in_one(capsys: pytest.CaptureFixture[str]) -> None:
    point = TrainingPoint(step=1, loss=0.5)
    each = Evaluation(step=1, split="valid", loss=0.5, accuracy=0.5, rows=80_000, correct=bytes(10_000))

    def told(points: int, evaluations: int) -> list[Metrics]:
        pipe = BytesIO()
        PipeReporter(Outlet(pipe), run=3).metrics(training=(point,) * points, evaluations=(each,) * evaluations)
        found = [decode_from_child(line) for line in pipe.getvalue().splitlines()]
        assert all(isinstance(message, Metrics) and message.run == 3 for message in found)
        return cast(list[Metrics], found)

    assert [(len(each.training), len(each.evaluations)) for each in told(2, 3)] == [(2, 3)]
    assert [(len(each.training), len(each.evaluations)) for each in told(2, 0)] == [(2, 0)]
    long = told(5_000, 2_000)
    assert sum(len(message.training) for message in long) == 5_000
    assert sum(len(message.evaluations) for message in long) == 2_000
    # The agent gives up a child that says more at a time than 8 MiB.
    assert max(len(encode(message)) for message in long) < 2 * 1024 * 1024


def test_a_message_larger_than_a_pipe_arrives_whole() -> None:
    reads, writes = os.pipe()
    message = Failed(run=1, failure=Failure(code="X", message="m", detail="d" * 1_000_000))
    with open(reads, "rb") as agent, open(writes, "wb", buffering=0) as child:
        sending = threading.Thread(target=Outlet(child).send, args=(message,))
        sending.start()
        assert decode_from_child(agent.readline()) == message
        sending.join()


class Child:
    """A real one, as the agent has it."""

    def __init__(self, log: Path) -> None:
        """`log`: where what it prints goes."""
        child_reads, writes = os.pipe()
        reads, child_writes = os.pipe()
        pipes = ["--read-fd", str(child_reads), "--write-fd", str(child_writes), "--agent-pid", str(os.getpid())]
        with log.open("w") as output:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "dss_worker", "child", "--threads", "1", "--device", "cpu", *pipes],
                cwd=Path(__file__).parents[2],
                pass_fds=(child_reads, child_writes),
                stdout=output,
            )
        os.close(child_reads)
        os.close(child_writes)
        self._to_child = open(writes, "wb", buffering=0)  # noqa: SIM115
        self._from_child = open(reads, "rb")  # noqa: SIM115
        self.messages = map(decode_from_child, self._from_child)

    def __enter__(self) -> Child:
        return self

    def __exit__(self, *_: object) -> None:
        self.process.kill()
        self.process.wait()
        self._to_child.close()
        self._from_child.close()

    def send(self, message: ToChild) -> None:
        self._to_child.write(encode(message))

    def next(self, kind: type[Message]) -> Message:
        return next(message for message in self.messages if isinstance(message, kind))


def test_a_child_suspends_resumes_cleans_up_and_ends_by_sigterm(tmp_path: Path) -> None:
    short = replace(trial(tmp_path), run=RunOptions(directory=tmp_path / "short", checkpoint_steps=1))
    kept = replace(short, run=replace(short.run, directory=tmp_path / "kept", keep_checkpoints=True))
    long = trial(tmp_path, max_steps=10**6, eval_steps=2, dropout=0.1)
    long = replace(long, run=RunOptions(directory=tmp_path / "long"))
    checkpoints = tmp_path / "long" / "checkpoints"
    with Child(tmp_path / "log") as child:
        child.send(RunTrial(run=1, config=short))
        child.next(Finished)
        child.send(RunTrial(run=2, config=kept))
        child.next(Finished)
        child.send(RunTrial(run=3, config=long))
        child.next(Metrics)
        # Of a trial that has a successor: what is left of it now stays.
        assert list((tmp_path / "short").iterdir()) == []
        assert len(list((tmp_path / "kept" / "checkpoints").iterdir())) == 2
        child.send(SuspendTrial(run=3))
        suspended = child.next(Suspended)
        assert (suspended.run, suspended.step > 0) == (3, True)
        assert [path.name for path in checkpoints.iterdir()] == [f"step-{suspended.step:08d}"]

        child.send(RunTrial(run=4, config=long))
        again = child.next(Metrics)
        # In a row, what it had come to before.
        assert [point.step for point in again.training] == list(range(2, suspended.step + 1, 2))[: len(again.training)]
        child.next(Metrics)
        child.process.send_signal(signal.SIGTERM)
        rest = list(child.messages)
        assert child.process.wait() == -signal.SIGTERM
        # How it ended says all: the agent hears of no outcome.
        assert {type(message) for message in rest} <= {Checkpointed, Metrics, Progress}
        newest = max(int(path.name.removeprefix("step-")) for path in checkpoints.iterdir())
        assert newest > suspended.step
        assert f"ended by SIGTERM; the trial can go on from step {newest}" in (tmp_path / "log").read_text()


@pytest.mark.parametrize(
    ("error", "code", "kind", "message"),
    [
        (DataError("row 3 is wrong"), "DATASET_INVALID", "user", "row 3 is wrong"),
        (KeyError("x"), "INTERNAL", "infrastructure", "KeyError: 'x'"),
        (ValueError("two\nlines"), "INTERNAL", "infrastructure", "ValueError: two"),
        (MemoryError(), "OUT_OF_MEMORY", "infrastructure", "MemoryError: "),
        (torch.OutOfMemoryError("CUDA"), "GPU_OUT_OF_MEMORY", "infrastructure", "OutOfMemoryError: CUDA"),
    ],
)
def test_an_error_becomes_a_failure(error: Exception, code: str, kind: str, message: str) -> None:
    failure = failure_of(error)
    assert (failure.code, failure.kind, failure.message) == (code, kind, message)


def test_what_nobody_foresaw_is_told_with_its_stack() -> None:
    with pytest.raises(ValueError, match="invalid literal") as caught:
        int("x")
    assert "test_serve.py" in failure_of(caught.value).detail


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no device here is always full")
def test_a_full_disk_is_told_as_such_whatever_was_made_of_it() -> None:
    with pytest.raises(OSError, match="No space left") as plain:
        Path("/dev/full").write_bytes(b"x")
    kept = WorkerError("MODEL_NOT_KEPT", "the trained model could not be written", kind="infrastructure")
    kept.__cause__ = plain.value
    # As safetensors words it, which writes beside a path and renames: /dev/full itself would be gone.
    tensors = SafetensorError("I/O error: No space left on device (os error 28)")
    for error in (plain.value, kept, tensors):
        failure = failure_of(error)
        assert (failure.code, failure.kind) == ("DISK_FULL", "infrastructure")
        assert failure.message.startswith("no space is left on the disk: ")


def test_memory_that_a_cpu_does_not_have_is_told_as_such() -> None:
    with pytest.raises(RuntimeError) as caught:
        torch.empty(2**60, dtype=torch.uint8)
    assert failure_of(caught.value).code == "OUT_OF_MEMORY"
