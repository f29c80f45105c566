"""The training child's ends of its pipes, and what it makes of errors."""

from __future__ import annotations

import os
import threading
from pathlib import Path

import pytest
import torch

from dss_worker.errors import DataError, Failure
from dss_worker.messages import CancelTrial, Failed, RunTrial, decode_from_child, encode
from dss_worker.training.serve import Inbox, Outlet, failure_of
from tests.training.support import trial


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


def test_after_nonsense_no_order_is_waited_for() -> None:
    reads, writes = os.pipe()
    inbox = Inbox(reads)
    with open(writes, "wb", buffering=0) as agent:
        agent.write(b'{"kind":"Poetry"}\n')
        assert inbox.next() is None
        assert inbox.is_cancelled(1)


def test_a_message_larger_than_a_pipe_arrives_whole() -> None:
    reads, writes = os.pipe()
    message = Failed(run=1, failure=Failure(code="X", message="m", detail="d" * 1_000_000))
    with open(reads, "rb") as agent, open(writes, "wb", buffering=0) as child:
        sending = threading.Thread(target=Outlet(child).send, args=(message,))
        sending.start()
        assert decode_from_child(agent.readline()) == message
        sending.join()


@pytest.mark.parametrize(
    ("error", "code", "kind", "message"),
    [
        (DataError("row 3 is wrong"), "DATASET_INVALID", "user", "row 3 is wrong"),
        (KeyError("x"), "INTERNAL", "infrastructure", "KeyError: 'x'"),
        (ValueError("two\nlines"), "INTERNAL", "infrastructure", "ValueError: two"),
        (MemoryError(), "OUT_OF_MEMORY", "infrastructure", "MemoryError: "),
        (torch.OutOfMemoryError("CUDA"), "OUT_OF_MEMORY", "infrastructure", "OutOfMemoryError: CUDA"),
    ],
)
def test_an_error_becomes_a_failure(error: Exception, code: str, kind: str, message: str) -> None:
    failure = failure_of(error)
    assert (failure.code, failure.kind, failure.message) == (code, kind, message)


def test_what_nobody_foresaw_is_told_with_its_stack() -> None:
    with pytest.raises(ValueError, match="invalid literal") as caught:
        int("x")
    assert "test_serve.py" in failure_of(caught.value).detail


def test_memory_that_a_cpu_does_not_have_is_told_as_such() -> None:
    with pytest.raises(RuntimeError) as caught:
        torch.empty(2**60, dtype=torch.uint8)
    assert failure_of(caught.value).code == "OUT_OF_MEMORY"
