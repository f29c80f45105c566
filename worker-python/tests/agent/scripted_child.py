"""Stands in for training: says what a trial would, as its model's name asks for. The pipes and messages are real."""

from __future__ import annotations

import argparse
import faulthandler
import os
import queue
import signal
import subprocess
import sys
import threading
from collections.abc import Callable

from dss_worker.errors import Failure
from dss_worker.messages import (
    Cancelled,
    CancelTrial,
    Checkpointed,
    Evaluation,
    Failed,
    Finished,
    FromChild,
    Metrics,
    Progress,
    Ready,
    RunTrial,
    Suspended,
    SuspendTrial,
    ToChild,
    TrainingPoint,
    TrialResult,
    decode_to_child,
    encode,
)
from dss_worker.parent import die_with_parent

RESULT = TrialResult(
    test_accuracy=0.5,
    selected_step=5,
    seconds=1.5,
    seconds_by_phase={"train": 1.0},
    examples_per_second=8.0,
    train_rows=4,
    valid_rows=9,
    test_rows=9,
    environment={"device": "cpu"},
)
FLOOD_LINES = 50_000
# What a pipe may hold.
PRINTED_LINES = 1_000
# Where a suspended trial stood.
SUSPENDED_STEP = 7


class Child:
    def __init__(self, read_fd: int, write_fd: int) -> None:
        self._write_fd = write_fd
        self._heard: queue.SimpleQueue[ToChild | None] = queue.SimpleQueue()
        threading.Thread(target=self._read, args=(read_fd,), daemon=True).start()

    def _read(self, read_fd: int) -> None:
        with open(read_fd, "rb") as lines:
            for line in lines:
                self._heard.put(decode_to_child(line))
        self._heard.put(None)

    def say(self, message: FromChild) -> None:
        os.write(self._write_fd, encode(message))

    def serve(self) -> None:
        self.say(Ready(versions={}))
        while (order := self._heard.get()) is not None:
            if isinstance(order, RunTrial):
                # Where the test learns who we are.
                self.say(Progress(run=order.run, step=os.getpid(), loss=0.1, examples_per_second=2.0, phase="train"))
                SCRIPTS[order.config.settings.model](self, order)

    def measure(self, run: int, step: int) -> None:
        evaluation = Evaluation(step=step, split="valid", loss=0.5, accuracy=0.25, rows=9, correct=b"\x05\x01")
        self.say(Metrics(run=run, training=(TrainingPoint(step=step, loss=0.75),), evaluations=(evaluation,)))

    def finish(self, order: RunTrial) -> None:
        print("a line on stdout")
        self.measure(order.run, 5)
        self.say(Finished(run=order.run, result=RESULT))

    def wait_for_cancel(self, order: RunTrial) -> None:
        while (heard := self._heard.get()) is not None:
            if heard == CancelTrial(run=order.run):
                self.say(Cancelled(run=order.run))
                return

    def wait_for_suspension(self, order: RunTrial) -> None:
        self._hear_of_suspension(order)
        self.say(Suspended(run=order.run, step=SUSPENDED_STEP))

    def ignore_suspension(self, order: RunTrial) -> None:
        self._hear_of_suspension(order)
        threading.Event().wait()

    def finish_when_suspended(self, order: RunTrial) -> None:
        self._hear_of_suspension(order)
        self.say(Finished(run=order.run, result=RESULT))

    def suspend_unasked(self, order: RunTrial) -> None:
        self.say(Suspended(run=order.run, step=SUSPENDED_STEP))

    def checkpoint_when_suspended(self, order: RunTrial) -> None:
        self._hear_of_suspension(order)
        self._checkpoint(order, SUSPENDED_STEP)
        self.say(Suspended(run=order.run, step=SUSPENDED_STEP))

    def checkpoint_and_keep(self, order: RunTrial) -> None:
        self._checkpoint(order, 5)
        directory = order.config.run.directory
        if directory is not None:
            (directory / "model").mkdir()
            (directory / "model" / "config.json").write_text("{}")
        self.say(Finished(run=order.run, result=RESULT))

    def show_files(self, order: RunTrial) -> None:
        config = order.config
        for directory, files in (
            (config.model.directory, config.model.files),
            (config.dataset.directory, config.dataset.files),
        ):
            for file in files:
                print(f"{file.path}: {(directory / file.path).read_text()}")
        found = sorted(path.name for path in (config.run.directory or directory).rglob("step-*"))
        print(f"checkpoints: {found}")
        self.say(Finished(run=order.run, result=RESULT))

    def _checkpoint(self, order: RunTrial, step: int) -> None:
        directory = order.config.run.directory
        if directory is not None and directory.is_dir():
            folder = directory / "checkpoints" / f"step-{step:08d}"
            folder.mkdir(parents=True)
            (folder / "state.json").write_text(f"of step {step}")
        self.say(Checkpointed(run=order.run, step=step, name=f"step-{step:08d}"))

    def die_when_suspended(self, order: RunTrial) -> None:
        self._hear_of_suspension(order)
        os.kill(os.getpid(), signal.SIGTERM)

    def _hear_of_suspension(self, order: RunTrial) -> None:
        while self._heard.get() != SuspendTrial(run=order.run):
            pass
        self.measure(order.run, SUSPENDED_STEP)

    def ignore_everything(self, order: RunTrial) -> None:
        threading.Event().wait()

    def measure_and_hang(self, order: RunTrial) -> None:
        self.measure(order.run, 1)
        threading.Event().wait()

    def obey_fifo(self, order: RunTrial) -> None:
        """One metrics report for each line of the file, then the end."""
        with open(order.config.dataset.directory) as fifo:
            for line in fifo:
                self.measure(order.run, int(line))
        self.say(Finished(run=order.run, result=RESULT))

    def flood(self, order: RunTrial) -> None:
        for number in range(FLOOD_LINES):
            print(f"line {number}")
        sys.stdout.flush()
        self.say(Finished(run=order.run, result=RESULT))

    def print_and_finish(self, order: RunTrial) -> None:
        for number in range(PRINTED_LINES):
            print(f"line {number}")
            print(f"line {number}", file=sys.stderr)
        sys.stdout.flush()
        self.say(Finished(run=order.run, result=RESULT))

    def ignore_abort(self, order: RunTrial) -> None:
        faulthandler.disable()
        signal.signal(signal.SIGABRT, signal.SIG_IGN)
        self.measure(order.run, 1)
        threading.Event().wait()

    def leave_someone_behind(self, order: RunTrial) -> None:
        """Who holds all our pipes."""
        program = "import signal; signal.pause()"
        left = subprocess.Popen([sys.executable, "-c", program], pass_fds=[self._write_fd])
        self.measure(order.run, left.pid)
        sys.exit("last words")

    def measure_forever(self, order: RunTrial) -> None:
        for step in range(1, sys.maxsize):
            self.measure(order.run, step)

    def fail(self, order: RunTrial) -> None:
        self.say(Failed(run=order.run, failure=Failure(code="DATASET_INVALID", message="row 3 is wrong")))

    def fail_and_leave(self, order: RunTrial) -> None:
        failure = Failure(code="INTERNAL", message="nobody foresaw it", kind="infrastructure")
        self.say(Failed(run=order.run, failure=failure, is_leaving=True))
        # Not before the agent may have a next trial for us.
        while self._heard.get() is not None:
            pass

    def babble(self, order: RunTrial) -> None:
        os.write(self._write_fd, b'{"kind":"Poetry"}\n')
        threading.Event().wait()

    def leave_without_result(self, order: RunTrial) -> None:
        sys.exit("last words")

    def kill_oneself(self, order: RunTrial) -> None:
        print("last words", file=sys.stderr, flush=True)
        os.kill(os.getpid(), signal.SIGKILL)

    def crash(self, order: RunTrial) -> None:
        os.kill(os.getpid(), signal.SIGSEGV)

    def show_environment(self, order: RunTrial) -> None:
        print(f"token {os.environ.get('DSS_JOIN_TOKEN')}, cuda {os.environ['CUDA_VISIBLE_DEVICES']!r}")
        self.say(Finished(run=order.run, result=RESULT))


SCRIPTS: dict[str, Callable[[Child, RunTrial], None]] = {
    name: function for name, function in vars(Child).items() if not name.startswith("_")
}


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--read-fd", type=int)
    parser.add_argument("--write-fd", type=int)
    parser.add_argument("--agent-pid", type=int)
    parser.add_argument("--never-ready", action="store_true")
    options = parser.parse_args()
    die_with_parent(options.agent_pid)
    faulthandler.enable()
    if options.never_ready:
        sys.exit("No module named torch")
    Child(options.read_fd, options.write_fd).serve()


if __name__ == "__main__":
    main()
