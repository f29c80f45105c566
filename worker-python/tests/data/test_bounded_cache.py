"""A cache keeps to its size and to what was used last."""

from __future__ import annotations

import pytest

from dss_worker.data.bounded_cache import BoundedCache


def lengths(limit: int) -> BoundedCache[str]:
    return BoundedCache(limit=limit, size_of=len)


def made_of(cache: BoundedCache[str], texts: str) -> list[str]:
    """Which of some texts had to be made."""
    made: list[str] = []

    def make(text: str) -> str:
        made.append(text)
        return text

    for text in texts.split():
        assert cache.get(text, lambda text=text: make(text)) == text  # type: ignore[misc]
    return made


def test_what_was_not_used_for_longest_goes_first() -> None:
    cache = lengths(4)
    assert made_of(cache, "aa bb aa cc aa bb") == ["aa", "bb", "cc", "bb"]
    assert cache.size == 4


def test_a_large_value_takes_the_room_of_many() -> None:
    cache = lengths(4)
    assert made_of(cache, "a b c ddd c a") == ["a", "b", "c", "ddd", "a"]


def test_a_value_too_large_alone_stays_until_the_next() -> None:
    cache = lengths(2)
    assert made_of(cache, "aaaaa aaaaa b aaaaa") == ["aaaaa", "b", "aaaaa"]


def test_a_value_that_cannot_be_made_is_not_kept() -> None:
    cache = lengths(2)
    with pytest.raises(ZeroDivisionError):
        cache.get("a", lambda: str(1 // 0))
    assert cache.get("a", lambda: "b") == "b"
