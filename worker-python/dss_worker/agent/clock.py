"""Time as the agent sees it: its own monotonic clock, and calls at a time."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Protocol


class Timer(Protocol):
    def cancel(self) -> None: ...


class Clock(Protocol):
    def now_s(self) -> float:
        """Since some moment; never goes back."""

    def call_at(self, when_s: float, call: Callable[[], None]) -> Timer: ...


class SystemClock:
    """The event loop's clock, which is the monotonic one. For use within a running loop."""

    def now_s(self) -> float:
        return asyncio.get_running_loop().time()

    def call_at(self, when_s: float, call: Callable[[], None]) -> Timer:
        return asyncio.get_running_loop().call_at(when_s, call)


async def sleep(clock: Clock, seconds: float) -> None:
    awake = asyncio.Event()
    timer = clock.call_at(clock.now_s() + seconds, awake.set)
    try:
        await awake.wait()
    finally:
        timer.cancel()
