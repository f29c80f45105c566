"""How long torch has been compiling. It does so in the midst of a step, whenever it meets something new."""

from __future__ import annotations

import time
from functools import cache


class CompileClock:
    """Runs from the start of a compilation to its end; those within each other count once."""

    def __init__(self) -> None:
        self._seconds = 0.0
        self._started = 0.0

    def start(self, _: object = None) -> None:
        self._started = time.monotonic()

    def stop(self, _: object = None) -> None:
        self._seconds += time.monotonic() - self._started

    @property
    def seconds(self) -> float:
        """Of the compilations that have ended."""
        return self._seconds


@cache
def process_compile_clock() -> CompileClock:
    """Of all that this process compiles from the first call on, backward passes in other threads too."""
    from torch._dynamo.callback import on_compile_end, on_compile_start

    clock = CompileClock()
    on_compile_start(clock.start)
    on_compile_end(clock.stop)
    return clock
