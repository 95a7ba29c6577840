# Copyright: (c) 2026, Holdfast contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whether content may run: who signed its manifest, whether that holds still, and in which rings nothing else runs.

What is signed is the manifest's digest. The rings are on record, not in policy alone: who can edit policy could else
take back with one line that it is signed.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime

from ..errors import ContentError
from ..ledger.reading import Record
from ..ledger.trust import Trust
from ..site.policy import Policy

_SIGN = "have a publisher sign it: holdfast content sign"


def decisions(records: Iterable[Record]) -> list[Record]:
    """Return what publishers have signed and withdrawn, oldest first, without what somebody else may have signed."""
    return [one for one in records if one.step == "content" and not one.doubted]


def newest(records: Iterable[Record]) -> Record | None:
    """Return the newest signature of any content, withdrawn since or not; None where there is none."""
    return next((one for one in reversed(decisions(records)) if one.body["decision"] == "sign"), None)


def bound_rings(records: Iterable[Record], policy: Policy) -> frozenset[str]:
    """Return the rings in which nothing but signed content runs: by policy now, and by the newest signature."""
    signed = newest(records)
    now = {ring.name for ring in policy.rings if ring.content == "signed"}
    return frozenset(now | set(signed.body["rings"] if signed else ()))


def signature_of(
    manifest: str, records: Sequence[Record], trust: Trust, now: datetime, implementer: str | None = None
) -> Record:
    """Return the record by which the content of a manifest, named by SHA-256, may run at `now` (aware).

    `implementer` is who would run it, and may not be who signed it. Raises ContentError, saying why, where there is no
    such record.
    """
    said = [one for one in decisions(records) if one.subject_sha256 == manifest]
    what = f"the content of manifest {manifest[:16]}..."
    if not said:
        raise ContentError(f"{what} was signed by nobody whose word counts; expected a record of a publisher; {_SIGN}")
    last = said[-1]
    if last.body["decision"] != "sign":
        raise ContentError(f"{what} was withdrawn by {last.principal} in record {last.index}; run other content")
    until = last.body["expires_at"]
    if now >= datetime.fromisoformat(until):
        raise ContentError(f"{what} was signed until {until} by {last.principal} in record {last.index}; {_SIGN} again")
    if "publisher" not in trust.roles(last.principal):
        raise ContentError(
            f"{what} was signed by {last.principal} in record {last.index}, who is no publisher with a valid key under "
            f"trust version {trust.version}; {_SIGN}"
        )
    if last.principal == implementer:
        raise ContentError(
            f"{what} was signed by {last.principal} in record {last.index}, who would carry this run out; expected "
            "two: have another publisher sign it"
        )
    return last
