# Copyright: (c) 2026, Holdfast contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The face of the health checks: all of a host's checks, each with its own time, again until a deadline."""

from __future__ import annotations

import subprocess
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from . import command, service, sql, tcp, web
from .answer import Answer
from .limit import OutOfTimeError, limit

KINDS: dict[str, Callable[[Any, float], Answer]] = {
    "service": service.check,
    "tcp": tcp.check,
    "http": web.check,
    "sql": sql.check,
    "command": command.check,
}

CHECK_OPTIONS: dict[str, Any] = {
    "id": {"type": "str", "required": True},
    "timeout": {"type": "float", "default": 10.0},
    "service": {"type": "str"},
    "tcp": {
        "type": "dict",
        "options": {
            "port": {"type": "int", "required": True},
            "host": {"type": "str", "default": "127.0.0.1"},
        },
    },
    "http": {
        "type": "dict",
        "options": {
            "url": {"type": "str", "required": True},
            "status": {"type": "int", "default": 200},
            "contains": {"type": "str"},
        },
    },
    "sql": {
        "type": "dict",
        "options": {
            "database": {"type": "str", "required": True},
            "query": {"type": "str", "required": True},
            "expect": {"type": "str", "required": True},
            "user": {"type": "str", "default": "postgres"},
        },
    },
    "command": {
        "type": "dict",
        "options": {
            "argv": {"type": "list", "elements": "str", "required": True},
            "expect_rc": {"type": "int", "default": 0},
        },
    },
}
"""One check as the module takes it; documented in plugins/modules/health.py."""


@dataclass(frozen=True)
class Patience:
    """How often a failed check is looked at again, with how many seconds between, until how many in all."""

    retries: int = 5
    delay: float = 2.0
    deadline: float = 60.0


@dataclass(frozen=True)
class Result:
    """The last look at one check; milliseconds are those of that look, looks counts all."""

    id: str
    kind: str
    passed: bool
    milliseconds: int
    why: str
    looks: int

    def to_dict(self) -> dict[str, Any]:
        """Return the members as the module returns them."""
        return {
            "id": self.id,
            "kind": self.kind,
            "result": "pass" if self.passed else "fail",
            "ms": self.milliseconds,
            "why": self.why,
            "looks": self.looks,
        }


def kind_of(check: dict[str, Any]) -> str:
    """Return the one kind a check names."""
    return next(kind for kind in KINDS if check.get(kind) is not None)


def run_checks(checks: list[dict[str, Any]], patience: Patience) -> list[Result]:
    """Look at every check, then again at those that failed, round by round.

    A check that cannot be looked at, for whatever reason, has failed and says why; nothing is raised for it. No look
    starts after the deadline, and none goes on beyond it, but the first, which every check gets.
    """
    started = time.monotonic()
    results = [_look(check, check["timeout"], 1) for check in checks]
    for turn in range(patience.retries):
        left = patience.deadline - (time.monotonic() - started)
        if all(result.passed for result in results) or left <= patience.delay:
            break
        time.sleep(patience.delay)
        for place, check in enumerate(checks):
            left = patience.deadline - (time.monotonic() - started)
            if not results[place].passed and left > 0:
                results[place] = _look(check, min(check["timeout"], left), turn + 2)
    return results


def _look(check: dict[str, Any], seconds: float, looks: int) -> Result:
    kind = kind_of(check)
    started = time.monotonic()
    try:
        with limit(seconds):
            answer = KINDS[kind](check[kind], seconds)
    except (OutOfTimeError, subprocess.TimeoutExpired):
        answer = Answer(False, f"no answer within {seconds:g} s")
    except (FileNotFoundError, PermissionError) as problem:
        answer = Answer(False, f"cannot be started: {problem.filename}: {problem.strerror}")
    except Exception as problem:  # noqa: BLE001  # a host breaks a check in ways nobody listed: failed, not raised
        answer = Answer(False, f"the check broke: {type(problem).__name__}")
    milliseconds = int((time.monotonic() - started) * 1000)
    return Result(check["id"], kind, answer.passed, milliseconds, answer.why, looks)
