"""Token tables are made once, by whichever process comes first, and are never anything but what was made."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from dss_worker.data.token_cache import FOLDER_VARIABLE, TableFolder, TokenCache
from dss_worker.data.tokens import TokenTable

PACKAGE = Path(__file__).parents[2]
TABLE = TokenTable.of([[1, 2], [], [3]])


class Maker:
    """Makes a table, and counts how often."""

    def __init__(self, table: TokenTable = TABLE) -> None:
        self.made = 0
        self._table = table

    def __call__(self) -> TokenTable:
        self.made += 1
        return self._table


def as_lists(table: TokenTable) -> list[list[int]]:
    return [table.row(i).tolist() for i in range(len(table))]


def tables(folder: Path) -> list[Path]:
    return sorted(folder.glob("*.tokens"))


def test_a_second_process_maps_what_the_first_one_made(tmp_path: Path) -> None:
    first, second = Maker(), Maker()
    made = TokenCache(tmp_path).get("key", first)
    mapped = TokenCache(tmp_path).get("key", second)
    assert (first.made, second.made) == (1, 0)
    assert as_lists(made) == as_lists(mapped) == [[1, 2], [], [3]]
    # The first one uses the shared pages too.
    assert not made.ids.flags.owndata


def test_an_empty_table_is_a_table(tmp_path: Path) -> None:
    maker = Maker(TokenTable.of([]))
    for _ in range(2):
        assert len(TokenCache(tmp_path).get("key", maker)) == 0
    assert maker.made == 1


def test_other_keys_are_other_tables(tmp_path: Path) -> None:
    cache, maker = TokenCache(tmp_path), Maker()
    for key in ("a", "b", "a"):
        cache.get(key, maker)
    assert maker.made == 2
    assert len(tables(tmp_path)) == 2


def test_the_folder_comes_from_the_environment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(FOLDER_VARIABLE, str(tmp_path / "made" / "on demand"))
    TokenCache.from_environment().get("key", Maker())
    assert len(tables(tmp_path / "made" / "on demand")) == 1
    maker = Maker()
    for value in ("", None):
        monkeypatch.delenv(FOLDER_VARIABLE) if value is None else monkeypatch.setenv(FOLDER_VARIABLE, value)
        cache = TokenCache.from_environment()
        cache.get("key", maker)
        cache.get("key", maker)
    assert maker.made == 2


def cut(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-3])


def flip(path: Path) -> None:
    content = bytearray(path.read_bytes())
    content[-1] ^= 1
    path.write_bytes(content)


@pytest.mark.parametrize("damage", [cut, flip, lambda path: path.write_bytes(b"")], ids=["cut", "bit", "empty"])
def test_a_damaged_file_is_named_and_made_again(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], damage: Callable[[Path], None]
) -> None:
    TokenCache(tmp_path).get("key", Maker())
    (path,) = tables(tmp_path)
    damage(path)
    maker = Maker()
    assert as_lists(TokenCache(tmp_path).get("key", maker)) == [[1, 2], [], [3]]
    assert f"token cache: {path} is made again: " in capsys.readouterr().out
    TokenCache(tmp_path).get("key", maker)
    assert maker.made == 1


def test_a_file_under_the_name_of_another_is_not_believed(tmp_path: Path) -> None:
    TokenCache(tmp_path).get("a", Maker(TokenTable.of([[7]])))
    (first,) = tables(tmp_path)
    TokenCache(tmp_path).get("b", Maker())
    (second,) = (path for path in tables(tmp_path) if path != first)
    second.write_bytes(first.read_bytes())
    assert as_lists(TokenCache(tmp_path).get("b", Maker())) == [[1, 2], [], [3]]


def test_without_a_folder_that_can_be_written_all_goes_on_and_is_said_once(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "file").write_text("")
    cache, maker = TokenCache(tmp_path / "file" / "below"), Maker()
    for key in ("a", "b"):
        assert as_lists(cache.get(key, maker)) == [[1, 2], [], [3]]
    assert maker.made == 2
    said = capsys.readouterr().out.splitlines()
    assert said == [f"token cache {tmp_path}/file/below cannot be written: Not a directory; "
                    "this process tokenizes by itself"]  # fmt: skip


def test_a_table_that_does_not_fit_on_the_disk_is_used_all_the_same(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    cache, maker = TokenCache(tmp_path), Maker()
    cache.get("a", Maker())
    (path,) = tables(tmp_path)
    path.unlink()
    # Nothing can be moved there.
    path.mkdir()
    assert as_lists(TokenCache(tmp_path).get("a", maker)) == [[1, 2], [], [3]]
    assert maker.made == 1
    assert "cannot be written" in capsys.readouterr().out


def test_what_making_a_table_raises_is_not_taken_for_the_folders_fault(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    def fail() -> TokenTable:
        raise OSError("the tokenizer's")

    cache = TokenCache(tmp_path)
    with pytest.raises(OSError, match="the tokenizer's"):
        cache.get("key", fail)
    assert capsys.readouterr().out == ""
    maker = Maker()
    cache.get("key", maker)
    assert maker.made == 1
    assert len(tables(tmp_path)) == 1


def test_what_was_not_used_for_longest_is_deleted_first_and_the_newest_never(tmp_path: Path) -> None:
    table = TokenTable.of([list(range(1000))])
    one = 8 * 2 + 4 * 1000 + 96
    folder = TableFolder(tmp_path, max_bytes=3 * one)
    paths: dict[str, Path] = {}
    for age, key in ((40, "a"), (30, "b"), (20, "c")):
        folder.get(key, Maker(table))
        (paths[key],) = (path for path in tables(tmp_path) if path not in paths.values())
        os.utime(paths[key], (age_ago := os.stat(tmp_path).st_mtime - age, age_ago))
    # It is used, and so the oldest is another one now.
    mapped = folder.get("a", Maker())
    folder.get("d", Maker(table))
    assert [key for key in "abc" if paths[key].exists()] == ["a", "c"]
    TableFolder(tmp_path, max_bytes=0).get("e", Maker(table))
    assert len(tables(tmp_path)) == 1
    assert np.array_equal(mapped.row(0), np.arange(1000))


def process(folder: Path, body: str) -> subprocess.Popen[str]:
    """A worker that makes or maps the table "key", and says on stdout when it begins to make it."""
    program = f"""
