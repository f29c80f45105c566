"""A trial that was killed or suspended anywhere and goes on equals one that was left alone, bit for bit on a CPU."""

from __future__ import annotations

import json
import resource
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from dss_worker.config import RunOptions, TrialConfig
from dss_worker.errors import WorkerError
from dss_worker.messages import Phase
from dss_worker.training.monitor import TrialSuspended
from dss_worker.training.runner import TrialRunner
from tests.training.support import CPU, Recorder, never, trial
from tests.training.trial_digest import digest_of_trial

PROJECT = Path(__file__).parents[2]


class Killed(Exception):
    """Ends a trial at once, with nobody to clean up after it."""


def at_beat(beat: int, act: Callable[[], bool]) -> Callable[[], bool]:
    """False until it is asked for the so-manieth time."""
    beats = 0

    def ask() -> bool:
        nonlocal beats
        beats += 1
        return act() if beats == beat else False

    return ask


def kill() -> bool:
    raise Killed


def configured(tmp_path: Path, *, steps: int = 1, **changes: object) -> TrialConfig:
    """With dropout; its evaluations fall between its checkpoints and on them."""
    values: dict[str, Any] = {"dropout": 0.2, "max_steps": 7, "eval_steps": 3, "seed": 3, "lr": 2e-2, **changes}
    config = trial(tmp_path, **values)
    return replace(config, run=RunOptions(directory=tmp_path / "trial", checkpoint_steps=steps))


def alone(config: TrialConfig) -> dict[str, object]:
    return digest_of_trial(TrialRunner(device=CPU), replace(config, run=RunOptions()))


def beats_of(config: TrialConfig) -> int:
    beats = 0

    def count() -> bool:
        nonlocal beats
        beats += 1
        return False

    digest_of_trial(TrialRunner(device=CPU), replace(config, run=RunOptions()), should_stop=count)
    return beats


@pytest.mark.parametrize("select", ["valid", "compat"])
def test_a_trial_killed_anywhere_ends_as_if_it_had_been_left_alone(tmp_path: Path, select: str) -> None:
    config = configured(tmp_path, steps=2, select=select)
    expected = alone(config)
    for beat in range(6, beats_of(config) + 1, 3):
        run = replace(config.run, directory=tmp_path / f"killed-{beat}")
        killed = replace(config, run=run)
        with pytest.raises(Killed):
            digest_of_trial(TrialRunner(device=CPU), killed, should_stop=at_beat(beat, kill))
        assert digest_of_trial(TrialRunner(device=CPU), killed) == expected, beat


@pytest.mark.parametrize(
    "changes",
    [
        {"model_type": "standard", "alpha": None},
        {"model_type": "single_task", "alpha": None},
        {"adapter": "lora", "lora_rank": 2, "lora_alpha": 4.0},
    ],
)
def test_the_other_methods_resume_exactly(tmp_path: Path, changes: dict[str, Any]) -> None:
    if "adapter" in changes:
        pytest.importorskip("peft")
    config = configured(tmp_path, grad_steps=2, batch_size=5, **changes)
    expected = alone(config)
    with pytest.raises(Killed):
        digest_of_trial(TrialRunner(device=CPU), config, should_stop=at_beat(13, kill))
    assert steps_of(config)
    assert digest_of_trial(TrialRunner(device=CPU), config) == expected


def test_a_process_that_was_killed_is_taken_up_by_another(tmp_path: Path) -> None:
    config = configured(tmp_path)
    killed = in_a_process(config, "14")
    assert killed.returncode == -signal.SIGKILL
    assert "weights" not in killed.stdout
    resumed = in_a_process(config)
    assert resumed.returncode == 0, resumed.stderr
    *lines, digest = resumed.stdout.splitlines()
    assert any(line.startswith("going on from the checkpoint of step") for line in lines)
    assert json.loads(digest) == alone(config)


def in_a_process(config: TrialConfig, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "tests.training.trial_digest", *arguments],
        cwd=PROJECT,
        input=json.dumps(config.to_json()),
        capture_output=True,
        text=True,
        check=False,
    )


class Watching(Recorder):
    """Calls somebody at every beat."""

    def __init__(self, at_beat: Callable[[Phase, int], None]) -> None:
        super().__init__()
        self._at_beat = at_beat

    def progress(self, *, step: int, loss: float, examples_per_second: float, phase: Phase) -> None:
        self._at_beat(phase, step)


