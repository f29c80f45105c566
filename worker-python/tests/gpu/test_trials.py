"""Whole trials on a GPU: what a worker with one does."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from transformers import T5ForConditionalGeneration

from dss_worker.agent.devices import cuda_devices, devices_of
from dss_worker.agent.load import measure_of
from dss_worker.agent.protocol import DeviceLoad
from dss_worker.config import Metric, Precision, RunOptions, Switch, TrialConfig
from dss_worker.training.environment import describe_environment, pick_device
from dss_worker.training.evaluate import Evaluator
from dss_worker.training.monitor import TrialSuspended
from dss_worker.training.peak_flops import measure_flops, peak_flops
from dss_worker.training.runner import TrialRunner
from dss_worker.training.step import set_matmul_precision
from tests.agent.control_plane import ControlPlane, Stream
from tests.agent.processes import started
from tests.training.plain import by_generation, trained_for
from tests.training.spiece import equations, phrases, spiece_tokenizer
from tests.training.support import CPU, Recorder, addition, never, tiny_model, trial, write_dataset

LAST_STEP = 7


def configured(tmp_path: Path, **changes: object) -> TrialConfig:
    values: dict[str, Any] = {"max_steps": LAST_STEP, "eval_steps": 3, "seed": 3, "lr": 1e-2, **changes}
    config = trial(tmp_path, **values)
    return replace(config, run=RunOptions(directory=tmp_path / "trial", checkpoint_steps=2))


def losses_of(runner: TrialRunner, config: TrialConfig, *, should_suspend: Callable[[], bool] = never) -> list[float]:
    recorder = Recorder()
    runner.run(config, reporter=recorder, should_stop=never, should_suspend=should_suspend)
    return [point.loss for point in recorder.training] + [each.loss for each in recorder.evaluations]


@pytest.mark.parametrize("model_type", ["task_prefix", "standard", "single_task"])
def test_a_trial_learns_on_a_gpu_what_it_learns_on_a_processor(
    gpu: torch.device, tmp_path: Path, model_type: str
) -> None:
    alpha = 0.5 if model_type == "task_prefix" else None
    config = replace(configured(tmp_path, model_type=model_type, alpha=alpha), run=RunOptions())
    ours = losses_of(TrialRunner(device=gpu), config)
    assert ours == pytest.approx(losses_of(TrialRunner(device=CPU), config), rel=1e-3)
    assert ours[2] < ours[0]


@pytest.mark.parametrize(("precision", "compiled"), [("fp32", "off"), ("tf32", "off"), ("bf16", "off"), ("bf16", "on")])
def test_a_result_says_what_it_was_made_with(
    gpu: torch.device, tmp_path: Path, precision: Precision, compiled: Switch
) -> None:
    config = configured(tmp_path, dropout=0.1, precision=precision)
    config = replace(config, run=replace(config.run, compile=compiled, keep="best"))
    recorder = Recorder()
    result = TrialRunner(device=gpu).run(config, reporter=recorder, should_stop=never)
    assert result.environment["device_name"] == torch.cuda.get_device_name(gpu)
    assert ("compiled" in result.environment["plan"]) == (compiled == "on")
    assert 0 < result.peak_memory_bytes < 2**30
    assert 0 < result.mfu_useful < 1
    kept = T5ForConditionalGeneration.from_pretrained(config.run.directory / "model")  # type: ignore[operator]
    assert all(bool(torch.isfinite(each).all()) for each in kept.parameters())


def test_a_suspended_trial_goes_on_as_if_it_had_been_left_alone(gpu: torch.device, tmp_path: Path) -> None:
    # Of lengths so different that passes need other rooms: with another one, dropout would draw other masks.
    sums = [addition(a, b) for a in range(8) for b in range(6)]
    rows = [{**row, "input": row["input"] + " plus 0" * (3 * (number % 7))} for number, row in enumerate(sums)]
    dataset = write_dataset(tmp_path / "long", rows=rows)
    config = configured(tmp_path, dropout=0.2, max_input_length=64, dataset=dataset)
    expected = losses_of(TrialRunner(device=gpu), replace(config, run=RunOptions()))
    asked = iter(range(10_000))
    with pytest.raises(TrialSuspended):
        losses_of(TrialRunner(device=gpu), config, should_suspend=lambda: next(asked) >= 12)
    # Sums of gradients are added up in any order there, so not to the last bit.
    assert losses_of(TrialRunner(device=gpu), config) == pytest.approx(expected, rel=1e-4)


def test_a_warm_process_trains_as_a_fresh_one(gpu: torch.device, tmp_path: Path) -> None:
    config = replace(configured(tmp_path, dropout=0.2), run=RunOptions())
    runner = TrialRunner(device=gpu)
    first = losses_of(runner, config)
    losses_of(runner, replace(config, settings=replace(config.settings, seed=9)))
    runner.release_memory()
    assert losses_of(runner, config) == pytest.approx(first, rel=1e-4)


@pytest.mark.parametrize("metric", ["text", "equation"])
def test_evaluation_agrees_with_plain_generation(gpu: torch.device, tmp_path: Path, metric: Metric) -> None:
    rows, gen_max_len = 1_000, 18
    tokenizer = spiece_tokenizer(tmp_path)
    make, steps = (phrases, 120) if metric == "text" else (equations, 300)
    model = tiny_model(0, d_model=48, vocab_size=len(tokenizer) + 8)
    model.to(device=gpu)  # type: ignore[call-arg]
    set_matmul_precision("fp32")
    trained_for(steps, model, make(rows, tokenizer, seed=1), lr=5e-3)
    task = make(rows, tokenizer, seed=2)
    expected = by_generation(model, task, tokenizer, metric=metric, gen_max_len=gen_max_len)
    evaluator = Evaluator(task, tokenizer=tokenizer, metric=metric, batch_size=64, gen_max_len=gen_max_len)
    found = evaluator.score(model).correct
    assert 0.05 < np.mean(expected) < 0.95
    # Nearly equal scores of two tokens may be ordered either way by kernels that add up differently.
    assert sum(a != b for a, b in zip(found, expected, strict=True)) <= 1


def test_the_agent_names_the_device_as_torch_does(gpu: torch.device) -> None:
    (found, *_) = cuda_devices()
    assert found.name == torch.cuda.get_device_name(gpu)
    assert devices_of("cuda:0", threads=1) == (found,)
    assert found.memory_bytes == pytest.approx(torch.cuda.get_device_properties(0).total_memory, rel=0.05)
    assert pick_device() == gpu
    assert describe_environment(gpu, "bf16")["device"] == "cuda"


@pytest.mark.parametrize("precision", ["fp32", "tf32", "bf16"])
def test_what_a_device_reaches_is_no_more_than_its_vendor_says(gpu: torch.device, precision: Precision) -> None:
    set_matmul_precision(precision)
    peak, reached = peak_flops(gpu, precision), measure_flops(gpu, precision)
    print(f"{precision}: {reached / 1e12:.1f} of {peak.per_second / 1e12:.1f} TFLOP/s ({peak.source})")
    assert 0.3 * peak.per_second < reached < 1.1 * peak.per_second


@pytest.fixture(scope="module")
def plane() -> Iterator[ControlPlane]:
    with ControlPlane() as plane:
        yield plane


@pytest.fixture(scope="module")
def stream(plane: ControlPlane) -> Iterator[Stream]:
    agent = [sys.executable, "-m", "dss_worker", "agent", "--server", plane.address, "--worker-id", "gpu-1"]
    with started(*agent, "--threads", "2", "--device", "cuda:0"):
        stream = plane.stream()
        stream.welcome()
        yield stream


def test_the_worker_as_it_is_shipped_trains_on_its_gpu(stream: Stream, tmp_path: Path) -> None:
    for token in (1, 2):
        stream.lend(trial(tmp_path / str(token), max_steps=4, eval_steps=2, precision="bf16"), token=token)
        result = stream.take("finished").finished.result
        assert result.environment["device"] == "cuda"
        assert result.peak_memory_bytes > 0


def test_the_agent_reads_how_busy_the_device_is(gpu: torch.device) -> None:
    there = torch.ones(2**28, device=gpu)

    async def measured() -> DeviceLoad:
        (load,) = await measure_of("cuda:0")()
        return load

    load = asyncio.run(measured())
    assert load.utilization is not None
    assert there.nbytes < load.memory_used_bytes < load.memory_total_bytes
