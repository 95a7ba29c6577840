# Copyright: (c) 2026, Holdfast contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""A web server on the loopback that feeds come from in tests, and the small lies it can be told to tell."""

from __future__ import annotations

import contextlib
import hashlib
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any


@dataclass
class FeedServer:
    """What it has by path, what it says besides, and what it was asked."""

    url: str = ""
    files: dict[str, bytes] = field(default_factory=dict)
    headers: dict[str, str] = field(default_factory=dict)
    """Sent with every answer; they replace what the server would say itself."""
    redirect: str = ""
    cut: int = 0
    """How many bytes at the end of an answer never come."""
    asked: list[tuple[str, dict[str, str]]] = field(default_factory=list)


@contextlib.contextmanager
def serving() -> Iterator[FeedServer]:
    """Serve on a free port of the loopback until the end."""
    told = FeedServer()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            told.asked.append((self.path, dict(self.headers)))
            body = told.files.get(self.path.partition("?")[0])
            if told.redirect:
                self._answer(302, b"", {"Location": told.redirect})
            elif body is None:
                self._answer(404, b"", {})
            else:
                etag = f'"{hashlib.sha256(body).hexdigest()[:16]}"'
                newer = self.headers.get("If-None-Match") != etag
                self._answer(200 if newer else 304, body if newer else b"", {"ETag": etag})

        def _answer(self, code: int, body: bytes, headers: dict[str, str]) -> None:
            self.send_response(code)
            for name, value in {"Content-Length": str(len(body)), **headers, **told.headers}.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(body[: len(body) - told.cut])

        def log_message(self, *_unused: Any) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    told.url = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield told
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
