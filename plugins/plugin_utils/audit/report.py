# Copyright: (c) 2026, Holdfast contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What an audit says: findings, warnings, and what it could not check. Decision and report are one object."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from .codes import REMEDIES, WARNINGS

MOST = 100
"""Findings of one code that are listed; one cause can repeat for every entry."""


@dataclass(frozen=True)
class Finding:
    """One broken rule (or, as a warning, one thing to know).

    `index` is the entry's, None when it is the ledger's.
    """

    code: str
    index: int | None
    message: str
    remedy: str

    def __str__(self) -> str:
        where = "ledger" if self.index is None else f"entry {self.index}"
        return f"{where}: {self.code}: {self.message}; {self.remedy}"

    def to_dict(self) -> dict[str, Any]:
        """Return the finding for machines."""
        return {"code": self.code, "index": self.index, "message": self.message, "remedy": self.remedy}


@dataclass(frozen=True)
class AuditReport:
    """The result of an audit; false when anything was found.

    `root` is the recomputed root in hexadecimal, `checkpoint_size` how many entries the newest good signed
    head covers, `genesis` the digest of the first trust document, on which everything rests.
    """

    entries: int
    root: str
    findings: tuple[Finding, ...] = ()
    warnings: tuple[Finding, ...] = ()
    could_not_check: tuple[str, ...] = ()
    checkpoint_size: int | None = None
    genesis: str | None = None
    cosigned: Mapping[str, int | None] = field(default_factory=dict)
    """By witness, how many entries the newest head covers that it cosigned; None for no such head."""
    contents: Mapping[str, str | None] = field(default_factory=dict)
    """By run, who signed the content it was made of; None for a run that names nobody, or nobody who did."""

    @property
    def ok(self) -> bool:
        """Whether nothing was found."""
        return not self.findings

    def __bool__(self) -> bool:
        return self.ok

    def to_dict(self) -> dict[str, Any]:
        """Return the report for machines."""
        return {
            "ok": self.ok,
            "entries": self.entries,
            "root": self.root,
            "checkpoint_size": self.checkpoint_size,
            "genesis": self.genesis,
            "cosigned": dict(self.cosigned),
            "contents": dict(self.contents),
            "findings": [finding.to_dict() for finding in self.findings],
            "warnings": [warning.to_dict() for warning in self.warnings],
            "could_not_check": list(self.could_not_check),
        }


@dataclass
class Notes:
    """Gathers findings while an audit runs."""

    findings: list[Finding] = field(default_factory=list)
    warnings: list[Finding] = field(default_factory=list)
    could_not_check: list[str] = field(default_factory=list)
    cosigned: dict[str, int | None] = field(default_factory=dict)
    contents: dict[str, str | None] = field(default_factory=dict)
    _seen: Counter[str] = field(default_factory=Counter)

    def find(self, code: str, index: int | None, message: str) -> None:
        """Note a broken rule."""
        self._seen[code] += 1
        if self._seen[code] <= MOST:
            self.findings.append(Finding(code, index, message, REMEDIES[code]))

    def warn(self, code: str, index: int | None, message: str) -> None:
        """Note something to know."""
        self.warnings.append(Finding(code, index, message, WARNINGS[code]))

    def report(self, entries: int, root: bytes, checkpoint_size: int | None, genesis: str | None) -> AuditReport:
        """Return what was noted, in the ledger's order."""
        for code, count in sorted(self._seen.items()):
            if count > MOST:
                self.warn("findings-cut", None, f"{code} was found {count} times; {MOST} are listed")
        return AuditReport(
            entries=entries,
            root=root.hex(),
            findings=tuple(sorted(self.findings, key=_place)),
            warnings=tuple(sorted(self.warnings, key=_place)),
            could_not_check=tuple(self.could_not_check),
            checkpoint_size=checkpoint_size,
            genesis=genesis,
            cosigned=dict(self.cosigned),
            contents=dict(self.contents),
        )


def _place(finding: Finding) -> int:
    return -1 if finding.index is None else finding.index
