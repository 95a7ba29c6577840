# Copyright: (c) 2026, Holdfast contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Health before a change against health after it: what one look tells the other, and how it is said."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from ..site.health import Health

FACT = "holdfast_health"
"""The fact of a host that holds what was seen before the change."""


@dataclass(frozen=True)
class Before:
    """What the look before a change found: each check's result, and the digests of answers that must stay the same."""

    run_id: str
    results: Mapping[str, str]
    digests: Mapping[str, str]

    @classmethod
    def of(cls, run_id: str, results: Iterable[Mapping[str, Any]]) -> Before:
        """Take over what the module health said."""
        said = list(results)
        digests = {one["id"]: one["digest"] for one in said if one.get("digest") and one["result"] == "pass"}
        return cls(run_id, {one["id"]: one["result"] for one in said}, digests)

    @classmethod
    def from_dict(cls, data: Any, run_id: str) -> Before:
        """Read the fact back. Nothing is known where there is none, or only that of another run (cached facts)."""
        if not isinstance(data, Mapping) or data.get("run_id") != run_id:
            return cls(run_id, {}, {})
        return cls(run_id, dict(data["results"]), dict(data["digests"]))

    def to_dict(self) -> dict[str, Any]:
        """Return plain data."""
        return {"run_id": self.run_id, "results": dict(self.results), "digests": dict(self.digests)}


def digest_salt(nonce: str) -> str:
    """Return what a run's digests of answers are made with: each run has its own, and it tells nothing of the nonce."""
    return hashlib.sha256(f"holdfast health {nonce}".encode()).hexdigest()


def asked_checks(checks: Iterable[Health], before: Before | None, *, watched: bool) -> list[dict[str, Any]]:
    """Return the checks as the module takes them.

    After a change (`before` is given) answers that must stay the same are compared; where none is known the module
    says so. Logs are watched after a change alone: before it, that they can be read is enough.
    """
    asked = []
    for check in checks:
        one = check.to_dict()
        if check.same and before is not None:
            one["before"] = before.digests.get(check.id, "")
        if check.kind == "log" and not watched:
            one["log"] = {**one["log"], "seconds": 0}
        asked.append(one)
    return asked


def complaints(results: Iterable[Mapping[str, Any]]) -> list[str]:
    """Return a line for each check that does not hold, and say of it when it did not hold before either."""
    return [
        f"{one['id']}: {one['why']}" + (" (it failed before the change too)" if one.get("before") == "fail" else "")
        for one in results
        if one["result"] != "pass"
    ]
