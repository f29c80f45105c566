"""Reports from when they are made until they are acknowledged.

Bounded without losing results: log lines wait in their own buffer, which drops and counts, while one report of them
is under way; whoever makes metrics waits for room, so that training stands still before memory fills.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Iterable

from dss_worker.agent.protocol import Drained, FailedReport, FinishedReport, Lease, LogReport, Numbered, Report


class Outbox:
    def __init__(self, *, limit: int = 256) -> None:
        self._limit = limit
        self._last = 0
        # By number, in its order.
        self._unacknowledged: dict[int, Report] = {}
        self._unsent: deque[int] = deque()
        self._room = asyncio.Event()
        self._room.set()

    def add(self, report: Report) -> None:
        self._last += 1
        self._unacknowledged[self._last] = report
        self._unsent.append(self._last)
        self._look()

    async def room(self) -> None:
        """Until there is room for another report."""
        await self._room.wait()

    def next(self) -> Numbered | None:
        """The oldest that this stream has not sent; it counts as sent from now on."""
        while self._unsent:
            sequence = self._unsent.popleft()
            report = self._unacknowledged.get(sequence)
            if report is not None:
                return Numbered(sequence=sequence, report=report)
        return None

    def resend(self) -> None:
        """There is a new stream: whatever was not acknowledged goes out again, oldest first."""
        self._unsent = deque(self._unacknowledged)

    def acknowledge(self, sequences: Iterable[int]) -> list[Report]:
        """What of it waited for that."""
        reports = [self._unacknowledged.pop(each, None) for each in sequences]
        self._look()
        return [report for report in reports if report is not None]

    def discard(self, lease: Lease) -> None:
        """Its reports are nobody's any more. Their numbers stay unused."""
        self._unacknowledged = {
            sequence: report
            for sequence, report in self._unacknowledged.items()
            if isinstance(report, Drained) or report.lease != lease
        }
        self._look()

    def has_log_of(self, lease: Lease) -> bool:
        return any(isinstance(each, LogReport) and each.lease == lease for each in self._unacknowledged.values())

    @property
    def ended(self) -> tuple[Lease, ...]:
        """Whose end waits to be acknowledged."""
        ends = (each for each in self._unacknowledged.values() if isinstance(each, FinishedReport | FailedReport))
        return tuple(each.lease for each in ends)

    def _look(self) -> None:
        if len(self._unacknowledged) < self._limit:
            self._room.set()
        else:
            self._room.clear()
