#!/usr/bin/python3
# Copyright: (c) 2026, Holdfast contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""claimsd: the lab's toy claim-edit service. GET /health on 127.0.0.1:8080 says whether it can edit claims.

`claimsd --selftest` edits one synthetic claim and exits 0 when the answer is right.
"""

from __future__ import annotations

import http.server
import json
import sys

VERSION = "@VERSION@"
RATE_CENTS = int("@RATE_CENTS@")


def total(lines: list[int]) -> int:
    """The charge of a claim in cents: units times rate, over all lines."""
    return sum(units * RATE_CENTS for units in lines)


def healthy() -> bool:
    """A claim of 1, 2 and 3 units costs 60.00: an edit that says otherwise must not touch money."""
    return total([1, 2, 3]) == 6000


class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        known = self.path == "/health"
        status = 404 if not known else 200 if healthy() else 503
        said = {200: "ok", 503: "claim total is wrong", 404: "no such page"}[status]
        body = json.dumps({"status": said, "version": VERSION}).encode() + b"\n"
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


def main(words: list[str]) -> int:
    if words == ["--version"]:
        print(VERSION)
        return 0
    if words == ["--selftest"]:
        print("ok" if healthy() else "claim total is wrong")
        return 0 if healthy() else 1
    if words:
        print("usage: claimsd [--selftest | --version]", file=sys.stderr)
        return 2
    http.server.ThreadingHTTPServer(("127.0.0.1", 8080), Handler).serve_forever()
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
