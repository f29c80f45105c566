"""T5's forward pass over packed rows: the same function as transformers', without work for padding.

It runs the model's own modules, so that weights, adapters and dropout rates are where everybody looks for them; only
the order of the work is ours. Encoder rows and decoder rows come in pairs: decoder row i attends to encoder row i.
Against transformers' pass, three things are saved besides padding: the relative position bias and the mask are added
up once for a stack and not in every layer, the output layer runs only where there is a target, and its scores are
never all in memory (`linear_loss.py`).

Source of the function: transformers 5.24, models/t5; Raffel et al. 2020, arXiv:1910.10683.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache, partial
from typing import Any, cast

import torch
from torch import Tensor, nn
from torch.nn import functional
from torch.utils.checkpoint import checkpoint
from transformers import T5ForConditionalGeneration
from transformers.models.t5.modeling_t5 import T5Attention, T5Block, T5LayerNorm, T5Stack

from dss_worker.training.dropout import add_dropped, drop, rate_of
from dss_worker.training.joined_product import joined_product
from dss_worker.training.layer_part import part_of
from dss_worker.training.packing import PackedRows, RowGroup
from dss_worker.training.within import within


@dataclass(frozen=True, slots=True, kw_only=True)
class Engine:
    """How a layer is run; whatever it is, the same is computed, but for roundings."""

    # Activations are computed again in the backward pass, with the same dropout.
    with_checkpoints: bool = False
    # What is computed element by element is fused by torch.compile. Dropout's draws are others then.
    is_compiled: bool = False
    # Products of the same states with several matrices are one, with all of them side by side: a GPU takes as long to
    # begin a small product as to compute it. Weights' gradients are not rounded to bfloat16 then (`joined_product.py`).
    is_joined: bool = False
    # Passes of a shape that comes again are recorded and replayed (`recorded_passes.py`).
    is_recorded: bool = False


PLAIN = Engine()


@dataclass(frozen=True, slots=True, kw_only=True)
class _Attention:
    """Which rows attend to which."""

    queries: tuple[RowGroup, ...]
    keys: tuple[RowGroup, ...]
    # What is added to each group's scores: relative positions, and the mask. Float, broadcasts to [rows, heads,
    # query length, key length].
    biases: tuple[Tensor | None, ...]
    engine: Engine


def encode(model: T5ForConditionalGeneration, inputs: PackedRows, *, engine: Engine = PLAIN) -> Tensor:
    """The encoder's output; float, [input tokens, d_model]."""
    return within(model.encoder, _encode, model, inputs, engine)


def _encode(model: T5ForConditionalGeneration, inputs: PackedRows, engine: Engine) -> Tensor:
    stack = model.encoder
    attention = _self_attention(stack, inputs, is_causal=False, engine=engine)
    states = _embed(stack, inputs)
    for block in _blocks(stack):
        states = _run(engine, _encoder_block, block, states, attention)
    return _finish(stack, states)


def decode(
    model: T5ForConditionalGeneration,
    encoded: Tensor,
    inputs: PackedRows,
    decoder_inputs: PackedRows,
    *,
    engine: Engine = PLAIN,
) -> Tensor:
    """What the output layer reads; float, [target tokens, d_model].

    Args:
        encoded: of `encode` for `inputs`.
        decoder_inputs: the targets moved one place to the right; groups of as many rows as those of `inputs`.
    """
    return within(model.decoder, _decode, model, encoded, inputs, decoder_inputs, engine)


def _decode(
    model: T5ForConditionalGeneration, encoded: Tensor, inputs: PackedRows, decoder_inputs: PackedRows, engine: Engine
) -> Tensor:
    stack = model.decoder
    attention = _self_attention(stack, decoder_inputs, is_causal=True, engine=engine)
    masks = tuple(_padding_bias(group, encoded.dtype) for group in inputs.groups)
    across = _Attention(queries=decoder_inputs.groups, keys=inputs.groups, biases=masks, engine=engine)
    encoded = part_of(stack).read(encoded)
    states = _embed(stack, decoder_inputs)
    for block in _blocks(stack):
        states = _run(engine, _decoder_block, block, states, attention, encoded, across)
    states = _finish(stack, states)
    return states * model.model_dim**-0.5 if model.config.scale_decoder_outputs else states


