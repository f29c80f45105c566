"""A training child's output while it runs."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable
from typing import IO

from dss_worker.agent.logs import LineSplitter

# What the kernel lets a pipe hold.
_PIPE_BYTES = 64 * 1024


class OutputPipe:
    """Lines as they come, and on `catch_up` those that are there: what was printed before a message belongs before it.

    It is open → ended, because everybody who could write has gone, or closed because nobody waits for more.
    """

    def __init__(self, pipe: IO[bytes], *, on_line: Callable[[str], None]) -> None:
        self._pipe = pipe
        self._on_line = on_line
        self._splitter = LineSplitter()
        self._loop = asyncio.get_running_loop()
        self.ended: asyncio.Future[None] = self._loop.create_future()
        os.set_blocking(pipe.fileno(), False)
        self._loop.add_reader(pipe.fileno(), self.catch_up)

    def catch_up(self) -> None:
        """No more than a pipe holds: who prints on and on is not waited for."""
        if self._pipe.closed:
            return
        try:
            chunk = os.read(self._pipe.fileno(), _PIPE_BYTES)
        except BlockingIOError:
            return
        if not chunk:
            self.close()
            return
        for line in self._splitter.feed(chunk):
            self._on_line(line)

    def close(self) -> None:
        if self._pipe.closed:
            return
        self._loop.remove_reader(self._pipe.fileno())
        self._pipe.close()
        for line in self._splitter.end():
            self._on_line(line)
        self.ended.set_result(None)
