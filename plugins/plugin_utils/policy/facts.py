# Copyright: (c) 2026, Holdfast contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The facts that a site's rules are asked with, made of the question alone; site/facts.py says what each means."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import timedelta
from typing import Any

from ..change.package import Package
from ..change.plan import Plan
from ..change.state import ChangeState
from ..site.policy import Ring
from ..site.rules import time_facts
from .emergency import broken_glass
from .question import Question

_HOUR = timedelta(hours=1)
TIME = ("date", "weekday", "hour", "day", "days_left", "month")

Source = Callable[[Question], Any]
"""A function from a question to a fact; None where the fact is not known."""


def facts_of(q: Question, names: Iterable[str]) -> dict[str, Any]:
    """Return the facts of these names that are known; one that is not known is left out, and never guessed."""
    found = {}
    asked = frozenset(names)
    if asked.intersection(TIME):
        found.update(time_facts(q.now, q.policy.rules.zone))
    for name in asked.difference(TIME):
        value = SOURCES[name](q)
        if value is not None:
            found[name] = value
    return found


def _of_change(read: Callable[[ChangeState], Any]) -> Source:
    return lambda q: None if q.change is None else read(q.change)


def _of_plan(read: Callable[[Plan], Any]) -> Source:
    return lambda q: None if q.plan is None else read(q.plan)


def _of_ring(read: Callable[[Question, ChangeState, Ring], Any]) -> Source:
    def source(q: Question) -> Any:
        ring = q.in_ring
        return None if q.change is None or ring is None else read(q, q.change, ring)

    return source


def _of_packages(read: Callable[[list[Package]], Any]) -> Source:
    def source(q: Question) -> Any:
        if q.plan is None or q.plan.kind != "patch":
            return None
        by_asset = q.plan.by_asset
        return read([one for asset in sorted(q.assets) if asset in by_asset for one in by_asset[asset].packages])

    return source


def _offices(q: Question, change: ChangeState, ring: Ring) -> list[str]:
    return sorted({office for who in q.weighed.principals for office in change.officers.get(who, ())})


def _in_ring(q: Question) -> int | None:
    return None if q.ring is None else sum(ring == q.ring for ring in q.register.values())


def _each(found: Iterable[str]) -> list[str]:
    return sorted(set(found))


SOURCES: dict[str, Source] = {
    "kind": lambda q: q.kind,
    "ring": lambda q: q.ring,
    "wave": lambda q: q.wave,
    "hosts": lambda q: sorted(q.assets),
    "ring_hosts": _in_ring,
    "implementer": lambda q: q.implementer,
    "change": _of_change(lambda change: change.change_id),
    "change_kind": _of_change(lambda change: change.kind),
    "requester": _of_change(lambda change: change.requester),
    "request_hours": lambda q: None if q.change is None else (q.now - q.change.requested_at) // _HOUR,
    "rings_asked": _of_change(lambda change: list(change.rings)),
    "approvals": _of_ring(lambda q, change, ring: len(q.weighed.counted)),
    "approvers": _of_ring(lambda q, change, ring: list(q.weighed.principals)),
    "offices": _of_ring(_offices),
    "emergency": _of_ring(lambda q, change, ring: broken_glass(change, ring, q.now) is not None),
    "safeguards": _of_change(lambda change: list(change.safeguards)),
    "open_runs": _of_change(lambda change: len(change.open_runs)),
    "plan_hours": lambda q: None if q.plan is None else (q.now - q.plan.created_at) // _HOUR,
    "plan_hosts": _of_plan(lambda plan: len(plan.assets)),
    "packages": _of_packages(lambda found: _each(one.name for one in found)),
    "cves": _of_packages(lambda found: _each(cve for one in found for cve in one.cves)),
    "without_way_back": _of_packages(lambda found: _each(one.name for one in found if one.rollback is None)),
    "security_only": _of_packages(lambda found: all(one.security for one in found)),
    "failing": lambda q: _each(one.control for one in q.failing),
    "hosts_unwell": lambda q: len(q.unwell),
    "rehearsed": lambda q: len(q.rehearsed),
}
