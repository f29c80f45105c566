from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch

from dss_worker.config import RunOptions
from dss_worker.training.micro_batches import (
    MicroBatchPlan,
    activation_bytes_per_token,
    plan_micro_batches,
    split_rows,
    still_to_come_bytes,
)
from dss_worker.training.packed_t5 import Engine
from tests.training.support import CPU, micro_batches, settings, tiny_config, tiny_model

TOKENS = np.array([5, 40, 10, 20, 30, 15])


def parts(plan: MicroBatchPlan, *, tokens: np.ndarray[tuple[int], np.dtype[np.int64]] = TOKENS) -> list[list[int]]:
    return [tokens[rows].tolist() for rows in split_rows(tokens, tokens**2, plan)]


@pytest.mark.parametrize(
    ("plan", "expected"),
    [
        (micro_batches(6), [[40, 30, 20, 15, 10, 5]]),
        (micro_batches(4), [[40, 30, 20, 15], [10, 5]]),
        (micro_batches(6, pass_tokens=70), [[40, 30], [20, 15, 10, 5]]),
        (micro_batches(6, pass_cells=1_600), [[40], [30, 20, 15], [10, 5]]),
        # 40 tokens alone are above the bound and still have to be trained on.
        (micro_batches(6, pass_tokens=30), [[40], [30], [20], [15, 10, 5]]),
        (micro_batches(6, passes=2), [[40], [30, 20], [15, 10, 5]]),
    ],
    ids=["all", "rows", "tokens", "cells", "a row above the bound", "asked for"],
)
def test_the_longest_rows_come_first_and_every_pass_is_within_its_bounds(
    plan: MicroBatchPlan, expected: list[list[int]]
) -> None:
    assert parts(plan) == expected


def test_a_plan_halves_until_a_pass_is_one_row() -> None:
    plan: MicroBatchPlan | None = micro_batches(6, pass_tokens=100)
    seen = []
    while plan is not None:
        seen.append((plan.pass_rows, plan.pass_tokens))
        plan = plan.halved()
    assert seen == [(6, 100), (3, 50), (1, 25)]


def test_a_plan_survives_being_written_down() -> None:
    plan = micro_batches(6, engine=Engine(with_checkpoints=True))
    assert MicroBatchPlan.from_json(plan.to_json()) == plan


def test_on_a_cpu_the_plan_follows_from_the_settings_alone() -> None:
    plans = [
        plan_micro_batches(settings(batch_size=48), RunOptions(), config=tiny_config(d_model=size), device=CPU)
        for size in (16, 64)
    ]
    assert plans[0] == plans[1]
    assert (plans[0].pass_rows, plans[0].passes, plans[0].engine) == (48, 1, Engine())


def test_the_sweep_file_may_fix_it() -> None:
    options = RunOptions(micro_batches=4, gradient_checkpointing="on", compile="on")
    plan = plan_micro_batches(settings(), options, config=tiny_config(), device=CPU)
    assert (plan.passes, plan.engine) == (4, Engine(with_checkpoints=True, is_compiled=True))
    bounds = "at most 8 rows and 16384 tokens a pass, at least 4 passes a step"
    assert str(plan) == f"{bounds}, activations computed twice, compiled"


def on_gpu(monkeypatch: pytest.MonkeyPatch, run: RunOptions, **changes: object) -> MicroBatchPlan:
    """By a GPU that has four GiB free."""
    monkeypatch.setattr(torch.cuda, "mem_get_info", lambda _: (2**32, 2**33))
    return plan_micro_batches(settings(**changes), run, config=tiny_config(), device=torch.device("cuda"))


