# Copyright: (c) 2026, Holdfast contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The heads that signers saw: what the entries before a record were, and when it was signed at the earliest."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta

from .envelopes import Entry
from .report import Notes
from .tree import Tree

SKEW = timedelta(minutes=5)
"""How far two honest clocks may differ."""


class HeadsSeen:
    """The heads that the signers of entries saw, against the tree while it grows.

    There is time for it then: others verify signatures.
    """

    def __init__(self, tree: Tree) -> None:
        self.tree = tree
        self._forged: set[int] = set()
        self._later: set[int] = set()

    def look(self, entry: Entry) -> None:
        """Look at the head that the signer of an entry saw, as far as the tree has grown."""
        size, root = entry.head
        if size > self.tree.size:
            self._later.add(entry.index)
        elif self.tree.root(size).hex() != root:
            self._forged.add(entry.index)

    def check(self, entries: Iterable[Entry], notes: Notes) -> None:
        """Note records whose signer saw another history, or something recorded later than they claim."""
        newest: list[datetime] = []  # the latest time claimed by any entry up to each index
        last = datetime.min.replace(tzinfo=UTC)
        for entry in entries:
            if entry.index >= 0:
                newest.extend([last] * (entry.index - len(newest)))
                last = max(last, entry.at)
                newest.append(last)
        newest.extend([last] * (self.tree.size - len(newest)))
        for entry in entries:
            size, root = entry.head
            if entry.index in self._later and size <= self.tree.size and self.tree.root(size).hex() != root:
                self._forged.add(entry.index)
            if size > entry.index or size > self.tree.size:
                notes.find("head-future", entry.index, f"its signer saw {size} entries; it is entry {entry.index}")
            elif entry.index in self._forged:
                notes.find("head-forged", entry.index, f"the first {size} entries never had the root {root}")
            elif size and (late := newest[size - 1] - entry.at) > SKEW:
                notes.find(
                    "time-backwards",
                    entry.index,
                    f"recorded {int(late.total_seconds())} s before an entry its signer had seen",
                )
