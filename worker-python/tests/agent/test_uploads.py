"""What attempts send to the store."""

from __future__ import annotations

import asyncio
import hashlib
import json
import shutil
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path

import grpc
import pytest

from dss_worker.agent.cache import FileCache
from dss_worker.agent.protocol import CheckpointReport, FinishedReport, Lease, Report, StorePlace
from dss_worker.agent.storage import Storage, StoreAccess
from dss_worker.agent.uploads import Uploads
from tests.agent.control_plane import TRIAL
from tests.agent.hasty_clock import HastyClock
from tests.agent.scripted_child import RESULT
from tests.agent.store_server import StoreServer, written

LEASE = Lease(trial_id=TRIAL, attempt=1, token=1)


@pytest.fixture
def server() -> Iterator[StoreServer]:
    with StoreServer() as server:
        yield server


class Sender:
    def __init__(self, uploads: Uploads, folder: Path, reports: list[Report]) -> None:
        self.uploads = uploads
        # The trial's.
        self.folder = folder
        self.reports = reports
        self.changes = 0

    def checkpoint(self, step: int) -> Path:
        """As training writes it."""
        path = written(self.folder / "checkpoints" / f"step-{step}", contents_at(step))
        self.uploads.checkpoint(LEASE, step, path)
        return path

    async def idle(self) -> None:
        while self.uploads.leases:
            await asyncio.sleep(0.001)


def contents_at(step: int) -> dict[str, bytes]:
    tensors = b"tensors %d" % step
    manifest = {"files": {"tensors": {"bytes": len(tensors), "sha256": hashlib.sha256(tensors).hexdigest()}}}
    return {"tensors": tensors, "manifest.json": json.dumps(manifest).encode()}


def use(root: Path, server: StoreServer, work: Callable[[Sender], Awaitable[None]], *, has_store: bool = True) -> None:
    async def run() -> None:
        clock = HastyClock()
        access = StoreAccess(host="127.0.0.1", token="secret", worker_id="w-1", tls=None)
        storage = Storage(access, cache=FileCache(root, limit_bytes=10**6, clock=clock), clock=clock)
        storage.connected(StorePlace(home="/nowhere", home_id="x", port=server.port if has_store else 0))
        reports: list[Report] = []
        uploads = Uploads(storage, report=reports.append, on_change=lambda: None)
        folder = root / "trials" / TRIAL
        folder.mkdir(parents=True)
        try:
            await work(Sender(uploads, folder, reports))
        finally:
            await uploads.close()
            await storage.close()

    asyncio.run(run())


def reported_steps(reports: list[Report]) -> list[int]:
    return [report.step for report in reports if isinstance(report, CheckpointReport)]


def test_a_checkpoint_is_told_of_once_all_of_it_is_there(tmp_path: Path, server: StoreServer) -> None:
    async def work(sender: Sender) -> None:
        sender.checkpoint(10)
        await sender.idle()
        (report,) = sender.reports
        assert isinstance(report, CheckpointReport)
        assert (report.lease, report.step, report.path) == (LEASE, 10, "step-10")
        assert {file.path: server.files[TRIAL, file.sha256] for file in report.files} == contents_at(10)
        assert not any((sender.folder / "sending").iterdir())

    use(tmp_path, server, work)


def test_training_may_remove_it_meanwhile(tmp_path: Path, server: StoreServer) -> None:
    async def work(sender: Sender) -> None:
        shutil.rmtree(sender.checkpoint(10))
        await sender.idle()
        assert reported_steps(sender.reports) == [10]

    use(tmp_path, server, work)


def test_of_those_that_wait_only_the_newest_is_sent(tmp_path: Path, server: StoreServer) -> None:
    async def work(sender: Sender) -> None:
        server.takes.clear()
        sender.checkpoint(10)
        await asyncio.to_thread(server.is_sending.wait)
        for step in (20, 30, 40):
            sender.checkpoint(step)
        server.takes.set()
        await sender.idle()
        assert reported_steps(sender.reports) == [10, 40]
        assert not server.has(TRIAL, contents_at(20)["tensors"])
        assert not any((sender.folder / "sending").iterdir())

    use(tmp_path, server, work)


def test_what_two_have_in_common_is_sent_once(tmp_path: Path, server: StoreServer) -> None:
    async def work(sender: Sender) -> None:
        for step in (10, 20):
            written(sender.folder / "checkpoints" / f"step-{step}", {"state.json": b"the same"})
            sender.checkpoint(step)
            await sender.idle()
        assert len(server.sent) == len(set(server.sent)) == 5

    use(tmp_path, server, work)


