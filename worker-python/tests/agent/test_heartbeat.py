"""A lease is ours for nine tenths of its time, counted by our own clock from when its renewal was sent."""

from __future__ import annotations

import pytest

from dss_worker.agent.heartbeat import Heartbeat
from dss_worker.agent.protocol import Lease, Welcome
from tests.agent.manual_clock import ManualClock

LEASE = Lease(trial_id="a" * 20, attempt=1, token=1)
WELCOME = Welcome(lease_ms=30_000, renew_every_ms=10_000)


class Setting:
    def __init__(self) -> None:
        self.clock = ManualClock()
        self.due = 0
        self.ours: list[Lease] = []
        self.lost: list[tuple[float, Lease]] = []
        self.heartbeat = Heartbeat(self.clock, on_due=self._count, on_lost=self._lose, on_held=self.ours.append)

    def _count(self) -> None:
        self.due += 1

    def _lose(self, lease: Lease) -> None:
        self.lost.append((self.clock.now_s(), lease))


@pytest.fixture
def setting() -> Setting:
    """Connected at 1 s, by a Hello sent at 0."""
    setting = Setting()
    setting.clock.advance_to(1)
    setting.heartbeat.connected(WELCOME, 0)
    return setting


def test_a_new_lease_counts_from_the_last_thing_sent_that_was_answered(setting: Setting) -> None:
    setting.clock.advance_to(5)
    setting.heartbeat.hold(LEASE)
    setting.clock.advance_to(100)
    assert setting.lost == [(27, LEASE)]


def test_a_renewed_lease_counts_from_when_the_renewal_was_sent_not_answered(setting: Setting) -> None:
    setting.heartbeat.hold(LEASE)
    setting.clock.advance_to(10)
    assert setting.heartbeat.renew().leases == (LEASE,)
    setting.clock.advance_to(20)
    setting.heartbeat.renewed((LEASE,))
    setting.clock.advance_to(100)
    assert setting.lost == [(37, LEASE)]


def test_each_answer_belongs_to_the_oldest_renewal_without_one(setting: Setting) -> None:
    setting.heartbeat.hold(LEASE)
    for now_s in (10, 20):
        setting.clock.advance_to(now_s)
        setting.heartbeat.renew()
    setting.heartbeat.renewed((LEASE,))
    setting.clock.advance_to(100)
    assert setting.lost == [(37, LEASE)]


def test_an_answer_that_does_not_name_the_lease_does_not_renew_it(setting: Setting) -> None:
    setting.heartbeat.hold(LEASE)
    setting.clock.advance_to(10)
    setting.heartbeat.renew()
    setting.heartbeat.renewed(())
    setting.clock.advance_to(100)
    assert setting.lost == [(27, LEASE)]


def test_what_a_broken_stream_had_sent_is_not_answered_by_the_next_one(setting: Setting) -> None:
    setting.heartbeat.hold(LEASE)
    setting.clock.advance_to(10)
    setting.heartbeat.renew()
    setting.heartbeat.disconnected()
    setting.clock.advance_to(15)
    setting.heartbeat.connected(WELCOME, 14)
    setting.heartbeat.renewed((LEASE,))
    setting.clock.advance_to(100)
    assert setting.lost == [(27, LEASE)]


def test_a_process_that_stood_still_lets_go_when_it_asks(setting: Setting) -> None:
    setting.heartbeat.hold(LEASE)
    setting.clock.jump_to(27)
    setting.heartbeat.expire()
    assert setting.heartbeat.held == ()
    assert setting.lost == [(27, LEASE)]


def test_a_dropped_lease_is_not_lost(setting: Setting) -> None:
    setting.heartbeat.hold(LEASE)
    setting.heartbeat.drop(LEASE)
    setting.clock.advance_to(100)
    assert setting.lost == []


def test_it_is_time_to_renew_at_once_and_then_at_every_interval(setting: Setting) -> None:
    times = []
    for now_s in range(1, 32):
        setting.clock.advance_to(now_s)
        if setting.heartbeat.is_due:
            setting.heartbeat.renew()
            setting.heartbeat.renewed(())
            times.append(now_s)
    assert times == [1, 11, 21, 31]


def test_nothing_is_due_without_a_stream(setting: Setting) -> None:
    setting.heartbeat.renew()
    setting.heartbeat.disconnected()
    setting.clock.advance_to(100)
    assert not setting.heartbeat.is_due


def test_a_new_lease_that_comes_late_is_ours_only_once_it_was_renewed(setting: Setting) -> None:
    # Nothing was answered since 0: by that it would end at 27.
    for now_s in (20, 40):
        setting.clock.advance_to(now_s)
        assert not setting.heartbeat.hold(LEASE)
    assert setting.heartbeat.held == ()
    assert setting.heartbeat.is_due
    assert setting.heartbeat.renew().leases == (LEASE,)
    setting.clock.advance_to(41)
    setting.heartbeat.renewed((LEASE,))
    assert setting.ours == [LEASE]
    setting.clock.advance_to(100)
    assert setting.lost == [(67, LEASE)]


def test_a_late_lease_that_is_not_renewed_never_was_ours(setting: Setting) -> None:
    setting.clock.advance_to(40)
    setting.heartbeat.hold(LEASE)
    setting.heartbeat.renew()
    setting.heartbeat.renewed(())
    setting.heartbeat.drop(LEASE)
    setting.clock.advance_to(100)
    assert (setting.ours, setting.lost) == ([], [])


def test_an_answer_to_what_was_said_before_a_late_lease_came_does_not_make_it_ours(setting: Setting) -> None:
    setting.clock.advance_to(30)
    setting.heartbeat.renew()
    setting.clock.advance_to(40)
    setting.heartbeat.hold(LEASE)
    setting.heartbeat.renewed(())
    assert setting.ours == []
    setting.heartbeat.renew()
    setting.heartbeat.renewed((LEASE,))
    assert setting.ours == [LEASE]


def test_a_late_lease_is_forgotten_with_its_stream(setting: Setting) -> None:
    setting.clock.advance_to(40)
    setting.heartbeat.hold(LEASE)
    setting.heartbeat.disconnected()
    setting.clock.advance_to(41)
    setting.heartbeat.connected(WELCOME, 41)
    assert setting.heartbeat.renew().leases == ()
