"""Adafactor, of which a weight's part may be one process's and the rest others'.

The second moment of a matrix is kept as what its rows and its columns add up to, and a step is as long as the whole
weight's is allowed to be. Both need sums over all of a weight, so that an Adafactor that knows of its part alone, as
torch's and transformers' do, takes other steps on several processes than on one.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any, Protocol

import torch
from torch import Tensor, nn

# transformers' Trainer's: the rate is that of the schedule, and neither scaled by a weight's size nor by the step.
_EPSILON = 1e-30
_MAX_RMS = 1.0
_DECAY = -0.8


class Spread(Protocol):
    """Of one weight over the processes that have it together."""

    @property
    def rows(self) -> int:
        """Of the whole weight."""
        ...

    @property
    def columns(self) -> int:
        """1 where it has one dimension."""
        ...

    def over_rows(self, sums: Tensor) -> Tensor:
        """Added up over the processes that have other rows of the same columns; in place."""
        ...

    def over_columns(self, sums: Tensor) -> Tensor:
        """Added up over those that have other columns of the same rows; in place."""
        ...


class WholeSpread:
    """One process has it all."""

    def __init__(self, weight: Tensor) -> None:
        self.rows = weight.shape[0]
        self.columns = weight.shape[1] if weight.dim() > 1 else 1

    def over_rows(self, sums: Tensor) -> Tensor:
        return sums

    def over_columns(self, sums: Tensor) -> Tensor:
        return sums


class Adafactor(torch.optim.Optimizer):
    """Without a first moment and without weight decay. Its state of a matrix: a number for each row and each column.

    Source: Shazeer and Stern 2018, arXiv:1804.04235; settings of transformers' Trainer.
    """

    def __init__(self, parameters: Iterable[tuple[nn.Parameter, Spread]], *, lr: float) -> None:
        spreads = list(parameters)
        super().__init__([parameter for parameter, _ in spreads], {"lr": lr})
        self._spreads = dict(spreads)

    @torch.no_grad()
    def step(self, closure: Callable[[], float] | None = None) -> None:  # type: ignore[override]
        """Every process calls it, with the gradient of its part."""
        assert closure is None
        for group in self.param_groups:
            for parameter in group["params"]:
                if parameter.grad is not None:
                    self._move(parameter, parameter.grad, lr=group["lr"])

    def _move(self, parameter: nn.Parameter, grad: Tensor, *, lr: float) -> None:
        spread, state = self._spreads[parameter], self.state[parameter]
        if not state:
            self._begin(parameter, state)
        state["step"] += 1
        # On the CPU, as torch's optimizers keep it: nobody waits for the device.
        kept = 1.0 - float(state["step"]) ** _DECAY
        squares = grad.square().add_(_EPSILON)
        if parameter.dim() == 1:
            variance = state["variance"].lerp_(squares, 1.0 - kept)
            update = variance.rsqrt().mul_(grad)
        else:
            rows, columns = state["row_variance"], state["column_variance"]
            rows.lerp_(spread.over_columns(squares.sum(dim=1)) / spread.columns, 1.0 - kept)
            columns.lerp_(spread.over_rows(squares.sum(dim=0)) / spread.rows, 1.0 - kept)
            mean = spread.over_rows(rows.sum()) / spread.rows
            update = (rows / mean).rsqrt_()[:, None] * columns.rsqrt()[None, :] * grad
        total = spread.over_rows(spread.over_columns(update.square().sum()))
        rms = (total / (spread.rows * spread.columns)).sqrt()
        update /= (rms / _MAX_RMS).clamp_(min=1.0)
        parameter.sub_(update, alpha=lr)

    @staticmethod
    def _begin(parameter: nn.Parameter, state: dict[str, Any]) -> None:
        state["step"] = torch.zeros((), dtype=torch.float32)
        if parameter.dim() == 1:
            state["variance"] = torch.zeros_like(parameter)
        else:
            state["row_variance"] = parameter.new_zeros(parameter.shape[0])
            state["column_variance"] = parameter.new_zeros(parameter.shape[1])
