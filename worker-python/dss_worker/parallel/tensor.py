"""Divides what a T5's layers compute: heads, columns of the feed-forward layer, tokens of the vocabulary.

Each process has its columns of the matrices that a layer reads by and its rows of the one that it writes by, computes
with them what one process would compute of these heads and columns, and the processes add up what they wrote. What
stands between the layers (states, norms, dropout of the states) all of them have, and compute alike.

Source: Shoeybi et al. 2019, arXiv:1909.08053; T5's position biases are divided by heads, as its matrices are.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Literal

import torch
from torch import Tensor, distributed, nn
from torch.nn import functional
from transformers import T5Config, T5ForConditionalGeneration
from transformers.models.t5.modeling_t5 import T5Attention

from dss_worker.errors import WorkerError
from dss_worker.training.collate import RowShare
from dss_worker.training.layer_part import ATTRIBUTE
from dss_worker.training.shares import rows_of

# By the name of a module, which dimension of its weight is divided. torch's linear layers have [outputs, inputs].
_ALONG: dict[str, Literal[0, 1]] = {
    **dict.fromkeys(("q", "k", "v", "wi", "wi_0", "wi_1", "shared", "embed_tokens", "lm_head"), 0),
    **dict.fromkeys(("o", "wo", "relative_attention_bias"), 1),
}
# Of a part's draws; more than there are layers and steps.
_SEEDS = 2**62


def divided_along(name: str) -> Literal[0, 1] | None:
    """Of a weight by its name; None: every process has all of it."""
    return _ALONG.get(name.split(".")[-2])


def check_heads(config: T5Config, processes: int) -> None:
    """Raises: WorkerError (LAYOUT_INVALID) if they cannot have equally many heads each."""
    heads = config.num_heads
    if heads % processes != 0:
        fitting = ", ".join(str(each) for each in range(2, heads + 1) if heads % each == 0)
        raise WorkerError(
            "LAYOUT_INVALID",
            f"layout: tensor: {processes} does not divide the model's {heads} attention heads",
            hint=f"tensor may be 1, {fitting} with this model; shard may be any number",
        )


def split_model(model: T5ForConditionalGeneration, share: RowShare, group: distributed.ProcessGroup) -> None:
    """In place, before anything else divides it. Of one on the meta device only the shapes change.

    Raises: WorkerError (LAYOUT_INVALID).
    """
    check_heads(model.config, share.of)
    part = _Part(share, group)
    for module in list(model.modules()):
        if isinstance(module, T5Attention):
            module.n_heads //= share.of
            module.inner_dim //= share.of
            _split_layer(module, part, writes="o")
        elif hasattr(module, "wo"):
            _split_layer(module, part, writes="wo")
    # What attention to the encoder's output reads; once for all layers.
    setattr(model.decoder, ATTRIBUTE, part)
    vocabulary = _Vocabulary(model.config.vocab_size, share, group)
    is_tied = model.lm_head.weight is model.shared.weight
    embedding = _taken(model.shared.weight, 0, share)
    head = embedding if is_tied else _taken(model.lm_head.weight, 0, share)
    for owner, name in ((model, "shared"), (model.encoder, "embed_tokens"), (model.decoder, "embed_tokens")):
        setattr(owner, name, _Embedding(embedding, vocabulary))
    model.lm_head = _Head(head, vocabulary)


def _split_layer(layer: nn.Module, part: _Part, *, writes: str) -> None:
    for name, module in layer.named_children():
        along = _ALONG.get(name)
        if along is not None:
            module.weight = _taken(module.weight, along, part.share)  # type: ignore[arg-type]
    layer.get_submodule(writes).register_forward_hook(part.add_up)
    setattr(layer, ATTRIBUTE, part)


def _taken(weight: Tensor, along: int, share: RowShare) -> nn.Parameter:
    ours = rows_of(share, weight.shape[along])
    taken = weight.detach().narrow(along, ours.start, len(ours))
    return nn.Parameter(taken.clone(memory_format=torch.contiguous_format))


class _Part:
    """Of every layer; a `LayerPart`."""

    def __init__(self, share: RowShare, group: distributed.ProcessGroup) -> None:
        self.share = share
        self._group = group

    def read(self, states: Tensor) -> Tensor:
        if not torch.is_grad_enabled():
            return states
        read: Tensor = _Read.apply(states, self._group)
        return read

    @contextmanager
    def own_draws(self) -> Iterator[None]:
        # Not by a generator that is kept: a layer that is computed again must draw the same again.
        seed = int(torch.randint(_SEEDS, ()).item())
        state = torch.get_rng_state()
        states_of_gpu = torch.cuda.get_rng_state() if torch.cuda.is_initialized() else None  # type: ignore[no-untyped-call]
        torch.manual_seed(seed + self.share.index)
        try:
            yield
        finally:
            torch.set_rng_state(state)
            if states_of_gpu is not None:
                torch.cuda.set_rng_state(states_of_gpu)

    def add_up(self, module: nn.Module, inputs: Any, written: Tensor) -> Tensor:  # noqa: ANN401 - torch's hook
        return _add_up(written, self._group)


class _Vocabulary:
    """A process's tokens; a `VocabularyPart`."""

    def __init__(self, size: int, share: RowShare, group: distributed.ProcessGroup) -> None:
        self._size = size
        self._share = share
        self.group = group
        self.start = rows_of(share, size).start

    def largest(self, values: Tensor) -> Tensor:
        distributed.all_reduce(values, distributed.ReduceOp.MAX, group=self.group)
        return values

    def sum(self, values: Tensor) -> Tensor:
        distributed.all_reduce(values, group=self.group)
        return values

    def gather(self, scores: Tensor) -> Tensor:
        """Of all parts, [..., vocabulary], from each part's [..., its tokens]."""
        counts = [len(rows_of(RowShare(index=each, of=self._share.of), self._size)) for each in range(self._share.of)]
        flat = scores.reshape(-1, scores.shape[-1])
        # Of one size, as the collective has it; the last may have fewer.
        ours = functional.pad(flat, (0, counts[0] - flat.shape[1])).contiguous()
        gathered = [torch.empty_like(ours) for _ in counts]
        distributed.all_gather(gathered, ours, group=self.group)
        whole = torch.cat([each[:, :count] for each, count in zip(gathered, counts, strict=True)], dim=1)
        return whole.reshape(*scores.shape[:-1], self._size)


