"""How the rows of an optimizer step are split into forward and backward passes.

The step's batch is what the settings say; its split changes neither loss nor gradient, only how much is in memory at
once and how much attention is padded. Rows of about the same length go together. On a CPU the plan is a function of
the settings alone, so that digits repeat; on a GPU it follows the memory at hand.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, replace
from typing import Any

import numpy as np
import torch
from transformers import T5Config

from dss_worker.config import OptimizerStates, RunOptions, TrialSettings
from dss_worker.training.optimizer import MOMENT_BYTES
from dss_worker.training.packed_t5 import PLAIN, Engine
from dss_worker.training.packing import Lengths

# On a CPU: large enough for matrix products at full speed, small enough for the activations of a T5-large.
CPU_PASS_TOKENS = 16_384
# Attention's scores, heads left out: 32 rows of 256 tokens, or two of 1,024.
CPU_PASS_CELLS = 2**21
CPU_GROUP_ROWS = 32
# Kernel launches count there; padding inside attention does not.
GPU_GROUP_ROWS = 1_024
# What the memory-efficient attention kernel pads its bias to anyway; and few different shapes.
GPU_LENGTH_MULTIPLE = 16
# A group of a batch's rows is filled up to a multiple of so many tokens a row.
GPU_TOKENS_PER_ROW = 2
# Of the memory that is free once weights, gradients and optimizer states have their room.
GPU_ACTIVATION_SHARE = 0.6
# Cells of attention per token of a pass, above which long rows and not many rows fill the memory.
GPU_CELLS_PER_TOKEN = 1_024


@dataclass(frozen=True, slots=True, kw_only=True)
class MicroBatchPlan:
    """Bounds on one pass; a row that is above them alone is a pass of its own."""

    # Rows; the setting batch_size.
    pass_rows: int
    # Tokens of inputs and targets, both tasks together.
    pass_tokens: int
    # Sum over rows of the squared input lengths, both tasks together.
    pass_cells: int
    # At least so many passes, where the batch has as many rows.
    passes: int
    # Rows that attention pads together.
    group_rows: int
    # What attention rounds lengths up to.
    length_multiple: int
    # What a group's tokens are filled up to; 1: they are not.
    token_multiple: int = 1
    engine: Engine = PLAIN

    def halved(self) -> MicroBatchPlan | None:
        """The plan for half as much memory; None if a pass is one row already."""
        if self.pass_rows == 1:
            return None
        return replace(
            self,
            pass_rows=max(1, self.pass_rows // 2),
            pass_tokens=max(1, self.pass_tokens // 2),
            pass_cells=max(1, self.pass_cells // 2),
        )

    def for_processes(self, processes: int) -> MicroBatchPlan:
        """The plan for passes whose rows so many processes share."""
        if processes == 1:
            return self
        return replace(
            self,
            pass_rows=self.pass_rows * processes,
            pass_tokens=self.pass_tokens * processes,
            pass_cells=self.pass_cells * processes,
        )

    def to_json(self) -> dict[str, Any]:
        return asdict(self)

    @classmethod
    def from_json(cls, value: Mapping[str, Any]) -> MicroBatchPlan:
        """Raises: TypeError or KeyError for another version's."""
        return cls(**{**value, "engine": Engine(**value["engine"])})

    def __str__(self) -> str:
        parts = [f"at most {self.pass_rows} rows and {self.pass_tokens} tokens a pass"]
        if self.passes > 1:
            parts.append(f"at least {self.passes} passes a step")
        if self.engine.with_checkpoints:
            parts.append("activations computed twice")
        if self.engine.is_compiled:
            parts.append("compiled")
        if self.engine.is_joined:
            parts.append("products joined")
        if self.engine.is_recorded:
            parts.append("recorded")
        return ", ".join(parts)


