"""How fast a GPU trains T5 by dss, against transformers' own forward pass, in one run and without being watched.

    PYTHONPATH=worker-python python bench/gpu_training.py [--size base] [--json FILE]

Needs torch and transformers, no data and no network: weights and tokens are drawn, token counts are those of cqa
(mean 47 of input, 3 of label, 30 of rationale). Takes less than eight minutes. Without a GPU it says so and ends
with status 3; nothing is measured then.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
import torch
import transformers
from dss_worker.config import Precision, RunOptions, Switch, TrialSettings
from dss_worker.data.encode import EncodedSplit, EncodedTask
from dss_worker.data.tokens import TokenTable
from dss_worker.training.batches import TrainingBatches
from dss_worker.training.collate import SpecialIds, collate_task, lengths_of
from dss_worker.training.flops import StepFlops, WorkCounter
from dss_worker.training.micro_batches import plan_micro_batches
from dss_worker.training.optimizer import make_optimizer
from dss_worker.training.peak_flops import peak_flops
from dss_worker.training.sampler import BatchOrder
from dss_worker.training.step import (
    MAX_GRADIENT_NORM,
    Stepper,
    autocast,
    set_matmul_precision,
)
from dss_worker.training.work import Work
from torch.nn.utils import clip_grad_norm_
from transformers import T5Config, T5ForConditionalGeneration

# d_model, d_ff, heads, layers of T5 v1.1.
SHAPES = {
    "small": (512, 1024, 6, 8),
    "base": (768, 2048, 12, 12),
    "large": (1024, 2816, 16, 24),
}
ROWS = 4_096
BATCH = 64
WARM_UP_STEPS = 6
STEPS = 30
SPECIAL = SpecialIds(pad=0, start=0, end=1)
ALPHA = 0.5
LR = 5e-5

# Takes a step, counted from 0, and says what it computed.
TakeStep = Callable[[int], Work]


@dataclass(frozen=True, slots=True, kw_only=True)
class Figure:
    way: str
    precision: str
    examples_per_second: float
    mfu_useful: float
    mfu_padded: float
    peak_tflops: float
    peak_source: str
    peak_memory_gib: float
    plan: str


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--size", choices=sorted(SHAPES), default="base")
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    if not torch.cuda.is_available():
        print("there is no GPU here: nothing was measured", file=sys.stderr)
        return 3
    device = torch.device("cuda")
    split = draw_split()
    ways: list[tuple[str, Precision, Switch | None]] = [
        ("transformers", "fp32", None),
        ("transformers", "bf16", None),
        ("dss", "fp32", "off"),
        ("dss", "tf32", "off"),
        ("dss", "bf16", "off"),
        ("dss, compiled", "bf16", "on"),
    ]
    figures = []
    for way, precision, compiled in ways:
        torch.cuda.empty_cache()
        torch.cuda.reset_peak_memory_stats()
        figure = measure(
            way, precision, compiled, size=options.size, split=split, device=device
        )
        figures.append(figure)
        print(
            f"{way:14} {precision}  {figure.examples_per_second:8.1f} examples/s  "
            f"mfu {figure.mfu_useful:6.1%} useful, {figure.mfu_padded:6.1%} padded  "
            f"{figure.peak_memory_gib:5.1f} GiB  {figure.plan}",
            flush=True,
        )
    machine = f"{torch.cuda.get_device_name()}, torch {torch.__version__}, transformers {transformers.__version__}"
    print(
        f"T5 v1.1 {options.size}, batches of {BATCH}, dropout 0.1. {machine}, {time.strftime('%Y-%m-%d')}"
    )
    if options.json is not None:
        options.json.write_text(
            json.dumps(
                {"machine": machine, "figures": [asdict(each) for each in figures]}
            )
        )
    return 0


def draw_split() -> EncodedSplit:
    draw = np.random.default_rng(0)

    def table(mean: float, deviation: float) -> TokenTable:
        lengths = np.clip(
            draw.normal(mean, deviation, ROWS).round().astype(int), 2, 128
        )
        return TokenTable.of(
            [*draw.integers(3, 32_000, size=length - 1).tolist(), 1]
            for length in lengths
        )

    return EncodedSplit(
        EncodedTask(table(47, 9), table(3, 1)), EncodedTask(table(47, 9), table(30, 11))
    )


def measure(
    way: str,
    precision: Precision,
    compiled: Switch | None,
    *,
    size: str,
    split: EncodedSplit,
    device: torch.device,
) -> Figure:
    d_model, d_ff, heads, layers = SHAPES[size]
    torch.manual_seed(0)
    model = T5ForConditionalGeneration(
        T5Config(
            vocab_size=32_128,
            d_model=d_model,
            d_ff=d_ff,
            d_kv=64,
            num_heads=heads,
            num_layers=layers,
            feed_forward_proj="gated-gelu",
            decoder_start_token_id=0,
            pad_token_id=0,
            eos_token_id=1,
        )
    )
    # Untied, as T5 v1.1 is.
    model.lm_head.weight = torch.nn.Parameter(model.lm_head.weight.detach().clone())
    model.train()
    model.to(device)
    set_matmul_precision(precision)
    flops = StepFlops.of_config(model.config)
    order = BatchOrder(rows=ROWS, batch_rows=BATCH, seed=0)
    plan = ""
    if compiled is None:
        take = plain_steps(model, split, order, flops, precision)
    else:
        settings = settings_of(precision)
        chosen = plan_micro_batches(
            settings, RunOptions(compile=compiled), config=model.config, device=device
        )
        plan = str(chosen)
        stepper = Stepper(
            model, lr=LR, max_steps=settings.max_steps, precision=precision, plan=chosen
        )
        take = packed_steps(stepper, split, order, flops, device)
    for step in range(WARM_UP_STEPS):
        take(step)
    torch.cuda.synchronize()
    started = time.perf_counter()
    work = Work()
    for step in range(WARM_UP_STEPS, WARM_UP_STEPS + STEPS):
        work += take(step)
    torch.cuda.synchronize()
    seconds = time.perf_counter() - started
    peak = peak_flops(device, precision)
    return Figure(
        way=way,
        precision=precision,
        examples_per_second=BATCH * STEPS / seconds,
        mfu_useful=work.useful_flops / seconds / peak.per_second,
        mfu_padded=work.padded_flops / seconds / peak.per_second,
        peak_tflops=peak.per_second / 1e12,
        peak_source=peak.source,
        peak_memory_gib=torch.cuda.max_memory_allocated() / 2**30,
        plan=plan,
    )


def packed_steps(
    stepper: Stepper,
    split: EncodedSplit,
    order: BatchOrder,
    flops: StepFlops,
    device: torch.device,
) -> TakeStep:
    batches = TrainingBatches(
        split,
        order,
        alpha=ALPHA,
        special=SPECIAL,
        max_steps=WARM_UP_STEPS + STEPS,
        device=device,
    )
    counter = WorkCounter(flops)

    def take(step: int) -> Work:
        stepper.take(counter.counting(batches.passes(step)))
        return counter.work

    return take


def plain_steps(
    model: T5ForConditionalGeneration,
    split: EncodedSplit,
    order: BatchOrder,
    flops: StepFlops,
    precision: Precision,
) -> TakeStep:
    """As transformers' Trainer takes them: a padded pass for each task, its own mean loss, fused AdamW."""
    optimizer = make_optimizer(model, lr=LR)
    tasks = [(split.predict, ALPHA), (split.explain, 1 - ALPHA)]

    def take(step: int) -> Work:
        rows, work = order.batch(step), Work()
        optimizer.zero_grad(set_to_none=True)
        for task, share in tasks:
            assert task is not None
            batch = collate_task(task, rows, special=SPECIAL).to(model.device)
            with autocast(model.device, precision):
                output = model(
                    input_ids=batch.input_ids,
                    attention_mask=batch.attention_mask,
                    labels=batch.targets,
                )
            torch.autograd.backward(share * output.loss)
            inputs, targets = (
                lengths_of(task.inputs, rows),
                lengths_of(task.targets, rows),
            )
            padded = (np.full_like(each, each.max()) for each in (inputs, targets))
            work += Work(
                useful_flops=flops.of_pairs(inputs, targets),
                padded_flops=flops.of_pairs(*padded),
            )
        clip_grad_norm_(model.parameters(), MAX_GRADIENT_NORM)
        optimizer.step()
        return work

    return take


def settings_of(precision: Precision) -> TrialSettings:
    return TrialSettings(
        model="drawn", dataset="drawn", label_type="gt", model_type="task_prefix", seed=0, llm=None, alpha=ALPHA,
        subsample=1.0, max_steps=10_000, eval_steps=10_000, batch_size=BATCH, grad_steps=1, lr=LR,
        max_input_length=1_024, gen_max_len=64, precision=precision, dropout=0.1, select="valid", init="random",
    )  # fmt: skip


if __name__ == "__main__":
    sys.exit(main())
