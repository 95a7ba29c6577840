# Copyright: (c) 2026, Holdfast contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which drift may be mended without asking: by control, ring and severity; the first rule that fits decides."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime

from ..site.policy import Policy
from .question import Failing
from .windows import is_open, next_opening

NO_RULE = "no-rule"
"""What is named as the rule where none fits; the answer is then `ask`."""


@dataclass(frozen=True)
class Ruled:
    """One failing control and the rule that decided about it; `until` says what it waits for, if it does."""

    failing: Failing
    rule: str
    until: str = ""


@dataclass(frozen=True)
class Sorted:
    """Failing controls, apart: mended now, waiting for their window, and in need of a change of kind config."""

    remediate: tuple[Ruled, ...]
    wait: tuple[Ruled, ...]
    ask: tuple[Ruled, ...]


def sort_out(failing: Iterable[Failing], policy: Policy, register: Mapping[str, str], now: datetime) -> Sorted:
    """Sort failing controls by policy at `now` (aware); one of an asset without a ring is asked about."""
    apart: dict[str, list[Ruled]] = {"remediate": [], "wait": [], "ask": []}
    shut: dict[tuple[str, str], str] = {}
    for one in sorted(failing, key=lambda f: (f.asset, f.control)):
        rule = policy.remediation.rule_for(one.control, register.get(one.asset), one.severity)
        if rule is None:
            apart["ask"].append(Ruled(one, NO_RULE))
        elif rule.then == "ask":
            apart["ask"].append(Ruled(one, rule.id))
        else:
            where = (rule.window, register.get(one.asset, ""))
            if where not in shut:
                shut[where] = _frozen(policy, where[1], now) or (_shut(policy, where[0], now) if where[0] else "")
            apart["wait" if shut[where] else "remediate"].append(Ruled(one, rule.id, shut[where]))
    return Sorted(*(tuple(apart[name]) for name in ("remediate", "wait", "ask")))


def _frozen(policy: Policy, ring: str, now: datetime) -> str:
    """Return which freeze holds in a ring and when it ends; empty where there is none."""
    held = policy.calendar.frozen(ring, now, now)
    return next((f"the end of {one.told}, {one.ends.isoformat(timespec='minutes')}" for one in held), "")


def _shut(policy: Policy, name: str, now: datetime) -> str:
    """Return which window is shut and when it opens; empty where it is open."""
    window = policy.calendar.window(name)
    if is_open(window, now):
        return ""
    return f"window {name}, which opens {next_opening(window, now).isoformat(timespec='minutes')}"
