# Copyright: (c) 2026, Holdfast contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whether leaders approved the policy as it is: by a record over the digest of all it says.

That it has to be approved is on record too, and so is who may: who can edit policy could else take both back with a
line in the file that they edit (docs/adr/0026 has the same of content, docs/adr/0035 this).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime

from ..ledger.reading import Record, officers_of
from ..site.policy import Policy
from .led import Led
from .question import Question, Reason

WRITTEN_POLICY = "164.316(b)(1)(i)"

Officers = Mapping[str, frozenset[str]]


def decisions(records: Iterable[Record]) -> list[Record]:
    """Return what was approved and withdrawn, oldest first, without what somebody else may have signed."""
    return [one for one in records if one.step == "policy" and not one.doubted]


def lawful(records: Sequence[Record], officers: Officers | None = None) -> list[Record]:
    """Return the approvals by leaders, oldest first: by who held, then, an office that they name themselves.

    And one that the approval before names, of those that count: an approval by anybody else changes nothing, neither
    who leads nor whether a policy has to be approved. `officers` as in `led`.
    """
    found: list[Record] = []
    for one in decisions(records):
        if one.body["decision"] == "approve":
            held = officers_of(_before(records, one.index)) if officers is None else officers
            offices = (one.body["offices"], *(last.body["offices"] for last in found[-1:]))
            if all(held.get(one.principal, frozenset()) & set(named) for named in offices):
                found.append(one)
    return found


def led(records: Sequence[Record], policy: Policy, now: datetime, officers: Officers | None = None) -> Led:
    """Return whether this very policy is approved at `now` (aware); the ledger is only asked where it has to be.

    The newest approval since it was last withdrawn counts that holds and is a leader's, then and by the offices that
    people hold now; one by anybody else takes nothing away. `officers` are the offices that people hold; without them
    those of the trust documents among the records.
    """
    said = decisions(records)
    if not said and not policy.leadership.required:
        return Led(False, None)
    leaders = lawful(records, officers)
    wanted = policy.leadership.required or bool(leaders and leaders[-1].body["required"])
    about = [one for one in said if one.subject_sha256 == policy.digest]
    if not about:
        return Led(wanted, None, "nobody approved it")
    if about[-1].body["decision"] != "approve":
        return Led(wanted, None, f"{about[-1].principal} withdrew it in record {about[-1].index}")
    held = officers_of(records) if officers is None else officers
    why = ""
    for one in reversed(about):
        if one.body["decision"] != "approve":
            break
        flaw = may_approve(one.principal, policy, _before(leaders, one.index), held)
        if not flaw and now >= datetime.fromisoformat(one.body["expires_at"]):
            flaw = f"{one.principal} approved it until {one.body['expires_at']}"
        if not flaw:
            return Led(wanted, one)
        why = why or f"{flaw} (record {one.index})"
    return Led(wanted, None, why)


def _before(records: Sequence[Record], index: int) -> list[Record]:
    return [one for one in records if one.index < index]


def may_approve(who: str, policy: Policy, before: Sequence[Record], officers: Officers) -> str:
    """Return why somebody's approval of a policy does not count; '' where it does.

    They hold an office that the policy names, and, where leaders approved one `before` (see `lawful`), one that the
    newest of these named: nobody makes themselves a leader by a policy that they approve, and approve again.
    """
    held = officers.get(who, frozenset())
    for offices in (policy.leadership.approved_by, *(tuple(one.body["offices"]) for one in before[-1:])):
        if not held & set(offices):
            return f"{who}, who approved it, is none of {', '.join(offices)}"
    return ""


def policy_approved(q: Question) -> Iterator[Reason]:
    """The policy that lets it run is the one that leaders approved, where they have to."""
    if q.led is not None and q.led.wanted and q.led.record is None:
        leadership = q.policy.leadership
        offices = " or ".join(leadership.approved_by)
        yield Reason(
            "policy-approved",
            f"version {leadership.version} of the policy ({q.policy.digest[:12]}...) is not approved: {q.led.why}",
            WRITTEN_POLICY,
            f"{leadership.owner} asks {offices}: holdfast policy approve; or restore the policy that was approved",
        )
