"""The files that a machine's workers share."""

from __future__ import annotations

import asyncio
import fcntl
import os
from collections.abc import Coroutine
from pathlib import Path
from typing import Any

import pytest

from dss_worker.agent.cache import FileCache
from dss_worker.agent.protocol import StoredFile
from dss_worker.errors import WorkerError
from tests.agent.hasty_clock import HastyClock
from tests.agent.store_server import stored_file

DATA = b"weights " * 100
FILE = stored_file(DATA, "model.safetensors")


def cache_at(root: Path, *, limit_bytes: int = 10**6, spare_bytes: int = 0) -> FileCache:
    return FileCache(root, limit_bytes=limit_bytes, clock=HastyClock(), spare_bytes=spare_bytes)


class Source:
    """Gives what it has, and counts how often."""

    def __init__(self, data: bytes = DATA) -> None:
        self.data = data
        self.fetched = 0

    async def __call__(self, draft: Path) -> None:
        self.fetched += 1
        await asyncio.sleep(0)
        draft.write_bytes(self.data)


async def never(draft: Path) -> None:
    raise AssertionError("it is there")


def run(work: Coroutine[Any, Any, None]) -> None:
    asyncio.run(work)


def test_a_file_is_fetched_once(tmp_path: Path) -> None:
    async def work() -> None:
        cache = cache_at(tmp_path)
        await cache.hold(FILE, Source())
        await cache.hold(FILE, never)
        assert cache.path_of(FILE.sha256).read_bytes() == DATA

    run(work())


def test_whoever_stops_waiting_for_a_check_holds_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async def work() -> None:
        (await cache_at(tmp_path).hold(FILE, Source())).let_go()
        cache, checks = cache_at(tmp_path), asyncio.Event()

        async def for_ever(*_: object, **__: object) -> bool:
            checks.set()
            await asyncio.Event().wait()
            return True

        monkeypatch.setattr(cache._digests, "is_file", for_ever)
        holding = asyncio.create_task(cache.hold(FILE, never))
        await checks.wait()
        holding.cancel()
        with pytest.raises(asyncio.CancelledError):
            await holding
        path = cache.path_of(FILE.sha256)
        with path.open("rb") as file:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)

    run(work())


def test_two_workers_that_want_the_same_file_at_once_fetch_it_once(tmp_path: Path) -> None:
    async def work() -> None:
        source = Source()
        await asyncio.gather(*(cache_at(tmp_path).hold(FILE, source) for _ in range(5)))
        assert source.fetched == 1

    run(work())


def test_another_worker_fetches_it_where_the_first_one_failed(tmp_path: Path) -> None:
    async def work() -> None:
        source = Source()

        async def fail(draft: Path) -> None:
            draft.write_bytes(DATA[:10])
            raise OSError("cut off")

        results = await asyncio.gather(
            cache_at(tmp_path).hold(FILE, fail), cache_at(tmp_path).hold(FILE, source), return_exceptions=True
        )
        assert [isinstance(result, OSError) for result in results] == [True, False]
        assert source.fetched == 1

    run(work())


def test_a_fetch_goes_on_with_what_a_killed_worker_left(tmp_path: Path) -> None:
    async def work() -> None:
        cache = cache_at(tmp_path)
        path = cache.path_of(FILE.sha256)
        path.parent.mkdir(parents=True)
        path.with_name(f"{path.name}.part").write_bytes(DATA[:10])

        async def go_on(draft: Path) -> None:
            assert draft.read_bytes() == DATA[:10]
            draft.write_bytes(DATA)

        await cache.hold(FILE, go_on)

    run(work())


@pytest.mark.parametrize("damage", [b"", DATA[:-1], DATA[::-1]])
def test_a_file_that_was_damaged_here_is_fetched_anew(tmp_path: Path, damage: bytes) -> None:
    async def work() -> None:
        await cache_at(tmp_path).hold(FILE, Source())
        cache = cache_at(tmp_path)
        cache.path_of(FILE.sha256).write_bytes(damage)
        source = Source()
        await cache.hold(FILE, source)
        assert source.fetched == 1
        assert cache.path_of(FILE.sha256).read_bytes() == DATA

    run(work())


async def _three(cache: FileCache) -> list[StoredFile]:
    """Each of 800 bytes, used one after the other."""
    files = []
    for number in range(3):
        data = bytes([number]) * 800
        file = stored_file(data)
        (await cache.hold(file, Source(data))).let_go()
        path = cache.path_of(file.sha256)
        # Only when it was used: after a change it would be read again, which is a use too.
        os.utime(path, ns=(number, path.stat().st_mtime_ns))
        files.append(file)
    return files


