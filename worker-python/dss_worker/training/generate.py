"""Greedy decoding of a T5, for many short texts at a time.

It chooses what transformers' `generate` chooses with `do_sample=False, num_beams=1`, from the same modules and weights.
What it leaves out is most of the work: a row is in the batch only as long as somebody wants its next token, what is
known of a text is read in one pass, and a step is a few dozen calls of torch instead of some hundred lines of Python
per layer.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any, cast

import torch
from torch import Tensor
from torch.nn import functional
from torch.nn.utils.rnn import pad_sequence
from transformers import T5ForConditionalGeneration
from transformers.models.t5.modeling_t5 import T5Attention

from dss_worker.training.model import special_ids
from dss_worker.training.within import is_gathered, within

# Of the batch's rows that nobody waits for, before the others are moved together. A move copies what two steps or so
# would have spent on those rows.
_IDLE_SHARE = 1 / 8


@contextmanager
def inference(model: T5ForConditionalGeneration) -> Iterator[None]:
    """Without dropout and gradients; afterwards the model's mode is what it was."""
    was_training = model.training
    model.train(mode=False)
    # Weights that are gathered in inference mode are of no use to training afterwards.
    without_gradients = torch.no_grad() if is_gathered(model) else torch.inference_mode()
    try:
        with without_gradients:
            yield
    finally:
        model.train(was_training)


def generate_greedily(
    model: T5ForConditionalGeneration,
    encoded: Sequence[Tensor],
    *,
    max_tokens: int,
    prefixes: Sequence[Sequence[int]] | None = None,
    goes_on: Callable[[int, int], bool] = lambda row, token: True,
    fewest: int = 1,
    before_step: Callable[[], None] = lambda: None,
) -> list[list[int]]:
    """The likeliest tokens one after the other, for each row up to and with the end token.

    Args:
        model: within `inference`.
        encoded: per row the encoder's output for the row's real tokens, float, [input length, d_model].
        max_tokens: of a row, its prefix and the end token included. `generate` counts the start token too.
        prefixes: per row tokens that are known to be chosen first, fewer than `max_tokens`, none of them the end.
        goes_on: told row and token of each choice but the end token; False gives the row up as it is.
        fewest: rows to go on for; fewer than these are left as they are, for the caller to take up again.
        before_step: called before every step; may raise to end it all.
    """
    texts = [list(prefix) for prefix in prefixes] if prefixes is not None else [[] for _ in encoded]
    if max_tokens == 0 or not texts:
        return texts
    special = special_ids(model)
    widest = 1 + max(map(len, texts))
    # On the left, so that every row's next token goes into the same column.
    padding = [widest - 1 - len(text) for text in texts]
    read = [[special.pad] * pad + [special.start, *text] for pad, text in zip(padding, texts, strict=True)]
    tokens = torch.tensor(read, device=model.device)
    decoder = _CachedDecoder(model, encoded, padding=padding, columns=max(padding) + max_tokens)
    # Which text each row of the batch is; None: nobody waits for its tokens.
    waiting: list[int | None] = list(range(len(texts)))
    while True:
        before_step()
        chosen = decoder.next_logits(tokens).argmax(dim=-1)
        for place, (row, token) in enumerate(zip(waiting, chosen.tolist(), strict=True)):
            if row is None:
                continue
            texts[row].append(token)
            if token == special.end or len(texts[row]) == max_tokens or not goes_on(row, token):
                waiting[place] = None
        places = [place for place, row in enumerate(waiting) if row is not None]
        if len(places) < fewest:
            return texts
        if len(places) < len(waiting) * (1 - _IDLE_SHARE):
            kept = torch.tensor(places, device=model.device)
            decoder.keep(kept)
            chosen = chosen[kept]
            waiting = [waiting[place] for place in places]
        tokens = chosen[:, None]


