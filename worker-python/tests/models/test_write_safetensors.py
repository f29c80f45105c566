from __future__ import annotations

import json
from pathlib import Path

import torch
from safetensors.torch import load_file

from dss_worker.config import ModelSource
from dss_worker.models.write_safetensors import write_safetensors
from dss_worker.training.model import load_model
from tests.training.support import CPU, settings, tiny_config, tiny_model


def test_weights_are_in_one_file_while_they_fit(tmp_path: Path) -> None:
    assert write_safetensors(tmp_path, {"a": torch.ones(3), "b": torch.ones(2)}, max_shard_bytes=20) == [
        "model.safetensors"
    ]
    assert [path.name for path in tmp_path.iterdir()] == ["model.safetensors"]


def test_larger_ones_are_in_parts_that_transformers_puts_together(tmp_path: Path) -> None:
    model = tiny_model(0)
    tensors = {name: parameter.detach() for name, parameter in model.named_parameters()}
    names = write_safetensors(tmp_path, tensors, max_shard_bytes=20_000)
    count = len(names) - 1
    assert count > 2
    assert names == [
        "model.safetensors.index.json",
        *(f"model-{number:05}-of-{count:05}.safetensors" for number in range(1, count + 1)),
    ]
    index = json.loads((tmp_path / names[0]).read_text())
    assert index["metadata"]["total_size"] == sum(tensor.nbytes for tensor in tensors.values())
    for name in names[1:]:
        part = load_file(tmp_path / name)
        assert part.keys() == {tensor for tensor, file in index["weight_map"].items() if file == name}
        assert sum(tensor.nbytes for tensor in part.values()) <= 20_000
    (tmp_path / "config.json").write_text(json.dumps({**tiny_config().to_dict(), "tie_word_embeddings": False}))
    loaded = load_model(ModelSource(directory=tmp_path, files=()), settings(), device=CPU)
    assert all(torch.equal(parameter, tensors[name]) for name, parameter in loaded.named_parameters())
    assert torch.equal(loaded.lm_head.weight, tensors["lm_head.weight"])


def test_a_tensor_that_is_too_large_alone_has_a_file_of_its_own(tmp_path: Path) -> None:
    names = write_safetensors(tmp_path, {"a": torch.ones(1), "b": torch.ones(9), "c": torch.ones(1)}, max_shard_bytes=8)
    assert [load_file(tmp_path / name).keys() for name in names[1:]] == [{"a"}, {"b"}, {"c"}]


def test_tensors_that_share_memory_are_written_each_for_itself(tmp_path: Path) -> None:
    both = torch.arange(6.0)
    write_safetensors(tmp_path, {"a": both[:4], "b": both[2:], "c": both.view(2, 3).T})
    stored = load_file(tmp_path / "model.safetensors")
    assert [tensor.tolist() for tensor in stored.values()] == [[0, 1, 2, 3], [2, 3, 4, 5], [[0, 3], [1, 4], [2, 5]]]
