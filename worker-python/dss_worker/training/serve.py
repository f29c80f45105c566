"""The training child: runs trials that come through one pipe and answers through another.

A thread of its own reads, so that a trial is cancelled or suspended while it runs. Nothing but messages goes to the
pipe; what libraries print goes to stdout and stderr, which are the trial's log.

SIGTERM to this process, which only somebody else than the agent sends, has the trial write a checkpoint; then the
process ends by the signal, as it would have without. A second one ends it at once.
"""

from __future__ import annotations

import contextlib
import faulthandler
import os
import platform
import queue
import signal
import sys
import threading
import traceback
from collections.abc import Iterator
from pathlib import Path
from types import FrameType
from typing import BinaryIO, NoReturn

import torch
import transformers

from dss_worker.messages import (
    Cancelled,
    CancelTrial,
    Checkpointed,
    Evaluation,
    Failed,
    Finished,
    FromChild,
    Metrics,
    Phase,
    Progress,
    Ready,
    RunTrial,
    Suspended,
    TrainingPoint,
    decode_to_child,
    encode,
)
from dss_worker.training.checkpoint_folder import remove_checkpoints
from dss_worker.training.checkpoints import checkpoint_directory
from dss_worker.training.failures import UNFORESEEN, failure_of
from dss_worker.training.monitor import TrialCancelled, TrialSuspended
from dss_worker.training.runner import TrialRunner

# Of evaluations in one message: an eighth of what the agent takes, and what each is besides its bits.
_PART_BYTES = 512 * 1024
_EVALUATION_BYTES = 200


def serve(read_fd: int, write_fd: int, *, device: str, threads: int, sharers: int = 1) -> int:
    """Runs until the agent closes its pipe; gives the exit status. `sharers`: processes that have the device."""
    # A process that training starts must not hold the pipes open.
    os.set_inheritable(read_fd, False)
    os.set_inheritable(write_fd, False)
    _prepare_process()
    torch.set_num_threads(threads)
    transformers.utils.logging.disable_progress_bar()  # type: ignore[no-untyped-call]
    if device == "cuda" and not torch.cuda.is_available():
        print(
            f"torch {torch.__version__} sees no CUDA device here, but this worker is to train on one", file=sys.stderr
        )
        return 1
    runner = TrialRunner(device=torch.device(device), sharers=sharers)
    inbox = Inbox(read_fd)
    signal.signal(signal.SIGTERM, inbox.end)
    with open(write_fd, "wb", buffering=0) as to_agent:
        outlet = Outlet(to_agent)
        outlet.send(Ready(versions=_versions()))
        while (order := inbox.next()) is not None:
            outcome = _run(runner, order, outlet=outlet, inbox=inbox)
            # Only now: while an error was on its way, its traceback held on to what was on the device.
            runner.release_memory()
            if inbox.is_ended and isinstance(outcome, Suspended):
                print(f"ended by SIGTERM; the trial can go on from step {outcome.step}", flush=True)
                break
            outlet.send(outcome)
            if isinstance(outcome, Finished):
                _clean_up(order)
            if isinstance(outcome, Failed) and outcome.is_leaving:
                return 1
        if inbox.is_ended:
            _end_by_signal()
    return 0


class Inbox:
    """What the agent said: trials in order, and which are cancelled or suspended."""

    def __init__(self, read_fd: int) -> None:
        self._orders: queue.SimpleQueue[RunTrial | None] = queue.SimpleQueue()
        # The agent numbers upwards and has one trial run at a time: the newest is enough.
        self._cancelled_run = 0
        self._suspended_run = 0
        # SIGTERM came.
        self.is_ended = False
        threading.Thread(target=self._read, args=(read_fd,), name="inbox", daemon=True).start()

    def next(self) -> RunTrial | None:
        """Waits for it; None when the agent has gone, or this process is to go."""
        order = self._orders.get()
        return None if self.is_ended else order

    def is_cancelled(self, run: int) -> bool:
        return run <= self._cancelled_run

    def is_suspended(self, run: int) -> bool:
        return run <= self._suspended_run

    def end(self, _signal: int, _frame: FrameType | None) -> None:
        """Of a signal: suspends what runs, and no more is begun."""
        signal.signal(signal.SIGTERM, signal.SIG_DFL)
        self.is_ended = True
        self._suspended_run = sys.maxsize
        # A simple queue's `put` may interrupt another, or a `get` that waits.
        self._orders.put(None)

    def _read(self, read_fd: int) -> None:
        try:
            with open(read_fd, "rb") as from_agent:
                for line in from_agent:
                    message = decode_to_child(line)
                    if isinstance(message, RunTrial):
                        self._orders.put(message)
                    elif isinstance(message, CancelTrial):
                        self._cancelled_run = message.run
                    else:
                        self._suspended_run = max(self._suspended_run, message.run)
        except Exception:
            # Nonsense ends this process as the agent's end does; waiting for more, it would hold its trial for ever.
            traceback.print_exc()
        # Nobody is left who wants what still runs.
        self._cancelled_run = sys.maxsize
        self._orders.put(None)


