# Copyright: (c) 2026, Holdfast contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Exceptions: what was waived was waived by one that an approver had signed, and that was still in force."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from typing import Any

from .envelopes import Entry
from .keyring import Keyring
from .report import Notes

SKEW = timedelta(minutes=5)
"""How far two honest clocks may differ."""


class Exceptions:
    """The signed exceptions of a ledger, by id; gathers the waived results that none of them covers."""

    def __init__(
        self,
        entries: Iterable[Entry],
        keyring: Keyring,
        escalations: Sequence[tuple[int, str]] = (),
        review_days: int = 0,
    ) -> None:
        """`escalations` are renewals from which on an office signs too; `review_days` bound an unreviewed life."""
        self._keyring = keyring
        self._escalations = escalations
        self._review_days = review_days
        self._signed: dict[str, list[Entry]] = defaultdict(list)
        self._unsigned: dict[str, int] = {}
        for entry in entries:
            if entry.step == "exception" and keyring.believes(entry.keyid, entry.index):
                self._signed[entry.body["exception"]].append(entry)

    def judge(self, record: Entry, result: dict[str, Any], notes: Notes) -> None:
        """Note each waived check of a result whose exception had ended; remember those that nobody signed."""
        for check in result.get("checks", ()):
            if check["result"] != "waived":
                continue
            name = check["exception"]
            said = [one for one in self._signed[name] if one.index < record.index]
            if not said or said[-1].body["control"] != check["id"]:
                self._unsigned.setdefault(name, record.index)
                continue
            body = said[-1].body
            what = f"{check['id']} on {result['asset']} is waived by {name}"
            if body["decision"] == "withdraw":
                why = f"which {said[-1].principal} withdrew in entry {said[-1].index}"
                notes.find("exception-ended", record.index, f"{what}, {why}")
            elif record.at > datetime.fromisoformat(body["expires_at"]) + SKEW:
                notes.find("exception-ended", record.index, f"{what}, which ended at {body['expires_at']}")
            else:
                self._judge_life(what, record, said, notes)

    def _judge_life(self, what: str, record: Entry, said: list[Entry], notes: Notes) -> None:
        """Note an exception that was renewed more often than its signers may, or that nobody reviewed in time."""
        ends: list[datetime] = []
        for one in said:
            end = datetime.fromisoformat(one.body["expires_at"])
            if one.body["decision"] != "withdraw" and all(end > earlier for earlier in ends):
                ends.append(end)
        text = [one for one in said if one.about == said[-1].about and one.body["decision"] != "withdraw"]
        version = self._keyring.before(record.index)
        roles = version.document.roles if version is not None else {}
        for most, office in self._escalations:
            signers = {one.principal for one in text if office in roles.get(one.principal, frozenset())}
            if len(ends) > most and not (signers and len({one.principal for one in text}) > 1):
                times = f"{what}, renewed {len(ends) - 1} times, and no {office} signed it besides its approver"
                notes.find("exception-not-escalated", record.index, times)
        if days := self._review_days:
            last = max(one.at for one in text)
            if record.at > last + timedelta(days=days) + SKEW:
                notes.find("exception-not-reviewed", record.index, f"{what}, which nobody reviewed within {days} days")

    def check_due(self, notes: Notes) -> None:
        """Note an exception that was signed with a later first due date than it had before, or with none."""
        for name, said in self._signed.items():
            first: datetime | None = None
            for one in said:
                due = datetime.fromisoformat(one.body["first_due"]) if "first_due" in one.body else None
                if first is not None and one.body["decision"] != "withdraw" and (due is None or due > first):
                    was = f"its finding was first due {first.isoformat()}"
                    notes.find("exception-due-moved", one.index, f"{one.principal} signed {name} anew, and {was}")
                elif due is not None:
                    first = due if first is None else min(first, due)

    def conclude(self, required: bool, notes: Notes) -> None:
        """Note the exceptions that nobody signed, where they had to be; else say that this could not be checked."""
        if required:
            for name, index in self._unsigned.items():
                notes.find(
                    "exception-unsigned", index, f"a result is waived by {name}, which no approver signed before"
                )
        elif self._unsigned:
            names = ", ".join(sorted(self._unsigned))
            notes.could_not_check.append(f"whether exceptions were approved: no record of an approver names {names}")