def run_watched(
    config: TrialConfig, at_beat: Callable[[Phase, int], None], *, should_suspend: Callable[[], bool] = never
) -> None:
    # By a clock that has progress reported at every beat.
    runner = TrialRunner(device=CPU, now=ticking())
    runner.run(config, reporter=Watching(at_beat), should_stop=never, should_suspend=should_suspend)


def ticking() -> Callable[[], float]:
    time = 0.0

    def now() -> float:
        nonlocal time
        time += 1.0
        return time

    return now


def kill_after_step(config: TrialConfig, step: int) -> None:
    def watch(phase: Phase, at: int) -> None:
        if (phase, at) == ("train", step):
            raise Killed

    with pytest.raises(Killed):
        run_watched(config, watch)


def suspend_at(config: TrialConfig, phase: Phase, step: int, *, beats: int = 1) -> int:
    """Where the trial says that it goes on after it was suspended at the next beat."""
    seen: list[tuple[Phase, int]] = []
    with pytest.raises(TrialSuspended) as caught:
        run_watched(config, lambda *at: seen.append(at), should_suspend=lambda: seen.count((phase, step)) >= beats)
    return caught.value.step


def steps_of(config: TrialConfig) -> list[str]:
    assert config.run.directory is not None
    return sorted(path.name for path in config.run.directory.glob("checkpoints/*"))


