"""A clock that moves when the test says so."""

from __future__ import annotations

from collections.abc import Callable


class ManualTimer:
    def __init__(self, when_s: float, call: Callable[[], None]) -> None:
        self.when_s = when_s
        self.call = call
        self.is_over = False

    def cancel(self) -> None:
        self.is_over = True


class ManualClock:
    def __init__(self) -> None:
        self._now_s = 0.0
        self._timers: list[ManualTimer] = []

    def now_s(self) -> float:
        return self._now_s

    def call_at(self, when_s: float, call: Callable[[], None]) -> ManualTimer:
        timer = ManualTimer(when_s, call)
        self._timers.append(timer)
        return timer

    def rings_at(self, when_s: float) -> bool:
        """Whether something is due just then."""
        return any(not timer.is_over and timer.when_s == when_s for timer in self._timers)

    def advance_to(self, now_s: float) -> None:
        """Each timer on the way fires at its time."""
        while due := [timer for timer in self._timers if not timer.is_over and timer.when_s <= now_s]:
            timer = min(due, key=lambda each: each.when_s)
            timer.is_over = True
            self._now_s = max(self._now_s, timer.when_s)
            timer.call()
        self._now_s = now_s

    def jump_to(self, now_s: float) -> None:
        """As for a process that stood still: it is late already, and no timer has fired so far."""
        self._now_s = now_s
