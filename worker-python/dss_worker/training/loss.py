"""The loss of a logical batch, as a sum over its tokens.

A logical batch is what one optimizer step sees: batch_size x grad_steps rows. Its loss is the mean over its real
tokens, and a mean over micro-batches of different lengths is not that. So every token gets its weight in the whole
first, and micro-batches only add up.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional

from dss_worker.errors import DataError

# Marks target positions that are padding; what torch's cross entropy leaves out by default.
IGNORE_INDEX = -100


@dataclass(frozen=True, slots=True, kw_only=True)
class TokenWeights:
    """What one real target token of each task counts in the loss of a logical batch; 0: the task is not run."""

    label: float
    rationale: float


def token_weights(*, alpha: float | None, label_tokens: int, rationale_tokens: int) -> TokenWeights:
    """Weights that make a sum over tokens `alpha * mean label loss + (1 - alpha) * mean rationale loss`.

    Args:
        alpha: in [0, 1]; None for the standard method, which learns labels only.
        label_tokens: real target tokens of the label task in the whole logical batch.
        rationale_tokens: the same of the rationale task; not looked at where it has no weight.
    Raises: DataError (EMPTY_TARGET) if a task with weight has no tokens.
    Source: eq. 4 of Hsieh et al. 2023, arXiv:2305.02301, with the released code's alpha.
    """
    share = 1.0 if alpha is None else alpha
    return TokenWeights(
        label=_per_token(share, label_tokens, "label"),
        rationale=_per_token(1.0 - share, rationale_tokens, "rationale"),
    )


def _per_token(share: float, tokens: int, task: str) -> float:
    if share == 0:
        return 0.0
    if tokens < 1:
        raise DataError(f"a batch has no {task} tokens to learn from", code="EMPTY_TARGET")
    return share / tokens


def summed_token_loss(logits: Tensor, targets: Tensor) -> Tensor:
    """Cross entropy, summed over the real target tokens.

    In float32 whatever the logits are: bfloat16 sums lose the small losses of a nearly trained model.

    Args:
        logits: float, [batch, length, vocab], unnormalized.
        targets: int64, [batch, length]; IGNORE_INDEX marks padding.
    Returns: float32 scalar, nats; 0 if every position is padding.
    Source: the token losses of Hsieh et al. 2023, arXiv:2305.02301.
    """
    flat = logits.reshape(-1, logits.shape[-1]).to(torch.float32)
    return functional.cross_entropy(flat, targets.reshape(-1), ignore_index=IGNORE_INDEX, reduction="sum")