def _run(engine: Engine, run: Callable[..., Tensor], block: T5Block, *values: object) -> Tensor:
    if engine.with_checkpoints:
        run = partial(checkpoint, run, use_reentrant=False)
    return within(block, run, block, *values)


def _blocks(stack: T5Stack) -> list[T5Block]:
    return cast(list[T5Block], list(stack.block))


def _embed(stack: T5Stack, rows: PackedRows) -> Tensor:
    return drop(stack.embed_tokens(rows.ids), rate_of(stack.dropout))


def _finish(stack: T5Stack, states: Tensor) -> Tensor:
    return drop(_norm(stack.final_layer_norm, states), rate_of(stack.dropout))


def _encoder_block(block: T5Block, states: Tensor, attention: _Attention) -> Tensor:
    states = _attend_to_itself(block, states, attention)
    return _feed_forward(block, states, attention.engine)


def _decoder_block(
    block: T5Block, states: Tensor, attention: _Attention, encoded: Tensor, across: _Attention
) -> Tensor:
    states = _attend_to_itself(block, states, attention)
    layer = _layer(block, 1)
    asking = part_of(layer.EncDecAttention).read(_norm(layer.layer_norm, states))
    output = _attend(layer.EncDecAttention, asking, encoded, across)
    states = _add_dropped(states, output, layer.dropout, across.engine)
    return _feed_forward(block, states, attention.engine)


def _layer(block: T5Block, number: int) -> Any:  # noqa: ANN401
    """Attention layers have their own classes, of which torch's lists know nothing."""
    return block.layer[number]


def _attend_to_itself(block: T5Block, states: Tensor, attention: _Attention) -> Tensor:
    layer = _layer(block, 0)
    normed = part_of(layer.SelfAttention).read(_norm(layer.layer_norm, states))
    output = _attend(layer.SelfAttention, normed, normed, attention)
    return _add_dropped(states, output, layer.dropout, attention.engine)


def _feed_forward(block: T5Block, states: Tensor, engine: Engine) -> Tensor:
    layer = _layer(block, -1)
    dense = layer.DenseReluDense
    part = part_of(dense)
    normed = part.read(_norm(layer.layer_norm, states))
    if not hasattr(dense, "wi_0"):
        hidden = _activate(dense.act, dense.wi(normed))
        with part.own_draws():
            hidden = drop(hidden, rate_of(dense.dropout))
    else:
        products = _products(normed, (dense.wi_0, dense.wi_1), engine)
        with part.own_draws():
            hidden = _fused(_gate, engine)(products, dense.act, dense.dropout)
    (output,) = _products(hidden, (dense.wo,), engine)
    return _add_dropped(states, output, layer.dropout, engine)


def _gate(products: Sequence[Tensor], activation: nn.Module, dropout: nn.Dropout) -> Tensor:
    gate, linear = products if len(products) == 2 else products[0].chunk(2, dim=-1)
    return drop(_activate(activation, gate) * linear, rate_of(dropout))


def _add_dropped(states: Tensor, addend: Tensor, dropout: nn.Dropout, engine: Engine) -> Tensor:
    return _fused(add_dropped, engine)(states, addend, dropout)


def _fused(run: Callable[..., Tensor], engine: Engine) -> Callable[..., Tensor]:
    return _compiled(run) if engine.is_compiled else run


@cache
def _compiled(run: Callable[..., Tensor]) -> Callable[..., Tensor]:
    """For the life of the process, and for all lengths."""
    return torch.compile(run, dynamic=True)


def _products(states: Tensor, layers: Sequence[nn.Module], engine: Engine) -> Sequence[Tensor]:
    """What each layer makes of the states; joined, all of it side by side in one."""
    if engine.is_joined and _are_plain(layers):
        return (joined_product(states, [cast(Tensor, layer.weight) for layer in layers]),)
    return [layer(states) for layer in layers]


def _are_plain(layers: Sequence[nn.Module]) -> bool:
    """Whether each is its matrix and nothing besides, such as an adapter, or a sum over tensor ranks (a hook)."""
    return all(not layer._forward_hooks and type(layer) is nn.Linear and layer.bias is None for layer in layers)