def plan_micro_batches(
    settings: TrialSettings, run: RunOptions, *, config: T5Config, device: torch.device, sharers: int = 1
) -> MicroBatchPlan:
    """
    Args:
        device: on a GPU, where the model and all that stays with it already has its memory.
        sharers: processes that train on the device at the same time: what is free now is not this one's alone.
    """
    passes = max(1, run.micro_batches)
    if device.type != "cuda":
        return MicroBatchPlan(
            pass_rows=settings.batch_size,
            pass_tokens=CPU_PASS_TOKENS,
            pass_cells=CPU_PASS_CELLS,
            passes=passes,
            group_rows=CPU_GROUP_ROWS,
            length_multiple=1,
            engine=Engine(with_checkpoints=run.gradient_checkpointing == "on", is_compiled=run.compile == "on"),
        )
    free_bytes, _ = torch.cuda.mem_get_info(device)
    to_come = still_to_come_bytes(config, settings, processes=run.devices, states=run.optimizer_states)
    room = GPU_ACTIVATION_SHARE * max(0.0, free_bytes - to_come) / sharers
    per_token = activation_bytes_per_token(config, settings)
    # With checkpoints one layer's activations are there at a time, and every layer's input.
    deepest = deepest_stack(config)
    checkpointed = per_token / deepest + 4 * config.d_model * deepest
    longest = 2 * settings.max_input_length
    with_checkpoints = run.gradient_checkpointing == "on" or (
        run.gradient_checkpointing == "auto" and room / per_token < min(longest, GPU_CELLS_PER_TOKEN)
    )
    # Several processes wait for each other within a pass, and what is computed twice asks for random states.
    is_recorded = run.compile != "off" and run.devices == 1 and not with_checkpoints
    pass_tokens = max(1, int(room / (checkpointed if with_checkpoints else per_token)))
    if is_recorded:
        # What a recorded pass allocates stays so, beside a pass whose shape is not known yet.
        pass_tokens = max(1, pass_tokens // 2)
    return MicroBatchPlan(
        pass_rows=settings.batch_size,
        pass_tokens=pass_tokens,
        pass_cells=pass_tokens * GPU_CELLS_PER_TOKEN,
        passes=passes,
        group_rows=GPU_GROUP_ROWS,
        length_multiple=GPU_LENGTH_MULTIPLE,
        # Of recorded passes there should be few shapes; others would have fillers for nothing.
        token_multiple=_power_of_two(GPU_TOKENS_PER_ROW * settings.batch_size) if is_recorded else 1,
        engine=Engine(
            with_checkpoints=with_checkpoints,
            # 2026-11, H200: base takes 39 ms a step so, and 38 without.
            is_compiled=run.compile == "on",
            # Under autocast only, which copies the matrices anyway.
            is_joined=settings.precision == "bf16",
            is_recorded=is_recorded,
        ),
    )


def _power_of_two(number: int) -> int:
    """The largest that is no larger."""
    return 1 << (number.bit_length() - 1)


def deepest_stack(config: T5Config) -> int:
    """Layers of the encoder or of the decoder; 1 at least."""
    return max(config.num_layers, config.num_decoder_layers or config.num_layers, 1)


def activation_bytes_per_token(config: T5Config, settings: TrialSettings, *, tensor: int = 1) -> float:
    """What a token's forward pass keeps for its backward pass at most, where encoder and decoder differ in depth."""
    return activation_bytes_per_layer(config, settings, tensor=tensor) * deepest_stack(config)


def activation_bytes_per_layer(config: T5Config, settings: TrialSettings, *, tensor: int = 1) -> float:
    """What a token's pass through a layer keeps for its backward pass, about.

    Counted from `packed_t5.py` for a decoder token, which keeps the most: six tensors as wide as the model
    in float32 (three norms and the residuals before them), q, k, v and attention's output twice, five as wide as the
    feed-forward layer; halves under bf16 except for the norms. With an adapter, what each adapted matrix reads,
    dropped: factors and product. An estimate: what it leaves out, running out of memory once corrects.

    Args:
        tensor: processes that divide heads and feed-forward layers.
    """
    size = 2 if settings.precision == "bf16" else 4
    inner = config.num_heads * config.d_kv
    divided = (8 * inner + 5 * config.d_ff) / tensor
    per_layer = 6 * 4 * config.d_model + size * (4 * config.d_model + divided)
    if settings.adapter == "lora" and settings.dropout > 0:
        per_layer += 2 * 4 * (6 * config.d_model + 2 * inner + config.d_ff)
    return float(per_layer)


def still_to_come_bytes(
    config: T5Config, settings: TrialSettings, *, processes: int = 1, states: OptimizerStates = "device"
) -> float:
    """The gradient, the optimizer's moments and autocast's copies of weights: the first step makes them.

    Args:
        processes: that share the model's weights, each with as much of them.
    """
    inner = config.num_heads * config.d_kv
    feed_forward = (3 if config.is_gated_act else 2) * config.d_model * config.d_ff
    attention = 4 * config.d_model * inner
    decoder_layers = config.num_decoder_layers or config.num_layers
    layers = config.num_layers * (attention + feed_forward) + decoder_layers * (2 * attention + feed_forward)
    weights = layers + 2 * config.vocab_size * config.d_model
    # Of a model that is shared, of what is gathered: little.
    casts = 2.0 * weights if settings.precision == "bf16" and processes == 1 else 0.0
    if settings.adapter != "none":
        return casts  # and of some thousandths of the weights the rest
    per_weight = 4 + (0.0 if states == "host" else MOMENT_BYTES[settings.optimizer])
    return per_weight * weights / processes + casts


def split_rows(tokens: Lengths, cells: Lengths, plan: MicroBatchPlan) -> Iterator[Lengths]:
    """Positions of each pass's rows, the longest rows first: memory runs out at once or never.

    Args:
        tokens: of each row, inputs and targets, both tasks; int64, [rows].
        cells: sum of each row's squared input lengths; int64, [rows].
    """
    order = np.argsort(-tokens, kind="stable")
    # Where more passes are asked for than the bounds need, each gets its share of the tokens.
    pass_tokens = min(plan.pass_tokens, -(-int(tokens.sum()) // plan.passes))
    start = 0
    while start < len(order):
        rest = order[start : start + plan.pass_rows]
        fits = (np.cumsum(tokens[rest]) <= pass_tokens) & (np.cumsum(cells[rest]) <= plan.pass_cells)
        taken = max(1, int(fits.sum()))
        yield rest[:taken]
        start += taken
