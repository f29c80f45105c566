"""What a process moves of a model: its trained parameters, or its part of them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Protocol

import torch
from torch import Tensor, nn
from torch.nn.utils import clip_grad_norm_
from transformers import T5ForConditionalGeneration


class Parameterised(Protocol):
    """A model, or what a process moves of one."""

    @property
    def device(self) -> torch.device: ...

    def parameters(self) -> Iterator[nn.Parameter]: ...

    def named_parameters(self) -> Iterator[tuple[str, nn.Parameter]]: ...


class Trained(Parameterised, Protocol):
    """The parameters that an optimizer of this process moves, by the names that they have in the model."""

    @property
    def is_whole(self) -> bool:
        """Whether no other process has a part of the model."""
        ...

    def zero_grad(self) -> None:
        """Nothing of a gradient is left."""
        ...

    def take_gradient(self) -> None:
        """After the last backward pass of a step, all of its gradient is in the parameters."""
        ...

    def clip_gradient(self, max_norm: float) -> Tensor:
        """Scales the whole model's gradient down to a norm. Returns: the norm that it had; float scalar."""
        ...

    def total(self, value: Tensor) -> Tensor:
        """Sum over the processes of what each has of a scalar."""
        ...


class WholeModel:
    """One process has it all."""

    is_whole = True

    def __init__(self, model: T5ForConditionalGeneration) -> None:
        self._model = model

    @property
    def device(self) -> torch.device:
        return self._model.device

    def parameters(self) -> Iterator[nn.Parameter]:
        return self._model.parameters()

    def named_parameters(self) -> Iterator[tuple[str, nn.Parameter]]:
        return self._model.named_parameters()

    def zero_grad(self) -> None:
        self._model.zero_grad(set_to_none=True)

    def take_gradient(self) -> None:
        pass

    def clip_gradient(self, max_norm: float) -> Tensor:
        return clip_grad_norm_(self._model.parameters(), max_norm)

    def total(self, value: Tensor) -> Tensor:
        return value
