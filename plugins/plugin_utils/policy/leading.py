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


def decisions(records: Iterable[Record]) -> list[Record]:
    """Return what was approved and withdrawn, oldest first, without what somebody else may have signed."""
    return [one for one in records if one.step == "policy" and not one.doubted]


def led(
    records: Sequence[Record], policy: Policy, now: datetime, officers: Mapping[str, frozenset[str]] | None = None
) -> Led:
    """Return whether this very policy is approved at `now` (aware); the ledger is only asked where it has to be.

    `officers` are the offices that people hold; without them those of the trust document among the records.
    """
    said = decisions(records)
    approvals = [one for one in said if one.body["decision"] == "approve"]
    wanted = policy.leadership.required or bool(approvals and approvals[-1].body["required"])
    if not wanted and not said:
        return Led(False, None)
    about = [one for one in said if one.subject_sha256 == policy.digest]
    if not about:
        return Led(wanted, None, "nobody approved it")
    last = about[-1]
    if last.body["decision"] != "approve":
        return Led(wanted, None, f"{last.principal} withdrew it in record {last.index}")
    until = datetime.fromisoformat(last.body["expires_at"])
    if now >= until:
        return Led(wanted, None, f"{last.principal} approved it until {last.body['expires_at']} (record {last.index})")
    held = officers_of(records) if officers is None else officers
    flaw = may_approve(last.principal, policy, approvals[: approvals.index(last)], held)
    return Led(wanted, None, f"{flaw} (record {last.index})") if flaw else Led(wanted, last)


def may_approve(who: str, policy: Policy, before: Sequence[Record], officers: Mapping[str, frozenset[str]]) -> str:
    """Return why somebody's approval of a policy does not count; '' where it does.

    They hold an office that the policy names, and, where one was approved `before`, one that the newest of these named:
    nobody makes themselves a leader by the policy that they approve.
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