def _activate(activation: nn.Module, states: Tensor) -> Tensor:
    # T5 v1.1's, which transformers spells out in eight operations.
    if type(activation).__name__ == "NewGELUActivation":
        return functional.gelu(states, approximate="tanh")
    return cast(Tensor, activation(states))


def _norm(norm: T5LayerNorm, states: Tensor) -> Tensor:
    # In float32 also under autocast, as transformers' is.
    return functional.rms_norm(states, norm.weight.shape, norm.weight, norm.variance_epsilon)


def _attend(module: T5Attention, asking: Tensor, asked: Tensor, attention: _Attention) -> Tensor:
    """[query tokens, d_model] and [key tokens, d_model], packed, to [query tokens, d_model]."""
    dropout = module.dropout if module.training else 0.0
    if asking is asked:
        heads = _heads(module, _products(asking, (module.q, module.k, module.v), attention.engine), attention.keys)
    else:
        queries = _heads(module, _products(asking, (module.q,), attention.engine), attention.queries)
        others = _heads(module, _products(asked, (module.k, module.v), attention.engine), attention.keys)
        heads = [(*ours, *theirs) for ours, theirs in zip(queries, others, strict=True)]
    outputs = []
    for group, (q, k, v), bias in zip(attention.queries, heads, attention.biases, strict=True):
        with part_of(module).own_draws():
            attended = _dot_product_attention(q, k, v, bias, dropout)
        outputs.append(group.unpad(attended.transpose(1, 2).reshape(group.rows, group.longest, -1)))
    packed = outputs[0] if len(outputs) == 1 else torch.cat(outputs)
    (output,) = _products(packed, (module.o,), attention.engine)
    return output


def _heads(module: T5Attention, products: Sequence[Tensor], groups: Sequence[RowGroup]) -> Sequence[tuple[Tensor, ...]]:
    """Of each group what it has of each product, [rows, heads, longest, width]."""
    heads, width = module.n_heads, module.key_value_proj_dim
    return [
        tuple(part for packed in products for part in group.pad_heads(packed, heads=heads, width=width))
        for group in groups
    ]


def _dot_product_attention(q: Tensor, k: Tensor, v: Tensor, bias: Tensor | None, dropout: float) -> Tensor:
    """T5's attention, which does not scale its scores; all [rows, heads, length, width]."""
    if q.device.type != "cpu":
        return functional.scaled_dot_product_attention(
            q, k, v, attn_mask=None if bias is None else bias.to(q.dtype), dropout_p=dropout, scale=1.0
        )
    # torch's kernel for a CPU has no dropout and no gradient of the bias; what it falls back to does more than this.
    scores = q @ k.transpose(2, 3)
    if bias is not None:
        scores = scores + bias
    return drop(scores.softmax(dim=-1), dropout) @ v


def _self_attention(stack: T5Stack, rows: PackedRows, *, is_causal: bool, engine: Engine) -> _Attention:
    """What all the layers of a stack have in common."""
    biases = tuple(_self_bias(stack, group, is_causal=is_causal) for group in rows.groups)
    return _Attention(queries=rows.groups, keys=rows.groups, biases=biases, engine=engine)


def _self_bias(stack: T5Stack, group: RowGroup, *, is_causal: bool) -> Tensor:
    """Float, [1 or rows, heads, longest, longest]."""
    bias: Tensor = _layer(_blocks(stack)[0], 0).SelfAttention.compute_bias(group.longest, group.longest)
    if is_causal:
        # Padding is behind every token, so nothing sees it.
        later = torch.ones(group.longest, group.longest, dtype=torch.bool, device=bias.device).triu(1)
        return bias.masked_fill(later, torch.finfo(bias.dtype).min)
    if group.is_padding is None:
        return bias
    return bias.masked_fill(group.is_padding[:, None, None, :], torch.finfo(bias.dtype).min)


def _padding_bias(group: RowGroup, dtype: torch.dtype) -> Tensor | None:
    """Float, [rows, 1, 1, longest]."""
    if group.is_padding is None:
        return None
    bias = torch.zeros(group.is_padding.shape, dtype=dtype, device=group.is_padding.device)
    return bias.masked_fill_(group.is_padding, torch.finfo(dtype).min)[:, None, None, :]
