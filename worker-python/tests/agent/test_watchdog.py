"""Silence is noticed once it has lasted."""

from __future__ import annotations

import pytest

from dss_worker.agent.watchdog import Watchdog
from tests.agent.manual_clock import ManualClock


class Setting:
    """Watched with a patience of 10 s, from 5 s on."""

    def __init__(self) -> None:
        self.clock = ManualClock()
        self.barks: list[float] = []
        self.watchdog = Watchdog(self.clock, patience_s=10, on_silence=lambda: self.barks.append(self.clock.now_s()))
        self.clock.advance_to(5)
        self.watchdog.start()


@pytest.fixture
def setting() -> Setting:
    return Setting()


def test_it_barks_when_nothing_was_heard_for_as_long_as_it_has_patience_and_only_once(setting: Setting) -> None:
    setting.clock.advance_to(100)
    assert setting.barks == [15]


def test_what_it_hears_last_counts(setting: Setting) -> None:
    for now_s in (6, 14, 23):
        setting.clock.advance_to(now_s)
        setting.watchdog.heard()
    setting.clock.advance_to(100)
    assert setting.barks == [33]


def test_it_sleeps_once_it_is_stopped(setting: Setting) -> None:
    setting.watchdog.stop()
    setting.watchdog.heard()
    setting.clock.advance_to(100)
    assert setting.barks == []


def test_started_again_it_waits_anew(setting: Setting) -> None:
    setting.clock.advance_to(14)
    setting.watchdog.stop()
    setting.watchdog.start()
    setting.clock.advance_to(100)
    assert setting.barks == [24]
