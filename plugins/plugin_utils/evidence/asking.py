# Copyright: (c) 2026, Holdfast contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""A question to the ledger: which records are of these changes, runs, assets, controls, people, outcomes, of this time.

What a record says of an asset is read by the names of its members (`asset`, `outcome`, `checks`, ...), the same in
every step: a step that is new is found without a word here.
"""

from __future__ import annotations

import base64
from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from ..ledger.reading import Record

OUTCOMES = ("outcome", "verdict", "result", "decision", "action", "reason")
"""Members whose value says how something ended, or what was decided."""
ASSETS = ("assets", "expected_assets", "missing_assets")
"""Members that list assets of which nothing more is said there."""

Look = Callable[[bytes], bool]


@dataclass(frozen=True)
class Fact:
    """One thing a record says: of which asset, of which control or check (None: of none in particular), which words."""

    asset: str | None
    control: str | None
    words: frozenset[str]


def facts(body: Any, asset: str | None = None) -> Iterator[Fact]:
    """Yield what a step's body says, thing by thing."""
    if isinstance(body, list):
        for one in body:
            yield from facts(one, asset)
    if not isinstance(body, dict):
        return
    asset = body.get("asset", asset)
    words = frozenset(body[name] for name in OUTCOMES if isinstance(body.get(name), str))
    control = body["id"] if "id" in body and "result" in body else body.get("control")
    yield Fact(asset, control, words)
    for name in ASSETS:
        for one in body.get(name, ()):
            yield Fact(one, None, words)
    for member in body.values():
        yield from facts(member, asset)


def run_of(record: Record) -> str | None:
    """Return the run a record belongs to, None where it belongs to none."""
    found = record.body.get("run_id")
    return str(found) if found else None


@dataclass(frozen=True)
class Question:
    """What is asked for; an empty choice chooses all, `since` is within the time asked for, `until` is not.

    Asset, control and outcome are of one thing: lab-1's failed ssh-01, not a record in which lab-1 passed it and
    something else failed. The time is the one that the record claims.
    """

    changes: frozenset[str] = frozenset()
    runs: frozenset[str] = frozenset()
    assets: frozenset[str] = frozenset()
    controls: frozenset[str] = frozenset()
    people: frozenset[str] = frozenset()
    steps: frozenset[str] = frozenset()
    outcomes: frozenset[str] = frozenset()
    since: datetime | None = None
    until: datetime | None = None

    def holds(self, record: Record) -> bool:
        """Say whether a record answers the question."""
        chosen = (
            (self.changes, record.change_id),
            (self.runs, run_of(record)),
            (self.people, record.principal),
            (self.steps, record.step),
        )
        if any(asked and found not in asked for asked, found in chosen):
            return False
        if self.since is not None and record.recorded_at < self.since:
            return False
        if self.until is not None and record.recorded_at >= self.until:
            return False
        return not (self.assets or self.controls or self.outcomes) or any(map(self._meant, facts(record.body)))

    def _meant(self, fact: Fact) -> bool:
        return (
            (not self.assets or fact.asset in self.assets)
            and (not self.controls or fact.control in self.controls)
            and (not self.outcomes or bool(self.outcomes & fact.words))
        )

    @property
    def look(self) -> Look:
        """A cheap look at an entry's stored bytes; false means that the record in it cannot be an answer."""
        names = (self.changes, self.runs, self.assets, self.controls, self.people, self.outcomes)
        groups = [marks(f'"{one}"' for one in chosen) for chosen in names if chosen]
        if self.steps:
            groups.append(marks(f'/{step}/v1"' for step in self.steps))
        return lambda stored: all(any(mark in stored for mark in group) for group in groups)


def marks(texts: Collection[str] | Iterator[str]) -> tuple[bytes, ...]:
    """Return what an entry's stored bytes hold if its payload holds one of these ASCII texts: three spellings each.

    Base64 writes three bytes as four characters, so a text's spelling depends only on where in a group of three it
    begins; the characters at its ends, which its neighbours share, are left out.
    """
    found = []
    for text in texts:
        for before in range(3):
            data = b"\0" * before + text.encode("ascii", "replace")
            found.append(base64.b64encode(data)[-(-8 * before // 6) : 8 * len(data) // 6])
    return tuple(found)
