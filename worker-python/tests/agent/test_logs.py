"""Output becomes lines of bounded length in a buffer of bounded size."""

from __future__ import annotations

import pytest

from dss_worker.agent.logs import MAX_LINE_BYTES, LineSplitter, LogBuffer
from dss_worker.agent.protocol import LogLine


def split(*chunks: bytes) -> list[str]:
    splitter = LineSplitter()
    return [line for chunk in chunks for line in splitter.feed(chunk)] + splitter.end()


@pytest.mark.parametrize(
    ("chunks", "lines"),
    [
        ([b"a\nb\n"], ["a", "b"]),
        ([b"a\n\nb"], ["a", "", "b"]),
        ([b"a", b"b\nc"], ["ab", "c"]),
        ([b"caf\xc3", b"\xa9\n"], ["café"]),
        ([b"caf\xe9\n"], ["caf\ufffd"]),
        ([b"a\r\nb\r", b"\nc\r\n"], ["a", "b", "c"]),
        ([b"10%\r20%\r", b"30%\n"], ["30%"]),
        ([b"\r10%\r20%", b"\r30%"], ["30%"]),
        ([], []),
    ],
)
def test_bytes_become_lines(chunks: list[bytes], lines: list[str]) -> None:
    assert split(*chunks) == lines


@pytest.mark.parametrize("unit", [b"x", b"\xff", "é".encode(), "€".encode()])
def test_a_line_is_cut_to_its_limit_and_says_so(unit: bytes) -> None:
    first, second = split(*[unit * 1_000] * 50, b"\nshort\n")
    assert MAX_LINE_BYTES - 16 < len(first.encode()) <= MAX_LINE_BYTES
    assert first.endswith(" […]")
    assert second == "short"


def test_a_line_of_exactly_the_limit_is_whole() -> None:
    assert split(b"x" * MAX_LINE_BYTES + b"\n") == ["x" * MAX_LINE_BYTES]


def line(text: str) -> LogLine:
    return LogLine(unix_ms=1, stream="stdout", text=text)


def test_a_full_buffer_keeps_the_newest_lines_and_counts_the_others() -> None:
    buffer = LogBuffer(max_lines=2)
    for text in "abcd":
        buffer.add(line(text))
    assert buffer.take() == ((line("c"), line("d")), 2)
    assert not buffer
    buffer.add(line("e"))
    assert buffer.take() == ((line("e"),), 0)


@pytest.mark.parametrize("texts", [("aaaa", "bbbb", "cccc"), ("éé", "üü", "öö")])
def test_long_lines_fill_a_buffer_too(texts: tuple[str, str, str]) -> None:
    buffer = LogBuffer(max_bytes=10)
    for text in texts:
        buffer.add(line(text))
    assert buffer.take() == ((line(texts[1]), line(texts[2])), 1)
