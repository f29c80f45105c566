"""A store over a real gRPC server, in memory, that can be told to misbehave."""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Self

import grpc

from dss_worker.agent.generated.dss.v1 import store_pb2, store_pb2_grpc
from dss_worker.agent.protocol import StoredFile

PIECE_BYTES = 1000


class StoreServer(store_pb2_grpc.StoreServiceServicer):
    def __init__(self) -> None:
        # By scope and digest.
        self.files: dict[tuple[str, str], bytes] = {}
        self.metadata: dict[str, str] = {}
        # Offsets that were asked for, in order.
        self.asked: list[int] = []
        # Digests that were sent here, in order.
        self.sent: list[str] = []
        # The next readings end after so many bytes.
        self.cuts: list[int] = []
        # So many of the next readings say something else than the file.
        self.damaged = 0
        # The next calls fail like that.
        self.refusals: list[grpc.StatusCode] = []
        # Nothing is taken before it is set.
        self.takes = threading.Event()
        self.takes.set()
        # Somebody has begun to send.
        self.is_sending = threading.Event()
        self._server = grpc.server(ThreadPoolExecutor(max_workers=8))
        store_pb2_grpc.add_StoreServiceServicer_to_server(self, self._server)  # type: ignore[no-untyped-call]
        self.port = self._server.add_insecure_port("127.0.0.1:0")
        self.address = f"127.0.0.1:{self.port}"
        self._server.start()

    def keep(self, scope: str, data: bytes, path: str = "file") -> StoredFile:
        file = stored_file(data, path)
        self.files[scope, file.sha256] = data
        return file

    def has(self, scope: str, data: bytes) -> bool:
        return self.files.get((scope, stored_file(data).sha256)) == data

    def Missing(self, request: store_pb2.MissingRequest, context: grpc.ServicerContext) -> store_pb2.MissingResponse:
        self._begin(context)
        missing = [file.sha256 for file in request.files if (request.scope, file.sha256) not in self.files]
        return store_pb2.MissingResponse(sha256=missing)

    def Get(self, request: store_pb2.GetRequest, context: grpc.ServicerContext) -> Iterator[store_pb2.Chunk]:
        self._begin(context)
        data = self.files.get((request.scope, request.sha256))
        if data is None:
            context.abort(grpc.StatusCode.NOT_FOUND, "there is no such file")
        self.asked.append(request.offset)
        if self.damaged > 0:
            self.damaged -= 1
            data = bytes(len(data))
        cut = self.cuts.pop(0) if self.cuts else len(data)
        for start in range(request.offset, len(data), PIECE_BYTES):
            if start >= cut:
                context.abort(grpc.StatusCode.UNAVAILABLE, "cut by the test")
            yield store_pb2.Chunk(data=data[start : start + PIECE_BYTES])

    def Put(
        self, request_iterator: Iterator[store_pb2.PutRequest], context: grpc.ServicerContext
    ) -> store_pb2.PutResponse:
        self._begin(context)
        header = next(request_iterator).header
        self.is_sending.set()
        data = b"".join(part.data for part in request_iterator)
        self.takes.wait()
        if stored_file(data).sha256 != header.sha256 or len(data) != header.size_bytes:
            context.abort(grpc.StatusCode.INVALID_ARGUMENT, "the bytes are not what was said")
        self.files[header.scope, header.sha256] = data
        self.sent.append(header.sha256)
        return store_pb2.PutResponse()

    def _begin(self, context: grpc.ServicerContext) -> None:
        self.metadata = {key: str(value) for key, value in context.invocation_metadata() or ()}
        if self.refusals:
            context.abort(self.refusals.pop(0), "refused by the test")

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.takes.set()
        self._server.stop(grace=None).wait()


def stored_file(data: bytes, path: str = "file") -> StoredFile:
    return StoredFile(path=path, sha256=hashlib.sha256(data).hexdigest(), size_bytes=len(data))


def written(folder: Path, files: dict[str, bytes]) -> Path:
    for name, data in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
    return folder