def _there(cache: FileCache, files: list[StoredFile]) -> list[bool]:
    return [cache.path_of(file.sha256).exists() for file in files]


def test_what_was_not_used_for_longest_makes_room(tmp_path: Path) -> None:
    async def work() -> None:
        cache = cache_at(tmp_path, limit_bytes=2_500)
        files = await _three(cache)
        (await cache.hold(files[0], never)).let_go()
        await cache.hold(FILE, Source())
        assert _there(cache, files) == [True, False, True]

    run(work())


def test_what_somebody_uses_stays_and_goes_when_it_is_let_go(tmp_path: Path) -> None:
    async def work() -> None:
        cache = cache_at(tmp_path, limit_bytes=2_500)
        files = await _three(cache)
        pins = [await cache.hold(file, never) for file in files]
        with pytest.raises(WorkerError, match="has no room for 800 bytes: 700 are lacking") as caught:
            await cache_at(tmp_path, limit_bytes=2_500).hold(FILE, Source())
        assert (caught.value.code, caught.value.kind) == ("CACHE_FULL", "infrastructure")
        assert "DSS_WORKER_CACHE" in caught.value.hint
        assert _there(cache, files) == [True, True, True]
        pins[1].let_go()
        await cache.hold(FILE, Source())
        assert _there(cache, files) == [True, False, True]

    run(work())


def test_what_a_worker_used_that_was_killed_makes_room(tmp_path: Path) -> None:
    async def work() -> None:
        cache = cache_at(tmp_path, limit_bytes=900)
        pid = os.fork()
        if pid == 0:
            asyncio.run(_hold_and_die(tmp_path))
        os.waitpid(pid, 0)
        assert cache.path_of(FILE.sha256).exists()
        other = bytes(800)
        await cache.hold(stored_file(other), Source(other))
        assert not cache.path_of(FILE.sha256).exists()

    run(work())


async def _hold_and_die(root: Path) -> None:
    await cache_at(root).hold(FILE, Source())
    os._exit(0)


def test_the_disk_keeps_some_room(tmp_path: Path) -> None:
    async def work() -> None:
        with pytest.raises(WorkerError) as caught:
            await cache_at(tmp_path, spare_bytes=2**60).hold(FILE, Source())
        assert caught.value.code == "CACHE_FULL"

    run(work())


def test_folders_of_trials_make_room_too_unless_they_are_used(tmp_path: Path) -> None:
    async def work() -> None:
        cache = cache_at(tmp_path, limit_bytes=2_000)
        for trial_id in ("used", "left"):
            folder, pin = cache.trial_folder(trial_id)
            (folder / "weights").write_bytes(bytes(800))
            if trial_id == "left":
                pin.let_go()
        await cache.hold(FILE, Source())
        assert [path.name for path in (tmp_path / "trials").iterdir()] == ["used"]

    run(work())


def test_drafts_of_the_killed_make_room_and_those_of_the_living_stay(tmp_path: Path) -> None:
    async def work() -> None:
        cache = cache_at(tmp_path, limit_bytes=1_000)
        left = tmp_path / "files" / "ab" / f"{'ab' * 32}.part"
        left.parent.mkdir(parents=True)
        left.write_bytes(bytes(800))
        (tmp_path / "locks").mkdir()
        (tmp_path / "locks" / ("ab" * 32)).touch()
        other = bytes(800)

        async def meanwhile(draft: Path) -> None:
            draft.write_bytes(other)
            with pytest.raises(WorkerError, match="no room"):
                await cache.hold(FILE, Source())
            assert draft.exists()

        await cache.hold(stored_file(other), meanwhile)
        assert not left.exists()

    run(work())


def test_a_view_gives_files_their_names_and_is_the_same_for_the_same(tmp_path: Path) -> None:
    async def work() -> None:
        cache = cache_at(tmp_path)
        await cache.hold(FILE, Source())
        nested = StoredFile(path="deep/copy.bin", sha256=FILE.sha256, size_bytes=FILE.size_bytes)
        view = cache.view([FILE, nested])
        assert (view / "model.safetensors").read_bytes() == DATA
        assert (view / "deep" / "copy.bin").read_bytes() == DATA
        assert cache_at(tmp_path).view([nested, FILE]) == view
        assert cache.view([FILE]) != view
        assert [path.name for path in (tmp_path / "views").iterdir() if path.name.startswith(".")] == []

    run(work())
