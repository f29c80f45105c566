"""What lent attempts owe to who was lent them."""

from __future__ import annotations

from typing import Protocol

from dss_worker.agent.protocol import Lease, LeaseProgress, Report


class AttemptsOwner(Protocol):
    """Who lent the attempts is told through it what becomes of them."""

    def report(self, report: Report) -> None: ...

    def news(self, progress: LeaseProgress) -> None: ...

    async def room(self) -> None:
        """Until another report of metrics may be made."""

    def is_held(self, lease: Lease) -> bool:
        """By the clock, now."""

    def may_report_log(self, lease: Lease) -> bool: ...

    def log_elsewhere(self, line: str) -> None:
        """Output that belongs to no attempt."""

    def became_idle(self) -> None: ...

    def cannot_go_on(self, why: str) -> None:
        """The child cannot be kept alive."""
