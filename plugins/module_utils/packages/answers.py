# Copyright: (c) 2026, Holdfast contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is pending on a host, what it would bring about, and what is in its way."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from . import archives, changelogs, complaints, dpkg, hindrances, lists, outlook, proofs, repacked, space
from .errors import PackageError
from .obstacles import Obstacle, in_order
from .pending import Pending, Survey, Update
from .repacked import Repacked
from .state import NOT_ASKED, Facts, Question, judge
from .transaction import NoSolutionError

_UNPROVED = ("unsigned", "expired_key", "expired_lists")


class Answers:
    """One look at a host: everything is read once, and in the order in which one thing is judged by another."""

    def __init__(self, question: Question) -> None:
        self.question = question
        self.found: list[Obstacle] = []
        self.refused: frozenset[str] = frozenset()  # the archives that a failed refresh spoke of
        refreshed, failed = self._refresh()
        self.facts = Facts.read()
        self.sources = archives.archives() if question.pending else ()
        self.state = self._lists(refreshed, failed)
        self.repacked: tuple[Repacked, ...] = ()
        self.outlook = self._outlook()
        if question.repack and not question.check:
            self._repack()
        if question.obstacles:
            self._name_obstacles()

    def _refresh(self) -> tuple[bool, str]:
        """Refresh the lists when asked to; return whether that was done, and why it failed."""
        if not self.question.refresh or self.question.check:
            return False, ""
        try:
            lists.refresh()
        except lists.RefreshError as problem:
            if not self.question.obstacles:
                raise
            self.found += complaints.obstacles(problem.said)
            self.refused = frozenset(one.subject for one in self.found)
            return False, str(problem)
        return True, ""

    def _lists(self, refreshed: bool, failed: str) -> lists.Lists:
        question = self.question
        indexes = lists.indexes() if question.pending else ()
        why = "check mode: the lists were not refreshed" if question.refresh and question.check else ""
        state = judge(lists.look(question.now, indexes, refreshed=refreshed, why=why), question.max_age_hours)
        self.indexes = indexes
        if not question.pending:
            return replace(state, why=NOT_ASKED)
        state = proofs.prove(state, indexes, self.sources)
        return replace(state, measured=False, why=failed) if failed else state

    def _outlook(self) -> outlook.Outlook:
        question = self.question
        nothing = outlook.Outlook(Pending((), (), ()), (), (), (), False)
        if not self.state.measured:
            return nothing
        terms = outlook.Terms(question.obstacles, question.min_free_percent, question.decisions, question.vulnerable)
        try:
            survey = Survey(self.facts.installed, self.indexes, self.facts.native)
            return outlook.look(survey, question.selection, terms, self.facts.running, self.facts.kernel)
        except NoSolutionError as problem:
            if not question.obstacles:
                raise
            do = "mend it on the host (apt-get --fix-broken install), or exclude what cannot go in"
            self.found.append(Obstacle("dependency", "apt", str(problem)[:600], do))
            return nothing

    def _repack(self) -> None:
        """Make a way back to every version of the transaction that no archive has, from what is installed."""
        lost = [one for one in self.outlook.found.updates if one.before is not None and one.rollback is None]
        packages = [self.facts.installed[one.to.name, one.to.arch] for one in lost]
        try:
            self.repacked = repacked.provide([package for package in packages if not package.unfinished])
        except PackageError as problem:
            if not self.question.obstacles:
                raise
            do = "free some space, or bring the files of the installed versions to the pool"
            self.found.append(Obstacle("no_rollback", "repacking", str(problem)[:600], do))

    @property
    def updates(self) -> tuple[Update, ...]:
        """The transaction, with the ways back that were made here."""
        made = {(one.deb.name, one.deb.arch): one for one in self.repacked}
        return tuple(
            replace(update, rollback=update.rollback or made.get((update.to.name, update.to.arch)))
            for update in self.outlook.found.updates
        )

    def _name_obstacles(self) -> None:
        question, found = self.question, self.found
        found += hindrances.of_work(
            self.facts.holder, dpkg.unfinished(self.facts.installed), dpkg.interrupted(), self.facts.running
        )
        found += hindrances.of_clock(question.now, question.controller_now)
        known = space.mounts()
        budgets = self.outlook.budgets or space.budgets({}, known)
        found += space.obstacles(budgets, question.min_free_percent)
        if not question.pending:
            return
        found += hindrances.of_lists(question.now, self.state, self.sources, question.key_days, self.refused)
        pending = self.outlook.found
        found += hindrances.of_updates(self.updates, pending.waiting, question.selection, question.rollback_required)
        found += hindrances.of_conffiles(self.outlook.changed)
        found += hindrances.of_support(pending.unsupported, self.facts.installed)

    def to_dict(self) -> dict[str, Any]:
        """Return what is pending, what it would do, and what is in its way."""
        found = self.outlook.found
        cves, unread = self._changelogs()
        return {
            "updates": [update.to_dict() for update in self.updates],
            "repacked": [one.to_dict() for one in self.repacked],
            "removals": [
                {"name": removal.name, "arch": removal.arch or self.facts.native, "version": removal.version}
                for removal in found.removals
            ],
            "other_updates": [line.to_dict() for line in found.waiting],
            "lists": self.state.to_dict(),
            "space": [budget.to_dict() for budget in self.outlook.budgets],
            "conffiles": [one.to_dict() for one in self.outlook.changed],
            "forecast": {"restarts": list(self.outlook.restarts), "reboot": self.outlook.reboot},
            "obstacles": [one.to_dict() for one in in_order(self.found)],
            "cves": cves,
            "changelogs_missing": unread,
        }

    def _changelogs(self) -> tuple[dict[str, list[str]], dict[str, str]]:
        question = self.question
        asked = list(question.changelogs)
        if question.changelogs_of_all:
            asked += [(one.to.name, one.to.arch, one.to.version) for one in self.outlook.found.updates]
        if not asked or not self.state.measured or question.check:
            return {}, {}
        if any(one.kind in _UNPROVED for one in self.found):
            return {}, {}  # nothing is fetched from an archive that proves nothing
        return changelogs.read(sorted(set(asked)), question.stage_dir, self.facts.installed, self.facts.native)
