"""A product with several matrices at once, in a lower precision than theirs."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor


def joined_product(states: Tensor, weights: Sequence[Tensor]) -> Tensor:
    """`states @ weight.T` for each weight, side by side, in autocast's precision where there is autocast.

    As layers do it one by one under autocast, but for the weights' gradients: they are summed and left in float32,
    where autocast's are rounded to bfloat16 on the way.

    Args:
        states: float, [tokens, width].
        weights: float32, each [its columns, width].
    Returns: [tokens, sum of columns].
    """
    device = states.device.type
    dtype = torch.get_autocast_dtype(device) if torch.is_autocast_enabled(device) else weights[0].dtype
    product: Tensor = _JoinedProduct.apply(states, dtype, *weights)
    return product


class _JoinedProduct(torch.autograd.Function):
    @staticmethod
    def forward(ctx, states: Tensor, dtype: torch.dtype, *weights: Tensor) -> Tensor:  # type: ignore[no-untyped-def] # noqa: ANN001
        ctx.states_dtype = states.dtype
        ctx.columns = [len(weight) for weight in weights]
        joined = (torch.cat(weights) if len(weights) > 1 else weights[0]).to(dtype)
        states = states.to(dtype)
        ctx.save_for_backward(states, joined)
        with torch.autocast(states.device.type, enabled=False):
            return states @ joined.T

    @staticmethod
    def backward(ctx, grad: Tensor) -> tuple[Tensor | None, ...]:  # type: ignore[no-untyped-def] # noqa: ANN001
        states, joined = ctx.saved_tensors
        with torch.autocast(grad.device.type, enabled=False):
            states_grad = (grad @ joined).to(ctx.states_dtype) if ctx.needs_input_grad[0] else None
            if not any(ctx.needs_input_grad[2:]):
                return states_grad, None, *(None for _ in ctx.columns)
            weight_grad = _product_in_float32(grad.T, states)
        return states_grad, None, *torch.split(weight_grad, ctx.columns)


def _product_in_float32(left: Tensor, right: Tensor) -> Tensor:
    if left.dtype == torch.float32:
        return left @ right
    if left.device.type == "cuda":
        return torch.mm(left, right, out_dtype=torch.float32)
    # Torch sums in float32 there, too, but can only give what is rounded.
    return (left @ right).to(torch.float32)
