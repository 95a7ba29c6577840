# Copyright: (c) 2026, Holdfast contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The health checks of an asset as the register writes them; docs/reference/health.md says what each one means."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from .problems import Fault, shown
from .structure import Fields, Items, Path, Text, Truth, Whole, slug

ADDRESS = Text("a host name or an IP address", r"[A-Za-z0-9][A-Za-z0-9.:-]{0,252}")

_URL = r"https?://[A-Za-z0-9.\[\]:-]+(/[^\s]*)?"
_FILE = Text("an absolute path", r"/[^\x00-\x1f\x7f]*", 1000)
_UNIT = Text("a systemd unit's name", r"[A-Za-z0-9@._:\\-]{1,255}")


@dataclass(frozen=True)
class _Same(Truth):
    """true, and nothing else: a check that asks for nothing would check nothing."""

    words: str = "true: the answer must be the one from before the change"

    def faults(self, value: Any, path: Path = ()) -> Iterator[Fault]:
        if value is not True:
            yield Fault(path, shown(value), self.words, "write true, or take the key away")

    def schema(self) -> dict[str, Any]:
        return {"const": True, "description": self.words}


@dataclass(frozen=True)
class _Regex(Text):
    """A regular expression that Python's re can read."""

    def faults(self, value: Any, path: Path = ()) -> Iterator[Fault]:
        wrong = [*super().faults(value, path)]
        yield from wrong
        if wrong:
            return
        try:
            re.compile(value)
        except re.error as error:
            yield Fault(path, str(error), self.words, "correct it, or put a backslash before what stands for itself")


_SAME = _Same()

HEALTH = Fields(
    "a health check: id and exactly one of http, sql, service, tcp, tls, log, command",
    required={"id": slug("the check's id")},
    optional={"timeout": Whole("how many seconds one look may take, 1 to 600", 1, 600)},
    one_of={
        "http": Fields(
            "url, and what its answer must be",
            required={"url": Text("an http:// or https:// address without user or password", _URL, hide=True)},
            optional={
                "status": Whole("an HTTP status", 100, 599),
                "contains": Text("text the answer must contain"),
                "same": _SAME,
            },
        ),
        "sql": Fields(
            "a query and its answer",
            required={
                "database": Text("a database's name", r"[A-Za-z_][A-Za-z0-9_$-]{0,62}"),
                "query": Text("one SQL query"),
            },
            optional={"user": Text("the system user to ask as", r"[a-z_][a-z0-9_-]{0,31}")},
            one_of={"expect": Text("the answer as text"), "same": _SAME},
        ),
        "service": _UNIT,
        "tcp": Fields(
            "a port that must accept a connection",
            required={"port": Whole("a port, 1 to 65535", 1, 65535)},
            optional={"host": ADDRESS},
        ),
        "tls": Fields(
            "a port that must show a certificate which holds",
            required={"port": Whole("a port, 1 to 65535", 1, 65535)},
            optional={
                "host": ADDRESS,
                "server_name": ADDRESS,
                "days": Whole("how many days the certificate must still be valid, 0 to 3650", 0, 3650),
                "ca_file": _FILE,
            },
        ),
        "log": Fields(
            "a log, and what no line of it may say",
            required={"pattern": _Regex("a regular expression that no new line matches")},
            optional={"seconds": Whole("how many seconds it is watched at least, 0 to 3600", 0, 3600)},
            one_of={"unit": _UNIT, "path": _FILE},
        ),
        "command": Fields(
            "a program that must leave with expect_rc",
            required={"argv": Items(Text("one argument"), least=1, most=64)},
            optional={"expect_rc": Whole("an exit code, 0 to 255", 0, 255), "same": _SAME},
        ),
    },
)

_DEFAULTS: dict[str, dict[str, Any]] = {
    "http": {"status": 200},
    "sql": {"user": "postgres"},
    "tcp": {"host": "127.0.0.1"},
    "tls": {"host": "127.0.0.1", "days": 14},
    "log": {"seconds": 10},
    "command": {"expect_rc": 0},
}


@dataclass(frozen=True)
class Health:
    """One thing that must hold on an asset before and after its turn; `argument` has all its defaults."""

    id: str
    kind: str
    argument: Any
    timeout: int = 10

    @classmethod
    def from_dict(cls, data: dict[str, Any]) -> Health:
        """Read a checked member of an asset's `health` list."""
        kind = next(key for key in data if key in HEALTH.one_of)
        argument = data[kind]
        if isinstance(argument, dict):
            argument = {**_DEFAULTS.get(kind, {}), **argument}
        return cls(data["id"], kind, argument, data.get("timeout", cls.timeout))

    def to_dict(self) -> dict[str, Any]:
        """Return the check as the register writes it, defaults included."""
        return {"id": self.id, self.kind: self.argument, "timeout": self.timeout}

    @property
    def same(self) -> bool:
        """Whether its answer must be the one from before the change."""
        return isinstance(self.argument, dict) and bool(self.argument.get("same"))
