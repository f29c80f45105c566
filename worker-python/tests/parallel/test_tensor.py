"""What tensor ranks have of a model, and what they draw. Their losses and gradients are in test_shard.py."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from transformers import T5ForConditionalGeneration

from dss_worker.errors import WorkerError
from dss_worker.parallel.divided_model import divide_model
from dss_worker.parallel.ranks import Ranks
from dss_worker.parallel.tensor import check_heads
from dss_worker.training.layer_part import part_of
from tests.parallel.spawn import mesh_of, on_ranks
from tests.training.support import VOCABULARY, tiny_config, tiny_model


def test_heads_that_ranks_cannot_share_evenly_are_refused_with_what_they_can() -> None:
    with pytest.raises(WorkerError) as caught:
        check_heads(tiny_config(num_heads=12), 5)
    assert caught.value.code == "LAYOUT_INVALID"
    assert "layout: tensor: 5 does not divide the model's 12 attention heads" in caught.value.message
    assert "tensor may be 1, 2, 3, 4, 6, 12" in caught.value.hint


def first_attention(model: T5ForConditionalGeneration) -> Any:  # noqa: ANN401
    blocks: Any = model.encoder.block
    return blocks[0].layer[0].SelfAttention


def look(ranks: Ranks) -> dict[str, Any]:
    torch.manual_seed(7)
    model = tiny_model(3)
    model.train(mode=False)
    divide_model(model, mesh_of(ranks, tensor=ranks.size))
    states = torch.linspace(-1, 1, 5 * 32).reshape(5, 32)
    tokens = torch.arange(len(VOCABULARY))
    attention = first_attention(model)
    with torch.no_grad():
        seen = {"scores": model.lm_head(states), "embedded": model.shared(tokens), "bias": attention.compute_bias(3, 3)}
    torch.manual_seed(11)
    with part_of(attention).own_draws():
        own = torch.rand(4)
    again = torch.rand(4)
    torch.manual_seed(11)
    with part_of(attention).own_draws():
        same = torch.rand(4)
    return {name: value.numpy() for name, value in {**seen, "own": own, "again": again, "same": same}.items()}


def test_ranks_read_and_score_all_tokens_and_draw_alike_only_outside_of_their_parts() -> None:
    first, second = on_ranks(2, look)
    model = tiny_model(3)
    states = torch.linspace(-1, 1, 5 * 32).reshape(5, 32)
    with torch.no_grad():
        scores, embedded = model.lm_head(states), model.shared(torch.arange(len(VOCABULARY)))
        bias = first_attention(model).compute_bias(3, 3)
    for found in (first, second):
        torch.testing.assert_close(torch.from_numpy(found["scores"]), scores)
        assert torch.equal(torch.from_numpy(found["embedded"]), embedded)
        # Computed again, a layer draws the same.
        assert (found["own"] == found["same"]).all()
    assert torch.equal(torch.cat([torch.from_numpy(each["bias"]) for each in (first, second)], dim=1), bias)
    assert (first["scores"] == second["scores"]).all()
    assert (first["again"] == second["again"]).all()
    assert (first["own"] != second["own"]).all()
