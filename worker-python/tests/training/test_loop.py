from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from dss_worker.config import ENGINE_VERSION, RunOptions, TrialConfig
from dss_worker.errors import DataError, WorkerError
from dss_worker.messages import Evaluation, Phase, TrialResult
from dss_worker.own_code import own_code
from dss_worker.training.metrics import is_right
from dss_worker.training.monitor import TrialCancelled
from dss_worker.training.runner import TrialRunner
from dss_worker.training.warm_cache import WarmCache
from tests.training.support import CPU, Recorder, never, settings, tiny_model, trial, write_dataset, write_model


def run(
    config: TrialConfig, *, should_stop: Callable[[], bool] = never, now: Callable[[], float] | None = None
) -> tuple[TrialResult, Recorder]:
    recorder = Recorder()
    runner = TrialRunner(device=CPU) if now is None else TrialRunner(device=CPU, now=now)
    return runner.run(config, reporter=recorder, should_stop=should_stop), recorder


def bits(evaluation: Evaluation) -> list[int]:
    return np.unpackbits(np.frombuffer(evaluation.correct, dtype=np.uint8), bitorder="little").tolist()


def test_valid_is_looked_at_every_eval_steps_and_at_the_last_step_test_once_at_the_end(tmp_path: Path) -> None:
    result, recorder = run(trial(tmp_path, max_steps=7, eval_steps=3))
    assert [(each.step, each.split) for each in recorder.evaluations[:-1]] == [(3, "valid"), (6, "valid"), (7, "valid")]
    assert (recorder.evaluations[-1].step, recorder.evaluations[-1].split) == (result.selected_step, "test")
    assert [point.step for point in recorder.training] == [3, 6, 7]


def test_compat_looks_at_both_every_time_and_reports_the_last_step(tmp_path: Path) -> None:
    result, recorder = run(trial(tmp_path, max_steps=5, eval_steps=2, select="compat"))
    expected = [(step, split) for step in (2, 4, 5) for split in ("valid", "test")]
    assert [(each.step, each.split) for each in recorder.evaluations] == expected
    assert (result.test_accuracy, result.selected_step) == (recorder.evaluations[-1].accuracy, 5)


def test_the_selected_step_is_the_earliest_best_and_its_weights_are_tested(tmp_path: Path) -> None:
    # A training whose valid accuracy rises, stays at its best for some steps, and falls: otherwise this shows nothing.
    rows = [{"input": f"{a} plus {b}", "label": str(a * b % 3), "rationale": "and"} for a in range(9) for b in range(8)]
    dataset = write_dataset(tmp_path, metric="text", rows=rows)
    config = trial(tmp_path, dataset=dataset, seed=1, max_steps=50, eval_steps=1, lr=0.02)
    result, recorder = run(config)
    valid = [each.accuracy for each in recorder.evaluations if each.split == "valid"]
    assert len(set(valid)) > 2
    assert max(valid) > valid[-1]
    assert valid.count(max(valid)) > 1
    assert result.selected_step == valid.index(max(valid)) + 1
    # The test curve of the same training has the same bits at that step, and others at the end.
    _, curve = run(replace(config, settings=replace(config.settings, select="compat")))
    tests = {each.step: each for each in curve.evaluations if each.split == "test"}
    assert recorder.evaluations[-1] == tests[result.selected_step]
    assert tests[50].loss != tests[result.selected_step].loss


def test_the_logged_loss_is_the_mean_of_the_steps_since_the_last_log(tmp_path: Path) -> None:
    config = trial(tmp_path, max_steps=7, eval_steps=1)
    _, single = run(config)
    _, grouped = run(replace(config, settings=replace(config.settings, eval_steps=3)))
    steps = [point.loss for point in single.training]
    means = [sum(steps[0:3]) / 3, sum(steps[3:6]) / 3, steps[6]]
    assert [point.loss for point in grouped.training] == pytest.approx(means, rel=1e-12)