class _CachedDecoder:
    """A model's decoder over some rows, with the keys and values of all that they have read."""

    def __init__(
        self,
        model: T5ForConditionalGeneration,
        encoded: Sequence[Tensor],
        *,
        padding: Sequence[int],
        columns: int,
    ) -> None:
        """
        Args:
            padding: per row, how many columns on the left hold no token.
            columns: tokens of a row, padding included, that will be read at most.
        """
        self._model = model
        # transformers' modules have hardly any types.
        self._blocks: list[Any] = list(model.decoder.block)
        states = pad_sequence(list(encoded), batch_first=True)
        device = states.device
        self._lowest = torch.finfo(states.dtype).min
        self._first: Any = self._blocks[0].layer[0].SelfAttention
        self._heads, self._head_width = int(self._first.n_heads), int(self._first.key_value_proj_dim)
        # float, [1, heads, 1, columns]: what the newest column adds to its scores; the last is for the column itself.
        self._bias: Tensor = self._first.compute_bias(1, columns, device=device, past_seen_tokens=columns - 1)
        self._read = 0
        self._self_mask = self._mask(torch.tensor(padding, device=device), columns, is_left=True)
        lengths = torch.tensor([len(each) for each in encoded], device=device)
        self._cross_mask = self._mask(lengths, states.shape[1], is_left=False)
        # Keys and values of each layer, [rows, heads, columns or input length, head width]. A head's stand together:
        # products with one query per head read them four times as fast as interleaved with the other heads'.
        shape = (len(encoded), self._heads, columns, self._head_width)
        self._own = [(states.new_zeros(shape), states.new_zeros(shape)) for _ in self._blocks]
        self._cross = within(model.decoder, self._cross_keys_and_values, states)

    def _cross_keys_and_values(self, states: Tensor) -> list[tuple[Tensor, Tensor]]:
        def of(block: Any) -> tuple[Tensor, Tensor]:  # noqa: ANN401
            attention = block.layer[1].EncDecAttention
            return self._by_head(attention.k(states)).contiguous(), self._by_head(attention.v(states)).contiguous()

        return [within(block, of, block) for block in self._blocks]

    def _mask(self, lengths: Tensor, columns: int, *, is_left: bool) -> Tensor:
        """float, [rows, 1, 1, columns]: 0, and the lowest number where a column is padding."""
        places = torch.arange(columns, device=lengths.device)
        padded = places < lengths[:, None] if is_left else places >= lengths[:, None]
        return torch.where(padded, self._lowest, 0.0)[:, None, None, :]

    def next_logits(self, tokens: Tensor) -> Tensor:
        """Reads int64 [rows, new columns]; float, [rows, vocabulary], for what follows."""
        return within(self._model.decoder, self._next_logits, tokens)

    def _next_logits(self, tokens: Tensor) -> Tensor:
        model = self._model
        begin, self._read = self._read, self._read + tokens.shape[1]
        hidden: Tensor = model.shared(tokens)
        mask = self._scores_added(begin)
        for number, block in enumerate(self._blocks):
            hidden = within(block, self._run_block, number, hidden, mask, begin)
        hidden = model.decoder.final_layer_norm(hidden)
        return output_logits(model, hidden)

    def _run_block(self, number: int, hidden: Tensor, mask: Tensor, begin: int) -> Tensor:
        own, cross, forward = self._blocks[number].layer
        normed = own.layer_norm(hidden)
        keys, values = self._own[number]
        keys[:, :, begin : self._read] = self._by_head(own.SelfAttention.k(normed))
        values[:, :, begin : self._read] = self._by_head(own.SelfAttention.v(normed))
        hidden = hidden + self._attend(
            own.SelfAttention, normed, keys[:, :, : self._read], values[:, :, : self._read], mask
        )
        normed = cross.layer_norm(hidden)
        hidden = hidden + self._attend(cross.EncDecAttention, normed, *self._cross[number], self._cross_mask)
        if number == len(self._blocks) - 1:
            hidden = hidden[:, -1]
        output: Tensor = forward(hidden)
        return output

    def keep(self, rows: Tensor) -> None:
        """Goes on with these rows of the batch, in this order."""
        self._self_mask = self._self_mask[rows]
        self._cross_mask = self._cross_mask[rows]
        self._cross = [(keys[rows], values[rows]) for keys, values in self._cross]
        self._own = [(self._kept(keys, rows), self._kept(values, rows)) for keys, values in self._own]

    def _kept(self, cached: Tensor, rows: Tensor) -> Tensor:
        kept = cached.new_zeros((len(rows), *cached.shape[1:]))
        kept[:, :, : self._read] = cached[rows, :, : self._read]
        return kept

    def _scores_added(self, begin: int) -> Tensor:
        """float, [rows, heads, new columns, columns read]: position bias, and what may not be looked at."""
        new, read = self._read - begin, self._read
        if new == 1:
            return self._bias[..., -read:] + self._self_mask[..., :read]
        bias: Tensor = self._first.compute_bias(new, read, device=self._bias.device, past_seen_tokens=begin)
        later = torch.ones(new, read, dtype=torch.bool, device=bias.device).triu(diagonal=begin + 1)
        return (bias + self._self_mask[..., :read]).masked_fill(later, self._lowest)

    def _attend(self, attention: T5Attention, normed: Tensor, keys: Tensor, values: Tensor, mask: Tensor) -> Tensor:
        """float, [rows, new columns, d_model]. T5 does not scale its scores."""
        queries = self._by_head(attention.q(normed))
        if queries.device.type == "cpu":
            # torch's own attention takes twice as long for one query.
            mixed = ((queries @ keys.transpose(2, 3)) + mask).softmax(dim=-1) @ values
        else:
            mixed = functional.scaled_dot_product_attention(queries, keys, values, mask, scale=1.0)
        output: Tensor = attention.o(mixed.transpose(1, 2).flatten(2))
        return output

    def _by_head(self, wide: Tensor) -> Tensor:
        return wide.reshape(*wide.shape[:2], self._heads, self._head_width).transpose(1, 2)


def output_logits(model: T5ForConditionalGeneration, hidden: Tensor) -> Tensor:
    """The output layer, with the scaling that T5 has and T5 v1.1 has not.

    Args:
        hidden: float, [..., d_model], after the decoder's last norm.
    """
    if model.config.scale_decoder_outputs:
        hidden = hidden * model.config.d_model**-0.5
    return cast(Tensor, model.lm_head(hidden))
