"""Shares of models of real size, without their weights."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
import torch
from torch import distributed
from torch.testing._internal.distributed.fake_pg import FakeStore
from transformers import T5Config, T5ForConditionalGeneration

from dss_worker.config import RankLayout
from dss_worker.parallel.divided_model import divide_model
from dss_worker.parallel.mesh import Mesh
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


@pytest.mark.parametrize(("size", "tensor"), [(7, 1), (8, 8), (8, 2)])
def test_no_rank_has_more_than_its_share_of_xxl(size: int, tensor: int) -> None:
    config = T5Config(**XXL, feed_forward_proj="gated-gelu", vocab_size=32_128)
    covered: Counter[str] = Counter()
    whole: dict[str, int] = {}
    for rank in range(size):
        with pretended(rank, size):
            with torch.device("meta"):
                model = T5ForConditionalGeneration(config)
                # As in the checkpoint, which has both.
                model.lm_head.weight = torch.nn.Parameter(torch.empty_like(model.lm_head.weight))
            whole = {name: each.numel() for name, each in model.named_parameters()}
            mesh = Mesh.of_layout(RankLayout(shard=size // tensor, tensor=tensor), device_type="cpu")
            divided = divide_model(model, mesh)
            parameters = dict(ShardedModel(model, mesh, divided.divisions).named_parameters())
            place = mesh.place
        share = sum(each.numel() for each in parameters.values())
        # Beyond an even share: a row of each weight, the position biases, and for tensor ranks the norms.
        rows = sum(each.numel() // len(each) for each in parameters.values() if len(each) > 0)
        norms = sum(each.numel() for each in parameters.values() if each.dim() == 1) if tensor > 1 else 0
        assert share <= PARAMETERS / size + rows + BIASES + norms
        for name, each in parameters.items():
            rows_of_part, columns = divided.divisions[name].part(place)
            assert each.numel() == len(rows_of_part) * len(columns), name
            covered[name] += each.numel()
    assert sum(whole.values()) == PARAMETERS
    # What is not divided, each of its holders has all of.
    for name, numel in whole.items():
        holders = (1 if "layer_norm" not in name else tensor) * (1 if "bias" not in name else size // tensor)
        assert covered[name] == holders * numel, name
