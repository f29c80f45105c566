"""How a training child ended, and what that means for the attempt that it ran."""

from __future__ import annotations

import signal
from dataclasses import dataclass

from dss_worker.errors import Failure

_KILLED_HINT = "something ended it from outside; the machine's log says what, if it was the kernel"
_MEMORY_HINT = (
    "run fewer workers at once, give its control group more memory, or choose a smaller batch_size with more grad_steps"
)
_HUNG_HINT = "where it stood is in the failure's detail; a network file system or a device that is stuck does this"
_DETAIL_HINT = "the last lines that it wrote to stderr are in the failure's detail"


@dataclass(frozen=True, slots=True, kw_only=True)
class ChildEnd:
    # As from waitpid: negative for a signal.
    status: int
    # What it wrote last.
    stderr: str
    # The kernel killed something for want of memory meanwhile.
    is_memory_short: bool = False
    # What it said that nobody understands, for which it was ended; may be empty.
    nonsense: str = ""
    # How long it had said nothing, for which it was ended; may be 0.
    silent_s: float = 0.0

    def failure(self) -> Failure:
        if self.nonsense:
            message = f"training said something unreadable: {self.nonsense}"
            return Failure(code="INTERNAL", message=message, detail=self.stderr, kind="infrastructure")
        if self.silent_s > 0:
            message = f"training said nothing for {self.silent_s / 60:g} minutes and was ended"
            detail = self.stderr
            return Failure(code="CHILD_HUNG", message=message, hint=_HUNG_HINT, detail=detail, kind="infrastructure")
        number = self._signal()
        if number == signal.SIGKILL and self.is_memory_short:
            message = "training was killed by signal 9: the kernel ran out of memory"
            hint = _MEMORY_HINT
            code = "KILLED_OUT_OF_MEMORY"
            return Failure(code=code, message=message, hint=hint, detail=self.stderr, kind="infrastructure")
        if number == signal.SIGKILL:
            message = "training was killed by signal 9, perhaps for want of memory"
            return Failure(code="CHILD_KILLED", message=message, hint=_KILLED_HINT, detail=self.stderr, kind="lost")
        if number == signal.SIGTERM:
            message = "training was ended by signal 15"
            return Failure(code="CHILD_KILLED", message=message, hint=_KILLED_HINT, detail=self.stderr, kind="lost")
        if number is not None:
            message = f"training crashed by signal {number} ({_name(number)})"
        else:
            message = f"training ended with exit code {self.status} before its trial did"
        hint = _DETAIL_HINT if self.stderr else ""
        return Failure(code="CHILD_CRASHED", message=message, hint=hint, detail=self.stderr, kind="infrastructure")

    def _signal(self) -> int | None:
        if self.status < 0:
            return -self.status
        # What a shell makes of a signal.
        return self.status - 128 if self.status in (128 + signal.SIGKILL, 128 + signal.SIGTERM) else None


def _name(number: int) -> str:
    try:
        return signal.Signals(number).name
    except ValueError:
        return "unknown"
