"""How a rank that has been stopped is told from one that has much to do.

A process that is stopped neither ends nor fails, and all others wait for it in the next collective, for as long as its
timeout is. So each rank has a thread that says now and then that it lives, whatever the others of its threads wait for.
"""

from __future__ import annotations

import os
import select
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress

_EVERY_S = 1.0
# Longer than a library holds Python's lock, or a machine with too many processes leaves one waiting.
PATIENCE_S = 60.0
_SIGN = b"\n"
_READ_BYTES = 2**16


@contextmanager
def living(write_fd: int) -> Iterator[None]:
    """Within it, signs go to the pipe, and nothing else may."""
    is_over = threading.Event()

    def go_on() -> None:
        while not is_over.wait(_EVERY_S):
            _give(write_fd)

    _give(write_fd)
    giving = threading.Thread(target=go_on, name="signs of life", daemon=True)
    giving.start()
    try:
        yield
    finally:
        is_over.set()
        giving.join()


def _give(write_fd: int) -> None:
    with suppress(OSError):  # where whoever heard them has gone
        os.write(write_fd, _SIGN)


def hear(read_fd: int, *, patience_s: float, on_silence: Callable[[], None]) -> bytes:
    """What a rank said until it ended, its signs left out.

    Args:
        patience_s: between two signs; the first comes when it comes, behind all that the rank imports.
        on_silence: should end it.
    """
    said, poll = bytearray(), select.poll()
    poll.register(read_fd, select.POLLIN)
    timeout_ms: float | None = None
    while True:
        if not poll.poll(timeout_ms):
            on_silence()
            timeout_ms = None
            continue
        piece = os.read(read_fd, _READ_BYTES)
        if not piece:
            return bytes(said)
        said += piece.replace(_SIGN, b"")
        # Once it says why it ends, there are no more signs.
        timeout_ms = None if said else patience_s * 1000
