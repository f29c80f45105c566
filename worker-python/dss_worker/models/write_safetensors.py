"""Tensors as safetensors files, laid out as transformers writes and reads them."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path

from safetensors.torch import save_file
from torch import Tensor

from dss_worker.data.resolve_model import WEIGHTS, WEIGHTS_INDEX

MAX_SHARD_BYTES = 5_000_000_000


def write_safetensors(
    directory: Path, tensors: Mapping[str, Tensor], *, max_shard_bytes: int = MAX_SHARD_BYTES
) -> list[str]:
    """One file, or several with an index where one would be too large. Each is in memory once while it is written.

    Returns: the names of the files.
    """
    shards = _shards(tensors, max_shard_bytes)
    if len(shards) == 1:
        _write(directory / WEIGHTS, tensors, shards[0])
        return [WEIGHTS]
    names = [f"model-{number:05}-of-{len(shards):05}.safetensors" for number in range(1, len(shards) + 1)]
    for name, shard in zip(names, shards, strict=True):
        _write(directory / name, tensors, shard)
    weight_map = {tensor: name for name, shard in zip(names, shards, strict=True) for tensor in shard}
    total = sum(tensor.nbytes for tensor in tensors.values())
    index = {"metadata": {"total_size": total}, "weight_map": weight_map}
    (directory / WEIGHTS_INDEX).write_text(json.dumps(index, indent=2) + "\n", encoding="utf-8")
    return [WEIGHTS_INDEX, *names]


def _shards(tensors: Mapping[str, Tensor], max_shard_bytes: int) -> list[list[str]]:
    """Names in their order; a tensor that is too large alone has a file of its own."""
    shards: list[list[str]] = [[]]
    size = 0
    for name, tensor in tensors.items():
        if shards[-1] and size + tensor.nbytes > max_shard_bytes:
            shards.append([])
            size = 0
        shards[-1].append(name)
        size += tensor.nbytes
    return shards


def _write(path: Path, tensors: Mapping[str, Tensor], names: list[str]) -> None:
    storages: set[int] = set()
    content: dict[str, Tensor] = {}
    for name in names:
        tensor = tensors[name].contiguous()
        # A pickle may hold two tensors on one memory; a safetensors file may not.
        content[name] = tensor.clone() if tensor.untyped_storage().data_ptr() in storages else tensor
        storages.add(content[name].untyped_storage().data_ptr())
    save_file(content, path, metadata={"format": "pt"})
