"""Cross entropy of an output layer, without all of its scores in memory at once.

The scores of a batch are its largest tensor by far: [target tokens, 32,128]. The loss of some tokens needs only
theirs, and so do the gradients. Both are computed together, for some tokens at a time, where autograd would keep the
scores, their logarithms and their gradients for the whole batch.
"""

from __future__ import annotations

import torch
from torch import Tensor

# Scores of so many tokens at a time: 33 MB in float32 with T5's vocabulary.
CHUNK_TOKENS = 256


def linear_loss(states: Tensor, weight: Tensor, targets: Tensor, token_weights: Tensor) -> Tensor:
    """Sum over tokens of `token_weight * cross entropy of (states @ weight.T)`.

    In float32 whatever the products are made in: bfloat16 sums lose the small losses of a nearly trained model.

    Args:
        states: float, [tokens, d_model].
        weight: float, [vocabulary, d_model], of the output layer.
        targets: int64, [tokens].
        token_weights: float32, [tokens].
    Returns: float32 scalar, nats times weight.
    """
    dtype = torch.get_autocast_dtype(states.device.type) if torch.is_autocast_enabled(states.device.type) else None
    loss: Tensor = _LinearLoss.apply(states, weight, targets, token_weights, dtype)
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
    ) -> Tensor:
        needs_states, needs_weight = ctx.needs_input_grad[0], ctx.needs_input_grad[1]
        states_grad = torch.empty_like(states) if needs_states else None
        weight_grad = torch.zeros_like(weight) if needs_weight else None
        factor = weight if dtype is None else weight.to(dtype)
        loss = torch.zeros((), dtype=torch.float32, device=states.device)
        with torch.autocast(states.device.type, enabled=False):
            for start in range(0, len(states), CHUNK_TOKENS):
                part = slice(start, start + CHUNK_TOKENS)
                inputs = states[part] if dtype is None else states[part].to(dtype)
                scores = (inputs @ factor.T).to(torch.float32)
                target = targets[part, None]
                total = scores.logsumexp(dim=1, keepdim=True)
                loss += ((total - scores.gather(1, target)).squeeze(1) * token_weights[part]).sum()
                if not (needs_states or needs_weight):
                    continue
                # d loss / d scores = token weight * (probability - 1 at the target).
                grad = scores.sub_(total).exp_()
                grad.scatter_add_(1, target, torch.full_like(target, -1, dtype=grad.dtype))
                grad.mul_(token_weights[part, None])
                grad = grad if dtype is None else grad.to(dtype)
                if states_grad is not None:
                    states_grad[part] = grad @ factor
                if weight_grad is not None:
                    if dtype is None:
                        weight_grad.addmm_(grad.T, inputs)
                    else:
                        weight_grad += grad.T @ inputs
        ctx.save_for_backward(states_grad, weight_grad)
        return loss

    @staticmethod
    def backward(ctx, grad: Tensor) -> tuple[Tensor | None, Tensor | None, None, None, None]:  # type: ignore[no-untyped-def] # noqa: ANN001
        states_grad, weight_grad = ctx.saved_tensors
        return (
            None if states_grad is None else states_grad * grad,
            None if weight_grad is None else weight_grad * grad,
            None,
            None,
            None,
        )
