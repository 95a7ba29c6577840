# Copyright: (c) 2026, Holdfast contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Serving the pool over HTTP: GET and HEAD of a file by its digest, on one address, and nothing else.

Who asks is not asked for: the content is public packages, and each host compares what it got with its plan. What must
hold is that nothing but the pool can be read, nothing can be changed, and nobody can use the machine up.
"""

from __future__ import annotations

import os
import re
import select
import threading
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler
from typing import Any

from .bounded_server import BoundedServer
from .pool import Pool, PoolError

PATH = re.compile(r"/sha256/([0-9a-f]{2})/([0-9a-f]{64})")
EVERY = 1.0
"""Seconds between two looks at a process that cannot be waited for."""
PATIENCE = 30
"""Seconds that one read or write of a connection may take."""


class PoolServer(BoundedServer):
    """Serves one pool on one address until it is shut down. Raises HoldfastError where the address cannot be had."""

    def __init__(self, pool: Pool, address: str, port: int, say: Callable[[str], None] = lambda _line: None) -> None:
        self.pool = pool
        super().__init__(
            _Handler, address, port, say, "pool.address and pool.port of site.yml, or --address and --port"
        )


class _Handler(BaseHTTPRequestHandler):
    """Answers one connection, which carries one request."""

    server: PoolServer
    timeout = PATIENCE
    protocol_version = "HTTP/1.0"
    server_version = "holdfast"
    sys_version = ""
    error_message_format = "%(code)d %(message)s\n"
    error_content_type = "text/plain"

    def do_GET(self) -> None:
        self._answer(content=True)

    def do_HEAD(self) -> None:
        self._answer(content=False)

    def _answer(self, *, content: bool) -> None:
        asked = PATH.fullmatch(self.path)
        if asked is None or asked[1] != asked[2][:2]:
            self.send_error(404)
            return
        try:
            file = self.server.pool.open(asked[2])
        except PoolError:
            self.send_error(404)
            return
        with file:
            self.send_response(200)
            self.send_header("Content-Type", "application/octet-stream")
            self.send_header("Content-Length", str(os.fstat(file.fileno()).st_size))
            self.end_headers()
            if content:
                self.wfile.flush()
                self.connection.sendfile(file)

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - the base class calls it so
        """Say one line a request; what a stranger sends is shown without control characters."""
        self.server.say(f"{self.client_address[0]} {ascii(format % args)[1:-1]}")


def serve_while(server: BoundedServer, process: int | None) -> None:
    """Serve until `shutdown` is called in another thread, or, where one is named, until that process has ended."""
    if process is not None:
        threading.Thread(target=_wait_for_end, args=(server, process), daemon=True).start()
    try:
        server.serve_forever(poll_interval=0.1)
    finally:
        server.server_close()


def _wait_for_end(server: BoundedServer, process: int) -> None:
    """Shut the server down when the process has ended; an id used again by another process does not deceive."""
    try:
        watched = os.pidfd_open(process)
    except ProcessLookupError:
        pass  # it has ended already
    except (AttributeError, OSError):  # no Linux, or a container that does not allow it
        while _alive(process):
            threading.Event().wait(EVERY)
    else:
        select.select([watched], [], [])
        os.close(watched)
    server.shutdown()


def _alive(process: int) -> bool:
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True  # it is somebody else's, so it is there
    return True
