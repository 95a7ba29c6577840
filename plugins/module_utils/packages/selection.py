# Copyright: (c) 2026, Holdfast contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which of a host's pending updates are wanted."""

from __future__ import annotations

from dataclasses import dataclass
from fnmatch import fnmatchcase


@dataclass(frozen=True)
class Selection:
    """What of the pending updates is wanted: security updates or all; only these names, if any; none of those.

    Names may be shell patterns.
    """

    updates: str = "security"
    only: tuple[str, ...] = ()
    exclude: tuple[str, ...] = ()

    def selects(self, name: str) -> bool:
        """Return whether only lets the name in."""
        return not self.only or any(fnmatchcase(name, pattern) for pattern in self.only)

    def excludes(self, name: str) -> bool:
        """Return whether exclude keeps the name out."""
        return any(fnmatchcase(name, pattern) for pattern in self.exclude)
