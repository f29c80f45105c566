"""An attempt in the training child, and its log."""

from __future__ import annotations

import time
from dataclasses import dataclass, field

from dss_worker.agent.logs import LogBuffer
from dss_worker.agent.protocol import Lease, LogLine, LogReport, LogStream
from dss_worker.config import TrialConfig


@dataclass(slots=True, kw_only=True)
class Attempt:
    """waits → runs → over. It is ours until it is given up, which may be earlier than the child has stopped."""

    lease: Lease
    config: TrialConfig
    # The child's number for it.
    run: int
    log: LogBuffer = field(default_factory=LogBuffer)
    # Nobody wants its reports any more.
    is_given_up: bool = False
    # Told to leave with a checkpoint; it is given back when it has.
    is_suspended: bool = False

    def note(self, stream: LogStream, text: str) -> None:
        self.log.add(LogLine(unix_ms=time.time_ns() // 1_000_000, stream=stream, text=text))

    def take_log(self) -> LogReport:
        lines, dropped = self.log.take()
        return LogReport(lease=self.lease, lines=lines, dropped=dropped)
