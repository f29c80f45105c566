"""Notices that nothing has been heard for too long."""

from __future__ import annotations

from collections.abc import Callable

from dss_worker.agent.clock import Clock, Timer


class Watchdog:
    """It sleeps → watches, from `start` to `stop`; it barks once at most between the two."""

    def __init__(self, clock: Clock, *, patience_s: float, on_silence: Callable[[], None]) -> None:
        self._clock = clock
        self._patience_s = patience_s
        self._on_silence = on_silence
        self._heard_s = 0.0
        self._timer: Timer | None = None

    def start(self) -> None:
        self.stop()
        self.heard()
        self._look()

    def heard(self) -> None:
        """Cheap, since it is called for every message: the timer finds out when it rings."""
        self._heard_s = self._clock.now_s()

    def stop(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
        self._timer = None

    def _look(self) -> None:
        ends_s = self._heard_s + self._patience_s
        if self._clock.now_s() < ends_s:
            self._timer = self._clock.call_at(ends_s, self._look)
        else:
            self._timer = None
            self._on_silence()
