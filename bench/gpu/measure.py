"""Steps of one model by one way, and what they took."""

from __future__ import annotations

import gc
import time
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from itertools import pairwise
from statistics import median

import numpy as np
import torch
from dss_worker.config import Optimizer, OptimizerStates, Precision, RunOptions, Switch
from dss_worker.data.encode import EncodedSplit
from dss_worker.training.batches import TrainingBatches
from dss_worker.training.collate import collate_task, lengths_of
from dss_worker.training.flops import StepFlops, WorkCounter
from dss_worker.training.memory import ModelSize, predict_memory
from dss_worker.training.memory_watch import MemoryWatch
from dss_worker.training.micro_batches import plan_micro_batches
from dss_worker.training.optimizer import make_optimizer
from dss_worker.training.peak_flops import peak_flops
from dss_worker.training.sampler import BatchOrder
from dss_worker.training.step import MAX_GRADIENT_NORM, Stepper, autocast, set_matmul_precision
from dss_worker.training.trained import WholeModel
from dss_worker.training.work import Work
from gpu.drawn import ALPHA, BATCH, LR, ROWS, SPECIAL, settings_of
from torch.autograd import DeviceType
from torch.nn.utils import clip_grad_norm_
from torch.profiler import ProfilerActivity, profile
from transformers import T5ForConditionalGeneration

# Takes a step, counted from 0, and says what it computed.
TakeStep = Callable[[int], Work]


