# Copyright: (c) 2026, Holdfast contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""An HTTP server that strangers cannot use up: so many connections in all, so many of one address, no name service."""

from __future__ import annotations

import socket
import threading
from collections import Counter
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from ..errors import HoldfastError

AT_ONCE = 64
"""Connections that are answered at a time; the next ones wait in the kernel's queue."""
EACH = 8
"""Connections that one address may have at a time, so that one host cannot keep the others out."""


class BoundedServer(ThreadingHTTPServer):
    """Serves on one address until it is shut down; `settings` names, for errors, where address and port are set.

    Raises HoldfastError where the address cannot be had.
    """

    daemon_threads = True
    block_on_close = False
    request_queue_size = 128

    def __init__(
        self,
        handler: type[BaseHTTPRequestHandler],
        address: str,
        port: int,
        say: Callable[[str], None],
        settings: str,
    ) -> None:
        self.say = say
        self.address_family = socket.AF_INET6 if ":" in address else socket.AF_INET
        self._room = threading.BoundedSemaphore(AT_ONCE)
        self._count = threading.Lock()
        self._open: Counter[str] = Counter()
        try:
            super().__init__((address, port), handler)
        except OSError as error:
            raise HoldfastError(
                f"{address} port {port}: {error.strerror}; expected an address of this machine and a free port; "
                f"correct {settings}"
            ) from error

    @property
    def url(self) -> str:
        """What clients put before a path."""
        host, port = self.server_address[:2]
        return f"http://[{host!s}]:{port}" if self.address_family == socket.AF_INET6 else f"http://{host!s}:{port}"

    def server_bind(self) -> None:
        """Bind, and ask no name service who we are, as the base class would."""
        if self.allow_reuse_address:
            self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self.socket.bind(self.server_address)
        self.server_address = self.socket.getsockname()
        self.server_name, self.server_port = str(self.server_address[0]), int(self.server_address[1])

    def process_request(self, request: Any, client_address: Any) -> None:
        """Answer in a thread of its own, when there is room for one."""
        with self._count:
            crowd = self._open[client_address[0]] >= EACH
            self._open[client_address[0]] += not crowd
        if crowd:
            self.say(f"{client_address[0]} has {EACH} connections already; one more was closed")
            self.shutdown_request(request)
            return
        self._room.acquire()
        try:
            super().process_request(request, client_address)
        except BaseException:
            self._leave(client_address[0])
            raise

    def process_request_thread(self, request: Any, client_address: Any) -> None:
        """Give the room back in whatever way the answer ends."""
        try:
            super().process_request_thread(request, client_address)
        finally:
            self._leave(client_address[0])

    def _leave(self, address: str) -> None:
        self._room.release()
        with self._count:
            self._open[address] -= 1
            if not self._open[address]:
                del self._open[address]

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that goes away in the middle is no error of ours."""
        self.say(f"{client_address[0]} went away")
