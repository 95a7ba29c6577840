# Copyright: (c) 2026, Holdfast contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Health check http: an address answers with a status, and its page contains a text.

Not named http.py: linters take that for Python's own package.
"""

from __future__ import annotations

import http.client
import socket
import ssl
from typing import Any
from urllib.parse import urlsplit

from .answer import HELD, Answer

_PAGE_BYTES = 1024 * 1024
_CHUNK = 64 * 1024


def check(argument: dict[str, Any], seconds: float) -> Answer:
    """Ask for the address itself: no proxy, no redirect followed, at most 1 MiB of the page read.

    The page's text is never part of what is said: it may hold what no record may.
    """
    url, expected = argument["url"], argument.get("status") or 200
    try:
        status, page = _get(url, seconds)
    except socket.timeout:
        return Answer(False, f"no answer within {seconds:g} s")
    except ssl.SSLError as problem:
        return Answer(False, f"TLS: {problem.reason or 'no agreement'}")
    except http.client.HTTPException as problem:
        return Answer(False, f"no proper HTTP answer ({type(problem).__name__})")
    except OSError as problem:
        return Answer(False, problem.strerror or "no connection")
    except ValueError as problem:
        return Answer(False, str(problem))
    if status != expected:
        return Answer(False, f"status {status}, expected {expected}")
    wanted = argument.get("contains")
    if wanted and wanted.encode() not in page:
        return Answer(False, "the page does not contain the expected text")
    return Answer(True, content=page) if argument.get("same") else HELD


def _get(url: str, seconds: float) -> tuple[int, bytes]:
    """Return status and page; raises ValueError for what is no http or https address."""
    parts = urlsplit(url)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise ValueError("no http:// or https:// address")
    kind = http.client.HTTPSConnection if parts.scheme == "https" else http.client.HTTPConnection
    connection = kind(parts.hostname, parts.port, timeout=seconds)
    try:
        target = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
        connection.request("GET", target, headers={"User-Agent": "holdfast-health", "Connection": "close"})
        answer = connection.getresponse()
        page = b""
        while len(page) < _PAGE_BYTES:
            chunk = answer.read(_CHUNK)
            if not chunk:
                break
            page += chunk
        return answer.status, page
    finally:
        connection.close()
