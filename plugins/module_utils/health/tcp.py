# Copyright: (c) 2026, Holdfast contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Health check tcp: something accepts a connection on a port."""

from __future__ import annotations

import socket
from typing import Any

from .answer import HELD, Answer


def check(argument: dict[str, Any], seconds: float) -> Answer:
    """Connect and hang up."""
    host, port = argument.get("host") or "127.0.0.1", argument["port"]
    try:
        with socket.create_connection((host, port), timeout=seconds):
            return HELD
    except socket.timeout:
        return Answer(False, f"{host} port {port} did not answer within {seconds:g} s")
    except OSError as problem:
        return Answer(False, f"{host} port {port}: {problem.strerror or 'no connection'}")
