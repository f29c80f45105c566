"""Trials that a training child has with ranks beside it: real processes, started and ended by it."""

from __future__ import annotations

import os
import signal
import sys
import threading
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from dss_worker.config import RankLayout, TrialConfig
from dss_worker.training.failures import TrialFailed
from dss_worker.training.monitor import TrialCancelled, TrialSuspended
from dss_worker.training.runner import TrialRunner
from dss_worker.training.step import Stepper
from tests.parallel.test_trial import after, config_of
from tests.training.support import CPU, Recorder, never


def with_ranks(config: TrialConfig, devices: int, layout: RankLayout | None = None) -> TrialConfig:
    return replace(config, run=replace(config.run, devices=devices, layout=layout))


def ranks_of_this_process() -> list[int]:
    children = Path(f"/proc/self/task/{os.getpid()}/children").read_text().split()
    return [int(pid) for pid in children if b"rank" in Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")]


def once_training(recorder: Recorder, act: Callable[[], bool]) -> Callable[[], bool]:
    """Acts when the trial has been evaluated for the first time, and is asked again."""
    has_acted = False

    def ask() -> bool:
        nonlocal has_acted
        if has_acted or not recorder.evaluations:
            return False
        has_acted = True
        return act()

    return ask


def test_a_child_trains_with_ranks_and_alone_by_turns(tmp_path: Path) -> None:
    runner = TrialRunner(device=CPU)
    alone = runner.run(config_of(tmp_path / "alone"), reporter=Recorder(), should_stop=never)
    recorder = Recorder()
    shared = runner.run(with_ranks(config_of(tmp_path / "shared"), 2), reporter=recorder, should_stop=never)
    again = runner.run(config_of(tmp_path / "again"), reporter=Recorder(), should_stop=never)
    assert (shared.test_accuracy, shared.selected_step) == (alone.test_accuracy, alone.selected_step)
    assert again.test_accuracy == alone.test_accuracy
    assert [each.step for each in recorder.training] == [3, 6, 9]
    assert ranks_of_this_process() == []


def kill_within_a_step(pid: int) -> None:
    """Which a thread does as soon as it sees this process in one: all are in it together."""
    step, main = Stepper.take.__code__, threading.main_thread().ident

    def is_in_step() -> bool:
        frame = sys._current_frames().get(main or 0)
        while frame is not None and frame.f_code is not step:
            frame = frame.f_back
        return frame is not None

    def kill() -> None:
        while not is_in_step():
            threading.Event().wait(0.001)
        os.kill(pid, signal.SIGKILL)

    threading.Thread(target=kill, daemon=True).start()


@pytest.mark.parametrize("layout", [RankLayout(shard=3, tensor=1), RankLayout(shard=1, tensor=2)])
def test_a_rank_that_is_killed_within_a_step_ends_the_trial_which_then_goes_on(
    layout: RankLayout, tmp_path: Path
) -> None:
    config = with_ranks(config_of(tmp_path), layout.shard * layout.tensor, layout)
    recorder = Recorder()

    def kill() -> bool:
        kill_within_a_step(ranks_of_this_process()[-1])
        return False

    runner = TrialRunner(device=CPU)
    with pytest.raises(TrialFailed) as caught:
        runner.run(config, reporter=recorder, should_stop=once_training(recorder, kill))
    assert caught.value.failure.code == "RANK_DIED"
    assert "signal 9" in caught.value.failure.message
    assert caught.value.failure.kind == "infrastructure"
    assert ranks_of_this_process() == []
    # On fewer devices, too.
    result = runner.run(with_ranks(config, 2), reporter=Recorder(), should_stop=never)
    assert result.resumed_step >= 3


def test_what_goes_wrong_in_a_rank_is_said_by_the_trial(tmp_path: Path) -> None:
    config = config_of(tmp_path)
    missing = replace(config, run=replace(config.run, directory=Path("/dev/null/nowhere")))
    with pytest.raises(Exception, match=r"nowhere|Not a directory"):
        TrialRunner(device=CPU).run(with_ranks(missing, 2), reporter=Recorder(), should_stop=never)
    assert ranks_of_this_process() == []


def test_a_cancelled_trial_leaves_no_rank(tmp_path: Path) -> None:
    recorder = Recorder()
    with pytest.raises(TrialCancelled):
        TrialRunner(device=CPU).run(
            with_ranks(config_of(tmp_path), 2),
            reporter=recorder,
            should_stop=once_training(recorder, lambda: True),
        )
    assert ranks_of_this_process() == []


def test_a_suspended_trial_has_a_checkpoint_of_all_ranks(tmp_path: Path) -> None:
    config = with_ranks(config_of(tmp_path), 2)
    with pytest.raises(TrialSuspended) as suspended:
        TrialRunner(device=CPU).run(config, reporter=Recorder(), should_stop=never, should_suspend=after(4))
    assert suspended.value.step == 4
    result = TrialRunner(device=CPU).run(config, reporter=Recorder(), should_stop=never)
    assert result.resumed_step == 4


def test_ranks_leave_it_to_the_child_what_a_signal_means(tmp_path: Path) -> None:
    """It goes to the whole group; the child has the trial write a checkpoint, with its ranks."""
    recorder = Recorder()

    def end_ranks() -> bool:
        for pid in ranks_of_this_process():
            os.kill(pid, signal.SIGTERM)
        return False

    result = TrialRunner(device=CPU).run(
        with_ranks(config_of(tmp_path), 2), reporter=recorder, should_stop=once_training(recorder, end_ranks)
    )
    assert result.resumed_step == 0
