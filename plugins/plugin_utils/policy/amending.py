# Copyright: (c) 2026, Holdfast contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Who may amend a record: one who has the role in which it was signed, and no other duty in the same change.

To correct an approval is to approve, as far as whoever reads it knows; so it is not for those who ask, carry out or
verify (45 CFR 164.308(a)(3)(ii)(A)).
"""

from __future__ import annotations

from collections.abc import Iterable

from ..ledger.reading import Record
from .question import Decision, Reason
from .rules import AUTHORIZATION

DUTIES = {
    "request": "requester",
    "approve": "approver",
    "assess": "approver",
    "review": "approver",
    "verify": "verifier",
}
"""Steps of a change by duty; the others are the implementer's, but for those of NOBODYS."""
NOBODYS = ("halt", "evidence", "amend")


def may_amend(target: Record, records: Iterable[Record], principal: str) -> Decision:
    """Say whether a principal may amend a record; `records` are all of the ledger."""
    if target.change_id is None or target.step in NOBODYS:
        return Decision()
    own = DUTIES.get(target.step, "implementer")
    for one in records:
        if one.change_id != target.change_id or one.principal != principal or one.step in NOBODYS:
            continue
        if one.step == "approve" and one.body["decision"] == "reject":
            continue
        duty = DUTIES.get(one.step, "implementer")
        if duty != own:
            said = (
                f"{principal} is {duty} of {target.change_id} (record {one.index}), and this is a record of its {own}"
            )
            do = f"let another {own} amend it"
            return Decision((Reason("duties-apart", said, AUTHORIZATION, do),))
    return Decision()