def test_an_evaluation_counts_its_rows_and_packs_their_bits(tmp_path: Path) -> None:
    result, recorder = run(trial(tmp_path, max_steps=60, eval_steps=60, batch_size=32))
    for each, rows in zip(recorder.evaluations, (result.valid_rows, result.test_rows), strict=True):
        assert each.rows == rows
        assert sum(bits(each)) == pytest.approx(each.accuracy * rows)
        assert len(each.correct) == (rows + 7) // 8
    assert (result.train_rows, result.valid_rows, result.test_rows) == (32, 8, 8)


def test_a_loss_that_is_not_finite_ends_the_trial_with_its_step(tmp_path: Path) -> None:
    config = trial(tmp_path, lr=1e30, max_steps=9, eval_steps=3)
    with pytest.raises(WorkerError, match=r"step 2: the (loss is (nan|inf)|gradient is not finite)") as caught:
        run(config)
    assert (caught.value.code, caught.value.kind) == ("NON_FINITE", "user")


def test_a_trial_stops_before_the_next_step_when_it_is_asked_to(tmp_path: Path) -> None:
    asked = iter([False] * 4 + [True])
    recorder = Recorder()
    with pytest.raises(TrialCancelled):
        TrialRunner(device=CPU).run(trial(tmp_path, eval_steps=6), reporter=recorder, should_stop=lambda: next(asked))
    assert recorder.evaluations == []


def test_a_trial_stops_within_an_evaluation(tmp_path: Path) -> None:
    config = trial(tmp_path, batch_size=1, max_steps=1, eval_steps=1)
    phases: list[Phase] = []

    class Watching(Recorder):
        def progress(self, *, step: int, loss: float, examples_per_second: float, phase: Phase) -> None:
            phases.append(phase)

    with pytest.raises(TrialCancelled):
        TrialRunner(device=CPU, now=ticking(1.0)).run(
            config, reporter=Watching(), should_stop=lambda: phases.count("evaluate") >= 3
        )
    assert phases.count("evaluate") == 3


@pytest.mark.parametrize("phase", ["load", "tokenize"])
def test_a_trial_stops_while_it_is_prepared(tmp_path: Path, phase: Phase) -> None:
    phases: list[Phase] = []

    class Watching(Recorder):
        def progress(self, *, step: int, loss: float, examples_per_second: float, phase: Phase) -> None:
            phases.append(phase)

    with pytest.raises(TrialCancelled):
        TrialRunner(device=CPU, now=ticking(1.0)).run(
            trial(tmp_path), reporter=Watching(), should_stop=lambda: phases.count(phase) >= 2
        )
    assert phases[-2:] == [phase, phase]


def test_a_runner_goes_on_after_a_trial_that_failed_or_was_cancelled(tmp_path: Path) -> None:
    config = trial(tmp_path)
    _, expected = run(config)
    runner, recorder = TrialRunner(device=CPU), Recorder()
    with pytest.raises(WorkerError):
        runner.run(trial(tmp_path, lr=1e30), reporter=Recorder(), should_stop=never)
    with pytest.raises(TrialCancelled):
        runner.run(config, reporter=Recorder(), should_stop=lambda: True)
    runner.run(config, reporter=recorder, should_stop=never)
    assert (recorder.training, recorder.evaluations) == (expected.training, expected.evaluations)


def ticking(seconds: float) -> Callable[[], float]:
    """A clock that goes on by so much whenever it is looked at."""
    time = 0.0

    def now() -> float:
        nonlocal time
        time += seconds
        return time

    return now


def test_progress_is_reported_at_the_start_and_then_once_a_second(tmp_path: Path) -> None:
    _, still = run(trial(tmp_path), now=lambda: 5.0)
    assert [progress[:2] for progress in still.progresses] == [("load", 0)]
    _, slow = run(trial(tmp_path), now=ticking(1.0))
    reported = [progress[:2] for progress in slow.progresses]
    assert list(dict.fromkeys(reported))[:3] == [("load", 0), ("tokenize", 0), ("train", 1)]
    assert {("train", step) for step in range(1, 7)} | {("evaluate", step) for step in (2, 4, 6)} <= set(reported)
    losses = [loss for _, step, loss in slow.progresses if step > 0]
    assert all(np.isfinite(losses))


