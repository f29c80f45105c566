from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np
import pytest
import torch
from torch.utils.flop_counter import FlopCounterMode

from dss_worker.config import TrialSettings
from dss_worker.training.adapter import apply_adapter
from dss_worker.training.collate import PackedBatch, collate_step, collate_task
from dss_worker.training.flops import StepFlops, WorkCounter
from dss_worker.training.micro_batches import MicroBatchPlan
from dss_worker.training.model import special_ids
from dss_worker.training.packing import Lengths
from dss_worker.training.step import PassesOf, packed_loss
from dss_worker.training.work import Work
from tests.training.support import micro_batches, random_split, settings, tiny_config, tiny_model

SHAPES: list[dict[str, Any]] = [
    {"num_layers": 2, "num_decoder_layers": 3},
    {"feed_forward_proj": "relu", "d_kv": 16},
    {"num_layers": 3, "num_decoder_layers": 3, "d_ff": 20},
]
ROWS = np.arange(12)


def passes_of(plan: MicroBatchPlan, *, rows: Lengths = ROWS, alpha: float | None = 0.5) -> list[PackedBatch]:
    split = random_split(rows=12, seed=3, longest=30)
    return list(collate_step(split, rows, plan, alpha=alpha, special=special_ids(tiny_model())))


def counted_by_torch(trial: TrialSettings, batch: PackedBatch, shape: dict[str, Any]) -> int:
    """What torch counts while our own pass runs."""
    model = apply_adapter(tiny_model(**shape), trial)
    # torch knows how to count a matrix product that is added to something, but not this one, which adds in place.
    in_place = {torch.ops.aten.addmm_: lambda _, a, b, out_shape=None, **__: 2 * a[0] * a[1] * b[1]}
    with FlopCounterMode(display=False, custom_mapping=in_place) as counter:
        torch.autograd.backward(packed_loss(model, batch))
    total = counter.get_total_flops()
    assert isinstance(total, int)
    return total


@pytest.mark.parametrize("shape", SHAPES, ids=["two and three layers", "not gated, wide heads", "narrow"])
def test_useful_flops_are_what_torch_counts_in_transformers_pass_without_padding(shape: dict[str, Any]) -> None:
    model = tiny_model(attn_implementation="eager", **shape)
    split = random_split(rows=6, seed=1, longest=30)
    with FlopCounterMode(display=False) as counter:
        for row in range(6):
            batch = collate_task(split.predict, np.array([row]), special=special_ids(model))
            torch.autograd.backward(model(input_ids=batch.input_ids, labels=batch.targets).loss)
    lengths = split.predict.inputs.lengths, split.predict.targets.lengths
    assert StepFlops.of_config(tiny_config(**shape)).of_pairs(*lengths) == counter.get_total_flops()


@pytest.mark.parametrize("shape", SHAPES, ids=["two and three layers", "not gated, wide heads", "narrow"])
@pytest.mark.parametrize(
    "plan",
    [
        pytest.param(micro_batches(12, group_rows=12), id="one group"),
        pytest.param(micro_batches(12, group_rows=4, length_multiple=16), id="rounded lengths"),
        pytest.param(micro_batches(12, group_rows=12, length_multiple=16, token_multiple=32), id="filled up"),
    ],
)
def test_padded_flops_are_what_torch_counts_in_our_pass(plan: MicroBatchPlan, shape: dict[str, Any]) -> None:
    (batch,) = passes_of(plan)
    work = StepFlops.of_config(tiny_config(**shape)).of_pass(batch)
    assert work.padded_flops == counted_by_torch(settings(), batch, shape)
    assert work.padded_flops > work.useful_flops


def test_a_step_of_t5_v1_1_small_has_the_flops_that_were_once_counted_for_it() -> None:
    shape = {"d_model": 512, "d_kv": 64, "num_heads": 6, "d_ff": 1024, "num_layers": 8, "num_decoder_layers": 8}
    small = StepFlops.of_config(tiny_config(**shape, vocab_size=32_128))
    # 16 rows of both tasks: 64 tokens of input, 4 of a label, 40 of a rationale.
    total = small.of_pairs(np.full(32, 64), np.repeat([4, 40], 16))
    assert round(total / 1e9, 4) == 440.5246


def test_with_an_adapter_the_matrices_have_no_gradients_and_the_updates_count() -> None:
    pytest.importorskip("peft")
    shape: dict[str, Any] = {"num_layers": 6, "num_decoder_layers": 6}
    (batch,) = passes_of(micro_batches(12, group_rows=12))
    lora = settings(adapter="lora", lora_rank=2, lora_alpha=4.0)
    ours = StepFlops.of_config(tiny_config(**shape), lora_rank=2).of_pass(batch).padded_flops
    # Nothing below the first layer's q, k and v is trained, so nothing is passed on to it; that is not left out here.
    assert counted_by_torch(lora, batch, shape) == pytest.approx(ours, rel=0.02)
    assert ours < 0.9 * StepFlops.of_config(tiny_config(**shape)).of_pass(batch).padded_flops


def test_a_task_without_weight_does_not_count() -> None:
    flops = StepFlops.of_config(tiny_config())
    both, label, rationale = (
        sum((flops.of_pass(each) for each in passes_of(micro_batches(12, group_rows=1), alpha=alpha)), Work())
        for alpha in (0.5, 1.0, 0.0)
    )
    assert both == label + rationale
    assert label.useful_tokens > 0


def test_rows_alone_in_their_groups_have_no_padding() -> None:
    (batch,) = passes_of(micro_batches(12, group_rows=1))
    work = StepFlops.of_config(tiny_config()).of_pass(batch)
    assert (work.padded_flops, work.padded_tokens) == (work.useful_flops, work.useful_tokens)


def test_how_a_step_is_split_changes_its_padding_alone() -> None:
    counter = WorkCounter(StepFlops.of_config(tiny_config()))

    def work_of(plan: MicroBatchPlan) -> Work:
        list(counter.counting(passes_of)(plan))
        return counter.work

    whole, parts = work_of(micro_batches(12, group_rows=12)), work_of(micro_batches(4))
    assert (whole.useful_flops, whole.useful_tokens) == (parts.useful_flops, parts.useful_tokens)
    assert whole.padded_tokens > parts.padded_tokens > parts.useful_tokens


def test_a_step_that_is_taken_again_counts_once() -> None:
    counter = WorkCounter(StepFlops.of_config(tiny_config()))
    counted: PassesOf = counter.counting(passes_of)
    tried: Iterable[PackedBatch] = counted(micro_batches(12))
    next(iter(tried))
    list(counted(micro_batches(3)))
    expected = sum((StepFlops.of_config(tiny_config()).of_pass(each) for each in passes_of(micro_batches(3))), Work())
    assert counter.work == expected
