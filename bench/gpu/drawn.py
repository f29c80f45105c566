"""Models and rows that are drawn: of the sizes of T5 v1.1, and of the token counts of cqa."""

from __future__ import annotations

import numpy as np
import torch
from dss_worker.config import Precision, TrialSettings
from dss_worker.data.encode import EncodedSplit, EncodedTask
from dss_worker.data.tokens import TokenTable
from dss_worker.training.collate import SpecialIds
from transformers import T5Config, T5ForConditionalGeneration

# d_model, d_ff, heads, layers, vocabulary. The first is for dry runs.
SHAPES = {
    "tiny": (32, 64, 2, 1, 500),
    "small": (512, 1024, 6, 8, 32_128),
    "base": (768, 2048, 12, 12, 32_128),
    "large": (1024, 2816, 16, 24, 32_128),
    "xl": (2048, 5120, 32, 24, 32_128),
    "xxl": (4096, 10240, 64, 24, 32_128),
}
ROWS = 4_096
BATCH = 64
SPECIAL = SpecialIds(pad=0, start=0, end=1)
ALPHA = 0.5
LR = 5e-5


def config_of(size: str) -> T5Config:
    d_model, d_ff, heads, layers, vocabulary = SHAPES[size]
    return T5Config(
        vocab_size=vocabulary,
        d_model=d_model,
        d_ff=d_ff,
        d_kv=64,
        num_heads=heads,
        num_layers=layers,
        feed_forward_proj="gated-gelu",
        decoder_start_token_id=0,
        pad_token_id=0,
        eos_token_id=1,
    )


def draw_model(size: str, device: torch.device) -> T5ForConditionalGeneration:
    torch.manual_seed(0)
    # There at once: on a CPU, the weights of XXL take longer to draw than all the rest.
    with device:
        model = T5ForConditionalGeneration(config_of(size))
        # Untied, as T5 v1.1 is.
        model.lm_head.weight = torch.nn.Parameter(model.lm_head.weight.detach().clone())
    model.train()
    return model


def count_weights(size: str) -> int:
    return sum(each.numel() for each in draw_model(size, torch.device("meta")).parameters())


def draw_split(vocabulary: int) -> EncodedSplit:
    """Means of 47 tokens of input, 3 of label and 30 of rationale."""
    draw = np.random.default_rng(0)

    def table(mean: float, deviation: float) -> TokenTable:
        lengths = np.clip(draw.normal(mean, deviation, ROWS).round().astype(int), 2, 128)
        return TokenTable.of([*draw.integers(3, vocabulary - 100, size=length - 1).tolist(), 1] for length in lengths)

    return EncodedSplit(EncodedTask(table(47, 9), table(3, 1)), EncodedTask(table(47, 9), table(30, 11)))


def settings_of(precision: Precision) -> TrialSettings:
    return TrialSettings(
        model="drawn", dataset="drawn", label_type="gt", model_type="task_prefix", seed=0, llm=None, alpha=ALPHA,
        subsample=1.0, max_steps=10_000, eval_steps=10_000, batch_size=BATCH, grad_steps=1, lr=LR,
        max_input_length=1_024, gen_max_len=64, precision=precision, dropout=0.1, select="compat", init="random",
    )  # fmt: skip
