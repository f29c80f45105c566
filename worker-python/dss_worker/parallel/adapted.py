"""LoRA beside weights of which every process has a part, drawn as one process draws it and merged as one merges it."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from transformers import T5ForConditionalGeneration

from dss_worker.config import TrialSettings
from dss_worker.training.adapter import apply_adapter
from dss_worker.training.model import Weights

# In the names of peft: of the matrix that was there, and of the two beside it.
_BASE, _READS, _WRITES = ".base_layer.weight", ".lora_A.default.weight", ".lora_B.default.weight"


def adapt_without_weights(model: T5ForConditionalGeneration, settings: TrialSettings) -> Weights:
    """Gives a model on the meta device its adapter, which is there too.

    Returns: the values that the adapter begins with, in ordinary memory: some thousandths of the model.
    Raises: WorkerError (PACKAGE_MISSING) without peft.
    """
    # peft draws where the matrices are, and on the meta device draws nothing. So they are somewhere for a moment: in
    # one number each, which a matrix that is nowhere else reads everywhere.
    places = [(module, name, weight) for module in model.modules() for name, weight in _own(module)]
    for module, name, weight in places:
        setattr(module, name, nn.Parameter(torch.zeros(()).expand(weight.shape)))
    apply_adapter(model, settings)
    for module, name, weight in places:
        setattr(module, name, weight.requires_grad_(False))
    values = {name: weight.detach() for name, weight in model.named_parameters() if not weight.is_meta}
    for module in list(model.modules()):
        for name, weight in _own(module):
            if not weight.is_meta:
                setattr(module, name, nn.Parameter(torch.empty_like(weight, device="meta")))
    return values


def stored_name(name: str) -> str:
    """By what name a model without an adapter has the weight."""
    return name.replace(_BASE, ".weight")


@torch.no_grad()
def merged(weights: Weights, settings: TrialSettings) -> Weights:
    """A model's weights with the adapter's updates added; without an adapter, the same."""
    found: Weights = {}
    for name, weight in weights.items():
        if name.endswith(_BASE):
            stem = name.removesuffix(_BASE)
            found[stored_name(name)] = weight + _update(weights[stem + _READS], weights[stem + _WRITES], settings)
        elif not name.endswith((_READS, _WRITES)):
            found[name] = weight
    return found


def _update(reads: Tensor, writes: Tensor, settings: TrialSettings) -> Tensor:
    assert settings.lora_alpha is not None
    assert settings.lora_rank is not None
    return (writes @ reads) * (settings.lora_alpha / settings.lora_rank)


def _own(module: nn.Module) -> list[tuple[str, nn.Parameter]]:
    return list(module.named_parameters(recurse=False))