class _Embedding(nn.Module):
    def __init__(self, weight: nn.Parameter, vocabulary: _Vocabulary) -> None:
        super().__init__()
        self.weight = weight
        self._vocabulary = vocabulary

    def forward(self, tokens: Tensor) -> Tensor:
        place = tokens - self._vocabulary.start
        is_elsewhere = (place < 0) | (place >= len(self.weight))
        embedded = functional.embedding(place.masked_fill(is_elsewhere, 0), self.weight)
        return _add_up(embedded.masked_fill(is_elsewhere[..., None], 0.0), self._vocabulary.group)


class _Head(nn.Module):
    """The output layer: its weight is this process's, what it gives is of all. Training reads the weight alone."""

    def __init__(self, weight: nn.Parameter, vocabulary: _Vocabulary) -> None:
        super().__init__()
        self.weight = weight
        self._vocabulary = vocabulary
        setattr(self, ATTRIBUTE, vocabulary)

    def forward(self, states: Tensor) -> Tensor:
        return self._vocabulary.gather(functional.linear(states, self.weight))


def _add_up(written: Tensor, group: distributed.ProcessGroup) -> Tensor:
    summed: Tensor = _AddUp.apply(written, group)
    return summed


class _Read(torch.autograd.Function):
    @staticmethod
    def forward(ctx, states: Tensor, group: distributed.ProcessGroup) -> Tensor:  # type: ignore[no-untyped-def] # noqa: ANN001
        ctx.group = group
        return states.view_as(states)

    @staticmethod
    def backward(ctx, grad: Tensor) -> tuple[Tensor, None]:  # type: ignore[no-untyped-def] # noqa: ANN001
        summed = grad.clone(memory_format=torch.contiguous_format)
        distributed.all_reduce(summed, group=ctx.group)
        return summed, None


class _AddUp(torch.autograd.Function):
    @staticmethod
    def forward(ctx, written: Tensor, group: distributed.ProcessGroup) -> Tensor:  # type: ignore[no-untyped-def] # noqa: ANN001
        summed = written.clone(memory_format=torch.contiguous_format)
        distributed.all_reduce(summed, group=group)
        return summed

    @staticmethod
    def backward(ctx, grad: Tensor) -> tuple[Tensor, None]:  # type: ignore[no-untyped-def] # noqa: ANN001
        return grad, None
