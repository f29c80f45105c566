"""Loads a model that no process ever has whole: each reads its own part of every weight."""

from __future__ import annotations

import json
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import torch
from safetensors import safe_open
from torch import Tensor, nn
from torch.distributed.tensor import DTensor
from transformers import T5ForConditionalGeneration

from dss_worker.config import ModelSource, TrialSettings
from dss_worker.parallel.adapted import adapt_without_weights, stored_name
from dss_worker.parallel.divided_model import Divided, divide_model
from dss_worker.parallel.mesh import Mesh
from dss_worker.training.model import check_no_adapter, config_of, invalid, settle_generation
from dss_worker.training.shares import Division, Place

_WEIGHTS, _INDEX = "model.safetensors", "model.safetensors.index.json"
_HEAD, _EMBEDDING = "lm_head.weight", "shared.weight"
# Other names of the embedding, which T5 has once.
_ALIASES = ("encoder.embed_tokens.weight", "decoder.embed_tokens.weight")
# Of two weights that may be the same, read at a time.
_COMPARED_ROWS = 4096


def load_divided(
    source: ModelSource, settings: TrialSettings, mesh: Mesh, *, device: torch.device
) -> tuple[T5ForConditionalGeneration, Divided]:
    """What `load_model` gives with `init: pretrained`, divided by `divide_model`.

    Raises: WorkerError (MODEL_INVALID) for a directory that holds no such model.
    """
    check_no_adapter(source.directory)
    config = config_of(source.directory, dropout=settings.dropout)
    with torch.device("meta"):
        model = T5ForConditionalGeneration(config)
    with ExitStack() as files:
        weights = _Weights(source.directory, files)
        if weights.has_other(_HEAD, _EMBEDDING):
            model.lm_head.weight = nn.Parameter(torch.empty_like(model.lm_head.weight, device="meta"))
        adapter = {} if settings.adapter == "none" else adapt_without_weights(model, settings)
        divided = divide_model(model, mesh)
        _give_memory(model, device)
        for name, parameter in model.named_parameters():
            division = divided.divisions[name]
            if name in adapter:
                _take(adapter[name], parameter, division, mesh.place)
            else:
                weights.read(stored_name(name), parameter, division, mesh.place)
    settle_generation(model)
    model.train()
    return model, divided


def _give_memory(model: T5ForConditionalGeneration, device: torch.device) -> None:
    """To weights that had none; one that several modules have stays one, where torch would give each its own."""
    places: dict[int, list[tuple[nn.Module, str]]] = {}
    for module in model.modules():
        for name, parameter in module.named_parameters(recurse=False):
            places.setdefault(id(parameter), []).append((module, name))
    model.to_empty(device=device)
    for (first, name), *others in places.values():
        for module, other_name in others:
            if getattr(module, other_name) is not getattr(first, name):
                setattr(module, other_name, getattr(first, name))


class _Weights:
    """A model's safetensors files, open."""

    def __init__(self, directory: Path, files: ExitStack) -> None:
        self._directory = directory
        self._slices: dict[str, Any] = {}
        for name in _names_of_files(directory):
            try:
                file: Any = files.enter_context(safe_open(directory / name, framework="pt"))
            except Exception as error:
                raise invalid(directory, f"{name} cannot be read: {error}") from error
            self._slices |= {key: file.get_slice(key) for key in file.keys()}  # noqa: SIM118 - it is no dictionary

    def has_other(self, name: str, than: str) -> bool:
        """Whether it holds both, and not as the same weight: such a one is tied, as transformers ties it."""
        if name not in self._slices or than not in self._slices:
            return False
        ours, theirs = self._slices[name], self._slices[than]
        shape = ours.get_shape()
        if shape != theirs.get_shape():
            return True
        starts = range(0, shape[0], _COMPARED_ROWS)
        return not all(
            torch.equal(ours[start : start + _COMPARED_ROWS], theirs[start : start + _COMPARED_ROWS])
            for start in starts
        )

    def read(self, name: str, parameter: nn.Parameter, division: Division, place: Place) -> None:
        stored = next((self._slices[each] for each in (name, *_aliases(name)) if each in self._slices), None)
        if stored is None:
            raise invalid(self._directory, f"its weights do not fit config.json: missing keys: {name}")
        whole = [division.rows] if parameter.dim() == 1 else [division.rows, division.columns]
        if list(stored.get_shape()) != whole:
            shapes = f"{name} is {stored.get_shape()}, expected {whole}"
            raise invalid(self._directory, f"its weights do not fit config.json: mismatched keys: {shapes}")
        _take(stored, parameter, division, place)


@torch.no_grad()
def _take(whole: Any, parameter: nn.Parameter, division: Division, place: Place) -> None:  # noqa: ANN401 - or of a file
    """This process's part of it, into its parameter."""
    rows, columns = division.part(place)
    local: Tensor = parameter.to_local() if isinstance(parameter, DTensor) else parameter
    if len(rows) == 0:
        return
    ours = slice(rows.start, rows.stop)
    local.copy_(whole[ours] if local.dim() == 1 else whole[ours, columns.start : columns.stop])


def _aliases(name: str) -> tuple[str, ...]:
    return _ALIASES if name == _EMBEDDING else ()


def _names_of_files(directory: Path) -> list[str]:
    if (directory / _INDEX).exists():
        try:
            index: dict[str, str] = json.loads((directory / _INDEX).read_text(encoding="utf-8"))["weight_map"]
        except (ValueError, KeyError) as error:
            raise invalid(directory, f"{_INDEX} cannot be read: {type(error).__name__}: {error}") from error
        names = sorted(set(index.values()))
        # A name is a name, and no way out of the directory.
        if any(Path(name).name != name for name in names):
            raise invalid(directory, f"{_INDEX} names a file that is not in the directory")
        return names
    if not (directory / _WEIGHTS).exists():
        hint = "a T5 model's directory holds config.json and model.safetensors; init: random needs no weights"
        raise invalid(directory, f"it has no {_WEIGHTS}", hint)
    return [_WEIGHTS]
