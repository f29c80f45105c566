"""A clock for which every wait is over at once."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from dss_worker.agent.clock import Timer


class HastyClock:
    def now_s(self) -> float:
        return asyncio.get_running_loop().time()

    def call_at(self, when_s: float, call: Callable[[], None]) -> Timer:
        return asyncio.get_running_loop().call_soon(call)
