"""A token table on disk is the table that was written, or is said to be damaged."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from dss_worker.data.table_file import DamagedTable, map_table, write_table
from dss_worker.data.tokens import TokenTable

KEY = bytes(range(32))
ROWS = [[1, 2], [], [3], [2**31 - 1, 5, 6]]


def written(folder: Path, rows: list[list[int]] = ROWS) -> Path:
    path = folder / "a.tokens"
    write_table(path, TokenTable.of(rows), key=KEY, beside=folder / "a.part")
    return path


def as_lists(table: TokenTable) -> list[list[int]]:
    return [table.row(i).tolist() for i in range(len(table))]


@pytest.mark.parametrize("rows", [ROWS, [], [[]], [[7]] * 1000])
def test_a_table_comes_back_as_it_was_written(tmp_path: Path, rows: list[list[int]]) -> None:
    table = map_table(written(tmp_path, rows), key=KEY)
    assert as_lists(table) == rows
    assert [table.ids.dtype, table.offsets.dtype] == [np.int32, np.int64]
    assert [path.name for path in tmp_path.iterdir()] == ["a.tokens"]


def test_a_mapped_table_is_read_only_and_takes_no_memory_of_its_own(tmp_path: Path) -> None:
    table = map_table(written(tmp_path), key=KEY)
    with pytest.raises(ValueError, match="read-only"):
        table.row(0)[0] = 9
    assert not table.ids.flags.owndata
    assert not table.offsets.flags.owndata


def test_a_mapped_table_outlives_its_file(tmp_path: Path) -> None:
    path = written(tmp_path)
    table = map_table(path, key=KEY)
    written(tmp_path, [[9]])
    path.unlink()
    assert as_lists(table) == ROWS


def test_a_table_of_other_content_is_not_taken_for_this_one(tmp_path: Path) -> None:
    with pytest.raises(DamagedTable, match="the table of other content"):
        map_table(written(tmp_path), key=bytes(32))


def flip(place: int) -> Callable[[bytes], bytes]:
    return lambda content: content[:place] + bytes([content[place] ^ 1]) + content[place + 1 :]


DAMAGES: list[tuple[str, Callable[[bytes], bytes], str]] = [
    ("nothing", lambda content: b"", "expected a header of 64 bytes, got 0"),
    ("half a header", lambda content: content[:40], "expected a header of 64 bytes, got 40"),
    ("other content", lambda content: b"x" * len(content), "expected a token table of format 1"),
    ("cut short", lambda content: content[:-1], "expected 160 bytes for 4 rows and 6 tokens, got 159"),
    ("something behind it", lambda content: content + b"\0", "expected 160 bytes for 4 rows and 6 tokens, got 161"),
    ("another format", flip(8), "expected a token table of format 1"),
    ("more rows", flip(16), r"for 5 rows and 6 tokens"),
    ("one bit of the unused part", flip(12), "its checksum is that of other content"),
    ("one bit of the checksum", flip(64), "its checksum is that of other content"),
    ("one bit of the offsets", flip(100), "its checksum is that of other content"),
    ("one bit of the ids", flip(-1 + 160), "its checksum is that of other content"),
]


@pytest.mark.parametrize(("damage", "said"), [each[1:] for each in DAMAGES], ids=[each[0] for each in DAMAGES])
def test_damage_is_noticed_and_named(tmp_path: Path, damage: Callable[[bytes], bytes], said: str) -> None:
    path = written(tmp_path)
    path.write_bytes(damage(path.read_bytes()))
    with pytest.raises(DamagedTable, match=said):
        map_table(path, key=KEY)


def test_a_table_that_cannot_be_written_leaves_nothing_behind(tmp_path: Path) -> None:
    path = tmp_path / "a.tokens"
    path.mkdir()
    with pytest.raises(OSError, match="directory"):
        write_table(path, TokenTable.of(ROWS), key=KEY, beside=tmp_path / "a.part")
    assert [each.name for each in tmp_path.iterdir()] == ["a.tokens"]
