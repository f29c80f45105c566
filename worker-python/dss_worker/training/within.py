"""Where a module's weights are all there.

Of a model whose weights are divided among processes, a process has a module's weights only while it runs the module,
and gathers them for that. Our engine does not call modules' own `forward`, so it says by itself when it runs one.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

from torch import nn

# A module that has a method of this name gathers its weights in it.
METHOD = "run_within"

T = TypeVar("T")


def within(module: nn.Module, run: Callable[..., T], *values: Any) -> T:  # noqa: ANN401
    """What `run` makes of the values, with the module's weights at hand; `run` may call itself for the same module."""
    gathering: Callable[..., T] | None = getattr(module, METHOD, None)
    return run(*values) if gathering is None else gathering(run, *values)


def is_gathered(module: nn.Module) -> bool:
    """Whether it has its weights only within."""
    return hasattr(module, METHOD)
