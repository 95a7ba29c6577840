# Copyright: (c) 2026, Holdfast contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Health check sql: PostgreSQL gives one expected answer to one query."""

from __future__ import annotations

import os
from typing import Any

from .answer import HELD, Answer
from .programs import run


def check(argument: dict[str, Any], seconds: float) -> Answer:
    """Ask as the named operating system user, in a transaction that cannot write.

    Neither the query's answer nor the server's message is part of what is said: they may hold what no record may.
    """
    user = argument.get("user") or "postgres"
    psql = ["psql", "-X", "-w", "-tA", "-v", "ON_ERROR_STOP=1", "-d", argument["database"], "-c", argument["query"]]
    argv = ["runuser", "-u", user, "--", *psql] if os.geteuid() == 0 else psql
    settings = {
        "PGOPTIONS": f"-c default_transaction_read_only=on -c statement_timeout={int(seconds * 1000)}",
        "PGCONNECT_TIMEOUT": str(max(2, int(seconds))),
        "PGAPPNAME": "holdfast-health",
    }
    ended = run(argv, seconds, settings)
    if ended.code == 2:  # psql's own meaning: no connection
        return Answer(False, "no connection to the database")
    if ended.code != 0:
        return Answer(False, f"the query failed (psql ended with {ended.code})")
    if argument.get("same"):
        return Answer(True, content=ended.out.encode())
    if ended.out.rstrip("\n") != argument["expect"]:
        return Answer(False, "the answer is not the expected one")
    return HELD
