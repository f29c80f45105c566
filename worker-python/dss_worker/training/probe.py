"""A few steps of a trial, to see how fast it is here and what memory it takes.

`python -m dss_worker.training.probe [--steps N]` reads a TrialConfig as JSON on stdin and writes one JSON document on
stdout: what `Probed` has, or `{"error": {...}}`. Nothing is kept, and nothing of the test split is read for it.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass, replace
from statistics import median

import torch

from dss_worker.config import Switch, TrialConfig
from dss_worker.data.encode import EncodedSplit
from dss_worker.errors import DataError, WorkerError
from dss_worker.training.adapter import apply_adapter
from dss_worker.training.batches import TrainingBatches
from dss_worker.training.environment import describe_environment, pick_device
from dss_worker.training.flops import StepFlops, WorkCounter
from dss_worker.training.memory import ModelSize, predict_memory
from dss_worker.training.memory_watch import MemoryWatch
from dss_worker.training.model import special_ids
from dss_worker.training.process_times import seconds_since_start
from dss_worker.training.sampler import BatchOrder
from dss_worker.training.step import Stepper, set_matmul_precision
from dss_worker.training.trained import WholeModel
from dss_worker.training.warm_cache import WarmCache
from dss_worker.training.work import Work

STEPS = 20
# Of them, those that make what the others find there: the optimizer's moments, and what an allocator keeps. On a GPU
# as many again come before: passes of most shapes are recorded then.
_WARM_UP_STEPS = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class Probed:
    # As a trial's environment names it.
    device: str
    steps: int
    # Of real tokens, over the steps behind the first ones.
    flops_per_second: float
    examples_per_second: float
    # Until the first step: imports, weights, tokens.
    start_seconds: float
    peak_memory_bytes: int
    predicted_memory_bytes: int
    # Of both: the interpreter and its libraries, where the device is a CPU.
    process_memory_bytes: int


def probe(
    config: TrialConfig,
    *,
    device: torch.device,
    steps: int = STEPS,
    started_s: float = 0.0,
    now: Callable[[], float] = time.monotonic,
) -> Probed:
    """
    Args:
        steps: more than three.
        started_s: what the process took to get here.
    Raises: WorkerError or DataError for what the trial itself would raise.
    """
    settings, begun = config.settings, now()
    # What is compiled takes longer than all of this.
    compiled: Switch = "off" if config.run.compile == "off" else "auto"
    config = replace(config, run=replace(config.run, compile=compiled, devices=1, layout=None))
    memory = MemoryWatch(device)
    set_matmul_precision(settings.precision)
    warm = WarmCache()
    tokenizer = warm.tokenizer(config.model)
    model = apply_adapter(warm.model(config, device=device), settings)
    train: EncodedSplit = warm.encoded_splits(config, tokenizer).train
    trained = WholeModel(model)
    stepper = Stepper(
        model,
        lr=settings.lr,
        max_steps=2 * steps,
        precision=settings.precision,
        plan=warm.plan(config, model),
        optimizer=settings.optimizer,
        optimizer_states=config.run.optimizer_states,
        trained=trained,
    )
    rows = settings.batch_size * settings.grad_steps
    order = BatchOrder(rows=len(train), batch_rows=rows, seed=settings.seed)
    counter = WorkCounter(StepFlops.of_config(model.config, lora_rank=settings.lora_rank))
    warm_up = steps if device.type == "cuda" else _WARM_UP_STEPS
    timed = steps - _WARM_UP_STEPS
    batches = TrainingBatches(
        train, order, alpha=settings.alpha, special=special_ids(model), max_steps=warm_up + timed, device=device
    )
    work, seen, start_seconds = Work(), 0, started_s + now() - begun
    seconds: list[float] = []
    with batches:
        for step in range(warm_up):
            stepper.take(batches.passes(step))
        stepper.check()  # which waits for the device
        for step in range(warm_up, warm_up + timed):
            since = now()
            stepper.take(counter.counting(batches.passes(step)))
            stepper.check()
            seconds.append(now() - since)
            work, seen = work + counter.work, seen + batches.rows(step)
    # Of a shape that is new, a step takes ten times as long, and in a trial that is rare.
    spent = max(timed * median(seconds), 1e-9)
    predicted = predict_memory(
        ModelSize.of_model(model, trained, is_warm=warm.has_pristine(model)),
        # Nothing is selected here.
        replace(settings, select="compat"),
        stepper.plan,
        train,
        device=device,
        process_bytes=memory.process_bytes,
        optimizer_states=config.run.optimizer_states,
    )
    return Probed(
        device=describe_environment(device, settings.precision)["device_name"],
        steps=steps,
        flops_per_second=work.useful_flops / spent,
        examples_per_second=seen / spent,
        start_seconds=start_seconds,
        peak_memory_bytes=memory.peak_bytes,
        predicted_memory_bytes=predicted,
        process_memory_bytes=memory.process_bytes,
    )


def main() -> int:
    # What the libraries print belongs to people, not into the answer.
    answer, sys.stdout = sys.stdout, sys.stderr
    started_s = seconds_since_start() or 0.0
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--steps", type=int, choices=range(_WARM_UP_STEPS + 1, 1_001), metavar="N", default=STEPS)
    steps: int = parser.parse_args().steps
    try:
        config = TrialConfig.from_json(json.loads(sys.stdin.read()))
        found = asdict(probe(config, device=pick_device(), steps=steps, started_s=started_s))
    except (WorkerError, DataError) as error:
        found = {"error": {"code": error.code, "message": error.message, "hint": error.hint}}
    json.dump(found, answer)
    return 0 if "error" not in found else 1


if __name__ == "__main__":
    sys.exit(main())
