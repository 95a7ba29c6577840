# Copyright: (c) 2026, Holdfast contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the ledger proves besides changes: restores that worked, access that was reviewed, hosts that were checked.

Computed from the records each time. A sealed file counts from when it was first on record, or from when it says that
its work was done, whichever is earlier: to keep one longer makes it no fresher.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
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


def proven(records: Iterable[Record], controls: Iterable[str] = ()) -> Proven:
    """Return what the records prove; `controls` are those whose answers matter.

    What was erased, or was signed with a key that is in doubt, proves nothing.
    """
    sealed: dict[str, Sealed] = {}
    wanted = set(controls)
    passed: dict[str, dict[str, datetime]] = {control: {} for control in wanted}
    checked: dict[str, datetime] = {}
    for one in records:
        if one.step == "evidence" and one.body["kind"] in SEALED and not one.doubted:
            at = moment(one.body["done_at"]) if "done_at" in one.body else one.recorded_at
            sealed.setdefault(one.subject_sha256, Sealed(one.index, one.body["kind"], one.principal, at))
        elif one.step == "tombstone":
            sealed.pop(one.subject_sha256, None)
        elif one.step == "verify" and one.body["kind"] == "drift" and not one.doubted:
            for result in one.body["results"]:
                checked[result["asset"]] = one.recorded_at
                for check in result["checks"]:
                    if check["id"] in wanted:
                        _answer(passed[check["id"]], result["asset"], check["result"], one.recorded_at)
    return Proven(tuple(sealed.values()), passed, checked)


def _answer(passed: dict[str, datetime], asset: str, result: str, at: datetime) -> None:
    if result == "pass":
        passed[asset] = at
    else:
        passed.pop(asset, None)
