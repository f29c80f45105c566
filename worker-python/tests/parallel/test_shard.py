from __future__ import annotations

from functools import partial
from itertools import product
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor
from transformers import T5ForConditionalGeneration

from dss_worker.parallel.divided_model import divide_model
from dss_worker.parallel.ranks import Ranks
from dss_worker.parallel.sharded_model import ShardedModel
from dss_worker.training.collate import ALL_ROWS, RowShare, collate_step
from dss_worker.training.model import special_ids
from dss_worker.training.packed_t5 import PLAIN, Engine
from dss_worker.training.sampler import BatchOrder
from dss_worker.training.step import Stepper, packed_loss
from dss_worker.training.trained import Trained, WholeModel
from tests.parallel.spawn import mesh_of, on_ranks
from tests.training.support import micro_batches, random_split, tiny_model

SPLIT = random_split(rows=60, seed=1)
STEPS = 3

Run = dict[str, Any]
Layout = tuple[int, int]


def model_of(case: dict[str, Any]) -> T5ForConditionalGeneration:
    return tiny_model(
        seed=0, dropout_rate=0.0, num_layers=2, num_decoder_layers=2, num_heads=12, **case.get("model", {})
    )


def train(
    model: T5ForConditionalGeneration, case: dict[str, Any], *, share: RowShare, trained: Trained | None = None
) -> list[float]:
    plan = micro_batches(case["pass_rows"], engine=case.get("engine", PLAIN))
    stepper = Stepper(
        model, lr=1e-2, max_steps=STEPS, precision="fp32", plan=plan, trained=trained, **case.get("stepper", {})
    )
    order = BatchOrder(rows=len(SPLIT), batch_rows=case["batch_rows"], seed=0)
    collate = partial(collate_step, SPLIT, alpha=case["alpha"], special=special_ids(model), share=share)
    return [stepper.take(partial(collate, order.batch(step))).item() for step in range(STEPS)]


def train_a_share(ranks: Ranks, *, runs: list[tuple[Layout, str]]) -> list[Run]:
    return [_train_a_share(ranks, layout, CASES[name]) for layout, name in runs]


def _train_a_share(ranks: Ranks, layout: Layout, case: dict[str, Any]) -> Run:
    model = model_of(case)
    whole = sum(each.numel() for each in model.parameters())
    mesh = mesh_of(ranks, shard=layout[0], tensor=layout[1])
    divided = divide_model(model, mesh)
    trained = ShardedModel(model, mesh, divided.divisions)
    norm = gradient_of(model, case, share=mesh.rows, trained=trained)
    gradient = {name: _gradient(each).numpy().copy() for name, each in trained.named_parameters()}
    losses = train(model, case, share=mesh.rows, trained=trained)
    kept = sum(each.numel() for each in trained.parameters())
    return {
        "losses": losses,
        "norm": norm,
        "gradient": gradient,
        "parts": {name: division.part(mesh.place) for name, division in divided.divisions.items()},
        "weights": {name: weight.numpy() for name, weight in trained.gather(is_wanted=True).items()},
        "share": kept / whole,
    }


