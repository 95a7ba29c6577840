# Copyright: (c) 2026, Holdfast contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What stands between a host and its updates, as a closed list of kinds; every package manager uses these words."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict, dataclass
from typing import Any

KINDS = (
    "lock",
    "timer",
    "unfinished",
    "interrupted",
    "broken",
    "clock",
    "full",
    "boot_full",
    "no_archive",
    "unsigned",
    "expired_key",
    "key_expiring",
    "expired_lists",
    "stale_lists",
    "held",
    "pinned",
    "phased",
    "versionlock",
    "dependency",
    "conffile",
    "no_rollback",
    "unsupported",
)
"""In the order they are told and mended in: nothing later can be judged while an earlier one stands."""


@dataclass(frozen=True)
class Obstacle:
    """One thing in the way: what it concerns, what was found, what to do about it.

    kind is one of KINDS. blocks is False for what only leaves something out, or will be in the way some day: the rest
    of the updates can go in.
    """

    kind: str
    subject: str
    found: str
    do: str
    blocks: bool = True

    def __post_init__(self) -> None:
        """Raise ValueError for a kind that nobody could look up."""
        if self.kind not in KINDS:
            raise ValueError(f"obstacle {self.kind!r}: expected one of {', '.join(KINDS)}")

    def __str__(self) -> str:
        return f"{self.kind} {self.subject}: {self.found}; {self.do}"

    def to_dict(self) -> dict[str, Any]:
        """Return the members as package_state returns them."""
        return asdict(self)


def in_order(found: Iterable[Obstacle]) -> tuple[Obstacle, ...]:
    """Return the obstacles, each once, in the order of KINDS and then of their subjects."""
    return tuple(sorted(dict.fromkeys(found), key=lambda one: (KINDS.index(one.kind), one.subject, one.found)))
