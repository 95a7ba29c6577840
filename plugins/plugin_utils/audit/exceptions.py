# Copyright: (c) 2026, Holdfast contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Exceptions: what was waived was waived by one that an approver had signed, and that was still in force."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Any

from .envelopes import Entry
from .keyring import Keyring
from .report import Notes

SKEW = timedelta(minutes=5)
"""How far two honest clocks may differ."""


class Exceptions:
    """The signed exceptions of a ledger, by id; gathers the waived results that none of them covers."""

    def __init__(self, entries: Iterable[Entry], keyring: Keyring) -> None:
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
