"""LoRA by the peft library: low-rank updates of T5's matrices are trained, everything else stays as it is.

peft's layers take the place of the model's own, within it, so that whoever runs the model's modules runs them too and
the model stays the object that everybody has. They compute W x + B A x * alpha / rank, with B zero at first.
"""

from __future__ import annotations

import torch
from transformers import T5ForConditionalGeneration

from dss_worker.config import TrialSettings
from dss_worker.errors import WorkerError

# Of attention and feed-forward layers, in every block of both stacks; T5 has `wi`, T5 v1.1 `wi_0` and `wi_1`.
TARGETS = ("q", "k", "v", "o", "wi", "wi_0", "wi_1", "wo")


def apply_adapter(model: T5ForConditionalGeneration, settings: TrialSettings) -> T5ForConditionalGeneration:
    """Gives the model the adapter of a trial, drawn from its seed; without one, or if it has it, does nothing.

    What A reads is dropped at the trial's dropout rate, as what T5's own layers give is: one setting says how much of
    it there is, and 0 is none. Draws nothing from torch's global generators.

    Returns: the same model; only the adapter's parameters require a gradient.
    Raises: WorkerError (PACKAGE_MISSING) without peft.
    Source: Hu et al. 2021, arXiv:2106.09685.
    """
    if settings.adapter == "none" or has_adapter(model):
        return model
    try:
        # Here, since it takes a second that trials without an adapter need not wait.
        from peft import LoraConfig, inject_adapter_in_model
    except ImportError as error:
        raise WorkerError(
            "PACKAGE_MISSING", f"adapter: lora needs the package peft: {error}", hint="pip install 'peft>=0.21'"
        ) from error
    config = LoraConfig(
        r=settings.lora_rank or 0,
        lora_alpha=settings.lora_alpha or 0.0,  # type: ignore[arg-type] # an int in peft's words, a factor in its code
        lora_dropout=settings.dropout,
        target_modules=list(TARGETS),
        bias="none",
    )
    # peft draws on the CPU and moves what it drew, so that the device makes no difference.
    with torch.random.fork_rng(devices=[]):
        torch.default_generator.manual_seed(settings.seed)
        inject_adapter_in_model(config, model)
    model.train(model.training)  # the new layers, too
    return model


def merge_adapter(model: T5ForConditionalGeneration) -> T5ForConditionalGeneration:
    """Adds the updates to the matrices and puts the plain layers back; without an adapter, does nothing.

    Returns: the same model, as T5 again, all its parameters trainable.
    """
    if not has_adapter(model):
        return model
    from peft.tuners.lora import Linear

    for name, module in list(model.named_modules()):
        if isinstance(module, Linear):
            module.merge()
            model.set_submodule(name, module.get_base_layer())
    del model.peft_config
    return model.requires_grad_(True)


def has_adapter(model: T5ForConditionalGeneration) -> bool:
    return hasattr(model, "peft_config")
