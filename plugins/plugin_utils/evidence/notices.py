# Copyright: (c) 2026, Holdfast contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a scheduled check tells people: one line, and for machines what each failure is, whose, since when, how often.

No news is no notice: a check that found nothing, and could look at everything, gives None.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from ..ledger.reading import Record
from ..site.asset import Asset
from ..site.baseline import Control
from .compliance import FAIL, severity_rank
from .lineage import Lineage, clock, lineages, newcomer, seen_words, told_briefly
from .results import signed_of

SCHEMA = "holdfast/notice/v1"
DRIFT, NOT_EVALUATED = "drift", "not_evaluated"


@dataclass(frozen=True)
class Finding:
    """One failed control on one asset, with what a person needs to know before looking."""

    control: Control
    owner: str
    line: Lineage

    def to_dict(self) -> dict[str, Any]:
        """Return the finding for machines."""
        told = self.line.to_dict()
        return {
            "asset": self.line.asset,
            "owner": self.owner,
            "control": self.control.id,
            "title": self.control.title,
            "severity": self.control.severity,
            "first_seen": told["first_seen"],
            "last_seen": told["last_seen"],
            "repeats": self.line.times_seen,
            "last_right": told["last_right"],
            "set_by": self.line.set_by.by if self.line.set_by else None,
        }

    def words(self) -> str:
        """Return the finding in one line for people."""
        control, line = self.control, self.line
        return f"{line.asset} {control.id} {control.severity} (owner {self.owner}), {seen_words(line)}: {control.title}"


@dataclass(frozen=True)
class Notice:
    """What is sent. `problems` say why the check could not look, or not everywhere."""

    site: str
    at: datetime
    run_id: str | None
    findings: tuple[Finding, ...]
    problems: tuple[str, ...]

    @property
    def kind(self) -> str:
        """What weighs more: a check that could not be made says nothing good about anything."""
        return NOT_EVALUATED if self.problems else DRIFT

    @property
    def line(self) -> str:
        """Return the one line: how much, how bad, and the worst finding in full."""
        told = "; ".join(" ".join(problem.split()) for problem in self.problems)
        said = [f"could not check: {told}"] if told else []
        if self.findings:
            count, hosts = len(self.findings), len({one.line.asset for one in self.findings})
            failures = f"drift: {count} failure{'s' * (count > 1)} on {hosts} host{'s' * (hosts > 1)}"
            more = f" (and {count - 1} more)" if count > 1 else ""
            said.append(f"{failures}: {self.findings[0].words()}{more}")
        return f"holdfast {self.site}: {'; '.join(said)}"

    @property
    def body(self) -> str:
        """Return the line, then a line for each finding and what lies behind it, and where to look next."""
        lines = [self.line, ""]
        for one in self.findings:
            lines += [one.words(), f"  {told_briefly(one.line)}"]
        look = f"holdfast results {self.run_id}" if self.run_id else "holdfast watch"
        return "\n".join([*lines, "", f"{clock(self.at)}; on the controller, in the site's folder: {look}", ""])

    def to_dict(self) -> dict[str, Any]:
        """Return the notice for machines; `text` is what chat programs show."""
        return {
            "schema": SCHEMA,
            "kind": self.kind,
            "text": self.line,
            "site": self.site,
            "at": self.at.isoformat(timespec="milliseconds").replace("+00:00", "Z"),
            "run_id": self.run_id,
            "problems": list(self.problems),
            "findings": [one.to_dict() for one in self.findings],
        }


def findings_of(
    records: Sequence[Record], run_id: str, assets: Sequence[Asset], controls: Mapping[str, Control]
) -> tuple[Finding, ...]:
    """Return what a run found failed, the worst first; `controls` are the site's, by id."""
    known = lineages(records, {name: control.role for name, control in controls.items()})
    owners = {asset.id: asset.owner for asset in assets}
    found = [
        Finding(controls[name], owners.get(asset, "nobody: no longer registered"), newcomer(known, asset, name))
        for asset, signed in signed_of(records, run_id).items()
        for name, check in signed.checks.items()
        if check["result"] == FAIL and name in controls
    ]
    return tuple(sorted(found, key=lambda one: (severity_rank(one.control.severity), one.control.id, one.line.asset)))


def notice(
    site: str, at: datetime, run_id: str | None, findings: Sequence[Finding], problems: Sequence[str]
) -> Notice | None:
    """Return what is to be told, None where there is nothing."""
    if not findings and not problems:
        return None
    return Notice(site, at, run_id, tuple(findings), tuple(problems))
