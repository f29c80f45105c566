"""Files that travel between a worker and the store."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path
from typing import TypeVar

import grpc
import pytest

from dss_worker.agent.store import DamagedError, StoreClient, StoreError
from tests.agent.store_server import PIECE_BYTES, StoreServer, stored_file

T = TypeVar("T")
DATA = bytes(range(256)) * 20


@pytest.fixture
def server() -> Iterator[StoreServer]:
    with StoreServer() as server:
        yield server


def use(server: StoreServer, work: Callable[[StoreClient], Awaitable[T]], *, token: str = "secret") -> T:
    async def run() -> T:
        client = StoreClient(server.address, token=token, worker_id="w-1", tls=None)
        try:
            return await work(client)
        finally:
            await client.close()

    return asyncio.run(run())


def test_a_file_is_fetched_whole_and_it_is_said_who_fetches(server: StoreServer, tmp_path: Path) -> None:
    draft = tmp_path / "draft"
    file = server.keep("", DATA)
    use(server, lambda client: client.fetch("", file, draft))
    assert draft.read_bytes() == DATA
    assert server.metadata["authorization"] == "Bearer secret"
    assert server.metadata["dss-worker-id"] == "w-1"


def test_without_a_token_none_is_sent(server: StoreServer) -> None:
    use(server, lambda client: client.missing("", []), token="")
    assert "authorization" not in server.metadata


def test_a_file_of_no_bytes_is_one_too(server: StoreServer, tmp_path: Path) -> None:
    use(server, lambda client: client.fetch("", server.keep("", b""), tmp_path / "draft"))
    assert (tmp_path / "draft").read_bytes() == b""


def test_after_a_break_only_the_rest_is_fetched(server: StoreServer, tmp_path: Path) -> None:
    draft = tmp_path / "draft"
    file = server.keep("", DATA)
    server.cuts = [2 * PIECE_BYTES]
    with pytest.raises(StoreError, match=r"UNAVAILABLE: cut by the test") as caught:
        use(server, lambda client: client.fetch("", file, draft))
    assert not caught.value.is_final
    assert draft.read_bytes() == DATA[: 2 * PIECE_BYTES]
    use(server, lambda client: client.fetch("", file, draft))
    assert draft.read_bytes() == DATA
    assert server.asked == [0, 2 * PIECE_BYTES]


def test_what_is_there_already_is_not_asked_for(server: StoreServer, tmp_path: Path) -> None:
    draft = tmp_path / "draft"
    draft.write_bytes(DATA)
    use(server, lambda client: client.fetch("", stored_file(DATA), draft))
    assert server.asked == []


@pytest.mark.parametrize("so_far", [b"", b"\x07 something else"])
def test_nothing_damaged_stays(server: StoreServer, tmp_path: Path, so_far: bytes) -> None:
    draft = tmp_path / "draft"
    draft.write_bytes(so_far)
    file = server.keep("", DATA)
    server.damaged = 0 if so_far else 1
    with pytest.raises(DamagedError, match="came damaged") as caught:
        use(server, lambda client: client.fetch("", file, draft))
    assert not caught.value.is_final
    assert not draft.exists()


def test_what_is_longer_than_it_was_said_to_be_is_damaged(server: StoreServer, tmp_path: Path) -> None:
    file = stored_file(DATA[:100])
    server.files["", file.sha256] = DATA
    with pytest.raises(DamagedError):
        use(server, lambda client: client.fetch("", file, tmp_path / "draft"))


def test_what_ends_too_early_is_asked_for_again(server: StoreServer, tmp_path: Path) -> None:
    file = stored_file(DATA)
    server.files["", file.sha256] = DATA[:100]
    with pytest.raises(StoreError, match="ended after 100 of 5120 bytes") as caught:
        use(server, lambda client: client.fetch("", file, tmp_path / "draft"))
    assert not caught.value.is_final


@pytest.mark.parametrize(
    ("code", "is_final"),
    [
        (grpc.StatusCode.NOT_FOUND, True),
        (grpc.StatusCode.PERMISSION_DENIED, True),
        (grpc.StatusCode.UNAUTHENTICATED, True),
        (grpc.StatusCode.UNAVAILABLE, False),
        (grpc.StatusCode.RESOURCE_EXHAUSTED, False),
        (grpc.StatusCode.INTERNAL, False),
    ],
)
def test_some_refusals_are_final(server: StoreServer, tmp_path: Path, code: grpc.StatusCode, is_final: bool) -> None:
    file = server.keep("", DATA)
    source = tmp_path / "source"
    source.write_bytes(DATA)
    calls: list[Callable[[StoreClient], Awaitable[object]]] = [
        lambda client: client.missing("", [file]),
        lambda client: client.fetch("", file, tmp_path / "draft"),
        lambda client: client.put("", source, file),
    ]
    for call in calls:
        server.refusals = [code]
        with pytest.raises(StoreError, match=code.name) as caught:
            use(server, call)
        assert caught.value.is_final == is_final


def test_what_is_sent_is_there_and_not_missing_any_more(server: StoreServer, tmp_path: Path) -> None:
    source = tmp_path / "source"
    source.write_bytes(DATA)
    file = stored_file(DATA)
    assert use(server, lambda client: client.missing("t", [file])) == {file.sha256}
    use(server, lambda client: client.put("t", source, file))
    assert server.has("t", DATA)
    assert use(server, lambda client: client.missing("t", [file])) == frozenset()
    assert use(server, lambda client: client.missing("", [file])) == {file.sha256}


def test_a_file_that_changed_is_not_taken(server: StoreServer, tmp_path: Path) -> None:
    source = tmp_path / "source"
    source.write_bytes(DATA[::-1])
    with pytest.raises(StoreError, match="INVALID_ARGUMENT") as caught:
        use(server, lambda client: client.put("t", source, stored_file(DATA)))
    assert caught.value.is_final
    assert server.files == {}
