"""Cross entropy of an output layer, without all of its scores in memory at once.

The scores of a batch are its largest tensor by far: [target tokens, 32,128]. The loss of some tokens needs only
theirs, and so do the gradients. Both are computed together, for some tokens at a time, where autograd would keep the
scores, their logarithms and their gradients for the whole batch.
"""

from __future__ import annotations

import torch
from torch import Tensor

from dss_worker.training.layer_part import VocabularyPart

# Scores of so many tokens at a time: 33 MB in float32 with T5's vocabulary.
_CHUNK_TOKENS = 256
# The weight's gradient is added to once a chunk, which takes a GPU longer than a small chunk's products.
_GPU_CHUNK_TOKENS = 1_024


def chunk_tokens(device: torch.device) -> int:
    """Of how many tokens the scores are in memory at a time."""
    return _CHUNK_TOKENS if device.type == "cpu" else _GPU_CHUNK_TOKENS


def linear_loss(
    states: Tensor, weight: Tensor, targets: Tensor, token_weights: Tensor, *, part: VocabularyPart | None = None
) -> Tensor:
    """Sum over tokens of `token_weight * cross entropy of (states @ weight.T)`.

    In float32 whatever the products are made in: bfloat16 sums lose the small losses of a nearly trained model.

    Args:
        states: float, [tokens, d_model].
        weight: float, [vocabulary, d_model], of the output layer.
        targets: int64, [tokens].
        token_weights: float32, [tokens].
        part: which tokens of the vocabulary `weight` is of, where processes divide it; each gets the whole loss, and
            the whole gradient of the states.
    Returns: float32 scalar, nats times weight.
    """
    dtype = torch.get_autocast_dtype(states.device.type) if torch.is_autocast_enabled(states.device.type) else None
    loss: Tensor = _LinearLoss.apply(states, weight, targets, token_weights, dtype, part)
    return loss


class _LinearLoss(torch.autograd.Function):
    @staticmethod
    def forward(  # type: ignore[no-untyped-def] # noqa: PLR0917 - torch passes them so
        ctx,  # noqa: ANN001
        states: Tensor,
        weight: Tensor,
        targets: Tensor,
        token_weights: Tensor,
        dtype: torch.dtype | None,
        part: VocabularyPart | None,
    ) -> Tensor:
        needs_states, needs_weight = ctx.needs_input_grad[0], ctx.needs_input_grad[1]
        states_grad = torch.empty_like(states) if needs_states else None
        weight_grad = torch.zeros_like(weight) if needs_weight else None
        factor = weight if dtype is None else weight.to(dtype)
        loss = torch.zeros((), dtype=torch.float32, device=states.device)
        chunk = chunk_tokens(states.device)
        with torch.autocast(states.device.type, enabled=False):
            for start in range(0, len(states), chunk):
                tokens = slice(start, start + chunk)
                inputs = states[tokens] if dtype is None else states[tokens].to(dtype)
                scores = (inputs @ factor.T).to(torch.float32)
                target = targets[tokens, None]
                total, scored = _whole(scores, target) if part is None else _divided(scores, target, part)
                loss += ((total - scored).squeeze(1) * token_weights[tokens]).sum()
                if not (needs_states or needs_weight):
                    continue
                # d loss / d scores = token weight * (probability - 1 at the target).
                grad = scores.sub_(total).exp_()
                if part is None:
                    grad.scatter_add_(1, target, torch.full_like(target, -1, dtype=grad.dtype))
                else:
                    place, is_ours = _place(target, part, of=len(weight))
                    grad.scatter_add_(1, place, -is_ours.to(grad.dtype))
                grad.mul_(token_weights[tokens, None])
                grad = grad if dtype is None else grad.to(dtype)
                if states_grad is not None:
                    states_grad[tokens] = grad @ factor
                if weight_grad is not None:
                    if dtype is None:
                        weight_grad.addmm_(grad.T, inputs)
                    else:
                        weight_grad += grad.T @ inputs
                # Else they would still be there beside the next ones.
                del scores, grad
        if part is not None and states_grad is not None:
            part.sum(states_grad)
        ctx.save_for_backward(states_grad, weight_grad)
        return loss

    @staticmethod
    def backward(ctx, grad: Tensor) -> tuple[Tensor | None, Tensor | None, None, None, None, None]:  # type: ignore[no-untyped-def] # noqa: ANN001
        states_grad, weight_grad = ctx.saved_tensors
        return (
            None if states_grad is None else states_grad * grad,
            None if weight_grad is None else weight_grad * grad,
            None,
            None,
            None,
            None,
        )


def _whole(scores: Tensor, target: Tensor) -> tuple[Tensor, Tensor]:
    """The logarithm of what each token's exponentiated scores add up to, and the target's score; [tokens, 1]."""
    return scores.logsumexp(dim=1, keepdim=True), scores.gather(1, target)


def _divided(scores: Tensor, target: Tensor, part: VocabularyPart) -> tuple[Tensor, Tensor]:
    """The same over all parts of the vocabulary."""
    largest = part.largest(scores.amax(dim=1, keepdim=True))
    place, is_ours = _place(target, part, of=scores.shape[1])
    scored = scores.gather(1, place).masked_fill_(~is_ours, 0.0)
    sums = part.sum(torch.cat([(scores - largest).exp_().sum(dim=1, keepdim=True), scored], dim=1))
    return largest + sums[:, :1].log(), sums[:, 1:]


def _place(target: Tensor, part: VocabularyPart, *, of: int) -> tuple[Tensor, Tensor]:
    """Where a part of so many tokens has the target, if it has it; int64 and bool, [tokens, 1]."""
    place = target - part.start
    is_ours = (place >= 0) & (place < of)
    return place.masked_fill(~is_ours, 0), is_ours
