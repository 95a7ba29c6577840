# Copyright: (c) 2026, Holdfast contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whether the exceptions that a site has written down were signed, each by the approver that it names.

What is signed is the digest of all that an exception says: a wider scope or a later end is signed anew.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime

from ..errors import PolicyError
from ..ledger import canonical
from ..ledger.reading import Record
from ..site.exceptions import Waiver


def digest_of(waiver: Waiver) -> str:
    """Return the SHA-256 of what an exception says, as canonical JSON."""
    return canonical.digest(canonical.encode(waiver.to_dict()))


def signature_of(waiver: Waiver, records: Iterable[Record]) -> Record | None:
    """Return the record with which its approver signed the exception as it is, None where there is none in force.

    A later word about the same id, of withdrawal or of another text, ends it; so does a key that came into doubt.
    """
    said = [
        one for one in records if one.step == "exception" and one.body["exception"] == waiver.id and not one.doubted
    ]
    if not said or said[-1].body["decision"] != "approve" or said[-1].subject_sha256 != digest_of(waiver):
        return None
    return said[-1] if said[-1].principal == waiver.approver else None


def require_signed(waivers: Iterable[Waiver], records: Sequence[Record], now: datetime) -> None:
    """Raise PolicyError where an exception in force was not signed as it is by the approver it names."""
    for one in waivers:
        if one.in_force(now) and signature_of(one, records) is None:
            raise PolicyError(
                f"exceptions.yml: {one.id}: is not signed as it is now; expected a record by {one.approver}; have them "
                f"run `holdfast exception approve {one.id}`, or take it away"
            )
