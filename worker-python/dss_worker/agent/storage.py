"""Where what a trial reads and writes lies on this machine.

A worker that reads the same name in the control plane's state folder has that folder before it: paths are used as they
are. Any other one takes files that lie where the trial says, if they are what it says, and fetches the rest; the trial
gets a folder of its own here, and what is to outlive it is sent.
"""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass, field, replace
from pathlib import Path, PurePosixPath
from shutil import rmtree
from typing import TypeVar

from dss_worker.agent.cache import FileCache, Pin
from dss_worker.agent.channel import TlsFiles
from dss_worker.agent.clock import Clock, sleep
from dss_worker.agent.digests import Digests
from dss_worker.agent.protocol import Assign, StoredCheckpoint, StoredFile, StorePlace
from dss_worker.agent.store import DamagedError, StoreClient, StoreError
from dss_worker.config import SourceFile, TrialConfig
from dss_worker.errors import WorkerError

logger = logging.getLogger(__name__)

T = TypeVar("T")

_FIRST_DELAY_S = 0.5
_LONGEST_DELAY_S = 30.0
_DAMAGED_TRIES = 3
# As training names its own.
_UNFINISHED = ".unfinished-"


@dataclass(frozen=True, slots=True, kw_only=True)
class StoreAccess:
    """How the store is spoken to."""

    # Of the control plane, as --server names it.
    host: str
    token: str
    worker_id: str
    tls: TlsFiles | None


@dataclass(slots=True, kw_only=True)
class Prepared:
    """A trial with all that it reads at hand, until it is let go."""

    config: TrialConfig
    pins: list[Pin] = field(default_factory=list)

    def let_go(self) -> None:
        while self.pins:
            self.pins.pop().let_go()