def put_together(runs: list[Run], like: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    """Each weight's gradient, from the parts of all."""
    whole = {name: np.full_like(value, np.nan) for name, value in like.items()}
    for run in runs:
        for name, (rows, columns) in run["parts"].items():
            target = whole[name].reshape(len(whole[name]), -1)
            part = run["gradient"][name]
            target[rows.start : rows.stop, columns.start : columns.stop] = part.reshape(len(rows), len(columns))
    return whole


def gradient_of(model: T5ForConditionalGeneration, case: dict[str, Any], *, share: RowShare, trained: Trained) -> float:
    """Leaves the gradient of the first step in the parameters; gives its norm."""
    plan = micro_batches(case["pass_rows"])
    rows = BatchOrder(rows=len(SPLIT), batch_rows=case["batch_rows"], seed=0).batch(0)
    for batch in collate_step(SPLIT, rows, plan, alpha=case["alpha"], special=special_ids(model), share=share):
        torch.autograd.backward(packed_loss(model, batch, engine=case.get("engine", PLAIN)))
    trained.take_gradient()
    return trained.clip_gradient(1e9).item()


def _gradient(parameter: torch.nn.Parameter) -> Tensor:
    assert parameter.grad is not None
    return parameter.grad


CASES: dict[str, dict[str, Any]] = {
    "step-by-step": {"alpha": 0.5, "batch_rows": 11, "pass_rows": 11},
    "standard, several passes": {"alpha": None, "batch_rows": 12, "pass_rows": 2},
    "fewer rows than ranks in the last pass": {"alpha": 0.2, "batch_rows": 9, "pass_rows": 2},
    "activations computed twice": {
        "alpha": 0.5, "batch_rows": 8, "pass_rows": 8, "engine": Engine(with_checkpoints=True)
    },
    "products joined": {"alpha": 0.5, "batch_rows": 8, "pass_rows": 8, "engine": Engine(is_joined=True)},
    "tied and scaled, as T5 was": {
        "alpha": 0.5, "batch_rows": 8, "pass_rows": 8,
        "model": {"untied": False, "tie_word_embeddings": True, "feed_forward_proj": "relu"},
    },
    "adafactor": {"alpha": 0.5, "batch_rows": 8, "pass_rows": 8, "stepper": {"optimizer": "adafactor"}},
    "moments on the host": {"alpha": 0.5, "batch_rows": 8, "pass_rows": 8, "stepper": {"optimizer_states": "host"}},
}  # fmt: skip


# (shard, tensor) by the number of ranks; where their product is less, the model is there more than once.
LAYOUTS: dict[int, list[Layout]] = {
    2: [(2, 1), (1, 2), (1, 1)],
    3: [(3, 1), (1, 3)],
    4: [(4, 1), (1, 4), (2, 2), (2, 1), (1, 2)],
}


@pytest.mark.parametrize("size", LAYOUTS)
def test_ranks_train_as_one_process_does(size: int) -> None:
    torch.set_num_threads(1)
    alone = {name: train_alone(case) for name, case in CASES.items()}
    # A copy of what two ranks do is told apart by the first case as well as by all.
    asked = [
        (layout, name)
        for layout, (number, name) in product(LAYOUTS[size], enumerate(CASES))
        if layout[0] * layout[1] == size or number == 0
    ]
    answers = on_ranks(size, train_a_share, runs=asked)
    for number, (layout, name) in enumerate(asked):
        runs, expected = [answer[number] for answer in answers], alone[name]
        what = f"shard {layout[0]}, tensor {layout[1]}: {name}: "
        gradient = put_together(runs, expected["gradient"])
        for run in runs:
            assert run["norm"] == pytest.approx(expected["norm"], rel=1e-5), what
            assert run["losses"] == pytest.approx(expected["losses"], rel=1e-5), what
        for weight, value in expected["gradient"].items():
            np.testing.assert_allclose(
                gradient[weight], value, atol=1e-5 * expected["norm"], err_msg=f"{what}: {weight}"
            )
        for run in runs:
            for weight, value in expected["weights"].items():
                # AdamW's first steps are as long for a gradient of almost nothing, whatever its sign.
                np.testing.assert_allclose(run["weights"][weight], value, atol=1e-3, err_msg=what + weight)
        # What is not divided, or not evenly, comes on top: biases for shard ranks, norms for tensor ranks.
        assert max(run["share"] for run in runs) < 1.2 / (layout[0] * layout[1]), what
        assert expected["losses"][-1] < expected["losses"][0], what


def train_alone(case: dict[str, Any]) -> Run:
    model = model_of(case)
    norm = gradient_of(model, case, share=ALL_ROWS, trained=WholeModel(model))
    gradient = {weight: _gradient(each).numpy().copy() for weight, each in model.named_parameters()}
    losses = train(model, case, share=ALL_ROWS)
    weights = {weight: value.detach().numpy() for weight, value in model.named_parameters()}
    return {"norm": norm, "gradient": gradient, "losses": losses, "weights": weights}