# So many steps without a new shape, and most shapes are recorded.
CALM_STEPS = 15
MOST_WARM_UP_STEPS = 150
# The first whose word a kernel's name contains.
KINDS = {
    "attention": ("fmha", "sdpa", "flash"),
    "products": ("nvjet", "gemm", "cutlass", "cublas"),
    "optimizer": ("multi_tensor",),
    "normalisation": ("layer_norm", "GammaBeta"),
    "moving": ("gather", "index", "Cat", "copy", "Memcpy", "embedding"),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Way:
    name: str
    precision: Precision
    # "auto" records passes, "on" compiles besides, "off" does neither.
    compiled: Switch = "auto"
    optimizer: Optimizer = "adamw"
    optimizer_states: OptimizerStates = "device"


@dataclass(frozen=True, slots=True, kw_only=True)
class Figure:
    size: str
    way: str
    precision: str
    steps: int
    examples_per_second: float
    tokens_per_second: float
    mfu_useful: float
    mfu_padded: float
    peak_tflops: float
    peak_source: str
    peak_memory_gib: float
    # None: it is not dss's.
    predicted_memory_gib: float | None
    plan: str
    step_ms: float
    # As most steps of a long trial are: no shape is new.
    median_step_ms: float
    # Of a step, by kernel and by kind of kernel; none if that was not looked at.
    kernels: Mapping[str, float] = field(default_factory=dict)
    kernel_ms: Mapping[str, float] = field(default_factory=dict)

    def __str__(self) -> str:
        predicted = "" if self.predicted_memory_gib is None else f" (predicted {self.predicted_memory_gib:.2f})"
        return (
            f"{self.size:5} {self.way:22} {self.precision}  {self.examples_per_second:7.1f} examples/s "
            f"{self.tokens_per_second:8.0f} tokens/s  mfu {self.mfu_useful:6.1%} useful, {self.mfu_padded:6.1%} padded"
            f"  {self.peak_memory_gib:6.2f} GiB{predicted}  {self.plan}\n"
            f"      {self.step_ms:.1f} ms a step, {self.median_step_ms:.1f} the median" + self._kernels()
        )

    def _kernels(self) -> str:
        if not self.kernel_ms:
            return ""
        parts = ", ".join(f"{kind} {spent:.1f}" for kind, spent in self.kernel_ms.items())
        return f", of which the device computed {sum(self.kernel_ms.values()):.1f}: {parts}"


def measure(
    model: T5ForConditionalGeneration,
    size: str,
    way: Way,
    *,
    split: EncodedSplit,
    warm_up: int,
    steps: int,
    profiled: int = 0,
) -> Figure:
    """By dss.

    Args:
        warm_up: steps before, at least.
        profiled: steps after the others, whose kernels are told apart.
    """
    begin(model, way.precision)
    device, memory = model.device, MemoryWatch(model.device)
    settings = settings_of(way.precision)
    run = RunOptions(compile=way.compiled, optimizer_states=way.optimizer_states)
    plan = plan_micro_batches(settings, run, config=model.config, device=device)
    trained = WholeModel(model)
    stepper = Stepper(
        model,
        lr=LR,
        max_steps=settings.max_steps,
        precision=way.precision,
        plan=plan,
        optimizer=way.optimizer,
        optimizer_states=way.optimizer_states,
        trained=trained,
    )
    order = BatchOrder(rows=ROWS, batch_rows=BATCH, seed=0)
    batches = TrainingBatches(
        split, order, alpha=ALPHA, special=SPECIAL, max_steps=MOST_WARM_UP_STEPS + steps + profiled, device=device
    )
    counter = WorkCounter(StepFlops.of_config(model.config))

    def take(step: int) -> Work:
        stepper.take(counter.counting(batches.passes(step)))
        return counter.work

    with batches:
        before = warm(take, stepper, least=warm_up)
        known = stepper.recorded_shapes
        taken = timed(take, device, first=before, steps=steps)
        new = stepper.recorded_shapes - known
        kernels = kernel_times(take, device, first=before + steps, steps=profiled)
    stepper.check()
    predicted = predict_memory(
        ModelSize.of_model(model, trained, is_warm=False),
        settings,
        stepper.plan,
        split,
        device=device,
        process_bytes=memory.process_bytes,
        optimizer_states=way.optimizer_states,
    )
    shapes = f" ({known} shapes, {new} more while measured)" if stepper.recorded_shapes else ""
    found = figure(size, way, device, taken, memory, steps, predicted=predicted, plan=f"{stepper.plan}{shapes}")
    return replace(found, kernels=kernels, kernel_ms=by_kind(kernels))


def warm(take: TakeStep, stepper: Stepper, *, least: int) -> int:
    """Steps until most shapes of passes are recorded, as they are for nearly all of a trial. Returns: how many."""
    step = unchanged = 0
    while step < least or (unchanged < CALM_STEPS and stepper.recorded_shapes > 0 and step < MOST_WARM_UP_STEPS):
        recorded = stepper.recorded_shapes
        take(step)
        unchanged = unchanged + 1 if stepper.recorded_shapes == recorded else 0
        step += 1
    return step


def kernel_times(take: TakeStep, device: torch.device, *, first: int, steps: int) -> dict[str, float]:
    """Milliseconds of a step, by kernel, the longest first."""
    if steps == 0 or device.type != "cuda":
        return {}
    with profile(activities=[ProfilerActivity.CUDA]) as profiled:
        for step in range(first, first + steps):
            take(step)
        wait_for(device)
    times: Counter[str] = Counter()
    for event in profiled.events():
        if event.device_type == DeviceType.CUDA and not event.is_user_annotation:
            times[event.name] += event.self_device_time_total / 1e3 / steps
    return dict(times.most_common())


def by_kind(kernels: Mapping[str, float]) -> dict[str, float]:
    times: Counter[str] = Counter()
    for name, spent in kernels.items():
        times[next((kind for kind, words in KINDS.items() if any(word in name for word in words)), "rest")] += spent
    return dict(times.most_common())


def measure_transformers(
    model: T5ForConditionalGeneration, size: str, way: Way, *, split: EncodedSplit, warm_up: int, steps: int
) -> Figure:
    """As its Trainer takes steps: a padded pass for each task, its own mean loss, fused AdamW."""
    begin(model, way.precision)
    device, memory = model.device, MemoryWatch(model.device)
    optimizer = make_optimizer(model, lr=LR)
    order, flops = BatchOrder(rows=ROWS, batch_rows=BATCH, seed=0), StepFlops.of_config(model.config)
    tasks = [(split.predict, ALPHA), (split.explain, 1 - ALPHA)]

    def take(step: int) -> Work:
        rows, work = order.batch(step), Work()
        optimizer.zero_grad(set_to_none=True)
        for task, share in tasks:
            assert task is not None
            batch = collate_task(task, rows, special=SPECIAL).to(device)
            with autocast(device, way.precision):
                output = model(input_ids=batch.input_ids, attention_mask=batch.attention_mask, labels=batch.targets)
            torch.autograd.backward(share * output.loss)
            inputs, targets = lengths_of(task.inputs, rows), lengths_of(task.targets, rows)
            padded = (np.full_like(each, each.max()) for each in (inputs, targets))
            work += Work(
                useful_flops=flops.of_pairs(inputs, targets),
                padded_flops=flops.of_pairs(*padded),
                useful_tokens=int(inputs.sum() + targets.sum()),
            )
        clip_grad_norm_(model.parameters(), MAX_GRADIENT_NORM)
        optimizer.step()
        return work

    for step in range(warm_up):
        take(step)
    taken = timed(take, device, first=warm_up, steps=steps)
    return figure(size, way, device, taken, memory, steps)


def begin(model: T5ForConditionalGeneration, precision: Precision) -> None:
    """Nothing of what was measured before is left, but the model."""
    model.zero_grad(set_to_none=True)
    free_memory(model.device)
    set_matmul_precision(precision)


def free_memory(device: torch.device) -> None:
    gc.collect()
    if device.type == "cuda":
        torch.cuda.empty_cache()


@dataclass(frozen=True, slots=True, kw_only=True)
class Timed:
    seconds: float
    # Of a step, the median: one whose shape is new takes many times as long, which a long trial has few of.
    step_ms: float
    work: Work


def timed(take: TakeStep, device: torch.device, *, first: int, steps: int) -> Timed:
    wait_for(device)
    started, work, marks = time.perf_counter(), Work(), [mark(device)]
    for step in range(first, first + steps):
        work += take(step)
        marks.append(mark(device))
    wait_for(device)
    seconds = time.perf_counter() - started
    return Timed(seconds=seconds, step_ms=median(apart_ms(*pair) for pair in pairwise(marks)), work=work)


def mark(device: torch.device) -> torch.cuda.Event | float:
    """A moment in what the device has to do, which is not waited for."""
    if device.type != "cuda":
        return time.perf_counter()
    event = torch.cuda.Event(enable_timing=True)
    event.record()
    return event


def apart_ms(one: torch.cuda.Event | float, other: torch.cuda.Event | float) -> float:
    if isinstance(one, float) or isinstance(other, float):
        return 1_000 * (float(other) - float(one))
    return float(one.elapsed_time(other))


def wait_for(device: torch.device) -> None:
    if device.type == "cuda":
        torch.cuda.synchronize(device)


def figure(  # noqa: PLR0917 - what it is of, in the order of the measures above
    size: str,
    way: Way,
    device: torch.device,
    taken: Timed,
    memory: MemoryWatch,
    steps: int,
    *,
    predicted: int | None = None,
    plan: str = "",
) -> Figure:
    peak, seconds, work = peak_flops(device, way.precision), taken.seconds, taken.work
    states = "" if way.optimizer_states == "device" else f", moments on the {way.optimizer_states}"
    return Figure(
        size=size,
        way=way.name + ("" if way.optimizer == "adamw" else f", {way.optimizer}") + states,
        precision=way.precision,
        steps=steps,
        examples_per_second=BATCH * steps / seconds,
        tokens_per_second=work.useful_tokens / seconds,
        mfu_useful=work.useful_flops / seconds / peak.per_second,
        mfu_padded=work.padded_flops / seconds / peak.per_second,
        peak_tflops=peak.per_second / 1e12,
        peak_source=peak.source,
        peak_memory_gib=memory.peak_bytes / 2**30,
        predicted_memory_gib=None if predicted is None else predicted / 2**30,
        plan=plan,
        step_ms=1_000 * seconds / steps,
        median_step_ms=taken.step_ms,
    )
