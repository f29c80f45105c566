"""Layers of which several processes have a part each: other heads, other columns, other tokens of the vocabulary.

Such a layer's processes read the same states, compute their part, and add up what they give. Our engine says where
states are read and where random numbers are drawn that belong to a part; what that means, the layer's part knows.
"""

from __future__ import annotations

from contextlib import AbstractContextManager, nullcontext
from typing import Protocol, cast

from torch import Tensor, nn

# A module that has such a part has it by this name.
ATTRIBUTE = "layer_part"


class LayerPart(Protocol):
    def read(self, states: Tensor) -> Tensor:
        """The same states, whose gradient is what the parts' gradients add up to."""
        ...

    def own_draws(self) -> AbstractContextManager[None]:
        """Within, random numbers are this part's; after it, they go on as they would have without."""
        ...


class VocabularyPart(Protocol):
    """Of the output layer: scores of the tokens from `start` on."""

    start: int

    def largest(self, values: Tensor) -> Tensor:
        """Of each value the largest of all parts'; in place."""
        ...

    def sum(self, values: Tensor) -> Tensor:
        """Over the parts; in place."""
        ...


class _Whole:
    def read(self, states: Tensor) -> Tensor:
        return states

    def own_draws(self) -> AbstractContextManager[None]:
        return nullcontext()


_WHOLE = _Whole()


def part_of(module: nn.Module) -> LayerPart:
    return cast(LayerPart, getattr(module, ATTRIBUTE, _WHOLE))


def vocabulary_part(head: nn.Module) -> VocabularyPart | None:
    """None: it scores all tokens."""
    return cast(VocabularyPart | None, getattr(head, ATTRIBUTE, None))
