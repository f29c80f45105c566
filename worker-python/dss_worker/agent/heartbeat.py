"""Which leases are ours, by our own clock alone.

A lease is good for `lease_ms` from the moment when the Renew was sent whose answer named it: the control plane
began to count later than that. A new lease is good from the last moment of that kind before it came, for the same
reason. We let go a tenth before the end, so that an attempt is dead when somebody else may begin it.

A lease may come late, after a network that was cut has healed: counted so, it has ended or is about to. It may as well
be new. So it is asked for, and ours only once it was renewed.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable

from dss_worker.agent.clock import Clock, Timer
from dss_worker.agent.protocol import Lease, Renew, Welcome

_HELD_FOR = 0.9
# A new lease that has less than this share of its time left is asked for first.
_ASKED_BELOW = 0.25


class Heartbeat:
    def __init__(
        self,
        clock: Clock,
        *,
        on_due: Callable[[], None],
        on_lost: Callable[[Lease], None],
        on_held: Callable[[Lease], None] = lambda lease: None,
    ) -> None:
        """`on_due`: a Renew should be said soon. `on_lost`: time is up; the lease is held no more. `on_held`: one that
        was asked for is ours."""
        self._clock = clock
        self._on_due = on_due
        self._on_lost = on_lost
        self._on_held = on_held
        self._lease_s = 0.0
        self._renew_every_s = 0.0
        # When each lease ends for us.
        self._ends_s: dict[Lease, float] = {}
        # New ones of which nobody knows whether they are ours.
        self._asked: dict[Lease, None] = {}
        # When what waits for an answer was sent, in the order of sending.
        self._unanswered: deque[float] = deque()
        # When the last thing was sent that has been answered.
        self._answered_s = 0.0
        self._is_due = False
        self._renew_timer: Timer | None = None
        self._end_timer: Timer | None = None

    @property
    def held(self) -> tuple[Lease, ...]:
        return tuple(self._ends_s)

    @property
    def is_due(self) -> bool:
        return self._is_due

    def connected(self, welcome: Welcome, hello_sent_s: float) -> None:
        """A stream is open. Leases held before it are not ours for longer until it says so."""
        self._lease_s = welcome.lease_ms / 1000
        self._renew_every_s = welcome.renew_every_ms / 1000
        self._answered_s = hello_sent_s
        self._unanswered.clear()
        self._due()

    def disconnected(self) -> None:
        """What was not answered never will be. What was asked for has not begun, so the next Hello does not name it."""
        self._unanswered.clear()
        self._asked.clear()
        self._is_due = False
        if self._renew_timer is not None:
            self._renew_timer.cancel()

    def hold(self, lease: Lease) -> bool:
        """False: it may be nobody's by now, and is ours when `on_held` says so."""
        end_s = self._end_of(self._answered_s)
        is_sure = end_s - self._clock.now_s() >= self._lease_s * _ASKED_BELOW
        if is_sure:
            self._ends_s[lease] = end_s
            self._set_end_timer()
        else:
            self._asked[lease] = None
        self._due()
        return is_sure

    def drop(self, lease: Lease) -> None:
        self._asked.pop(lease, None)
        self._ends_s.pop(lease, None)
        self._set_end_timer()

    def renew(self) -> Renew:
        """What to say now. Call it right before sending."""
        now_s = self._clock.now_s()
        self._is_due = False
        self._unanswered.append(now_s)
        if self._renew_timer is not None:
            self._renew_timer.cancel()
        self._renew_timer = self._clock.call_at(now_s + self._renew_every_s, self._due)
        return Renew(leases=(*self.held, *self._asked))

    def renewed(self, leases: tuple[Lease, ...]) -> None:
        if not self._unanswered:
            return
        self._answered_s = self._unanswered.popleft()
        for lease in leases:
            if lease in self._ends_s or lease in self._asked:
                self._ends_s[lease] = self._end_of(self._answered_s)
        self._set_end_timer()
        for lease in [each for each in self._asked if each in self._ends_s]:
            del self._asked[lease]
            self._on_held(lease)

    def expire(self) -> None:
        """Lets go of what has ended. A process that stood still asks before it acts on anything, since its timers
        may be later than what it hears."""
        now_s = self._clock.now_s()
        for lease, end_s in list(self._ends_s.items()):
            if end_s <= now_s:
                del self._ends_s[lease]
                self._on_lost(lease)
        self._set_end_timer()

    def _end_of(self, sent_s: float) -> float:
        return sent_s + self._lease_s * _HELD_FOR

    def _due(self) -> None:
        self._is_due = True
        self._on_due()

    def _set_end_timer(self) -> None:
        if self._end_timer is not None:
            self._end_timer.cancel()
        self._end_timer = None
        if self._ends_s:
            self._end_timer = self._clock.call_at(min(self._ends_s.values()), self.expire)
