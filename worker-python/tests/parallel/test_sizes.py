"""Shares of models of real size, without their weights."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
import torch
from torch import distributed
from torch.distributed.device_mesh import init_device_mesh
from torch.testing._internal.distributed.fake_pg import FakeStore
from transformers import T5Config, T5ForConditionalGeneration

from dss_worker.parallel.shard import shard_model
from dss_worker.parallel.sharded_model import ShardedModel

# Of google/t5-v1_1-xxl, by its config.json; 11.1 billion parameters.
XXL: dict[str, Any] = {
    "d_model": 4096,
    "d_kv": 64,
    "d_ff": 10240,
    "num_heads": 64,
    "num_layers": 24,
    "num_decoder_layers": 24,
}
PARAMETERS = 11_135_332_352
# Of relative positions, which each rank has all of: two stacks, 32 buckets, 64 heads.
BIASES = 2 * 32 * 64


@contextmanager
def pretended(rank: int, size: int) -> Iterator[None]:
    """A place among ranks that are not there."""
    distributed.init_process_group("fake", store=FakeStore(), rank=rank, world_size=size)
    try:
        yield
    finally:
        distributed.destroy_process_group()


@pytest.mark.parametrize("size", [4, 7])
def test_no_rank_has_more_than_its_share_of_xxl(size: int) -> None:
    config = T5Config(**XXL, feed_forward_proj="gated-gelu", vocab_size=32_128)
    total = 0
    for rank in range(size):
        with pretended(rank, size):
            with torch.device("meta"):
                model = T5ForConditionalGeneration(config)
                # As in the checkpoint, which has both.
                model.lm_head.weight = torch.nn.Parameter(torch.empty_like(model.lm_head.weight))
            mesh = init_device_mesh("cpu", (size,))
            shard_model(model, mesh)
            parameters = dict(ShardedModel(model, mesh).named_parameters())
        share = sum(each.numel() for each in parameters.values())
        # A row of each weight more than an even share, and the position biases.
        rows = sum(each.numel() // len(each) for each in parameters.values() if len(each) > 0)
        assert share <= PARAMETERS / size + rows + BIASES
        total += share
    assert total - (size - 1) * BIASES == PARAMETERS