def test_the_pace_of_progress_changes_no_result(tmp_path: Path) -> None:
    config = trial(tmp_path, dropout=0.1)
    (still, quiet), (slow, talkative) = run(config, now=lambda: 5.0), run(config, now=ticking(1.0))
    assert (quiet.training, quiet.evaluations) == (talkative.training, talkative.evaluations)
    assert still.test_accuracy == slow.test_accuracy


def test_time_is_counted_by_phase(tmp_path: Path) -> None:
    result, _ = run(trial(tmp_path), now=ticking(0.125))
    # The process's start and its waiting come before the trial, and are no part of its time.
    before = {"import", "idle"}
    of_trial = {phase: seconds for phase, seconds in result.seconds_by_phase.items() if phase not in before}
    assert set(result.seconds_by_phase) == before | {"load", "tokenize", "train", "evaluate"}
    assert all(seconds > 0 for seconds in of_trial.values())
    assert sum(of_trial.values()) < result.seconds
    assert result.examples_per_second == pytest.approx(6 * 8 / result.seconds_by_phase["train"])


def test_a_result_says_what_it_ran_on(tmp_path: Path) -> None:
    result, _ = run(trial(tmp_path, precision="bf16"))
    names = {"python", "torch", "transformers", "device", "device_name", "threads", "host", "engine", "precision"}
    assert set(result.environment) >= names
    assert result.environment["plan"].startswith("at most 8 rows")
    assert result.environment["torch"] == torch.__version__
    assert result.environment["code"] == own_code()
    assert (result.environment["device"], result.environment["threads"]) == ("cpu", "1")
    assert (result.environment["engine"], result.environment["precision"]) == (str(ENGINE_VERSION), "bf16")


def test_a_trial_learns(tmp_path: Path) -> None:
    rows = [{"input": f"{a} plus {b}", "label": str(a), "rationale": f"{a} is {a}"} for a in range(9) for b in range(8)]
    config = trial(
        tmp_path, dataset=write_dataset(tmp_path, metric="text", rows=rows), max_steps=150, eval_steps=50, batch_size=16
    )
    result, recorder = run(config)
    assert recorder.training[-1].loss < 0.3 * recorder.training[0].loss
    assert result.test_accuracy > 0.9


@pytest.mark.parametrize("model_type", ["standard", "task_prefix"])
def test_gradient_accumulation_changes_nothing_but_memory(tmp_path: Path, model_type: str) -> None:
    config = trial(tmp_path, model_type=model_type, eval_steps=1, max_steps=8, batch_size=20)
    _, whole = run(config)
    _, parts = run(replace(config, settings=replace(config.settings, batch_size=5, grad_steps=4)))
    assert [point.loss for point in parts.training] == pytest.approx([point.loss for point in whole.training], rel=1e-5)


def test_a_changed_dataset_or_model_is_refused(tmp_path: Path) -> None:
    config = trial(tmp_path)
    (config.dataset.directory / "sums" / "test.jsonl").write_text("{}\n")
    with pytest.raises(DataError):
        run(config)
    config = trial(tmp_path)
    write_model(config.model.directory, num_layers=2)
    with pytest.raises(WorkerError, match="changed since the sweep was planned"):
        run(config)


def test_rationales_are_needed_by_the_two_task_method_alone(tmp_path: Path) -> None:
    rows = [{"input": f"{a} plus {b}", "label": str(a)} for a in range(6) for b in range(5)]
    config = trial(tmp_path, dataset=write_dataset(tmp_path, rows=rows))
    with pytest.raises(DataError, match="rationale"):
        run(config)
    run(replace(config, settings=settings(model_type="standard")))