import sys
from pathlib import Path
from dss_worker.data.token_cache import TokenCache
from dss_worker.data.tokens import TokenTable

def make():
    print("making", flush=True)
{body}
    return TokenTable.of([[1, 2], [], [3]])

print("ready", flush=True)
sys.stdin.readline()
print("asking", flush=True)
table = TokenCache(Path(sys.argv[1])).get("key", make)
print([table.row(i).tolist() for i in range(len(table))], flush=True)
"""
    return subprocess.Popen(
        [sys.executable, "-c", program, str(folder)],
        env={**os.environ, "PYTHONPATH": str(PACKAGE)},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )


def line(worker: subprocess.Popen[str]) -> str:
    assert worker.stdout is not None
    return worker.stdout.readline().strip()


def tell(worker: subprocess.Popen[str]) -> None:
    assert worker.stdin is not None
    worker.stdin.write("\n")
    worker.stdin.flush()


def test_workers_that_need_a_table_at_once_make_it_once(tmp_path: Path) -> None:
    first, *others = (process(tmp_path, "    sys.stdin.readline()") for _ in range(4))
    tell(first)
    assert [line(first) for _ in range(3)] == ["ready", "asking", "making"]
    for worker in others:
        tell(worker)
        assert [line(worker) for _ in range(2)] == ["ready", "asking"]
    # It goes on only now that all others have asked.
    tell(first)
    assert {worker.communicate()[0] for worker in (first, *others)} == {"[[1, 2], [], [3]]\n"}
    assert len(tables(tmp_path)) == 1


def test_the_lock_of_a_worker_that_is_killed_is_free_and_its_leftovers_go(tmp_path: Path) -> None:
    killed = process(tmp_path, "    sys.stdin.readline()")
    tell(killed)
    assert [line(killed) for _ in range(3)] == ["ready", "asking", "making"]
    waiting = process(tmp_path, "    pass")
    tell(waiting)
    assert [line(waiting) for _ in range(2)] == ["ready", "asking"]
    (tmp_path / "00left.part").write_text("half a table")
    killed.send_signal(signal.SIGKILL)
    killed.communicate()
    said, _ = waiting.communicate()
    assert said.splitlines() == ["making", "[[1, 2], [], [3]]"]
    assert not list(tmp_path.glob("*.part"))
