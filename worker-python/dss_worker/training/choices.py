"""How likely a model finds given texts: the answers that a dataset allows, or the label after a rationale."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, cast

import numpy as np
import torch
from torch import Tensor
from torch.nn.utils.rnn import pad_sequence
from transformers import T5ForConditionalGeneration
from transformers.models.t5.modeling_t5 import T5Stack

from dss_worker.training.generate import output_logits
from dss_worker.training.model import special_ids
from dss_worker.training.within import within

# Of decoder tokens, padding included, that are scored together.
_TOKENS_AT_ONCE = 2048

Tokens = Sequence[int]


@dataclass(frozen=True, slots=True, kw_only=True)
class Candidates:
    """Texts that could come next, for one input."""

    # float, [input length, d_model]: the encoder's output.
    encoded: Tensor
    # What the decoder has written before, without the start token.
    prefix: Tokens
    # End tokens included.
    texts: Sequence[Tokens]


def is_label_likeliest(log_probabilities: Sequence[float], texts: Sequence[Tokens], label: Tokens) -> bool:
    """Whether the first of the likeliest texts is the label; a label that is not among them never is."""
    if not texts:
        return False
    best = max(range(len(texts)), key=lambda number: log_probabilities[number])
    return list(texts[best]) == list(label)


def log_probabilities(model: T5ForConditionalGeneration, rows: Sequence[Candidates]) -> list[list[float]]:
    """Of every text of every row: the sum of its tokens' log-probabilities, in nats. Not divided by its length.

    An input is encoded once whatever the number of its texts, and they all stand in one line of the decoder, behind
    the prefix: each token sees the prefix and its own text, and is as far from them as if it were alone.

    Args:
        model: within `inference`.
        rows: best in order of input length; some are padded together.
    """
    start = special_ids(model).start
    lines = [_Line.of(row, start=start) for row in rows]
    at_once = max(1, _TOKENS_AT_ONCE // max((len(line.tokens) for line in lines), default=1))
    sums: list[list[float]] = []
    for begin in range(0, len(rows), at_once):
        part = slice(begin, begin + at_once)
        sums += _sums(model, [row.encoded for row in rows[part]], lines[part])
    return sums


@dataclass(frozen=True, slots=True, kw_only=True)
class _Line:
    """The prefix and all texts of a row, one after the other."""

    # What the decoder reads.
    tokens: list[int]
    # How many tokens are before each in its text, the prefix included.
    positions: list[int]
    # 0 for the prefix, from 1 for the texts.
    blocks: list[int]
    # (place in the line that is read last, token that should come next, number of its text) of all tokens of texts.
    asked: list[tuple[int, int, int]]
    texts: int

    @classmethod
    def of(cls, row: Candidates, *, start: int) -> _Line:
        tokens = [start, *row.prefix]
        positions = list(range(len(tokens)))
        blocks = [0] * len(tokens)
        asked = []
        for number, text in enumerate(row.texts):
            place = len(row.prefix)
            for offset, token in enumerate(text):
                asked.append((place, token, number))
                if offset + 1 < len(text):
                    place = len(tokens)
                    tokens.append(token)
                    positions.append(len(row.prefix) + 1 + offset)
                    blocks.append(number + 1)
        return cls(tokens=tokens, positions=positions, blocks=blocks, asked=asked, texts=len(row.texts))


def _sums(model: T5ForConditionalGeneration, encoded: Sequence[Tensor], lines: Sequence[_Line]) -> list[list[float]]:
    device = model.device
    width = max(len(line.tokens) for line in lines)
    hidden = _decode(
        model,
        encoded,
        tokens=_padded([line.tokens for line in lines], width).to(device),
        positions=_padded([line.positions for line in lines], width).to(device),
        blocks=_padded([line.blocks for line in lines], width).to(device),
    )
    asked = np.array(
        [
            (row * width + place, token, row, number)
            for row, line in enumerate(lines)
            for place, token, number in line.asked
        ],
        dtype=np.int64,
    ).reshape(-1, 4)
    # A place whose token all texts of a row begin after is looked at once.
    places, which = np.unique(asked[:, 0], return_inverse=True)
    logits = output_logits(model, hidden.flatten(0, 1)[torch.from_numpy(places).to(device)])
    found = torch.log_softmax(logits.to(torch.float32), dim=-1)[torch.from_numpy(which), torch.from_numpy(asked[:, 1])]
    sums = np.zeros((len(lines), max(line.texts for line in lines)))
    np.add.at(sums, (asked[:, 2], asked[:, 3]), found.cpu().numpy().astype(np.float64))
    return [row[: line.texts].tolist() for row, line in zip(sums, lines, strict=True)]


def _decode(
    model: T5ForConditionalGeneration,
    encoded: Sequence[Tensor],
    *,
    tokens: Tensor,
    positions: Tensor,
    blocks: Tensor,
) -> Tensor:
    """What the output layer reads: float, [rows, width, d_model]. All of `tokens` and so on: int64, [rows, width]."""
    return within(model.decoder, _run_decoder, model.decoder, encoded, tokens, positions, blocks)


def _run_decoder(
    stack: T5Stack, encoded: Sequence[Tensor], tokens: Tensor, positions: Tensor, blocks: Tensor
) -> Tensor:
    layers: Any = stack.block  # transformers' modules have hardly any types
    attention = layers[0].layer[0].SelfAttention
    states = pad_sequence(list(encoded), batch_first=True)
    lowest = torch.finfo(states.dtype).min
    places = torch.arange(tokens.shape[1], device=tokens.device)
    is_seen = (places <= places[:, None]) & ((blocks[:, None] == 0) | (blocks[:, None] == blocks[..., None]))
    buckets = attention._relative_position_bucket(
        positions[:, None] - positions[..., None],
        bidirectional=False,
        num_buckets=attention.relative_attention_num_buckets,
        max_distance=attention.relative_attention_max_distance,
    )
    bias = attention.relative_attention_bias(buckets).permute(0, 3, 1, 2).masked_fill(~is_seen[:, None], lowest)
    lengths = torch.tensor([len(each) for each in encoded], device=tokens.device)
    padded = torch.arange(states.shape[1], device=tokens.device) >= lengths[:, None]
    hidden = stack.embed_tokens(tokens)
    for block in layers:
        run = partial(
            block.forward,
            position_bias=bias,
            encoder_hidden_states=states,
            encoder_attention_mask=padded[:, None, None] * lowest,
        )
        hidden = within(block, run, hidden)[0]
    return cast(Tensor, stack.final_layer_norm(hidden))


def _padded(rows: Sequence[list[int]], width: int) -> Tensor:
    filled = np.zeros((len(rows), width), dtype=np.int64)
    for place, row in enumerate(rows):
        filled[place, : len(row)] = row
    return torch.from_numpy(filled)
