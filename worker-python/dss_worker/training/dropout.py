"""Dropout that costs little on a processor.

Torch draws there one number for each value, in one thread, which takes a tenth of a step's time. Here one 64-bit draw
decides on four values. On other devices, and in compiled graphs, it is torch's own.
"""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

_LEVELS = 2**16
_VALUES_PER_DRAW = 4
_SEEDS = 2**62


def drop(states: Tensor, rate: float) -> Tensor:
    """`states` with each value 0 at this rate, and else larger by as much as that takes away; of the same shape.

    Args:
        rate: in [0, 1); on a processor it is rounded to a multiple of 2**-16, and the scale is that of what it is then.
    """
    if rate == 0.0:
        return states
    if _is_torchs(states):
        return functional.dropout(states, rate)
    return states * _factors(states, rate)


def add_dropped(states: Tensor, addend: Tensor, dropout: nn.Dropout) -> Tensor:
    """`states + dropout(addend)`, in one go where that is possible."""
    rate = rate_of(dropout)
    if rate == 0.0 or _is_torchs(addend) or states.dtype != addend.dtype:
        return states + drop(addend, rate)
    return torch.addcmul(states, addend, _factors(addend, rate))


def rate_of(dropout: nn.Dropout) -> float:
    return dropout.p if dropout.training else 0.0


def _is_torchs(states: Tensor) -> bool:
    return states.device.type != "cpu" or torch.compiler.is_compiling()


@torch.no_grad()
def _factors(like: Tensor, rate: float) -> Tensor:
    """0 or the scale for each value; of like's shape and dtype."""
    # Torch's random state decides on all of it: a layer that is computed again, and a trial that is resumed, draw the
    # same. The generator is numpy's, whose raw draws are the same in every version.
    seed = int(torch.randint(_SEEDS, ()).item())
    draws = np.random.SFC64(seed).random_raw(-(-like.numel() // _VALUES_PER_DRAW))
    dropped = min(round(rate * _LEVELS), _LEVELS - 1)
    levels = torch.from_numpy(draws.view(np.int16))[: like.numel()]
    kept = levels >= dropped - _LEVELS // 2
    return kept.to(like.dtype).mul_(_LEVELS / (_LEVELS - dropped)).view(like.shape)