class Outlet:
    """Messages out, whole."""

    def __init__(self, to_agent: BinaryIO) -> None:
        self._to_agent = to_agent
        self._lock = threading.Lock()

    def send(self, message: FromChild) -> None:
        line = memoryview(encode(message))
        with self._lock:
            while line:
                line = line[self._to_agent.write(line) :]


class PipeReporter:
    """A trial's news on its way to the agent."""

    def __init__(self, outlet: Outlet, run: int) -> None:
        self._outlet = outlet
        self._run = run

    def progress(self, *, step: int, loss: float, examples_per_second: float, phase: Phase) -> None:
        progress = Progress(run=self._run, step=step, loss=loss, examples_per_second=examples_per_second, phase=phase)
        self._outlet.send(progress)

    def metrics(self, *, training: tuple[TrainingPoint, ...], evaluations: tuple[Evaluation, ...]) -> None:
        # The log first: a reader who follows it should not learn of the end before the last numbers.
        for point in training:
            print(f"step {point.step}: training loss {point.loss:.4g}")
        for each in evaluations:
            print(
                f"step {each.step}: {each.split} loss {each.loss:.4g}, accuracy {each.accuracy:.4f}, {each.rows} rows"
            )
        sys.stdout.flush()
        for part in _in_parts(evaluations):
            self._outlet.send(Metrics(run=self._run, training=training, evaluations=part))
            training = ()

    def checkpointed(self, *, step: int, name: str) -> None:
        self._outlet.send(Checkpointed(run=self._run, step=step, name=name))


def _in_parts(evaluations: tuple[Evaluation, ...]) -> Iterator[tuple[Evaluation, ...]]:
    """One part at least. A trial that is resumed tells its whole curve, which may be longer than a message."""
    start = size = 0
    for end, each in enumerate(evaluations):
        size += len(each.correct) + _EVALUATION_BYTES
        if size > _PART_BYTES and end > start:
            yield evaluations[start:end]
            start, size = end, len(each.correct) + _EVALUATION_BYTES
    yield evaluations[start:]


def _run(
    runner: TrialRunner, order: RunTrial, *, outlet: Outlet, inbox: Inbox
) -> Finished | Failed | Cancelled | Suspended:
    asked = order.config.settings
    print(f"{asked.model_type} on {asked.dataset}, {asked.label_type} labels, seed {asked.seed}", flush=True)
    try:
        result = runner.run(
            order.config,
            reporter=PipeReporter(outlet, order.run),
            should_stop=lambda: inbox.is_cancelled(order.run),
            should_suspend=lambda: inbox.is_suspended(order.run),
            gang=order.gang,
        )
        return Finished(run=order.run, result=result)
    except TrialCancelled:
        return Cancelled(run=order.run)
    except TrialSuspended as suspended:
        return Suspended(run=order.run, step=suspended.step)
    except Exception as error:
        # In the log too, in the order of what was printed.
        traceback.print_exc()
        failure = failure_of(error)
        # A CUDA error, for one, comes back whatever the process does next.
        return Failed(run=order.run, failure=failure, is_leaving=failure.code == UNFORESEEN)


def _clean_up(order: RunTrial) -> None:
    """After the result was sent: should it get lost, the next attempt needs no more than the last checkpoint."""
    directory = checkpoint_directory(order.config.run)
    if directory is not None and not order.config.run.keep_checkpoints:
        remove_checkpoints(directory)


def _end_by_signal() -> NoReturn:
    """As whoever sent it expects, and as the agent understands."""
    sys.stdout.flush()
    sys.stderr.flush()
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    os.kill(os.getpid(), signal.SIGTERM)
    raise SystemExit(128 + signal.SIGTERM)


def _prepare_process() -> None:
    # Ctrl-C goes to the whole group; the agent decides what it means.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    # The stack of a crash goes to the log.
    faulthandler.enable()
    # When memory runs out, the kernel should take this process and leave the agent, which reports it.
    with contextlib.suppress(OSError):
        Path("/proc/self/oom_score_adj").write_text("500")


def _versions() -> dict[str, str]:
    return {
        "python": platform.python_version(),
        "torch": torch.__version__,
        "transformers": transformers.__version__,
    }
