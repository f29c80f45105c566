"""Where what a trial reads and writes lies, on a machine that shares the control plane's folder or does not."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import TypeVar

import grpc
import pytest

from dss_worker.agent.cache import FileCache
from dss_worker.agent.protocol import Assign, Lease, StoredCheckpoint, StoredFile, StorePlace
from dss_worker.agent.storage import Prepared, Storage, StoreAccess
from dss_worker.config import SourceFile, TrialConfig
from dss_worker.errors import WorkerError
from tests.agent.control_plane import TRIAL, scripted_trial
from tests.agent.hasty_clock import HastyClock
from tests.agent.store_server import StoreServer, stored_file, written

T = TypeVar("T")
MODEL = {"config.json": b'{"d_model": 8}', "deep/weights.bin": b"weights" * 500}
DATASET = {"cqa/cqa_train.json": b"[1, 2, 3]"}
LEASE = Lease(trial_id=TRIAL, attempt=1, token=1)


@pytest.fixture
def server() -> Iterator[StoreServer]:
    with StoreServer() as server:
        yield server


class Machine:
    """A worker's place, and a control plane's that may be elsewhere."""

    def __init__(self, root: Path, server: StoreServer) -> None:
        self.server = server
        self.home = root / "home"
        self.home.mkdir()
        (self.home / "id").write_text("the name of the folder\n")
        self.cache = root / "cache"
        self.config = trial_that_reads(root / "sources")
        self.place = StorePlace(home=str(self.home), home_id="the name of the folder", port=server.port)
        self.elsewhere = replace(self.place, home_id="another name")

    def use(self, place: StorePlace | None, work: Callable[[Storage], Awaitable[T]]) -> T:
        async def run() -> T:
            clock = HastyClock()
            access = StoreAccess(host="127.0.0.1", token="secret", worker_id="w-1", tls=None)
            cache = FileCache(self.cache, limit_bytes=10**6, clock=clock, spare_bytes=0)
            storage = Storage(access, cache=cache, clock=clock)
            storage.connected(place)
            try:
                return await work(storage)
            finally:
                await storage.close()

        return asyncio.run(run())

    def prepare(self, place: StorePlace | None, checkpoint: StoredCheckpoint | None = None) -> TrialConfig:
        async def work(storage: Storage) -> TrialConfig:
            assign = Assign(lease=LEASE, trial=self.config, checkpoint=checkpoint)
            prepared = await storage.prepare(assign, self.config)
            config = prepared.config
            prepared.let_go()
            return config

        return self.use(place, work)

    def keep_sources(self) -> None:
        for data in (*MODEL.values(), *DATASET.values()):
            self.server.keep("", data)


def trial_that_reads(folder: Path) -> TrialConfig:
    """Of files that are nowhere so far."""
    config = scripted_trial("finish")
    return replace(
        config,
        model=replace(config.model, directory=folder / "model", files=_files(MODEL, "weights")),
        dataset=replace(config.dataset, directory=folder / "datasets", files=_files(DATASET, "train")),
    )


def _files(contents: dict[str, bytes], role: str) -> tuple[SourceFile, ...]:
    stored = [stored_file(data, path) for path, data in contents.items()]
    return tuple(
        SourceFile(path=file.path, sha256=file.sha256, size_bytes=file.size_bytes, role=role) for file in stored
    )


@pytest.fixture
def machine(tmp_path: Path, server: StoreServer) -> Machine:
    return Machine(tmp_path, server)


def test_who_shares_the_folder_uses_every_path_as_it_is(machine: Machine) -> None:
    assert machine.prepare(machine.place) == machine.config
    assert machine.prepare(None) == machine.config
    assert not machine.cache.exists()


def test_who_does_not_fetches_what_is_not_there_under_the_names_that_it_has(machine: Machine) -> None:
    machine.keep_sources()
    config = machine.prepare(machine.elsewhere)
    for folder, contents in ((config.model.directory, MODEL), (config.dataset.directory, DATASET)):
        assert folder.is_relative_to(machine.cache)
        assert {name: (folder / name).read_bytes() for name in contents} == contents
    assert config.run.directory == machine.cache / "trials" / TRIAL
    assert config.settings == machine.config.settings
    asked = len(machine.server.asked)
    assert machine.prepare(machine.elsewhere) == config
    assert len(machine.server.asked) == asked, "it is fetched once"


def test_what_lies_where_the_trial_says_is_used_there(machine: Machine) -> None:
    written(machine.config.model.directory, MODEL)
    machine.keep_sources()
    config = machine.prepare(machine.elsewhere)
    assert config.model.directory == machine.config.model.directory
    assert config.dataset.directory != machine.config.dataset.directory


def test_something_else_that_lies_there_is_not_used(machine: Machine) -> None:
    written(machine.config.model.directory, {**MODEL, "config.json": b'{"d_model": 9}'})
    machine.keep_sources()
    config = machine.prepare(machine.elsewhere)
    assert (config.model.directory / "config.json").read_bytes() == MODEL["config.json"]


def test_without_a_store_a_trial_whose_files_are_elsewhere_says_what_to_do(machine: Machine) -> None:
    with pytest.raises(WorkerError, match="does not hold here what the trial reads") as caught:
        machine.prepare(replace(machine.elsewhere, port=0))
    assert (caught.value.code, caught.value.kind) == ("SOURCE_MISSING", "infrastructure")
    assert "--store-listen" in caught.value.hint
    written(machine.config.model.directory, MODEL)
    written(machine.config.dataset.directory, DATASET)
    assert machine.prepare(replace(machine.elsewhere, port=0)).model == machine.config.model


def test_what_the_store_does_not_have_either_is_named(machine: Machine) -> None:
    with pytest.raises(WorkerError, match=r"config\.json could not be fetched: .*NOT_FOUND") as caught:
        machine.prepare(machine.elsewhere)
    assert caught.value.code == "SOURCE_MISSING"


def test_a_break_is_survived_and_damage_is_not_used(machine: Machine) -> None:
    machine.keep_sources()
    machine.server.refusals = [grpc.StatusCode.UNAVAILABLE]
    machine.server.cuts = [0, 1000]
    machine.server.damaged = 1
    config = machine.prepare(machine.elsewhere)
    assert {name: (config.model.directory / name).read_bytes() for name in MODEL} == MODEL


def test_a_store_that_gives_only_damage_is_given_up(machine: Machine) -> None:
    machine.keep_sources()
    machine.server.damaged = 99
    with pytest.raises(WorkerError, match=r"came damaged: .*, 3 times"):
        machine.prepare(machine.elsewhere)


@pytest.mark.parametrize("path", ["../model.bin", "/etc/passwd", "a/../../b", ""])
def test_a_path_that_leads_out_of_its_folder_is_refused(machine: Machine, path: str) -> None:
    file = replace(machine.config.model.files[0], path=path)
    machine.config = replace(machine.config, model=replace(machine.config.model, files=(file,)))
    with pytest.raises(WorkerError, match="leads out of its folder"):
        machine.prepare(machine.elsewhere)


class TestACheckpointInTheStore:
    @pytest.fixture
    def checkpoint(self, machine: Machine) -> StoredCheckpoint:
        machine.keep_sources()
        return self.stored(machine.server, 20)

    @staticmethod
    def stored(server: StoreServer, step: int) -> StoredCheckpoint:
        contents = {"tensors.safetensors": b"tensors %d" % step, "manifest.json": b"{}"}
        files = tuple(server.keep(TRIAL, data, path) for path, data in contents.items())
        return StoredCheckpoint(step=step, path=f"step-{step:08d}", files=files)

    @staticmethod
    def there(config: TrialConfig) -> list[str]:
        assert config.run.directory is not None
        return sorted(path.name for path in (config.run.directory / "checkpoints").iterdir())

    def test_is_put_where_training_looks_for_it(self, machine: Machine, checkpoint: StoredCheckpoint) -> None:
        config = machine.prepare(machine.elsewhere, checkpoint)
        assert self.there(config) == ["step-00000020"]
        assert config.run.directory is not None
        folder = config.run.directory / "checkpoints" / "step-00000020"
        assert (folder / "tensors.safetensors").read_bytes() == b"tensors 20"
        assert (folder / "manifest.json").read_bytes() == b"{}"

    def test_is_not_fetched_where_a_newer_one_is_here(self, machine: Machine, checkpoint: StoredCheckpoint) -> None:
        machine.prepare(machine.elsewhere, self.stored(machine.server, 30))
        asked = len(machine.server.asked)
        assert self.there(machine.prepare(machine.elsewhere, checkpoint)) == ["step-00000030"]
        assert len(machine.server.asked) == asked

    def test_is_passed_over_when_it_is_damaged_or_gone(
        self, machine: Machine, checkpoint: StoredCheckpoint, caplog: pytest.LogCaptureFixture
    ) -> None:
        gone = StoredFile(path="state.json", sha256="ab" * 32, size_bytes=3)
        with caplog.at_level(logging.WARNING):
            config = machine.prepare(machine.elsewhere, replace(checkpoint, files=(*checkpoint.files, gone)))
        assert self.there(config) == []
        assert "checkpoint step-00000020 is passed over" in caplog.text


def test_whoever_is_given_up_while_it_fetches_holds_nothing(machine: Machine) -> None:
    machine.server.keep("", MODEL["config.json"])

    async def work(storage: Storage) -> None:
        # The second file never comes.
        machine.server.keep("", MODEL["deep/weights.bin"])
        machine.server.cuts = [10**6, *([0] * 1000)]
        task: asyncio.Task[Prepared] = asyncio.create_task(
            storage.prepare(Assign(lease=LEASE, trial=machine.config), machine.config)
        )
        while len(machine.server.asked) < 5:
            await asyncio.sleep(0)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        tight = FileCache(machine.cache, limit_bytes=100, clock=HastyClock(), spare_bytes=0)
        await tight.hold(stored_file(bytes(90)), lambda draft: _write(draft, bytes(90)))

    machine.use(machine.elsewhere, work)


async def _write(draft: Path, data: bytes) -> None:
    draft.write_bytes(data)
