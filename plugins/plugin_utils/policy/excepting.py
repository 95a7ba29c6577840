# Copyright: (c) 2026, Holdfast contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whether the exceptions that a site has written down were signed, by whom they had to be, and how each has lived.

What is signed is the digest of all that an exception says: a wider scope or a later end is signed anew. How often it
was renewed, when it was last reviewed and when its finding was first due is what the ledger says, not the file.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from ..errors import PolicyError
from ..ledger import canonical
from ..ledger.reading import Record
from ..site.excepting import ExceptionPolicy
from ..site.exceptions import Waiver
from .offices import TITLES

RULE = "exceptions-signed"
"""What this is called among the rules of the gate, though it is asked before the run is on record."""
SIGNS = ("approve", "review")
Officers = Mapping[str, frozenset[str]]


def digest_of(waiver: Waiver) -> str:
    """Return the SHA-256 of what an exception says, as canonical JSON."""
    return canonical.digest(canonical.encode(waiver.to_dict()))


@dataclass(frozen=True)
class Life:
    """How an exception has lived, by its records.

    `signed` is the newest signature of each person on what it says now; none of them is left once somebody withdrew it,
    or signed another text of it. `renewals` counts the ends that were later than every one before; the one it has now
    is counted, be it signed or not. `first_due` is the earliest moment on record at which its finding was due.
    """

    signed: Mapping[str, Record]
    renewals: int
    first_due: datetime | None
    approved_at: datetime | None
    """When its end was first signed by anybody."""

    @property
    def reviewed_at(self) -> datetime | None:
        """When somebody last signed it."""
        return max((one.recorded_at for one in self.signed.values()), default=None)


def life_of(waiver: Waiver, records: Iterable[Record]) -> Life:
    """Return how an exception has lived; records whose keys are in doubt say nothing."""
    said = [
        one for one in records if one.step == "exception" and one.body["exception"] == waiver.id and not one.doubted
    ]
    signed: dict[str, Record] = {}
    text = ""
    ends: list[datetime] = []
    due: list[datetime] = []
    approved_at: datetime | None = None
    for one in said:
        if one.body["decision"] not in SIGNS:
            signed, text = {}, ""
            continue
        if one.subject_sha256 != text:
            signed, text, approved_at = {}, one.subject_sha256, one.recorded_at
        signed[one.principal] = one
        end = canonical.moment(one.body["expires_at"])
        if not ends or end > max(ends):
            ends.append(end)
        if "first_due" in one.body:
            due.append(canonical.moment(one.body["first_due"]))
    if text != digest_of(waiver):
        signed, approved_at = {}, None
    # Records hold milliseconds; what the file says more exactly is no later end.
    if ends and canonical.timestamp(waiver.expires) > canonical.timestamp(max(ends)):
        ends.append(waiver.expires)
    return Life(signed, max(0, len(ends) - 1), min(due, default=None), approved_at)


def signature_of(waiver: Waiver, records: Iterable[Record]) -> Record | None:
    """Return the record with which its approver signed the exception as it is, None where there is none in force.

    A later word about the same id, of withdrawal or of another text, ends it; so does a key that came into doubt.
    """
    return life_of(waiver, records).signed.get(waiver.approver)


def objections(waiver: Waiver, life: Life, policy: ExceptionPolicy, officers: Officers, now: datetime) -> Iterator[str]:
    """Yield why an exception does not hold though it has not ended, in words that follow its id."""
    yield from unfit(waiver, life, policy, officers)
    if waiver.approver not in life.signed:
        yield (
            f"is not signed as it is now; expected a record by {waiver.approver}; have them run "
            f"`holdfast exception approve {waiver.id}`, or take it away"
        )
        return
    for office in escalated(waiver, life, policy, officers):
        yield (
            f"is in its renewal {life.renewals}, and {TITLES[office]} has not signed it besides {waiver.approver}; "
            f"have a holder of that office run `holdfast exception approve {waiver.id}`, or take it away"
        )
    if policy.review_days and life.reviewed_at is not None:
        by = life.reviewed_at + timedelta(days=policy.review_days)
        if now >= by:
            yield (
                f"was to be reviewed by {by.isoformat(timespec='minutes')}; have {waiver.approver} look at it, and run "
                f"`holdfast exception review {waiver.id}`, or take it away"
            )


def unfit(
    waiver: Waiver, life: Life, policy: ExceptionPolicy, officers: Officers, due: datetime | None = None
) -> Iterator[str]:
    """Yield what is wrong with what an exception says, which no signature mends.

    `due` is when its finding was first due by what is known beside its own records.
    """
    office = policy.approver_office
    if office and office not in officers.get(waiver.approver, ()):
        yield f"names {waiver.approver} as its approver, who is not {TITLES[office]}; name one who holds that office"
    first = min((one for one in (life.first_due, due) if one is not None), default=None)
    if first is not None and (waiver.first_due is None or waiver.first_due > first):
        found = waiver.first_due.isoformat() if waiver.first_due else "none"
        yield f"has first_due {found}, and its finding was first due {first.isoformat()}; write that"


def too_long(waiver: Waiver, policy: ExceptionPolicy, now: datetime) -> str:
    """Return why nobody may sign so late an end now, '' where they may."""
    if policy.longest_days and waiver.expires > now + timedelta(days=policy.longest_days):
        return f"ends {waiver.expires.isoformat()}, more than {policy.longest_days} days from now; write an earlier end"
    return ""


def escalated(waiver: Waiver, life: Life, policy: ExceptionPolicy, officers: Officers) -> tuple[str, ...]:
    """Return the offices that must sign an exception by the number of its renewals, and have not."""
    wanted = dict.fromkeys(one.office for one in policy.escalations if life.renewals >= one.renewals)
    others = [who for who in life.signed if who != waiver.approver]
    return tuple(office for office in wanted if not any(office in officers.get(who, ()) for who in others))


def require_signed(
    waivers: Iterable[Waiver],
    records: Sequence[Record],
    now: datetime,
    policy: ExceptionPolicy | None = None,
    officers: Officers | None = None,
) -> None:
    """Raise PolicyError where an exception in force was not signed as it is by those who had to, or was not reviewed.

    `officers` are the offices that approvers hold by the trust in force.
    """
    for one in waivers:
        if not one.in_force(now):
            continue
        life = life_of(one, records)
        for why in objections(one, life, policy or ExceptionPolicy(), officers or {}, now):
            raise PolicyError(f"{RULE}: exceptions.yml: {one.id}: {why}")
