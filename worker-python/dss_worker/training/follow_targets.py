"""What one pass of the decoder along the targets says: their loss, and how generation begins."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor
from torch.nn import functional
from transformers import T5ForConditionalGeneration

from dss_worker.data.encode import TokenTable
from dss_worker.training.collate import lengths_of, shift_right, tokens_of
from dss_worker.training.encoded_rows import EncodedRows
from dss_worker.training.linear_loss import chunk_tokens
from dss_worker.training.model import special_ids
from dss_worker.training.packed_t5 import decode
from dss_worker.training.packing import Lengths, pack, sizes_of

Flags = npt.NDArray[np.bool_]
Tokens = npt.NDArray[np.int64]
_NEVER = np.iinfo(np.int64).max - 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Followed:
    """Of some rows, in their order."""

    # Of all targets, summed.
    nats: float
    # int64, [target tokens of all rows]: what the decoder chose where it had read the target up to there.
    chosen: Tokens
    # int64, [rows]: where each row's begin.
    starts: Lengths
    # int64, [rows]: how many tokens of its generation are known. They are the row's first choices: the target's,
    # except perhaps the last.
    known: Lengths
    # Whether these are all that generation gives.
    is_ended: Flags
    # Whether they are the target and nothing else.
    is_target: Flags

    def beginning(self, place: int) -> list[int]:
        start = int(self.starts[place])
        tokens: list[int] = self.chosen[start : start + int(self.known[place])].tolist()
        return tokens


def follow_targets(
    model: T5ForConditionalGeneration, targets: TokenTable, encoded: EncodedRows, *, max_tokens: int
) -> Followed:
    """
    Args:
        model: within `inference`.
        targets: each of a token at least.
        max_tokens: that generation gives, the end token included.
    """
    special = special_ids(model)
    tokens, lengths = tokens_of(targets, encoded.rows), lengths_of(targets, encoded.rows)
    sizes = sizes_of(lengths, group_rows=[group.rows for group in encoded.inputs.groups])
    read = pack(shift_right(tokens, lengths, start=special.start), lengths, sizes)
    states = decode(model, encoded.states, encoded.inputs, read.to(model.device))
    chosen, nats = _choose(model, states, tokens)
    return compare(tokens, chosen, lengths, nats=nats, end=special.end, max_tokens=max_tokens)


def compare(targets: Tokens, chosen: Tokens, lengths: Lengths, *, nats: float, end: int, max_tokens: int) -> Followed:
    """
    Args:
        targets, chosen: int64, [tokens of all rows]: what should come next, and what the decoder chose.
        lengths: int64, [rows], each at least 1.
    """
    starts = np.cumsum(lengths) - lengths
    places = np.arange(len(targets)) - np.repeat(starts, lengths)
    # Tokens up to and with the first end token, and the first that was not chosen.
    ended = np.minimum.reduceat(np.where(targets == end, places, _NEVER), starts) + 1
    missed = np.minimum.reduceat(np.where(targets != chosen, places, _NEVER), starts) + 1
    # Generation follows the target no further than this.
    stop = np.minimum(np.minimum(ended, max_tokens), lengths)
    known = np.minimum(stop, missed)
    last = chosen[starts + np.maximum(known, 1) - 1]
    is_ended = (known == max_tokens) | (last == end)
    return Followed(
        nats=nats,
        chosen=chosen,
        starts=starts,
        known=known,
        is_ended=is_ended,
        is_target=is_ended & (known == lengths) & (missed > known),
    )


def _choose(model: T5ForConditionalGeneration, states: Tensor, targets: Tokens) -> tuple[Tokens, float]:
    """The likeliest token after each state, and the summed loss of the targets in nats."""
    wanted = torch.from_numpy(targets).to(states.device)
    chosen = torch.empty_like(wanted)
    nats = torch.zeros((), dtype=torch.float64, device=states.device)
    chunk = chunk_tokens(states.device)
    for start in range(0, len(states), chunk):
        part = slice(start, start + chunk)
        logits = model.lm_head(states[part])
        chosen[part] = logits.argmax(dim=-1)
        nats += functional.cross_entropy(logits, wanted[part], reduction="sum")
    return chosen.cpu().numpy(), float(nats)
