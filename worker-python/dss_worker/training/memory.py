"""What a trial's memory should come to. An estimate: within a tenth or two of what `MemoryWatch` sees."""

from __future__ import annotations

from dataclasses import dataclass
from math import sqrt

import numpy as np
import torch
from transformers import T5Config, T5ForConditionalGeneration

from dss_worker.config import OptimizerStates, TrialSettings
from dss_worker.data.encode import EncodedSplit
from dss_worker.training.linear_loss import chunk_tokens
from dss_worker.training.micro_batches import MicroBatchPlan, activation_bytes_per_layer, deepest_stack
from dss_worker.training.optimizer import MOMENT_BYTES
from dss_worker.training.packing import Lengths
from dss_worker.training.processes import ALONE, Processes
from dss_worker.training.trained import Trained
from dss_worker.training.within import is_gathered

_FLOAT32, _BFLOAT16 = 4, 2


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelSize:
    """A model as far as memory knows it."""

    parameters: int
    # Of them, those that are trained.
    trained: int
    config: T5Config
    # Its first weights are kept for the next trial.
    is_warm: bool
    # Of a model that several processes share: parameters of the others that are here for a pass.
    gathered: int = 0
    # Processes that take other rows of a batch, and those that divide what a layer computes.
    row_shares: int = 1
    tensor: int = 1

    @classmethod
    def of_model(
        cls, model: T5ForConditionalGeneration, trained: Trained, *, is_warm: bool, processes: Processes = ALONE
    ) -> ModelSize:
        """
        Args:
            trained: this process's part of it.
            processes: that have it together.
        """
        parameters = list(trained.parameters())
        return cls(
            parameters=sum(each.numel() for each in parameters),
            trained=sum(each.numel() for each in parameters if each.requires_grad),
            config=model.config,
            is_warm=is_warm,
            gathered=_gathered(model) if is_gathered(model) else 0,
            row_shares=processes.share.of,
            tensor=processes.place.tensor.of,
        )


def _gathered(model: T5ForConditionalGeneration) -> int:
    """All that is in no block, and two blocks: the next one's weights are fetched while one is run."""
    blocks = [*model.encoder.block, *model.decoder.block]
    sizes: list[int] = [sum(each.numel() for each in block.parameters()) for block in blocks]
    whole: int = sum(each.numel() for each in model.parameters())
    return whole - sum(sizes) + 2 * max(sizes)


def predict_memory(
    size: ModelSize,
    settings: TrialSettings,
    plan: MicroBatchPlan,
    train: EncodedSplit,
    *,
    device: torch.device,
    process_bytes: int,
    optimizer_states: OptimizerStates = "device",
) -> int:
    """Bytes: weights, gradients and moments, copies of weights, and the largest pass.

    Args:
        process_bytes: of `MemoryWatch`; the rest is added to it.
    """
    weights, trained = size.parameters * _FLOAT32, size.trained * _FLOAT32
    # Kept in ordinary memory, which on a CPU is the same.
    are_elsewhere = device.type != "cpu" and optimizer_states == "host"
    moments = 0.0 if are_elsewhere else size.trained * MOMENT_BYTES[settings.optimizer]
    gathered = 2 * size.gathered * _FLOAT32  # and their gradients
    # Autocast's copies of what is in products, which the backward pass reads again.
    casts = _BFLOAT16 * (size.gathered or size.parameters) if settings.precision == "bf16" else 0
    during_a_pass = gathered + casts + _pass_bytes(size, settings, plan, train, device=device)
    if device.type != "cpu":
        return int(process_bytes + weights + trained + moments + during_a_pass)
    # In ordinary memory: the first weights, and the selected ones, twice while one takes the other's place.
    selected = trained if settings.select == "valid" else 0
    copies = (weights if size.is_warm else 0) + selected
    return int(process_bytes + weights + trained + moments + copies + max(during_a_pass, selected))


def _pass_bytes(
    size: ModelSize, settings: TrialSettings, plan: MicroBatchPlan, train: EncodedSplit, *, device: torch.device
) -> float:
    config, is_dropping = size.config, settings.dropout > 0
    width, largest = config.d_model, _largest_pass(size, settings, plan, train)
    tokens = largest.tokens
    activations = activation_bytes_per_layer(config, settings, tensor=size.tensor) * largest.layer_tokens
    if device.type == "cpu":
        # Of each head the probabilities; dropout's factors and the product stay, too.
        activations += (3 if is_dropping else 1) * _FLOAT32 * config.num_heads / size.tensor * largest.layer_cells
    if plan.engine.with_checkpoints:
        # One layer's, and what each layer reads.
        activations = activations / deepest_stack(config) + _FLOAT32 * width * largest.layer_tokens
    scores = 2 * _FLOAT32 * config.vocab_size / size.tensor * min(chunk_tokens(device), tokens)
    output_gradient = _FLOAT32 * config.vocab_size / size.tensor * width if size.trained == size.parameters else 0
    return activations + scores + output_gradient


@dataclass(frozen=True, slots=True, kw_only=True)
class _LargestPass:
    """Of thousands of steps, about."""

    tokens: float
    # Tokens times the layers that they go through, and pairs of tokens that attend, once for each layer in which they
    # do.
    layer_tokens: float
    layer_cells: float


def _largest_pass(size: ModelSize, settings: TrialSettings, plan: MicroBatchPlan, train: EncodedSplit) -> _LargestPass:
    tokens, cells = _per_row(train, settings.alpha)
    config = size.config
    encoder, decoder = config.num_layers, config.num_decoder_layers or config.num_layers
    layer_tokens, layer_cells = _per_row(train, settings.alpha, encoder=encoder, decoder=decoder)
    # A step's first pass has its longest rows.
    longest = np.argsort(-tokens)[: -(-len(tokens) // settings.grad_steps)]
    rows = min(plan.pass_rows, -(-settings.batch_size // size.row_shares))
    batch_tokens, batch_cells = _largest_sum(tokens[longest], rows), _largest_sum(cells[longest], rows)
    share = min(1.0, plan.pass_tokens / batch_tokens, plan.pass_cells / batch_cells, 1 / plan.passes)
    # A row is not divided.
    share = max(share, 1 / rows)
    return _LargestPass(
        tokens=batch_tokens * share,
        layer_tokens=_largest_sum(layer_tokens[longest], rows) * share,
        layer_cells=_largest_sum(layer_cells[longest], rows) * share,
    )


def _per_row(
    train: EncodedSplit, alpha: float | None, *, encoder: int = 1, decoder: int = 1
) -> tuple[Lengths, Lengths]:
    """Tokens of each row, and pairs of tokens that attend, over the tasks that are trained; int64, [rows].

    Args:
        encoder, decoder: how often each counts.
    """
    tasks = [] if alpha == 0 else [train.predict]
    if train.explain is not None and alpha != 1:
        tasks.append(train.explain)
    tokens, cells = np.zeros(len(train), dtype=np.int64), np.zeros(len(train), dtype=np.int64)
    for task in tasks:
        inputs, targets = task.inputs.lengths, task.targets.lengths
        tokens += encoder * inputs + decoder * targets
        cells += encoder * inputs**2 + decoder * targets * (targets + inputs)
    return tokens, cells


def _largest_sum(per_row: Lengths, rows: int) -> float:
    """Over so many random rows, four standard deviations above the mean: about the largest of 30,000 sums."""
    mean, spread = float(per_row.mean()), float(per_row.std())
    return min(rows * float(per_row.max()), rows * mean + 4 * spread * sqrt(rows))
