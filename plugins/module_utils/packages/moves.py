# Copyright: (c) 2026, Holdfast contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""One line of a plan as a way to go, and how far along it a host is."""

from __future__ import annotations

from dataclasses import dataclass

from .dpkg import Package
from .lines import Deb, Line


@dataclass(frozen=True)
class Move:
    """One line's way: the file it must end at (None: not on the host), and the version it may start from."""

    line: Line
    goal: Deb | None
    start: str | None

    def done(self, now: Package | None) -> bool:
        """Whether the host is at the goal, with nothing left to do."""
        if self.goal is None:
            return now is None
        return now is not None and now.version == self.goal.version and not now.unfinished

    def mended(self, now: Package | None) -> bool:
        """Whether finishing dpkg's work is all that is missing."""
        at_goal = now is not None and self.goal is not None and now.version == self.goal.version
        return at_goal and not self.torn(now)

    def torn(self, now: Package | None) -> bool:
        """Whether dpkg was killed while it replaced the package, which only unpacking it again can mend.

        dpkg says so by the flag reinstreq, which it sets before the first script of the old version runs.
        """
        return now is not None and (now.status == "half-installed" or now.flag != "ok")

    def may_start(self, now: Package | None) -> bool:
        """Whether the plan knows the version the host has."""
        if now is None:
            return self.start is None
        # A package dpkg was killed at keeps the version it was coming from or going to.
        return now.version == self.start or (self.goal is not None and now.version == self.goal.version)

    def expected(self) -> str:
        """Say which versions the plan knows."""
        goal = "not installed" if self.goal is None else self.goal.version
        return f"{self.start or 'not installed'}, or {goal}"
