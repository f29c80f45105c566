"""Each rank loads its own part: the weights that one process loads, and never all of them."""

from __future__ import annotations

import json
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file, save_file

from dss_worker.config import ModelSource
from dss_worker.errors import WorkerError
from dss_worker.parallel.load import load_divided
from dss_worker.parallel.ranks import Ranks
from dss_worker.parallel.sharded_model import ShardedModel
from dss_worker.training.model import load_model
from tests.parallel.spawn import mesh_of, on_ranks
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


def load_a_part(ranks: Ranks, *, sources: list[ModelSource], tensor: int) -> list[Any]:
    mesh = mesh_of(ranks, tensor=tensor)
    answers = []
    for source in sources:
        model, divided = load_divided(source, settings(), mesh, device=CPU)
        is_tied = model.lm_head.weight is model.shared.weight
        weights = ShardedModel(model, mesh, divided.divisions).gather(is_wanted=True)
        answers.append(({name: weight.numpy() for name, weight in weights.items()}, is_tied))
    return answers


@pytest.mark.parametrize(("size", "tensor"), [(2, 1), (2, 2), (4, 2)])
def test_parts_are_of_the_weights_that_one_process_loads(size: int, tensor: int, tmp_path: Path) -> None:
    sources = []
    for number, (changes, rewrite) in enumerate(MODELS.values()):
        directory = tmp_path / str(number)
        write_model(directory, **changes)
        rewrite(directory)
        sources.append(model_source(directory))
    for answers in on_ranks(size, load_a_part, sources=sources, tensor=tensor):
        for name, source, (weights, is_tied) in zip(MODELS, sources, answers, strict=True):
            whole = load_model(source, settings(), device=CPU)
            assert is_tied == (whole.lm_head.weight is whole.shared.weight), name
            expected = dict(whole.named_parameters())
            assert weights.keys() == expected.keys(), name
            for weight, value in expected.items():
                assert torch.equal(torch.from_numpy(weights[weight]), value.detach()), f"{name}: {weight}"


def load_wrongly(ranks: Ranks, *, sources: list[ModelSource]) -> list[str]:
    mesh = mesh_of(ranks)
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


class Watch:
    """The most that a process had of memory of its own, pages of files left out: those the kernel takes back."""

    def __init__(self) -> None:
        self._is_over = threading.Event()
        self._began = self._most = self._now()
        self._thread = threading.Thread(target=self._look)

    def __enter__(self) -> Watch:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._is_over.set()
        self._thread.join()

    @property
    def growth(self) -> int:
        return self._most - self._began

    def _look(self) -> None:
        while not self._is_over.wait(0.001):
            self._most = max(self._most, self._now())

    @staticmethod
    def _now() -> int:
        lines = Path("/proc/self/status").read_text().splitlines()
        return next(int(line.split()[1]) * 1024 for line in lines if line.startswith("RssAnon:"))


def growth_by_loading(ranks: Ranks, *, source: ModelSource) -> tuple[int, int]:
    """Bytes by which this process grew at most, and bytes of the whole model."""
    mesh = mesh_of(ranks)
    with Watch() as watch:
        model, _ = load_divided(source, settings(), mesh, device=CPU)
    return watch.growth, sum(each.numel() * 4 for each in model.parameters())


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="the test looks into /proc")
def test_no_rank_ever_holds_the_whole_model(tmp_path: Path) -> None:
    shape: dict[str, Any] = {
        "d_model": 768,
        "d_ff": 2048,
        "num_layers": 8,
        "num_decoder_layers": 8,
        "num_heads": 12,
        "d_kv": 64,
    }
    for growth, whole in on_ranks(4, growth_by_loading, source=write_model(tmp_path, **shape)):
        assert whole > 400e6
        # Its part, and a weight that it reads.
        assert 0.2 * whole < growth < 0.4 * whole