def test_it_goes_on_from_the_newest_checkpoint_and_says_so(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    config = configured(tmp_path, steps=2)
    kill_after_step(config, 5)
    recorder = Recorder()
    result = TrialRunner(device=CPU).run(config, reporter=recorder, should_stop=never)
    assert result.resumed_step == 4
    assert "going on from the checkpoint of step 4" in capsys.readouterr().out
    # The curve before it is told again, every point once.
    assert [point.step for point in recorder.training] == [3, 6, 7]


def test_what_was_counted_before_counts(tmp_path: Path) -> None:
    config = configured(tmp_path, steps=4)
    kill_after_step(config, 5)
    seconds: list[float] = []
    runner = TrialRunner(device=CPU, now=ticking())
    result = runner.run(config, reporter=Watching(lambda *_: seconds.append(0)), should_stop=never)
    assert result.examples_per_second == pytest.approx(7 * 8 / result.seconds_by_phase["train"])
    # One tick for each look at the clock: every step was timed by one attempt or the other.
    whole = TrialRunner(device=CPU, now=ticking()).run(
        replace(config, run=RunOptions()), reporter=Watching(lambda *_: None), should_stop=never
    )
    assert result.seconds_by_phase["train"] == whole.seconds_by_phase["train"]
    assert result.seconds_by_phase["load"] > whole.seconds_by_phase["load"]
    of_trial = {phase: each for phase, each in result.seconds_by_phase.items() if phase not in ("import", "idle")}
    assert sum(of_trial.values()) < result.seconds


@pytest.mark.parametrize(
    ("phase", "step", "expected"), [("load", 0, 0), ("tokenize", 0, 0), ("train", 2, 3), ("evaluate", 3, 3)]
)
def test_a_suspended_trial_says_where_it_goes_on_and_ends_as_if_left_alone(
    tmp_path: Path, phase: Phase, step: int, expected: int
) -> None:
    config = configured(tmp_path, steps=100, batch_size=2)
    assert suspend_at(config, phase, step) == expected
    assert steps_of(config) == ([f"step-{expected:08d}"] if expected else [])
    assert digest_of_trial(TrialRunner(device=CPU), config) == alone(config)


def test_a_trial_suspended_within_its_last_look_at_the_test_split_keeps_the_weights_of_its_last_step(
    tmp_path: Path,
) -> None:
    config = configured(tmp_path, steps=100, batch_size=2)
    beats: list[tuple[Phase, int]] = []
    run_watched(replace(config, run=RunOptions()), lambda *at: beats.append(at))
    assert suspend_at(config, "evaluate", 7, beats=beats.count(("evaluate", 7)) - 1) == 7
    resumed: list[tuple[Phase, int]] = []
    run_watched(config, lambda *at: resumed.append(at))
    # The valid split was done with.
    assert 0 < resumed.count(("evaluate", 7)) < beats.count(("evaluate", 7))
    ended = digest_of_trial(TrialRunner(device=CPU), config)
    assert ended == alone(config)
    # The same training, with other weights for its result.
    assert ended["selected_step"] != 7
    assert ended["weights"] == alone(replace(config, settings=replace(config.settings, select="compat")))["weights"]


def test_an_evaluation_that_was_broken_off_is_run_again(tmp_path: Path) -> None:
    config = configured(tmp_path, steps=100, batch_size=2)
    suspend_at(config, "evaluate", 3)
    phases: list[tuple[Phase, int]] = []
    run_watched(config, lambda *at: phases.append(at))
    assert ("evaluate", 3) in phases
    assert ("train", 3) not in phases


def test_a_trial_that_is_suspended_while_it_loads_names_the_checkpoint_that_is_there(tmp_path: Path) -> None:
    config = configured(tmp_path, steps=0)
    assert suspend_at(config, "train", 4) == 5
    assert suspend_at(config, "tokenize", 0) == 5


def test_without_a_directory_a_suspended_trial_goes_on_at_the_beginning(tmp_path: Path) -> None:
    config = replace(configured(tmp_path), run=RunOptions())
    assert suspend_at(config, "train", 4) == 0


def test_a_trial_that_has_failed_is_not_suspended_but_fails(tmp_path: Path) -> None:
    config = configured(tmp_path, steps=0, lr=1e30, eval_steps=7)
    asked = iter([False] * 12 + [True] * 9)
    # A clock that stands: the loss is not looked at before the checkpoint wants to be written.
    with pytest.raises(WorkerError, match="step 2"):
        TrialRunner(device=CPU, now=lambda: 0.0).run(
            config, reporter=Recorder(), should_stop=never, should_suspend=lambda: next(asked)
        )


def test_the_steps_at_which_checkpoints_are_written_change_no_result(tmp_path: Path) -> None:
    config = configured(tmp_path)
    expected = alone(config)
    for steps in (1, 2, 5):
        run = RunOptions(directory=tmp_path / str(steps), checkpoint_steps=steps)
        assert digest_of_trial(TrialRunner(device=CPU), replace(config, run=run)) == expected
    by_time = replace(config, run=RunOptions(directory=tmp_path / "by-time"))
    assert digest_of_trial(TrialRunner(device=CPU, now=ticking()), by_time) == expected
    assert steps_of(by_time)


def test_each_checkpoint_that_is_whole_is_told_of(tmp_path: Path) -> None:
    config, recorder = configured(tmp_path, steps=2), Recorder()
    TrialRunner(device=CPU).run(config, reporter=recorder, should_stop=never)
    assert recorder.checkpoints == [(step, f"step-{step:08d}") for step in (2, 4, 6)]


def test_of_a_checkpoint_that_could_not_be_saved_nothing_is_told(tmp_path: Path) -> None:
    config, recorder = configured(tmp_path), Recorder()
    assert config.run.directory is not None
    config.run.directory.write_text("in the way")
    TrialRunner(device=CPU).run(config, reporter=recorder, should_stop=never)
    assert recorder.checkpoints == []


def test_the_plan_that_a_trial_began_with_is_that_which_it_ends_with(tmp_path: Path) -> None:
    config = configured(tmp_path, steps=2)
    kill_after_step(replace(config, run=replace(config.run, micro_batches=3)), 5)
    result = TrialRunner(device=CPU).run(config, reporter=Recorder(), should_stop=never)
    assert "at least 3 passes" in result.environment["plan"]


def test_a_disk_that_takes_nothing_costs_the_checkpoints_and_nothing_else(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    config = configured(tmp_path)
    assert config.run.directory is not None
    config.run.directory.write_text("in the way")
    assert digest_of_trial(TrialRunner(device=CPU), config) == alone(config)
    assert "the checkpoint of step 1 could not be saved: [Errno 20] Not a directory" in capsys.readouterr().out


def test_a_disk_that_fills_up_leaves_the_checkpoint_before(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    config = configured(tmp_path)
    kill_after_step(config, 4)
    with no_file_above(100_000):
        assert digest_of_trial(TrialRunner(device=CPU), config) == alone(config)
    assert "the checkpoint of step 4 could not be saved" in capsys.readouterr().out
    assert steps_of(config) == ["step-00000002", "step-00000003"]


@contextmanager
def no_file_above(size_bytes: int) -> Iterator[None]:
    """As on a full disk, writing fails midway."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size_bytes, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
