# Copyright: (c) 2026, Holdfast contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Exceptions: approved, dated, expiring permissions for a control to fail, or for a known flaw to stay.

Python's own are called errors here.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from .asset import duplicate_ids
from .moments import Moment, left, moment
from .problems import Fault
from .scope import SCOPE, Scope
from .structure import Fields, Items, Text, slug

SOON = timedelta(days=30)
"""An exception that ends within this is named ahead of time, so that nobody learns of it from a failing host."""

CONTROL_ID = Text("a control's id, such as ssh-01", r"[a-z][a-z0-9-]{0,50}-[0-9]{2,4}")
FLAW = Text(
    "a CVE, an advisory such as DSA-5724-1, pending:PACKAGE or unsupported:PACKAGE",
    r"[A-Za-z0-9][A-Za-z0-9+.:_-]{0,127}",
)
PACKAGE = Text("a package, named as findings name it", r"[A-Za-z0-9][A-Za-z0-9+._-]{0,127}")
PERSON = slug("a principal of trust.yml who may approve")

EXCEPTIONS = Fields(
    "the site's exceptions",
    required={
        "exceptions": Items(
            Fields(
                "an exception",
                required={
                    "id": slug("the exception's id, which records name"),
                    "scope": SCOPE,
                    "reason": Text("why the control may fail there, in one line"),
                    "approver": PERSON,
                    "compensating": Fields(
                        "what lowers the same risk meanwhile: control, or none and why",
                        one_of={
                            "control": CONTROL_ID,
                            "none": Text("why nothing else lowers the risk, in one line"),
                        },
                    ),
                    "expires": Moment("the moment it ends"),
                },
                optional={"first_due": Moment("the moment the finding was first due"), "package": PACKAGE},
                one_of={"control": CONTROL_ID, "vulnerability": FLAW},
            ),
            most=2000,
        ),
    },
)
"""What exceptions.yml may hold."""


@dataclass(frozen=True)
class Waiver:
    """One exception: until `expires` the control may fail on the assets of its scope, or the flaw stay there.

    `control` is empty where it is about a flaw; then `vulnerability` names it, and `package`, where it is not empty,
    the one package in which it may stay. It holds only while its compensating control passes there; `compensating` is
    that control's id, or empty where `uncompensated` says why there is none. `first_due` is kept over every renewal.
    """

    id: str
    control: str
    scope: Scope
    reason: str
    approver: str
    compensating: str
    uncompensated: str
    expires: datetime
    first_due: datetime | None = None
    vulnerability: str = ""
    package: str = ""

    @property
    def about(self) -> str:
        """The control or the flaw that it is about; by this name records speak of it."""
        return self.control or self.vulnerability

    @property
    def what(self) -> str:
        """The same in words."""
        return f"{self.about} in {self.package}" if self.package else self.about

    @classmethod
    def from_dict(cls, data: dict[str, Any]) -> Waiver:
        """Read a checked member of `exceptions`."""
        return cls(
            id=data["id"],
            control=data.get("control", ""),
            scope=Scope.from_dict(data["scope"]),
            reason=data["reason"],
            approver=data["approver"],
            compensating=data["compensating"].get("control", ""),
            uncompensated=data["compensating"].get("none", ""),
            expires=moment(data["expires"]),
            first_due=moment(data["first_due"]) if "first_due" in data else None,
            vulnerability=data.get("vulnerability", ""),
            package=data.get("package", ""),
        )

    def to_dict(self) -> dict[str, Any]:
        """Return the exception as its file writes it."""
        compensating = {"control": self.compensating} if self.compensating else {"none": self.uncompensated}
        return {
            **{name: getattr(self, name) for name in ("id", "reason", "approver")},
            **{name: said for name in ("control", "vulnerability", "package") if (said := getattr(self, name))},
            "scope": self.scope.to_dict(),
            "compensating": compensating,
            "expires": self.expires.isoformat(),
            **({"first_due": self.first_due.isoformat()} if self.first_due else {}),
        }

    def in_force(self, now: datetime) -> bool:
        """Say whether it holds at `now` (aware); at its very second it does no more."""
        return now < self.expires

    def term(self, now: datetime) -> str:
        """Return when it ends and how long that is, or since when it counts no more."""
        if not self.in_force(now):
            return f"lapsed {self.expires.isoformat()}"
        return f"until {self.expires.isoformat()}, {left(self.expires, now)}"


def exception_faults(data: Any) -> Iterator[Fault]:
    """Yield what is wrong with exceptions.yml by itself."""
    yield from EXCEPTIONS.faults(data)
    entries = data.get("exceptions") if isinstance(data, dict) else None
    if not isinstance(entries, list):
        return
    yield from duplicate_ids(entries, ("exceptions",), "exception")
    for index, entry in enumerate(entries):
        if not isinstance(entry, dict):
            continue
        path = ("exceptions", index)
        yield from scope_faults(entry, path)
        compensating = entry.get("compensating")
        if "package" in entry and "control" in entry:
            yield Fault((*path, "package"), "a package beside a control", "one beside a vulnerability", "take it away")
        named = compensating.get("control") if isinstance(compensating, dict) else None
        if named is not None and named == entry.get("control"):
            yield Fault(
                (*path, "compensating", "control"),
                "the waived control itself",
                "another control, which lowers the same risk",
                "name one, or write none: why",
            )
        yield from _late(entry, path)


def scope_faults(entry: dict[str, Any], path: tuple[str | int, ...]) -> Iterator[Fault]:
    """Yield a fault for `all: false`, which names nothing."""
    scope = entry.get("scope")
    if isinstance(scope, dict) and scope.get("all") is False:
        yield Fault((*path, "scope", "all"), "false", "true, or another way to name assets", "write true, or assets")


def _late(entry: dict[str, Any], path: tuple[str | int, ...]) -> Iterator[Fault]:
    texts = [entry.get(name) for name in ("first_due", "expires")]
    if any([*Moment("").faults(text)] for text in texts):
        return
    first_due, expires = (moment(str(text)) for text in texts)
    if first_due > expires:
        found = f"{texts[0]}, after the exception has ended"
        yield Fault((*path, "first_due"), found, "the moment the finding was first due", "correct the one or the other")
