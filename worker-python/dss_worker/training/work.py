"""How much a trial has trained."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Work:
    """What training went through; input and target tokens of both tasks."""

    useful_flops: int = 0
    padded_flops: int = 0
    useful_tokens: int = 0
    # Tokens that attention sees.
    padded_tokens: int = 0

    def __add__(self, other: Work) -> Work:
        return Work(
            useful_flops=self.useful_flops + other.useful_flops,
            padded_flops=self.padded_flops + other.padded_flops,
            useful_tokens=self.useful_tokens + other.useful_tokens,
            padded_tokens=self.padded_tokens + other.padded_tokens,
        )
