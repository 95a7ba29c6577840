# Copyright: (c) 2026, Holdfast contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The whole answer of package_state on a host of dnf: the same members as apt's."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

from . import (
    dnf_ask,
    dnf_hindrances,
    dnf_locks,
    dnf_outlook,
    dnf_repair,
    dnf_sources,
    hindrances,
    processes,
    restarts,
    rpm_database,
    rpm_kernels,
    space,
)
from .dnf_pending import pending
from .errors import PackageError
from .lists import Lists, iso
from .obstacles import Obstacle, in_order
from .outlook import Terms
from .state import Question, judge

_NOTHING: dict[str, Any] = {"packages": [], "locked": [], "repositories": [], "unsupported": []}


def read_state(question: Question) -> dict[str, Any]:
    """Return what package_state returns, but for changed.

    Raises PackageError when the host's tools fail or an update cannot be locked, and when a refresh does not succeed
    or the updates cannot go in together; where obstacles are asked for, these two are obstacles instead.
    """
    view = _View(question)
    return {**view.facts(), **view.answer()}


class _View:
    """One look at a host: everything is read once, and in the order in which one thing is judged by another."""

    def __init__(self, question: Question) -> None:
        self.question = question
        self.found: list[Obstacle] = []
        refreshed, failed = self._refresh()
        self.host = dnf_repair.look()
        self.native = rpm_database.native_architecture()
        self.holder = dnf_locks.holder(rpm_database.database())
        self.running = processes.running()
        self.kernel = rpm_kernels.kernel(self.host.installed.values())
        self.offers = self._offers()
        self.state = self._lists(refreshed, failed)
        self.outlook = self._outlook()
        if question.obstacles:
            self._name_obstacles()

    def _refresh(self) -> tuple[bool, str]:
        """Refresh the metadata when asked to; return whether that was done, and why it failed."""
        if not self.question.refresh or self.question.check:
            return False, ""
        try:
            dnf_ask.refresh()
        except PackageError as problem:
            if not self.question.obstacles:
                raise
            self.found += dnf_hindrances.of_refresh(str(problem))
            return False, str(problem)
        return True, ""

    def _offers(self) -> dict[str, Any]:
        if not self.question.pending or not dnf_ask.STAMP.exists():
            return _NOTHING
        return dnf_ask.ask({"ask": "offers"})

    def _lists(self, refreshed: bool, failed: str) -> Lists:
        question = self.question
        stamped = dnf_ask.STAMP.stat().st_mtime if dnf_ask.STAMP.exists() else None
        why = "check mode: the metadata was not refreshed" if question.refresh and question.check else ""
        sources = tuple(dnf_sources.source(one) for one in self.offers["repositories"])
        measured = bool(sources) and stamped is not None
        if not measured:
            why = "Holdfast has no metadata of repositories on this host yet; run package_state with refresh"
        if not question.pending:
            why = "what is pending was not asked"
        state = Lists(
            measured=measured,
            why=why,
            refreshed=refreshed,
            refreshed_at=None if stamped is None else iso(stamped),
            age_seconds=None if stamped is None else max(0, int(question.now - stamped)),
            sources=sources,
        )
        state = judge(state, question.max_age_hours)
        return replace(state, measured=False, why=failed) if failed else state

    def _outlook(self) -> dnf_outlook.Outlook:
        question = self.question
        if not self.state.measured:
            return dnf_outlook.Outlook()
        terms = Terms(question.obstacles, question.min_free_percent, question.decisions, question.vulnerable)
        try:
            return dnf_outlook.look(self.offers, question.selection, terms, self.running, self.host.installed, pending)
        except dnf_ask.NoSolutionError as problem:
            if not question.obstacles:
                raise
            do = "mend it on the host (dnf check), or exclude what cannot go in"
            self.found.append(Obstacle("dependency", "dnf", str(problem)[:600], do))
            return dnf_outlook.Outlook()

    def _name_obstacles(self) -> None:
        question, found = self.question, self.found
        found += dnf_hindrances.of_work(self.holder, self.host, self.running)
        if self.holder is None:  # RPM does not let two look at its database as closely at once
            found += dnf_hindrances.of_database()
        found += hindrances.of_clock(question.now, question.controller_now)
        budgets = self.outlook.budgets or space.budgets({}, space.mounts())
        found += space.obstacles(budgets, question.min_free_percent)
        if not question.pending:
            return
        named = frozenset(one.subject for one in found)
        found += dnf_hindrances.of_sources(
            question.now, self.state, self.offers["repositories"], question.key_days, named
        )
        pending_now = self.outlook.found
        found += dnf_hindrances.of_updates(
            pending_now.updates, pending_now.waiting, question.selection, question.rollback_required
        )
        found += hindrances.of_conffiles(self.outlook.changed)
        found += dnf_hindrances.of_support(self.offers["unsupported"])

    def facts(self) -> dict[str, Any]:
        """Return what is so on the host, whatever is pending."""
        why = rpm_kernels.reboot(self.kernel, self.running)
        return {
            "manager": "dnf",
            "release": release_name(),
            "arch": self.native,
            "installed": {
                f"{name}:{arch}": {
                    "version": package.version,
                    "source": package.source,
                    "source_version": package.source_version,
                }
                for (name, arch), package in sorted(self.host.installed.items())
            },
            "held": self.offers["locked"],
            "unfinished": [
                {"name": package.name, "arch": package.arch, "state": package.status} for package in self.host.torn
            ],
            "interrupted": self.host.killed is not None,
            "lock": None if self.holder is None else self.holder.to_dict(),
            "kernel": self.kernel.to_dict(),
            "reboot": {"needed": bool(why), "why": why},
            "restarts": restarts.replaced(self.running),
        }

    def answer(self) -> dict[str, Any]:
        """Return what is pending, what it would do, and what is in its way."""
        found = self.outlook.found
        return {
            "updates": list(found.updates),
            "removals": list(found.removals),
            "other_updates": [line.to_dict() for line in found.waiting],
            "lists": self.state.to_dict(),
            "space": [budget.to_dict() for budget in self.outlook.budgets],
            "conffiles": [one.to_dict() for one in self.outlook.changed],
            "forecast": {"restarts": list(self.outlook.restarts), "reboot": self.outlook.reboot},
            "obstacles": [one.to_dict() for one in in_order(self.found)],
            "cves": found.cves,
            "changelogs_missing": {},
        }


def release_name(path: Path = Path("/etc/os-release")) -> str:
    """Return the distribution's codename, for example bookworm; where it has none its id and version, as rhel-9.4."""
    said = {}
    for line in path.read_text(encoding="utf-8").splitlines():
        key, _equals, value = line.partition("=")
        said[key] = value.strip("\"'")
    named = "-".join(filter(None, (said.get("ID", "unknown"), said.get("VERSION_ID", ""))))
    return (said.get("VERSION_CODENAME") or named).lower()
