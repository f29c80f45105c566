"""A stand-in for the hub, of one model and on this machine."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import ClassVar

COMMIT = "0123456789abcdef0123456789abcdef01234567"
NAME = "maker/tiny-t5"


class Hub(BaseHTTPRequestHandler):
    """As much of the hub as one model needs; `asked` hears every path."""

    files: ClassVar[dict[str, bytes]] = {}
    asked: ClassVar[list[str]] = []

    def do_HEAD(self) -> None:
        self.answer(with_body=False)

    def do_GET(self) -> None:
        self.answer(with_body=True)

    def answer(self, *, with_body: bool) -> None:
        path = self.path.split("?")[0]
        self.asked.append(f"{self.command} {path.rsplit('/', 1)[1]}")
        if path == f"/api/models/{NAME}/revision/{COMMIT}":
            siblings = [
                {"rfilename": file, "size": len(content), "blobId": "0", "lfs": lfs_of(content)}
                for file, content in self.files.items()
            ]
            self.send(200, json.dumps({"id": NAME, "sha": COMMIT, "siblings": siblings}).encode(), with_body)
            return
        content = next((found for file, found in self.files.items() if path.endswith(f"/{file}")), None)
        if content is None:
            self.send(404, b"", with_body, {"X-Error-Code": "EntryNotFound"})
        else:
            self.send(200, content, with_body, {"ETag": f'"{hashlib.sha256(content).hexdigest()}"'})

    def send(self, status: int, body: bytes, with_body: bool, headers: dict[str, str] | None = None) -> None:
        self.send_response(status)
        for name, value in {"Content-Length": str(len(body)), "X-Repo-Commit": COMMIT, **(headers or {})}.items():
            self.send_header(name, value)
        self.end_headers()
        if with_body:
            self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        pass


def lfs_of(content: bytes) -> dict[str, object]:
    return {"sha256": hashlib.sha256(content).hexdigest(), "size": len(content), "pointerSize": 1}


@contextmanager
def running_hub() -> Iterator[tuple[dict[str, bytes], dict[str, str], list[str]]]:
    """The hub's files, the environment that leads to it, and what it was asked."""
    Hub.files, Hub.asked = {"config.json": b"{}", "spiece.model": b"pieces", "README.md": b"hello"}, []
    server = ThreadingHTTPServer(("127.0.0.1", 0), Hub)
    thread = Thread(target=server.serve_forever)
    thread.start()
    yield Hub.files, {"HF_ENDPOINT": f"http://127.0.0.1:{server.server_port}"}, Hub.asked
    server.shutdown()
    thread.join()
    server.server_close()
