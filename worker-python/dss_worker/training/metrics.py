"""When a prediction is right, and how rights and wrongs are kept."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from dss_worker.config import Metric
from dss_worker.data.equation import equal_values


def is_right(prediction: str, target: str, *, metric: Metric) -> bool:
    """Whether a decoded prediction answers the decoded target.

    Args:
        prediction, target: decoded text, special tokens removed.
        metric: "text" for equal texts; "equation" for equal values, where what has no value equals nothing.
    Source: the released code of Hsieh et al. 2023, with a parser for its `eval`.
    """
    return equal_values(prediction, target) if metric == "equation" else prediction == target


def pack_bits(correct: Sequence[bool]) -> bytes:
    """One bit per row: row i at byte i // 8, bit i % 8, least significant first; the last byte is filled with 0."""
    return np.packbits(np.asarray(correct, dtype=bool), bitorder="little").tobytes()