def test_it_is_tried_again_while_that_may_help(tmp_path: Path, server: StoreServer) -> None:
    async def work(sender: Sender) -> None:
        server.refusals = [grpc.StatusCode.UNAVAILABLE, grpc.StatusCode.RESOURCE_EXHAUSTED]
        sender.checkpoint(10)
        await sender.idle()
        assert reported_steps(sender.reports) == [10]

    use(tmp_path, server, work)


def test_what_the_store_does_not_take_is_not_told_of(tmp_path: Path, server: StoreServer) -> None:
    async def work(sender: Sender) -> None:
        server.refusals = [grpc.StatusCode.PERMISSION_DENIED]
        sender.checkpoint(10)
        await sender.idle()
        assert sender.reports == []
        sender.checkpoint(20)
        await sender.idle()
        assert reported_steps(sender.reports) == [20]

    use(tmp_path, server, work)


def test_the_result_is_told_once_what_is_kept_is_there(tmp_path: Path, server: StoreServer) -> None:
    kept = {"model/config.json": b"{}", "model/model.safetensors": b"weights", "rationales.jsonl": b"because"}

    async def work(sender: Sender) -> None:
        written(sender.folder, {**kept, "checkpoints/step-10/tensors": b"not kept"})
        server.takes.clear()
        sender.uploads.finish(LEASE, RESULT, sender.folder, after_checkpoints=False)
        await asyncio.to_thread(server.is_sending.wait)
        assert sender.reports == []
        assert sender.uploads.leases == (LEASE,)
        server.takes.set()
        await sender.idle()
        (report,) = sender.reports
        assert isinstance(report, FinishedReport)
        assert report.result == RESULT
        assert {file.path: server.files[TRIAL, file.sha256] for file in report.files} == kept
        assert not sender.folder.exists()

    use(tmp_path, server, work)


def test_a_result_without_anything_kept_is_told_at_once(tmp_path: Path, server: StoreServer) -> None:
    async def work(sender: Sender) -> None:
        server.refusals = [grpc.StatusCode.UNAVAILABLE] * 9
        sender.uploads.finish(LEASE, RESULT, sender.folder, after_checkpoints=False)
        await sender.idle()
        assert sender.reports == [FinishedReport(lease=LEASE, result=RESULT)]
        assert len(server.refusals) == 9

    use(tmp_path, server, work)


def test_checkpoints_that_are_to_be_kept_are_sent_before_the_result(tmp_path: Path, server: StoreServer) -> None:
    async def work(sender: Sender) -> None:
        sender.checkpoint(10)
        sender.uploads.finish(LEASE, RESULT, sender.folder, after_checkpoints=True)
        await sender.idle()
        assert [type(report) for report in sender.reports] == [CheckpointReport, FinishedReport]

    use(tmp_path, server, work)


def test_other_checkpoints_are_not_waited_for(tmp_path: Path, server: StoreServer) -> None:
    async def work(sender: Sender) -> None:
        server.takes.clear()
        sender.checkpoint(10)
        await asyncio.to_thread(server.is_sending.wait)
        sender.uploads.finish(LEASE, RESULT, sender.folder, after_checkpoints=False)
        await sender.idle()
        assert [type(report) for report in sender.reports] == [FinishedReport]

    use(tmp_path, server, work)


def test_without_a_store_the_result_counts_and_what_is_kept_stays(tmp_path: Path, server: StoreServer) -> None:
    async def work(sender: Sender) -> None:
        written(sender.folder, {"model/config.json": b"{}"})
        sender.uploads.finish(LEASE, RESULT, sender.folder, after_checkpoints=False)
        await sender.idle()
        assert sender.reports == [FinishedReport(lease=LEASE, result=RESULT)]
        assert (sender.folder / "model" / "config.json").exists()

    use(tmp_path, server, work, has_store=False)


def test_who_gives_an_attempt_up_ends_what_it_sends(tmp_path: Path, server: StoreServer) -> None:
    async def work(sender: Sender) -> None:
        server.takes.clear()
        sender.checkpoint(10)
        await asyncio.to_thread(server.is_sending.wait)
        sender.uploads.forget(LEASE)
        assert sender.uploads.leases == ()
        server.takes.set()
        for _ in range(100):
            await asyncio.sleep(0.001)
        assert sender.reports == []

    use(tmp_path, server, work)
