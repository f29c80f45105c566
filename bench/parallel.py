"""Ranks against one process, as figures: what `worker-python/tests/parallel` asserts, in one table.

    PYTHONPATH=worker-python python bench/parallel.py

Processes on this machine's processor that talk by gloo, a tiny T5, dropout 0. Of each number of ranks and each layout:
how far loss, gradient and its norm are from one process's (relative; the gradient's largest difference over the norm),
and in how many of the rows of an evaluation they differ. Then a trial that goes on with 4, 2, 1 and 3 ranks, and one of
whose ranks one is killed within a step.
"""

from __future__ import annotations

import sys
import time
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import torch
from dss_worker.config import RankLayout
from dss_worker.messages import TrialResult
from dss_worker.training.failures import TrialFailed
from dss_worker.training.model import load_tokenizer
from dss_worker.training.runner import TrialRunner
from tests.parallel.spawn import on_ranks
from tests.parallel.test_lockstep import TRAINED, model_of, score_a_share, scores_of, task_of
from tests.parallel.test_run import kill_within_a_step, once_training, ranks_of_this_process
from tests.parallel.test_shard import CASES, put_together, train_a_share, train_alone
from tests.parallel.test_trial import after, config_of, run, run_a_share
from tests.training.support import CPU, Recorder, never, write_model

# (shard, tensor): rows of weights over all ranks, what layers compute over all ranks, and both.
LAYOUTS: dict[int, list[tuple[int, int]]] = {2: [(2, 1), (1, 2)], 3: [(3, 1), (1, 3)], 4: [(4, 1), (1, 4), (2, 2)]}
CASE = "step-by-step"


def main() -> int:
    torch.set_num_threads(1)
    # What trials print is not the table.
    table, sys.stdout = sys.stdout, sys.stderr
    began = time.monotonic()
    with TemporaryDirectory() as name:
        folder = Path(name)
        titles = f"{'ranks':>5} {'shard':>5} {'tensor':>6} {'loss':>9} {'gradient':>9} {'norm':>9}  evaluation"
        print(titles, file=table, flush=True)
        for size, layouts in LAYOUTS.items():
            alike = on_ranks(size, train_a_share, runs=[(layout, CASE) for layout in layouts])
            for number, layout in enumerate(layouts):
                errors = errors_of([answer[number] for answer in alike])
                # Of the evaluation's tiny model there are four heads.
                bits = "its heads are not three" if layout[1] == 3 else bits_of(size, layout[1], folder)
                print(
                    f"{size:5} {layout[0]:5} {layout[1]:6} " + " ".join(f"{each:9.1e}" for each in errors) + f"  {bits}"
                )
                sys.stdout.flush()
        print(f"4 → 2 → 1 → 3 ranks: {moved(folder / 'moved')}", file=table, flush=True)
        print(f"one of 3 ranks killed within a step: {killed(folder / 'killed')}", file=table, flush=True)
    print(f"torch {torch.__version__}, {time.strftime('%Y-%m-%d')}, {time.monotonic() - began:.0f} s", file=table)
    return 0


def errors_of(runs: list[dict[str, Any]]) -> tuple[float, float, float]:
    expected = train_alone(CASES[CASE])
    losses = [zip(each["losses"], expected["losses"], strict=True) for each in runs]
    loss = max(relative(found, value) for each in losses for found, value in each)
    whole = put_together(runs, expected["gradient"])
    gradient = max(float(np.abs(whole[name] - value).max()) for name, value in expected["gradient"].items())
    norm = max(relative(each["norm"], expected["norm"]) for each in runs)
    return loss, gradient / expected["norm"], norm


def relative(found: float, expected: float) -> float:
    return abs(found - expected) / abs(expected)


def bits_of(size: int, tensor: int, folder: Path) -> str:
    """Of an untrained model and of one that is half trained; by every rank, before and after it trains."""
    tokenizer = load_tokenizer(write_model(folder / "alone"))
    task = task_of(tokenizer)
    answers = on_ranks(size, score_a_share, directory=folder / f"{size}-{tensor}", tensor=tensor)
    rows = different = 0
    for number, steps in enumerate(TRAINED):
        expected = scores_of(model_of(steps, task), task, tokenizer)
        for answer in answers:
            for found, score in zip(answer[number], [*expected, *expected], strict=True):
                rows += len(score.correct)
                different += int((np.asarray(found.correct) != np.asarray(score.correct)).sum())
    return f"{different} of {rows} rows differ"


def moved(folder: Path) -> str:
    expected, recorded = run(config_of(folder / "alone"))
    config = config_of(folder / "moved")
    at = [on_ranks(size, run_a_share, config=config, steps=2)[0][0] for size in (4, 2)]
    at.append(run(config, leaves=after(12))[0])
    result, (training, evaluations) = on_ranks(3, run_a_share, config=config, steps=None)[0]
    assert isinstance(expected, TrialResult)
    loss = max(relative(one.loss, other.loss) for one, other in zip(training, recorded.training, strict=True))
    is_same = [each.correct for each in evaluations] == [each.correct for each in recorded.evaluations]
    bits = "equal, row for row" if is_same else "DIFFERENT"
    accuracies = f"test accuracy {result.test_accuracy} and {expected.test_accuracy}"
    return f"left at steps {', '.join(map(str, at))}; training loss within {loss:.1e}, evaluations {bits}, {accuracies}"


def killed(folder: Path) -> str:
    config = config_of(folder)
    config = replace(config, run=replace(config.run, devices=3, layout=RankLayout(shard=3, tensor=1)))
    recorder, runner, at = Recorder(), TrialRunner(device=CPU), [0.0]

    def kill() -> bool:
        at[0] = time.monotonic()
        kill_within_a_step(ranks_of_this_process()[-1])
        return False

    try:
        runner.run(config, reporter=recorder, should_stop=once_training(recorder, kill))
    except TrialFailed as failed:
        seconds = time.monotonic() - at[0]
        fewer = replace(config, run=replace(config.run, devices=2, layout=None))
        result = runner.run(fewer, reporter=Recorder(), should_stop=never)
        return (
            f"{failed.failure.code} ({failed.failure.message}) after {seconds:.1f} s; "
            f"goes on with 2 from step {result.resumed_step}"
        )
    return "NOT NOTICED"


if __name__ == "__main__":
    sys.exit(main())
