from __future__ import annotations

import json
import os
import subprocess
import sys
from dataclasses import replace

import numpy as np
import pytest
import torch

from dss_worker.config import TrialSettings
from dss_worker.data.encode import EncodedSplit, EncodedTask
from dss_worker.training.memory import ModelSize, _largest_sum, predict_memory
from dss_worker.training.micro_batches import MicroBatchPlan
from dss_worker.training.packed_t5 import Engine
from tests.training.support import CPU, micro_batches, random_split, settings, tiny_config, token_table

GPU = torch.device("cuda")
CONFIG = tiny_config(num_layers=4, num_decoder_layers=4)
SIZE = ModelSize(parameters=1_000_000, trained=1_000_000, config=CONFIG, is_warm=False)
SPLIT = random_split(rows=64, seed=0, longest=30)


def predicted(
    trial: TrialSettings | None = None,
    *,
    size: ModelSize = SIZE,
    plan: MicroBatchPlan | None = None,
    train: EncodedSplit = SPLIT,
    device: torch.device = CPU,
    process_bytes: int = 0,
) -> int:
    trial = settings(select="compat") if trial is None else trial
    plan = micro_batches(trial.batch_size) if plan is None else plan
    return predict_memory(size, trial, plan, train, device=device, process_bytes=process_bytes)


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="only Linux resets a peak")
@pytest.mark.parametrize(
    ("batch_size", "longest"),
    [
        (64, 60),
        (4, 500),
    ],
    ids=["many short rows", "few long rows"],
)
def test_steps_need_about_what_is_predicted(batch_size: int, longest: int) -> None:
    program = [sys.executable, "-m", "tests.training.memory_of_steps", str(batch_size), str(longest)]
    # What a freed block leaves resident is the C library's business, and not what is predicted.
    environment = {**os.environ, "MALLOC_TRIM_THRESHOLD_": "0", "MALLOC_MMAP_THRESHOLD_": "65536"}
    child = subprocess.run(program, capture_output=True, text=True, check=True, env=environment)
    figures = json.loads(child.stdout)
    own = {name: figures[name] - figures["process"] for name in ("seen", "predicted")}
    assert own["seen"] > 50 * 2**20
    assert own["predicted"] == pytest.approx(own["seen"], rel=0.25)


def test_a_warm_model_and_a_selection_are_copies_on_a_cpu_alone() -> None:
    weights = 4 * SIZE.parameters
    warm = replace(SIZE, is_warm=True)
    assert predicted(size=warm) - predicted() == weights
    # A million weights are more than this pass: the selected ones and those that take their place.
    small = random_split(rows=4, seed=0, longest=2)
    alone = replace(SIZE, trained=900_000)
    both = [predicted(settings(select=each), size=alone, train=small) for each in ("valid", "compat")]
    assert both[0] - both[1] > 4 * 900_000
    assert predicted(size=warm, device=GPU) == predicted(device=GPU)
    assert predicted(settings(select="valid"), device=GPU) == predicted(device=GPU)


def test_weights_gradients_and_moments_are_four_floats_of_each_weight_and_fewer_with_eight_bits() -> None:
    larger = replace(SIZE, parameters=2_000_000, trained=2_000_000)
    assert predicted(size=larger, device=GPU) - predicted(device=GPU) == 16 * 1_000_000
    saved = predicted(device=GPU) - predicted(settings(select="compat", optimizer="adamw8bit"), device=GPU)
    assert saved == pytest.approx(6 * SIZE.trained, rel=0.01)


def test_with_an_adapter_the_rest_has_neither_gradient_nor_moments() -> None:
    adapted = replace(SIZE, trained=10_000)
    lora = settings(select="compat", adapter="lora", lora_rank=2, lora_alpha=4.0)
    assert predicted(device=GPU) - predicted(lora, size=adapted, device=GPU) > 12 * 990_000


def test_smaller_passes_and_checkpoints_need_less() -> None:
    trial = settings(select="compat", batch_size=32)
    whole = predicted(trial, plan=micro_batches(32))
    assert predicted(trial, plan=micro_batches(8)) < whole
    assert predicted(trial, plan=micro_batches(32, passes=4)) < whole
    assert predicted(trial, plan=micro_batches(32, pass_tokens=300)) < whole
    assert predicted(trial, plan=micro_batches(32, engine=Engine(with_checkpoints=True))) < whole
    assert predicted(settings(select="compat", batch_size=32, alpha=1.0), plan=micro_batches(32)) < whole


def test_a_pass_is_never_less_than_a_row() -> None:
    one, none = (predicted(plan=micro_batches(8, pass_tokens=tokens)) for tokens in (1, 2))
    assert one == none


def test_the_largest_of_many_random_batches_is_foreseen() -> None:
    lengths = np.random.default_rng(0).integers(5, 100, size=2_000)
    draw = np.random.default_rng(1)
    largest = max(int(draw.choice(lengths, size=64).sum()) for _ in range(2_000))
    assert largest <= _largest_sum(lengths, 64) < 1.1 * largest
    assert _largest_sum(np.full(9, 7), 64) == 7 * 64


def test_tokens_count_in_the_layers_that_they_go_through() -> None:
    """As of t5-efficient models, whose decoder is of another depth than their encoder."""

    def layers(encoder: int, decoder: int) -> ModelSize:
        return replace(SIZE, config=tiny_config(num_layers=encoder, num_decoder_layers=decoder))

    long_inputs = EncodedSplit(
        EncodedTask(token_table([[3] * 200] * 64), token_table([[3, 1]] * 64)),
        EncodedTask(token_table([[3] * 200] * 64), token_table([[3, 1]] * 64)),
    )
    of = {depths: predicted(size=layers(*depths), train=long_inputs) for depths in ((4, 4), (4, 1), (1, 4), (12, 4))}
    assert of[4, 1] > 0.98 * of[4, 4]
    assert of[1, 4] < 0.5 * of[4, 4]
    assert of[12, 4] > 2 * of[4, 4]
