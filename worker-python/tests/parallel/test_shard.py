from __future__ import annotations

from functools import partial
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor
from torch.distributed.device_mesh import init_device_mesh
from torch.distributed.tensor import DTensor
from transformers import T5ForConditionalGeneration

from dss_worker.parallel.ranks import Ranks
from dss_worker.parallel.shard import shard_model
from dss_worker.parallel.sharded_model import ShardedModel
from dss_worker.training.collate import ALL_ROWS, RowShare, collate_step
from dss_worker.training.model import special_ids
from dss_worker.training.packed_t5 import Engine
from dss_worker.training.sampler import BatchOrder
from dss_worker.training.step import Stepper, packed_loss
from dss_worker.training.trained import Trained, WholeModel
from tests.parallel.spawn import on_ranks
from tests.training.support import micro_batches, random_split, tiny_model

SPLIT = random_split(rows=60, seed=1)
STEPS = 3

Run = dict[str, Any]


def model_of(case: dict[str, Any]) -> T5ForConditionalGeneration:
    return tiny_model(seed=0, dropout_rate=0.0, num_layers=2, num_decoder_layers=2, **case.get("model", {}))


def train(
    model: T5ForConditionalGeneration, case: dict[str, Any], *, share: RowShare, trained: Trained | None = None
) -> list[float]:
    plan = micro_batches(case["pass_rows"], engine=Engine(with_checkpoints=case.get("with_checkpoints", False)))
    stepper = Stepper(model, lr=1e-2, max_steps=STEPS, precision="fp32", plan=plan, trained=trained)
    order = BatchOrder(rows=len(SPLIT), batch_rows=case["batch_rows"], seed=0)
    collate = partial(collate_step, SPLIT, alpha=case["alpha"], special=special_ids(model), share=share)
    return [stepper.take(partial(collate, order.batch(step))).item() for step in range(STEPS)]


def train_a_share(ranks: Ranks, *, cases: list[dict[str, Any]]) -> list[Run]:
    return [_train_a_share(ranks, case) for case in cases]


def _train_a_share(ranks: Ranks, case: dict[str, Any]) -> Run:
    model = model_of(case)
    whole = sum(each.numel() for each in model.parameters())
    mesh = init_device_mesh("cpu", (ranks.size,))
    shard_model(model, mesh)
    trained = ShardedModel(model, mesh)
    share = RowShare(index=ranks.rank, of=ranks.size)
    norm = gradient_of(model, case, share=share, trained=trained)
    gradient = {name: _whole(_gradient(each)).numpy() for name, each in model.named_parameters()}
    losses = train(model, case, share=share, trained=trained)
    kept = sum(each.numel() for each in trained.parameters())
    weights = {name: _whole(each).numpy() for name, each in model.named_parameters()}
    return {"losses": losses, "norm": norm, "gradient": gradient, "weights": weights, "share": kept / whole}


def gradient_of(model: T5ForConditionalGeneration, case: dict[str, Any], *, share: RowShare, trained: Trained) -> float:
    """Leaves the gradient of the first step in the parameters; gives its norm."""
    plan = micro_batches(case["pass_rows"])
    rows = BatchOrder(rows=len(SPLIT), batch_rows=case["batch_rows"], seed=0).batch(0)
    for batch in collate_step(SPLIT, rows, plan, alpha=case["alpha"], special=special_ids(model), share=share):
        torch.autograd.backward(packed_loss(model, batch))
    trained.take_gradient()
    return trained.clip_gradient(1e9).item()


def _gradient(parameter: torch.nn.Parameter) -> Tensor:
    assert parameter.grad is not None
    return parameter.grad


def _whole(weight: Tensor) -> Tensor:
    return weight.full_tensor().detach() if isinstance(weight, DTensor) else weight.detach()


CASES: dict[str, dict[str, Any]] = {
    "step-by-step": {"alpha": 0.5, "batch_rows": 11, "pass_rows": 11},
    "standard, several passes": {"alpha": None, "batch_rows": 12, "pass_rows": 2},
    "fewer rows than ranks in the last pass": {"alpha": 0.2, "batch_rows": 9, "pass_rows": 2},
    "activations computed twice": {"alpha": 0.5, "batch_rows": 8, "pass_rows": 8, "with_checkpoints": True},
    "tied and scaled, as T5 was": {
        "alpha": 0.5, "batch_rows": 8, "pass_rows": 8,
        "model": {"untied": False, "tie_word_embeddings": True, "feed_forward_proj": "relu"},
    },
}  # fmt: skip


@pytest.mark.parametrize("size", [2, 3, 4])
def test_ranks_train_as_one_process_does(size: int) -> None:
    cases = list(CASES.values())
    answers = on_ranks(size, train_a_share, cases=cases)
    for number, (name, case) in enumerate(CASES.items()):
        alone = model_of(case)
        norm = gradient_of(alone, case, share=ALL_ROWS, trained=WholeModel(alone))
        gradient = {weight: _gradient(each).numpy().copy() for weight, each in alone.named_parameters()}
        losses = train(alone, case, share=ALL_ROWS)
        for answer in answers:
            run = answer[number]
            assert run["norm"] == pytest.approx(norm, rel=1e-5), name
            assert run["losses"] == pytest.approx(losses, rel=1e-5), name
            for weight, value in alone.named_parameters():
                what = f"{name}: {weight}"
                np.testing.assert_allclose(run["gradient"][weight], gradient[weight], atol=1e-5 * norm, err_msg=what)
                # AdamW's first steps are as long for a gradient of almost nothing, whatever its sign.
                np.testing.assert_allclose(run["weights"][weight], value.detach(), atol=1e-3, err_msg=what)
        # The relative biases and what cannot be divided evenly come on top.
        assert max(answer[number]["share"] for answer in answers) < 1.2 / size, name
        assert losses[-1] < losses[0], name