def test_labels_that_the_tokenizer_cannot_write_are_refused_before_training(tmp_path: Path) -> None:
    rows = [
        {"input": f"{n} plus", "label": label, "rationale": "is"} for n in range(12) for label in ("billing", "tech")
    ]
    config = trial(tmp_path, dataset=write_dataset(tmp_path, rows=rows, metric="text"))
    recorder = Recorder()
    with pytest.raises(
        DataError, match=r"dataset .sums.: .+ got '(billing', 'tech|tech', 'billing)', of which"
    ) as caught:
        TrialRunner(device=CPU).run(config, reporter=recorder, should_stop=never)
    assert (caught.value.code, recorder.training, recorder.evaluations) == ("DATASET_INVALID", [], [])


def test_a_result_says_how_well_its_hardware_was_used(tmp_path: Path) -> None:
    result, _ = run(trial(tmp_path))
    assert 0 < result.useful_tokens_per_second <= result.padded_tokens_per_second
    assert 0 < result.mfu_useful <= result.mfu_padded < 1
    assert (result.peak_flops > 0, result.peak_flops_source) == (True, "measured")
    # A tiny model: nearly all of it is the process.
    assert 0.5 < result.predicted_memory_bytes / result.peak_memory_bytes < 2


@pytest.mark.parametrize("model_type", ["task_prefix", "single_task"])
def test_rationales_of_the_test_rows_are_kept_where_that_is_asked_for(tmp_path: Path, model_type: str) -> None:
    asked = trial(tmp_path, model_type=model_type, alpha=0.5 if model_type == "task_prefix" else None)
    asked = replace(asked, run=RunOptions(directory=tmp_path / "own", output_rationale=True))
    result, _ = run(asked)
    lines = [json.loads(line) for line in (tmp_path / "own" / "rationales.jsonl").read_text().splitlines()]
    assert [line["row"] for line in lines] == list(range(result.test_rows))
    assert set(lines[0]) == {"row", "input", "rationale", "prediction", "label"}
    # As evaluation has it: the weights are those that gave the result.
    if model_type == "task_prefix":
        right = sum(is_right(line["prediction"], line["label"], metric="equation") for line in lines)
        assert right / len(lines) == result.test_accuracy


def test_a_method_that_explains_nothing_keeps_no_rationales(tmp_path: Path) -> None:
    asked = trial(tmp_path, model_type="standard")
    result, _ = run(replace(asked, run=RunOptions(directory=tmp_path / "own", output_rationale=True)))
    assert result.test_rows > 0
    assert not (tmp_path / "own" / "rationales.jsonl").exists()


def test_the_result_stays_where_rationales_cannot_be_written(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "own" / "rationales.jsonl"
    (path / "in the way").mkdir(parents=True)
    asked = replace(trial(tmp_path), run=RunOptions(directory=path.parent, output_rationale=True))
    result, _ = run(asked)
    assert result.test_accuracy == run(replace(asked, run=RunOptions()))[0].test_accuracy
    assert f"rationales are not kept, {path} cannot be written: IsADirectoryError" in capfd.readouterr().out


def test_what_memory_was_enough_for_is_remembered_on_a_gpu_alone(tmp_path: Path) -> None:
    warm, config, model = WarmCache(), trial(tmp_path), tiny_model()
    planned = warm.plan(config, model)
    halved = planned.halved()
    assert halved is not None
    warm.keep_plan(config, halved, device=CPU)
    assert warm.plan(config, model) == planned
    warm.keep_plan(config, halved, device=torch.device("cuda"))
    assert warm.plan(config, model) == halved
    # Other seeds and learning rates need as much; another precision does not.
    other_seed = replace(config, settings=replace(config.settings, seed=5, lr=1.0))
    other_shape = replace(config, settings=replace(config.settings, precision="bf16"))
    assert (warm.plan(other_seed, model), warm.plan(other_shape, model)) == (halved, planned)
