"""A training child's output as lines, within bounds."""

from __future__ import annotations

from collections import deque

from dss_worker.agent.protocol import LogLine

MAX_LINE_BYTES = 8 * 1024
_CUT = " […]"


class LineSplitter:
    """Bytes in, lines out. What is beyond the limit of a line is read and forgotten."""

    def __init__(self) -> None:
        self._line = bytearray()
        self._is_cut = False
        # A carriage return starts the line anew, as on a terminal: of a progress bar, its last state is kept.
        self._is_returned = False

    def feed(self, chunk: bytes) -> list[str]:
        *ended, rest = chunk.split(b"\n")
        lines = []
        for piece in ended:
            self._add(piece)
            lines.append(self._take())
        self._add(rest)
        return lines

    def end(self) -> list[str]:
        """What came after the last line end."""
        return [self._take()] if self._line else []

    def _add(self, piece: bytes) -> None:
        first, *others = piece.split(b"\r")
        self._append(first)
        for part in others:
            self._is_returned = True
            self._append(part)

    def _append(self, part: bytes) -> None:
        if not part:
            return
        if self._is_returned:
            self._clear()
        room = MAX_LINE_BYTES - len(self._line)
        self._is_cut = self._is_cut or len(part) > room
        self._line += part[:room]

    def _take(self) -> str:
        text = self._line.decode(errors="replace")
        # A byte that is no UTF-8 has become three.
        if self._is_cut or len(text.encode()) > MAX_LINE_BYTES:
            text = text.encode()[: MAX_LINE_BYTES - len(_CUT.encode())].decode(errors="ignore") + _CUT
        self._clear()
        return text

    def _clear(self) -> None:
        self._line.clear()
        self._is_cut = self._is_returned = False


class LogBuffer:
    """Lines until they are reported. When it is full, the oldest make room and are counted."""

    def __init__(self, *, max_lines: int = 4_000, max_bytes: int = 1024 * 1024) -> None:
        self._max_lines = max_lines
        self._max_bytes = max_bytes
        self._lines: deque[LogLine] = deque()
        self._bytes = 0
        self._dropped = 0

    def __bool__(self) -> bool:
        return bool(self._lines)

    def add(self, line: LogLine) -> None:
        self._lines.append(line)
        self._bytes += len(line.text.encode())
        while len(self._lines) > self._max_lines or self._bytes > self._max_bytes:
            self._pop()
            self._dropped += 1

    def take(self) -> tuple[tuple[LogLine, ...], int]:
        """Everything, and how many were dropped before it."""
        taken = (tuple(self._lines), self._dropped)
        self._lines.clear()
        self._bytes = self._dropped = 0
        return taken

    def _pop(self) -> None:
        self._bytes -= len(self._lines.popleft().text.encode())
