# Copyright: (c) 2026, Holdfast contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the ledger proves besides changes: restores that worked, access that was reviewed, hosts that were checked.

Computed from the records each time. A sealed file counts from when it was first on record, or from when it says that
its work was done, whichever is earlier: to keep one longer makes it no fresher.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from ..ledger.canonical import moment
from ..ledger.reading import Record

SEALED = ("restore", "access-review")
"""Kinds of evidence that prove something by themselves."""


@dataclass(frozen=True)
class Sealed:
    """One sealed proof: of which kind, who sealed it, when what it tells of was done."""

    index: int
    kind: str
    principal: str
    at: datetime


@dataclass(frozen=True)
class Proven:
    """All proofs on record.

    `passed` is, by control and asset, when a control was last seen to pass, of those whose newest answer is a pass.
    `checked` is when each asset's controls were last asked.
    """

    sealed: tuple[Sealed, ...] = ()
    passed: Mapping[str, Mapping[str, datetime]] = field(default_factory=dict)
    checked: Mapping[str, datetime] = field(default_factory=dict)


NOTHING = Proven()
"""Nothing is proved."""


def proven(records: Sequence[Record], controls: Collection[str] = (), assets: Collection[str] | None = None) -> Proven:
    """Return what the records prove; `controls` are those whose answers matter, `assets` the hosts, None for all.

    What was erased, or was signed with a key that is in doubt, proves nothing.
    """
    sealed: dict[str, Sealed] = {}
    for one in records:
        if one.step == "evidence" and one.gist["kind"] in SEALED and not one.doubted:
            at = moment(one.body["done_at"]) if "done_at" in one.body else one.recorded_at
            sealed.setdefault(one.subject_sha256, Sealed(one.index, one.gist["kind"], one.principal, at))
        elif one.step == "tombstone":
            sealed.pop(one.subject_sha256, None)
    passed, checked = _seen(records, frozenset(controls), assets)
    return Proven(tuple(sealed.values()), passed, checked)


def _seen(
    records: Sequence[Record], controls: frozenset[str], assets: Collection[str] | None
) -> tuple[dict[str, dict[str, datetime]], dict[str, datetime]]:
    """Return when each asset last passed each control, if it was its newest answer, and when it was last asked at all.

    The newest record comes first: of a long history of a few hosts little is looked into.
    """
    passed: dict[str, dict[str, datetime]] = {control: {} for control in controls}
    checked: dict[str, datetime] = {}
    answered: set[tuple[str, str]] = set()
    left = None if assets is None else len(set(assets)) * (1 + len(controls))
    for one in reversed(records):
        if left is not None and len(checked) + len(answered) == left:
            break
        if one.step != "verify" or one.gist["kind"] != "drift" or one.doubted:
            continue
        for result in reversed(one.body["results"]):
            asset = result["asset"]
            if assets is not None and asset not in assets:
                continue
            checked.setdefault(asset, one.recorded_at)
            for check in reversed(result["checks"]) if controls else ():
                if check["id"] in controls and (check["id"], asset) not in answered:
                    answered.add((check["id"], asset))
                    if check["result"] == "pass":
                        passed[check["id"]][asset] = one.recorded_at
    return passed, checked
