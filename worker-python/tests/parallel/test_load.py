"""Each rank loads its own part: the weights that one process loads, and never all of them."""

from __future__ import annotations

import json
import resource
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file, save_file
from torch.distributed.device_mesh import init_device_mesh
from torch.distributed.tensor import DTensor

from dss_worker.config import ModelSource
from dss_worker.errors import WorkerError
from dss_worker.parallel.load import load_divided
from dss_worker.parallel.ranks import Ranks
from dss_worker.training.model import load_model
from tests.parallel.spawn import on_ranks
from tests.training.support import CPU, model_source, settings, write_model


def split_in_two(directory: Path) -> None:
    """As large models are stored."""
    weights = load_file(directory / "model.safetensors")
    names = sorted(weights)
    parts = {"a.safetensors": names[::2], "b.safetensors": names[1::2]}
    for file, of in parts.items():
        save_file({name: weights[name] for name in of}, directory / file, metadata={"format": "pt"})
    index = {"metadata": {}, "weight_map": {name: file for file, of in parts.items() for name in of}}
    (directory / "model.safetensors.index.json").write_text(json.dumps(index))
    (directory / "model.safetensors").unlink()


def in_half_precision(directory: Path) -> None:
    weights = load_file(directory / "model.safetensors")
    halves = {name: weight.to(torch.bfloat16) for name, weight in weights.items()}
    save_file(halves, directory / "model.safetensors", metadata={"format": "pt"})


MODELS: dict[str, tuple[dict[str, Any], Callable[[Path], None]]] = {
    "untied": ({}, lambda directory: None),
    "tied": ({"untied": False, "tie_word_embeddings": True, "feed_forward_proj": "relu"}, lambda directory: None),
    "in two files": ({}, split_in_two),
    "stored as bfloat16": ({}, in_half_precision),
}


def load_a_part(ranks: Ranks, *, sources: list[ModelSource]) -> list[Any]:
    mesh = init_device_mesh("cpu", (ranks.size,))
    answers = []
    for source in sources:
        model, _ = load_divided(source, settings(), mesh, device=CPU)
        weights = {
            name: (each.full_tensor() if isinstance(each, DTensor) else each).detach().numpy().copy()
            for name, each in model.named_parameters()
        }
        answers.append((weights, model.lm_head.weight is model.shared.weight))
    return answers


def test_parts_are_of_the_weights_that_one_process_loads(tmp_path: Path) -> None:
    sources = []
    for number, (changes, rewrite) in enumerate(MODELS.values()):
        directory = tmp_path / str(number)
        write_model(directory, **changes)
        rewrite(directory)
        sources.append(model_source(directory))
    for answers in on_ranks(2, load_a_part, sources=sources):
        for name, source, (weights, is_tied) in zip(MODELS, sources, answers, strict=True):
            whole = load_model(source, settings(), device=CPU)
            assert is_tied == (whole.lm_head.weight is whole.shared.weight), name
            expected = dict(whole.named_parameters())
            assert weights.keys() == expected.keys(), name
            for weight, value in expected.items():
                assert torch.equal(torch.from_numpy(weights[weight]), value.detach()), f"{name}: {weight}"


def load_wrongly(ranks: Ranks, *, sources: list[ModelSource]) -> list[str]:
    mesh = init_device_mesh("cpu", (ranks.size,))
    messages = []
    for source in sources:
        with pytest.raises(WorkerError) as caught:
            load_divided(source, settings(), mesh, device=CPU)
        messages.append(f"{caught.value.code}: {caught.value.message}")
    return messages


def test_a_directory_that_holds_no_such_model_is_named(tmp_path: Path) -> None:
    sources = {}
    for what in ("no file", "a name that leads out", "a weight less", "another shape"):
        sources[what] = write_model(tmp_path / what.replace(" ", "-"))
    directories = {what: source.directory for what, source in sources.items()}
    (directories["no file"] / "model.safetensors").unlink()
    index = '{"weight_map": {"shared.weight": "../a-weight-less/model.safetensors"}}'
    (directories["a name that leads out"] / "model.safetensors.index.json").write_text(index)
    for what, change in (("a weight less", None), ("another shape", torch.zeros(3, 3))):
        weights = load_file(directories[what] / "model.safetensors")
        del weights["decoder.final_layer_norm.weight"]
        if change is not None:
            weights["decoder.final_layer_norm.weight"] = change
        save_file(weights, directories[what] / "model.safetensors")
    expected = ["it has no model.safetensors", "is not in the directory", "missing keys: decoder.final", "mismatched"]
    for messages in on_ranks(2, load_wrongly, sources=list(sources.values())):
        for message, part in zip(messages, expected, strict=True):
            assert message.startswith("MODEL_INVALID: ")
            assert part in message


def growth_by_loading(ranks: Ranks, *, source: ModelSource) -> tuple[int, int]:
    """Bytes by which this process's peak grew, and bytes of the whole model."""
    mesh = init_device_mesh("cpu", (ranks.size,))
    torch.ones(8) @ torch.ones(8)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    model, _ = load_divided(source, settings(), mesh, device=CPU)
    after = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return (after - before) * 1024, sum(each.numel() * 4 for each in model.parameters())


def test_no_rank_ever_holds_the_whole_model(tmp_path: Path) -> None:
    source = write_model(tmp_path, d_model=768, d_ff=2048, num_layers=8, num_decoder_layers=8, num_heads=12, d_kv=64)
    for growth, whole in on_ranks(4, growth_by_loading, source=source):
        assert whole > 400e6
        # A part, and of a page that was read from the file what the kernel has not taken back.
        assert growth < 0.75 * whole
