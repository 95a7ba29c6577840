# Copyright: (c) 2026, Holdfast contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whether a plan can be made from what a host reported: package_state's answer against policy/patching.yml."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from fnmatch import fnmatchcase
from typing import Any

from ..site.policy import Patching

HOUR = 3600
_BY_DPKG = ("dpkg", "run dpkg --configure -a there")
PASSING = ("lock", "timer")
"""Obstacles that say who is at work at the moment: a wave waits for them, and a plan is made for later."""

MEMBERS = ("release", "arch", "updates", "removals", "lists", "interrupted", "unfinished")


def hindrance(state: Mapping[str, Any] | None, patching: Patching) -> str:
    """Return why nothing can be planned for the host, all reasons in one line, or ''."""
    if state is None or state.get("failed") or state.get("unreachable"):
        said = [line[:200] for line in str((state or {}).get("msg", "")).splitlines()[:1]]
        return f"{': '.join(['gave no package state', *said])}; expected an answer; mend the host and plan again"
    missing = [member for member in MEMBERS if member not in state]
    if missing:
        return f"its answer lacks {', '.join(missing)}; expected all of package_state; ask with pending: true"
    found = (*_lists(state["lists"], patching), *_dpkg(state), *_transaction(state, patching))
    return "; ".join((*found, *_conffiles(state, patching), *_obstacles(state, patching)))


def _lists(lists: Mapping[str, Any], patching: Patching) -> Iterator[str]:
    age, limit = lists["age_seconds"], patching.lists_max_age_hours
    if not lists["measured"] or age is None:
        yield f"its package lists are not measured ({lists['why'] or 'no reason given'}); refresh them and plan again"
    elif age > limit * HOUR:
        yield f"its package lists are older than {limit} hours ({age // HOUR}); refresh them and plan again"
    expired = [f"{s['origin'] or s['uri']} {s['suite']}".strip() for s in lists["sources"] if s["expired"]]
    if expired:
        yield f"past their Valid-Until date: {', '.join(expired)}; mend its sources and plan again"


def _dpkg(state: Mapping[str, Any]) -> Iterator[str]:
    owed = ", ".join(f"{one['name']}:{one['arch']}" for one in state["unfinished"])
    if state["interrupted"] or owed:
        tool, do = ("dnf", "run the change again that was cut off") if state.get("manager") == "dnf" else _BY_DPKG
        yield f"{tool} was interrupted ({owed or 'nothing half done'}); {do} and plan again"


def _transaction(state: Mapping[str, Any], patching: Patching) -> Iterator[str]:
    removed = [str(one["name"]) for one in state["removals"]]
    if removed:
        yield f"its updates would remove {', '.join(removed)}, and a plan removes nothing; exclude what needs that"
    names = [str(one["name"]) for one in state["updates"]]
    barred = [name for name in names if any(fnmatchcase(name, glob) for glob in patching.exclude)]
    if barred:
        yield (
            f"{', '.join(barred)}: excluded by policy/patching.yml, yet among its updates; ask package_state with the "
            "policy's exclude, and exclude what needs it as well"
        )
    stuck = [str(one["name"]) for one in state["updates"] if one["from"] is not None and one["rollback"] is None]
    if stuck and patching.rollback == "required":
        yield (
            f"{', '.join(stuck)}: no archive has the installed version, so there is no way back; "
            "exclude it, or write rollback: optional into policy/patching.yml"
        )
    if patching.updates == "security" and state["updates"] and not any(one["security"] for one in state["updates"]):
        yield "none of its updates is a security update; ask package_state for updates: security"


def _conffiles(state: Mapping[str, Any], patching: Patching) -> Iterator[str]:
    changed = sorted(str(one["path"]) for one in state.get("conffiles", ()))
    stopped = [path for path in changed if patching.conffiles.decision(path) == "stop"]
    if stopped:
        yield (
            f"changed on the host: {', '.join(stopped)}, where policy/patching.yml says stop; bring them back to what "
            "the package ships, or decide keep or replace for them there"
        )


def _obstacles(state: Mapping[str, Any], patching: Patching) -> Iterator[str]:
    """Yield what package_state calls in the way; a missing way back is in the way only where policy requires one."""
    passing = {*PASSING, "no_rollback"} if patching.rollback == "optional" else {*PASSING}
    for one in state.get("obstacles", ()):
        if one["blocks"] and one["kind"] not in passing:
            yield f"{one['kind']} {one['subject']}: {one['found']}; {one['do']}"
