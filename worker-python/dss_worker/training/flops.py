"""How much a training step computes: counted from the lengths of its rows, not from what ran.

A pair of S input and T target tokens costs, forward, with d = d_model, i = heads * d_kv, f = d_ff and V words:

    encoder layer    2 S (4 d i + g d f) + 4 S² i
    decoder layer    2 T (6 d i + g d f) + 4 S d i + 4 T² i + 4 T S i
    output layer     2 T d V

g is 3 for a gated feed-forward layer, else 2; the decoder's 6 are q, k, v, o of its own attention and q, o of that to
the encoder, whose k and v run on input tokens (4 S d i). Backward costs twice as much. What gradient checkpointing
computes again is not counted, nor is anything but matrix products. A matrix that is not trained has no gradient of
its own, so it costs one third less; LoRA's two thin matrices beside it are counted.

Useful is this for the real tokens. Padded is what the device was given: `packed_t5.py` pads rows for attention alone,
so its S² + T S and T² are those of each padded group; the rest is that of all tokens, fillers included.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from transformers import T5Config

from dss_worker.training.collate import PackedBatch
from dss_worker.training.micro_batches import MicroBatchPlan
from dss_worker.training.packing import Lengths
from dss_worker.training.step import PassesOf
from dss_worker.training.work import Work


@dataclass(frozen=True, slots=True, kw_only=True)
class StepFlops:
    """What a model's training costs per token and per cell of attention, forward and backward together."""

    input_token: int
    target_token: int
    # A cell is a pair of tokens of which one attends to the other, over all layers of its kind.
    encoder_cell: int
    # Of the decoder's own attention and of that to the encoder.
    decoder_cell: int

    @classmethod
    def of_config(cls, config: T5Config, *, lora_rank: int | None = None) -> StepFlops:
        """`lora_rank`: None: without an adapter, all matrices are trained."""
        width, inner = config.d_model, config.num_heads * config.d_kv
        layers = config.num_layers
        decoder_layers = layers if config.num_decoder_layers is None else config.num_decoder_layers

        def product(columns: int) -> int:
            """Of one token with a matrix [d_model, columns] or its transpose."""
            return (6 if lora_rank is None else 4) * width * columns

        def adapted(columns: int) -> int:
            return product(columns) + 6 * (lora_rank or 0) * (width + columns)

        attention = adapted(inner)
        feed_forward = (3 if config.is_gated_act else 2) * adapted(config.d_ff)
        return cls(
            input_token=layers * (4 * attention + feed_forward) + decoder_layers * 2 * attention,
            target_token=decoder_layers * (6 * attention + feed_forward) + product(config.vocab_size),
            encoder_cell=3 * 4 * inner * layers,
            decoder_cell=3 * 4 * inner * decoder_layers,
        )

    def of_pairs(self, inputs: Lengths, targets: Lengths) -> int:
        """
        Args:
            inputs, targets: tokens of each; int64, [pairs].
        """
        encoder_cells, decoder_cells = int((inputs * inputs).sum()), int((targets * (targets + inputs)).sum())
        return self._total(int(inputs.sum()), int(targets.sum()), encoder_cells, decoder_cells)

    def of_pass(self, batch: PackedBatch) -> Work:
        inputs, targets = batch.input_lengths, batch.target_lengths
        input_tokens, target_tokens = int(inputs.sum()), int(targets.sum())
        encoder_cells = decoder_cells = 0
        for ours, theirs in zip(batch.inputs.groups, batch.decoder_inputs.groups, strict=True):
            encoder_cells += ours.rows * ours.longest**2
            decoder_cells += theirs.rows * theirs.longest * (theirs.longest + ours.longest)
        return Work(
            useful_flops=self.of_pairs(inputs, targets),
            padded_flops=self._total(
                len(batch.inputs.ids), len(batch.decoder_inputs.ids), encoder_cells, decoder_cells
            ),
            useful_tokens=input_tokens + target_tokens,
            padded_tokens=batch.inputs.padded_tokens + batch.decoder_inputs.padded_tokens,
        )

    def _total(self, inputs: int, targets: int, encoder_cells: int, decoder_cells: int) -> int:
        tokens = inputs * self.input_token + targets * self.target_token
        return tokens + encoder_cells * self.encoder_cell + decoder_cells * self.decoder_cell


class WorkCounter:
    """Counts the work of a step's passes on their way to the model."""

    def __init__(self, flops: StepFlops) -> None:
        self._flops = flops
        # Of the passes that were handed on last.
        self.work = Work()

    def counting(self, passes_of: PassesOf) -> PassesOf:
        """The same passes. A step that is taken again, since memory ran out, counts once."""

        def counted(plan: MicroBatchPlan) -> Iterator[PackedBatch]:
            self.work = Work()
            for batch in passes_of(plan):
                self.work += self._flops.of_pass(batch)
                yield batch

        return counted