@pytest.mark.parametrize(
    ("run", "engine"),
    [
        (RunOptions(), Engine(is_recorded=True)),
        (RunOptions(compile="on"), Engine(is_recorded=True, is_compiled=True)),
        (RunOptions(compile="off"), Engine()),
        (RunOptions(gradient_checkpointing="on"), Engine(with_checkpoints=True)),
        (RunOptions(devices=2), Engine()),
    ],
    ids=["auto", "compiled", "off", "with checkpoints", "two devices"],
)
@pytest.mark.parametrize("precision", ["fp32", "bf16"])
def test_on_a_gpu_passes_are_recorded_and_products_under_autocast_joined(
    monkeypatch: pytest.MonkeyPatch, run: RunOptions, engine: Engine, precision: str
) -> None:
    plan = on_gpu(monkeypatch, run, precision=precision, batch_size=48)
    assert plan.engine == replace(engine, is_joined=precision == "bf16")
    # Fillers make sizes alike, which nothing but recorded passes has anything of.
    assert (plan.pass_rows, plan.length_multiple) == (48, 16)
    assert plan.token_multiple == (64 if engine.is_recorded else 1)
    assert ("recorded" in str(plan), "products joined" in str(plan)) == (engine.is_recorded, precision == "bf16")


def test_on_a_gpu_the_plan_follows_the_memory_at_hand(monkeypatch: pytest.MonkeyPatch) -> None:
    tokens = [on_gpu(monkeypatch, RunOptions(), precision=precision).pass_tokens for precision in ("fp32", "bf16")]
    assert tokens[1] > 1.3 * tokens[0]
    # A recorded pass keeps its memory, beside one that is not recorded yet.
    assert on_gpu(monkeypatch, RunOptions(compile="off"), precision="fp32").pass_tokens // 2 == tokens[0]
    shared = plan_micro_batches(
        settings(), RunOptions(), config=tiny_config(), device=torch.device("cuda"), sharers=2
    ).pass_tokens
    assert shared == tokens[0] // 2


def test_padding_falls_when_long_rows_go_with_long_ones() -> None:
    lengths = np.random.default_rng(0).integers(5, 100, size=64)

    def padded(groups: list[np.ndarray[tuple[int], np.dtype[np.int64]]]) -> float:
        return sum(len(group) * int(lengths[group].max()) for group in groups) / int(lengths.sum())

    together = padded([np.arange(64)])
    split = padded(list(split_rows(lengths, lengths**2, micro_batches(16))))
    assert together > 1.7
    assert split < 1.25


def test_what_is_still_to_come_is_of_the_trained_weights_and_of_this_process() -> None:
    config = tiny_config()
    alone = still_to_come_bytes(config, settings())
    # A gradient and two moments of a tiny model with two embeddings.
    weights = sum(each.numel() for each in tiny_model().parameters())
    assert alone == pytest.approx(12 * weights, rel=0.05)
    assert still_to_come_bytes(config, settings(), processes=4) == alone / 4
    assert still_to_come_bytes(config, settings(optimizer="adamw8bit")) == pytest.approx(alone / 2, rel=0.02)
    assert still_to_come_bytes(config, settings(adapter="lora", lora_rank=4, lora_alpha=8.0)) == 0
    # Autocast's copies are beside all that, an adapter's base has them too, and of a shared model they are few.
    bf16 = settings(precision="bf16")
    assert still_to_come_bytes(config, bf16) - alone == pytest.approx(2 * weights, rel=0.05)
    lora = settings(precision="bf16", adapter="lora", lora_rank=4, lora_alpha=8.0)
    assert still_to_come_bytes(config, lora) == still_to_come_bytes(config, bf16) - alone
    assert still_to_come_bytes(config, bf16, processes=4) == alone / 4


def test_an_adapter_with_dropout_has_less_room_for_tokens() -> None:
    config = tiny_config()
    lora = settings(adapter="lora", lora_rank=4, lora_alpha=8.0, dropout=0.1)
    whole, adapted, undropped = (
        activation_bytes_per_token(config, each) for each in (settings(dropout=0.1), lora, replace(lora, dropout=0.0))
    )
    assert whole == undropped
    inner = config.num_heads * config.d_kv
    assert adapted - whole == 2 * 4 * (6 * config.d_model + 2 * inner + config.d_ff) * config.num_layers
