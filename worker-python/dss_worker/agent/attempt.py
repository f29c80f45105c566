"""An attempt, from when it is lent, and its log."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field

from dss_worker.agent.logs import LogBuffer
from dss_worker.agent.protocol import Lease, LogLine, LogReport, LogStream
from dss_worker.config import TrialConfig
from dss_worker.messages import GangPlace


@dataclass(slots=True, kw_only=True)
class Attempt:
    """is prepared → waits → runs → over. It is ours until it is given up, perhaps before the child has stopped."""

    lease: Lease
    # Once it is prepared, with places on this machine.
    config: TrialConfig
    # The child's number for it.
    run: int
    # None: no other machine has a part in it.
    gang: GangPlace | None = None
    log: LogBuffer = field(default_factory=LogBuffer)
    # Nobody wants its reports any more.
    is_given_up: bool = False
    # Told to leave with a checkpoint; it is given back when it has.
    is_suspended: bool = False
    # All that it reads is at hand.
    is_prepared: bool = False
    # Ends the preparation, or lets go of what was prepared.
    let_go: Callable[[], object] = lambda: None

    def note(self, stream: LogStream, text: str) -> None:
        self.log.add(LogLine(unix_ms=time.time_ns() // 1_000_000, stream=stream, text=text))

    def take_log(self) -> LogReport:
        lines, dropped = self.log.take()
        return LogReport(lease=self.lease, lines=lines, dropped=dropped)
