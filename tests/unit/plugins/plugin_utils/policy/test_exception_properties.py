# Copyright: (c) 2026, Holdfast contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What holds of every life of an exception: time ends it, signatures are needed, and its first due date only counts."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta

from ansible_collections.holdfast.hipaa.plugins.plugin_utils.ledger.canonical import timestamp
from ansible_collections.holdfast.hipaa.plugins.plugin_utils.ledger.reading import Record
from ansible_collections.holdfast.hipaa.plugins.plugin_utils.policy.excepting import digest_of, life_of, objections
from ansible_collections.holdfast.hipaa.plugins.plugin_utils.site.excepting import ExceptionPolicy
from ansible_collections.holdfast.hipaa.plugins.plugin_utils.site.exceptions import Waiver
from ansible_collections.holdfast.hipaa.plugins.plugin_utils.site.scope import Scope
from hypothesis import event, example, given, settings
from hypothesis import strategies as st

from tests.change_cases import when

BEGAN = when("2026-10-01 00:00")
OFFICERS = {"ana": frozenset({"business-owner"}), "cleo": frozenset({"compliance-officer"})}
WANTED = ExceptionPolicy.from_dict(
    {
        "approver_office": "business-owner",
        "review_days": 90,
        "escalations": [{"renewals": 3, "office": "compliance-officer"}],
    }
)
FIRST = Waiver(
    id="legacy-scanner", control="ssh-02", scope=Scope("rings", ("lab",)), reason="The scanner knows no better.",
    approver="ana", compensating="", uncompensated="It is in a network of its own.", first_due=BEGAN,
    expires=BEGAN + timedelta(days=60),
)  # fmt: skip
TEXTS = tuple(replace(FIRST, expires=FIRST.expires + timedelta(days=60 * number)) for number in range(5))
"""The exception as it was written: renewed four times."""

Said = tuple[int, str, str, int]
"""Which text, by whom, what, and how many days after the beginning."""

said = st.tuples(
    st.integers(0, len(TEXTS) - 1), st.sampled_from(["ana", "ben", "cleo"]),
    st.sampled_from(["approve", "review", "withdraw"]), st.integers(0, 300),
)  # fmt: skip
lives = st.lists(said, max_size=8).map(lambda found: sorted(found, key=lambda one: one[3]))
texts = st.sampled_from(TEXTS)
moments = st.integers(0, 400).map(lambda days: BEGAN + timedelta(days=days))
RENEWED: list[Said] = [(number, "ana", "approve", number) for number in range(4)]


def due(number: int) -> datetime:
    """Return when the finding was first due, as the record of a text says."""
    return BEGAN + timedelta(days=20 - 5 * number)


def records(life: list[Said]) -> list[Record]:
    """Return the records of a life, in order."""
    found = []
    for index, (number, who, decision, days) in enumerate(life):
        text = TEXTS[number]
        body = {
            "exception": text.id, "decision": decision, "expires_at": timestamp(text.expires),
            "first_due": timestamp(due(number)),
        }  # fmt: skip
        subject = ({"name": "exception", "digest": {"sha256": digest_of(text)}},)
        at = BEGAN + timedelta(days=days)
        found.append(Record(index, f"{index:064}", "exception", {}, subject, who, "approver", at, None, body))
    return found


def holds(text: Waiver, life: list[Said], now: datetime) -> bool:
    """Say whether a text of the exception holds at a moment, by what was said until then and later."""
    found = life_of(text, records(life))
    return text.in_force(now) and not [*objections(text, found, WANTED, OFFICERS, now)]


def test_an_exception_can_hold() -> None:
    """Guards the generators: signed it holds, and renewed three times it holds with two signatures."""
    assert holds(TEXTS[0], [(0, "ana", "approve", 0)], BEGAN)
    assert not holds(TEXTS[3], RENEWED, BEGAN + timedelta(days=4))
    assert holds(TEXTS[3], [*RENEWED, (3, "cleo", "approve", 4)], BEGAN + timedelta(days=4))


@given(lives, texts, moments, st.integers(1, 4000))
@example(life=[(0, "ana", "approve", 0)], text=TEXTS[0], now=BEGAN, hours=60 * 24)
@example(life=[(0, "ana", "approve", 0)], text=TEXTS[0], now=BEGAN, hours=61 * 24)
@settings(max_examples=300)
def test_time_extends_no_exception(life: list[Said], text: Waiver, now: datetime, hours: int) -> None:
    before, after = holds(text, life, now), holds(text, life, now + timedelta(hours=hours))
    event(f"{before} {after}")
    assert before or not after
    assert not before or now < text.expires
    assert not after or now + timedelta(hours=hours) < text.expires


@given(lives, texts, moments)
@example(life=[(0, "ana", "approve", 0)], text=TEXTS[0], now=BEGAN)
@example(life=[*RENEWED, (3, "cleo", "approve", 4)], text=TEXTS[3], now=BEGAN + timedelta(days=4))
@settings(max_examples=300)
def test_without_a_signature_on_what_it_says_no_exception_holds_the_better(
    life: list[Said], text: Waiver, now: datetime
) -> None:
    before = holds(text, life, now)
    event(str(before))
    for place, (number, _who, decision, _days) in enumerate(life):
        if TEXTS[number] == text and decision != "withdraw":
            assert before or not holds(text, [*life[:place], *life[place + 1 :]], now), life[place]
    mine = [one for one in life if TEXTS[one[0]] == text and one[1] == "ana" and one[2] != "withdraw"]
    assert mine or not before


@given(lives, said, texts)
@settings(max_examples=300)
def test_no_word_makes_it_younger(life: list[Said], more: Said, text: Waiver) -> None:
    """Whatever is said later, no renewal is forgotten, and the finding was not due later than it was."""
    before, after = life_of(text, records(life)), life_of(text, records([*life, (*more[:3], 301)]))
    assert after.renewals >= before.renewals
    assert before.first_due is None or (after.first_due is not None and after.first_due <= before.first_due)


@given(lives, texts, moments, st.integers(1, 500))
def test_a_later_first_due_date_than_any_on_record_is_refused(
    life: list[Said], text: Waiver, now: datetime, days: int
) -> None:
    day = BEGAN + timedelta(days=days)
    later = replace(text, first_due=day)
    said = [*objections(later, life_of(later, records(life)), WANTED, OFFICERS, now)]
    earliest = min((due(number) for number, _who, decision, _days in life if decision != "withdraw"), default=None)
    assert any("first_due" in one for one in said) is (earliest is not None and day > earliest)
