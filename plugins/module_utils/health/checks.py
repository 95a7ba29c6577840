# Copyright: (c) 2026, Holdfast contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The face of the health checks: all of a host's checks, each with its own time, again to a deadline, then watched."""

from __future__ import annotations

import hashlib
import subprocess
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

from . import command, log, service, sql, tcp, tls, web
from .answer import Answer
from .limit import OutOfTimeError, limit

KINDS: dict[str, Callable[[Any, float], Answer]] = {
    "service": service.check,
    "tcp": tcp.check,
    "tls": tls.check,
    "log": log.check,
    "http": web.check,
    "sql": sql.check,
    "command": command.check,
}

CHECK_OPTIONS: dict[str, Any] = {
    "id": {"type": "str", "required": True},
    "timeout": {"type": "float", "default": 10.0},
    "before": {"type": "str"},
    "service": {"type": "str"},
    "tcp": {
        "type": "dict",
        "options": {
            "port": {"type": "int", "required": True},
            "host": {"type": "str", "default": "127.0.0.1"},
        },
    },
    "tls": {
        "type": "dict",
        "options": {
            "port": {"type": "int", "required": True},
            "host": {"type": "str", "default": "127.0.0.1"},
            "server_name": {"type": "str"},
            "days": {"type": "int", "default": 14},
            "ca_file": {"type": "path"},
        },
    },
    "log": {
        "type": "dict",
        "mutually_exclusive": [("unit", "path")],
        "required_one_of": [("unit", "path")],
        "options": {
            "unit": {"type": "str"},
            "path": {"type": "path"},
            "pattern": {"type": "str", "required": True},
            "seconds": {"type": "int", "default": 10},
        },
    },
    "http": {
        "type": "dict",
        "options": {
            "url": {"type": "str", "required": True},
            "status": {"type": "int", "default": 200},
            "contains": {"type": "str"},
            "same": {"type": "bool"},
        },
    },
    "sql": {
        "type": "dict",
        "mutually_exclusive": [("expect", "same")],
        "required_one_of": [("expect", "same")],
        "options": {
            "database": {"type": "str", "required": True},
            "query": {"type": "str", "required": True},
            "expect": {"type": "str"},
            "same": {"type": "bool"},
            "user": {"type": "str", "default": "postgres"},
        },
    },
    "command": {
        "type": "dict",
        "options": {
            "argv": {"type": "list", "elements": "str", "required": True},
            "expect_rc": {"type": "int", "default": 0},
            "same": {"type": "bool"},
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
class Watch:
    """For how many seconds healthy checks must go on to hold, and how many lie between two looks."""

    seconds: float = 0.0
    interval: float = 5.0


@dataclass(frozen=True)
class Result:
    """The last look at one check; milliseconds are those of that look, looks counts all.

    `digest` is that of the answer, where it is to be compared; None elsewhere.
    """

    id: str
    kind: str
    passed: bool
    milliseconds: int
    why: str
    looks: int
    digest: str | None = None

    def to_dict(self) -> dict[str, Any]:
        """Return the members as the module returns them."""
        return {
            "id": self.id,
            "kind": self.kind,
            "result": "pass" if self.passed else "fail",
            "ms": self.milliseconds,
            "why": self.why,
            "looks": self.looks,
            "digest": self.digest,
        }


def kind_of(check: dict[str, Any]) -> str:
    """Return the one kind a check names."""
    return next(kind for kind in KINDS if check.get(kind) is not None)


def run_checks(
    checks: list[dict[str, Any]], patience: Patience, watch: Watch = Watch(), salt: str = ""
) -> list[Result]:
    """Look at every check, then again at those that failed, round by round; once all hold, watch them.

    A check that cannot be looked at, for whatever reason, has failed and says why; nothing is raised for it. No look
    starts after the deadline, and none goes on beyond it, but the first, which every check gets. In the watch there
    is no patience: the first failure ends it. It lasts as long as the longest of `watch` and the logs' own seconds.

    Digests of answers are made with `salt`, so that nobody who sees one can try out what was answered; a check that
    is compared with an earlier run's answer has that run's own.
    """
    started = time.monotonic()
    looking = [_Looking(check, check.get("salt") or salt) for check in checks]
    results = [one.look(check["timeout"], 1) for one, check in zip(looking, checks)]
    for turn in range(patience.retries):
        left = patience.deadline - (time.monotonic() - started)
        if all(result.passed for result in results) or left <= patience.delay:
            break
        time.sleep(patience.delay)
        for place, check in enumerate(checks):
            left = patience.deadline - (time.monotonic() - started)
            if not results[place].passed and left > 0:
                results[place] = looking[place].look(min(check["timeout"], left), turn + 2)
    longest = max([watch.seconds, *(check["log"].get("seconds") or 0 for check in checks if check.get("log"))])
    _hold(looking, results, replace(watch, seconds=longest))
    return results


def _hold(looking: list[_Looking], results: list[Result], watch: Watch) -> None:
    """Watch checks that hold, until the time is over or one fails; the last look comes when the time is over."""
    began = time.monotonic()
    while all(result.passed for result in results):
        left = watch.seconds - (time.monotonic() - began)
        if left <= 0:
            return
        time.sleep(min(watch.interval, left))
        for place, one in enumerate(looking):
            results[place] = one.look(one.check["timeout"], results[place].looks + 1)
            if not results[place].passed:
                spent = time.monotonic() - began
                why = f"held, and after {spent:.0f} s of the watch no more: {results[place].why}"
                results[place] = replace(results[place], why=why)
                return


class _Looking:
    """One check, and what must be known from the start to look at it: where its log ended."""

    def __init__(self, check: dict[str, Any], salt: str) -> None:
        self.check, self.kind, self._salt = check, kind_of(check), salt
        self._argument = check[self.kind]
        if self.kind == "log":
            self._argument = {**self._argument, "since": self._mark()}

    def _mark(self) -> log.Mark | None:
        try:
            with limit(self.check["timeout"]):
                return log.mark(self.check["log"], self.check["timeout"])
        except Exception:  # noqa: BLE001  # whatever it is, the look itself meets it too, and says so
            return None

    def look(self, seconds: float, looks: int) -> Result:
        """Look once, for at most so many seconds."""
        started = time.monotonic()
        try:
            with limit(seconds):
                answer = KINDS[self.kind](self._argument, seconds)
        except (OutOfTimeError, subprocess.TimeoutExpired):
            answer = Answer(False, f"no answer within {seconds:g} s")
        except (FileNotFoundError, PermissionError) as problem:
            answer = Answer(False, f"cannot be started: {problem.filename}: {problem.strerror}")
        except Exception as problem:  # noqa: BLE001  # a host breaks a check in ways nobody listed: failed, not raised
            answer = Answer(False, f"the check broke: {type(problem).__name__}")
        milliseconds = int((time.monotonic() - started) * 1000)
        digest = None
        if answer.content is not None:
            digest = hashlib.sha256(self._salt.encode() + b"\0" + answer.content).hexdigest()
            answer = self._compared(answer, digest)
        return Result(self.check["id"], self.kind, answer.passed, milliseconds, answer.why, looks, digest)

    def _compared(self, answer: Answer, digest: str) -> Answer:
        before = self.check.get("before")
        if before is None or before == digest:
            return answer
        if not before:
            return Answer(False, "nothing is known of the answer before the change, so that it cannot be compared")
        return Answer(False, "the answer is another than before the change")
