# Copyright: (c) 2026, Holdfast contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""A witness over HTTP: `POST /add-checkpoint` of c2sp.org/tlog-witness, and the newest head of a log for its auditor.

C2SP leaves open how monitors ask a witness (2026-07); here `GET /<SHA-256 of the origin>/checkpoint` answers with the
newest head and a cosignature made now. Who asks is not asked for: only the log's key can make a witness move, and what
it tells is public to whoever may reach it. The messages are signed; who wants them private puts TLS in front.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import datetime
from http.server import BaseHTTPRequestHandler
from typing import Any

from ..errors import HoldfastError
from ..witness.service import LARGEST, TEXT, Answer, Witness
from .bounded_server import BoundedServer

PATIENCE = 30
"""Seconds that one read or write of a connection may take."""
NEWEST = re.compile("/([0-9a-f]{64})/checkpoint")


class WitnessServer(BoundedServer):
    """Answers for one witness; `clock` gives the aware time now."""

    def __init__(
        self, witness: Witness, address: str, port: int, clock: Callable[[], datetime], say: Callable[[str], None]
    ) -> None:
        self.witness, self.clock = witness, clock
        super().__init__(_Handler, address, port, say, "--address and --port")


class _Handler(BaseHTTPRequestHandler):
    """Answers one connection, which may carry several requests."""

    server: WitnessServer
    timeout = PATIENCE
    protocol_version = "HTTP/1.1"
    server_version = "holdfast"
    sys_version = ""
    error_message_format = "%(code)d %(message)s\n"
    error_content_type = TEXT

    def do_GET(self) -> None:
        asked = NEWEST.fullmatch(self.path)
        if asked is None:
            self.send_error(404)
        else:
            self._answer(lambda: self.server.witness.newest(asked[1], self.server.clock()))

    def do_POST(self) -> None:
        if self.path != "/add-checkpoint":
            self.close_connection = True  # the body was not read, and would pass for the next request
            self.send_error(404)
            return
        length = self.headers.get("Content-Length", "")
        if not re.fullmatch("[0-9]{1,9}", length) or int(length) > LARGEST:
            self.close_connection = True
            self.send_error(413 if length.isdigit() else 411)
            return
        data = self.rfile.read(int(length))
        if len(data) < int(length):
            self.close_connection = True
            return
        self._answer(lambda: self.server.witness.add_checkpoint(data, self.server.clock()))

    def _answer(self, ask: Callable[[], Answer]) -> None:
        try:
            answer = ask()
        except HoldfastError as error:
            self.server.say(f"holdfast: {error}")
            answer = Answer(500, "the witness cannot answer now\n", "failed")
        body = answer.body.encode("utf-8")
        self.send_response(answer.status)
        self.send_header("Content-Type", answer.kind)
        self.send_header("Content-Length", str(len(body)))
        self.send_header("Cache-Control", "no-store")
        self.end_headers()
        self.wfile.write(body)
        self.server.say(f"{self.client_address[0]} {answer.status} {ascii(answer.why)[1:-1]}")

    def log_request(self, code: int | str = "-", size: int | str = "-") -> None:
        """Say nothing: the answer's own line says more."""

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - the base class calls it so
        """Say one line for an error; what a stranger sends is shown without control characters."""
        self.server.say(f"{self.client_address[0]} {ascii(format % args)[1:-1]}")
