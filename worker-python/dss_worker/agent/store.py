"""The control plane's store, as a worker uses it: files by what is in them, piece by piece. See store.proto."""

from __future__ import annotations

import asyncio
import hashlib
import os
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import BinaryIO

import grpc
import grpc.aio

from dss_worker.agent.channel import TlsFiles, open_channel, open_threaded_channel
from dss_worker.agent.generated.dss.v1 import common_pb2, store_pb2
from dss_worker.agent.generated.dss.v1.store_pb2_grpc import StoreServiceStub
from dss_worker.agent.protocol import StoredFile

PIECE_BYTES = 1024 * 1024

# What another try would not change.
_FINAL = {
    grpc.StatusCode.NOT_FOUND,
    grpc.StatusCode.PERMISSION_DENIED,
    grpc.StatusCode.UNAUTHENTICATED,
    grpc.StatusCode.INVALID_ARGUMENT,
    grpc.StatusCode.UNIMPLEMENTED,
}


class StoreError(Exception):
    """Files did not travel."""

    def __init__(self, message: str, *, is_final: bool) -> None:
        super().__init__(message)
        self.message = message
        # Another try would end as this one.
        self.is_final = is_final


class DamagedError(StoreError):
    """What came is not what was asked for."""

    def __init__(self, message: str) -> None:
        super().__init__(message, is_final=False)


class StoreClient:
    """Every method raises StoreError."""

    def __init__(self, address: str, *, token: str, worker_id: str, tls: TlsFiles | None) -> None:
        """Raises: WorkerError (AUTH_INVALID) for a certificate that cannot be read."""
        self.address = address
        self._channel = open_channel(address, tls)
        self._service = StoreServiceStub(self._channel)  # type: ignore[no-untyped-call]
        # Of a call that the other side ends while we still send, grpc.aio (1.85) loses the reason.
        self._sending = open_threaded_channel(address, tls)
        self._sender = StoreServiceStub(self._sending)  # type: ignore[no-untyped-call]
        authorization = (("authorization", f"Bearer {token}"),) if token else ()
        self._metadata = (*authorization, ("dss-worker-id", worker_id))

    async def close(self) -> None:
        await self._channel.close()
        self._sending.close()

    async def missing(self, scope: str, files: Iterable[StoredFile]) -> frozenset[str]:
        """Digests of those that are not there."""
        asked = [common_pb2.StoredFile(sha256=file.sha256, size_bytes=file.size_bytes) for file in files]
        request = store_pb2.MissingRequest(scope=scope, files=asked)
        try:
            answer = await self._service.Missing(request, metadata=self._metadata)
        except grpc.aio.AioRpcError as error:
            raise _store_error(error, "the store was asked in vain") from error
        return frozenset(answer.sha256)

    async def fetch(self, scope: str, file: StoredFile, draft: Path) -> None:
        """Fills the draft, on from where it ends; all of it is on disk then, and what it is to be.

        Raises: StoreError; what has come so far stays, unless it is damaged. OSError.
        """
        with draft.open("a+b") as out:
            digest, came = await asyncio.to_thread(_digest_so_far, out)
            if came < file.size_bytes:
                request = store_pb2.GetRequest(scope=scope, sha256=file.sha256, offset=came)
                try:
                    async for chunk in self._service.Get(request, metadata=self._metadata):
                        came += len(chunk.data)
                        if came > file.size_bytes:
                            break
                        await asyncio.to_thread(_keep, out, digest, chunk.data)
                except grpc.aio.AioRpcError as error:
                    raise _store_error(error, f"{file.sha256[:12]}… could not be fetched") from error
            await asyncio.to_thread(_sync, out)
        if came < file.size_bytes:
            raise StoreError(f"{file.sha256[:12]}… ended after {came} of {file.size_bytes} bytes", is_final=False)
        if came > file.size_bytes or digest.hexdigest() != file.sha256:
            draft.unlink()
            raise DamagedError(f"{file.sha256[:12]}… came damaged: sha256 {digest.hexdigest()[:12]}…, {came} bytes")

    async def put(self, scope: str, path: Path, file: StoredFile) -> None:
        """Raises also: OSError for a file that cannot be read."""
        with path.open("rb") as source:
            call = self._sender.Put.future(_parts(scope, file, source), metadata=self._metadata)
            over = asyncio.Event()
            loop = asyncio.get_running_loop()
            call.add_done_callback(lambda _: loop.call_soon_threadsafe(over.set))
            try:
                await over.wait()
            finally:
                call.cancel()
        error = call.exception()
        if error is not None:
            raise _store_error(error, f"{path.name} could not be sent") from error


def _parts(scope: str, file: StoredFile, source: BinaryIO) -> Iterator[store_pb2.PutRequest]:
    yield store_pb2.PutRequest(header=store_pb2.PutHeader(scope=scope, sha256=file.sha256, size_bytes=file.size_bytes))
    # Closed, when the call was ended meanwhile.
    while not source.closed and (data := source.read(PIECE_BYTES)):
        yield store_pb2.PutRequest(data=data)


def _store_error(error: grpc.RpcError, what: str) -> StoreError:
    code = error.code()
    return StoreError(f"{what}: {code.name}: {error.details()}", is_final=code in _FINAL)


def _digest_so_far(draft: BinaryIO) -> tuple[hashlib._Hash, int]:
    draft.seek(0)
    digest = hashlib.sha256()
    came = 0
    while data := draft.read(PIECE_BYTES):
        digest.update(data)
        came += len(data)
    return digest, came


def _keep(out: BinaryIO, digest: hashlib._Hash, data: bytes) -> None:
    digest.update(data)
    out.write(data)


def _sync(out: BinaryIO) -> None:
    out.flush()
    os.fsync(out.fileno())