class Storage:
    def __init__(self, access: StoreAccess, *, cache: FileCache, clock: Clock) -> None:
        self._access = access
        self._cache = cache
        self._clock = clock
        self._digests = Digests()
        self._client: StoreClient | None = None
        self._place: StorePlace | None = None
        # Until the control plane says more, there is one folder, as there was before there were stores.
        self.is_shared = True

    def connected(self, place: StorePlace | None) -> None:
        """`place`: what the control plane says of its folder and its store."""
        if place == self._place:
            return
        self._place = place
        self.is_shared = place is None or _home_id(place.home) == place.home_id
        if not self.is_shared:
            logger.info("the state folder is on another machine; files are kept in %s", self._cache.root)

    async def close(self) -> None:
        if self._client is not None:
            await self._client.close()

    async def prepare(self, assign: Assign, config: TrialConfig) -> Prepared:
        """Raises: WorkerError."""
        prepared = Prepared(config=config)
        if self.is_shared:
            return prepared
        try:
            model = await self._source(config.model.directory, config.model.files, prepared.pins)
            dataset = await self._source(config.dataset.directory, config.dataset.files, prepared.pins)
            folder, pin = self._cache.trial_folder(config.trial_id)
            prepared.pins.append(pin)
            if assign.checkpoint is not None:
                await self._fetch_checkpoint(config.trial_id, assign.checkpoint, folder / "checkpoints")
            prepared.config = replace(
                config,
                model=replace(config.model, directory=model),
                dataset=replace(config.dataset, directory=dataset),
                run=replace(config.run, directory=folder),
            )
        except OSError as error:
            prepared.let_go()
            message = f"the cache {self._cache.root} cannot be used: {error}"
            hint = "DSS_WORKER_CACHE names another folder"
            raise WorkerError("CACHE_UNUSABLE", message, hint=hint, kind="infrastructure") from error
        except BaseException:
            prepared.let_go()
            raise
        return prepared

    async def send(self, trial_id: str, files: Iterable[tuple[Path, StoredFile]], *, what: str) -> None:
        """Puts into the trial's scope what is missing there. Tries again until it is all there, or never can be.

        Raises: StoreError, final; OSError for a file that cannot be read.
        """
        pairs = list(files)

        async def send() -> None:
            client = self._store()
            missing = await client.missing(trial_id, [file for _, file in pairs])
            for path, file in pairs:
                if file.sha256 in missing:
                    await client.put(trial_id, path, file)

        await self._keep_trying(send, what)

    def is_own(self, folder: Path | None) -> bool:
        """A trial's folder that only this machine has."""
        return folder is not None and folder.is_relative_to(self._cache.root)

    @property
    def has_store(self) -> bool:
        return self._place is not None and self._place.port != 0

    async def _source(self, directory: Path, files: tuple[SourceFile, ...], pins: list[Pin]) -> Path:
        for file in files:
            _check_path(file.path)
        if await self._lies_there(directory, files):
            return directory
        if not self.has_store:
            message = f"{directory} does not hold here what the trial reads, and the control plane has no store"
            hint = "serve with --store-listen, or let the folder lie at the same path on this machine"
            raise WorkerError("SOURCE_MISSING", message, hint=hint, kind="infrastructure")
        stored = [StoredFile(path=file.path, sha256=file.sha256, size_bytes=file.size_bytes) for file in files]
        for wanted in stored:
            pins.append(await self._hold(wanted))
        return self._cache.view(stored)

    async def _lies_there(self, directory: Path, files: tuple[SourceFile, ...]) -> bool:
        for file in files:
            path = directory / file.path
            if not await self._digests.is_file(path, sha256=file.sha256, size_bytes=file.size_bytes):
                return False
        return True

    async def _hold(self, file: StoredFile) -> Pin:
        try:
            return await self._cache.hold(file, lambda draft: self._fetch("", file, draft))
        except StoreError as error:
            message = f"{file.path} could not be fetched: {error.message}"
            hint = "submit the sweep again from the machine that has its files"
            raise WorkerError("SOURCE_MISSING", message, hint=hint, kind="infrastructure") from error

    async def _fetch_checkpoint(self, trial_id: str, checkpoint: StoredCheckpoint, folder: Path) -> None:
        """Without it, the trial goes on from an older one that is here, or begins anew."""
        _check_path(checkpoint.path)
        target = folder / checkpoint.path
        if target.exists() or any(name > checkpoint.path for name in _names_in(folder)):
            return
        draft = folder / f"{_UNFINISHED}{checkpoint.path}-fetched"
        try:
            for file in checkpoint.files:
                _check_path(file.path)
                path = draft / file.path
                path.parent.mkdir(parents=True, exist_ok=True)
                await self._fetch(trial_id, file, path)
            draft.rename(target)
        except StoreError as error:
            logger.warning("trial %s: checkpoint %s is passed over: %s", trial_id, checkpoint.path, error.message)
            rmtree(draft, ignore_errors=True)

    async def _fetch(self, scope: str, file: StoredFile, draft: Path) -> None:
        damaged = 0

        async def fetch() -> None:
            nonlocal damaged
            try:
                await self._store().fetch(scope, file, draft)
            except DamagedError as error:
                damaged += 1
                if damaged < _DAMAGED_TRIES:
                    raise
                raise StoreError(f"{error.message}, {damaged} times", is_final=True) from error

        await self._keep_trying(fetch, f"fetching {file.path}")

    async def _keep_trying(self, work: Callable[[], Awaitable[T]], what: str) -> T:
        """For as long as somebody waits: who gives the trial up ends this too."""
        delay_s = _FIRST_DELAY_S
        while True:
            try:
                return await work()
            except StoreError as error:
                if error.is_final:
                    raise
                logger.warning("%s: %s; again in %g s", what, error.message, delay_s)
            await sleep(self._clock, delay_s)
            delay_s = min(2 * delay_s, _LONGEST_DELAY_S)

    def _store(self) -> StoreClient:
        place, access = self._place, self._access
        if place is None or place.port == 0:
            raise StoreError("the control plane has no store", is_final=True)
        address = f"{access.host}:{place.port}"
        if self._client is None or self._client.address != address:
            # The old channel ends with whoever still uses it.
            self._client = StoreClient(address, token=access.token, worker_id=access.worker_id, tls=access.tls)
        return self._client


def _home_id(home: str) -> str | None:
    try:
        return (Path(home) / "id").read_text(encoding="ascii").strip()
    except (OSError, UnicodeDecodeError):
        return None


def _names_in(folder: Path) -> list[str]:
    return [path.name for path in folder.iterdir() if path.name.startswith("step-")] if folder.is_dir() else []


def _check_path(text: str) -> None:
    """It becomes part of a path here. Raises: WorkerError (CONFIG_INVALID)."""
    path = PurePosixPath(text)
    if text in ("", ".") or path.is_absolute() or ".." in path.parts or "\0" in text:
        raise WorkerError("CONFIG_INVALID", f"{text!r} leads out of its folder", hint="the control plane is at fault")
