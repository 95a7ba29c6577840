# Copyright: (c) 2026, Holdfast contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The matrix of duties says what policy and the trust document together enforce, and what nobody can do."""

from __future__ import annotations

from functools import cache
from typing import Any

import pytest
from ansible_collections.holdfast.hipaa.plugins.plugin_utils.ledger.keys import PublicKey
from ansible_collections.holdfast.hipaa.plugins.plugin_utils.ledger.signers import FileSigner
from ansible_collections.holdfast.hipaa.plugins.plugin_utils.ledger.trust import Principal, Trust
from ansible_collections.holdfast.hipaa.plugins.plugin_utils.policy.duties import Duty, duties
from ansible_collections.holdfast.hipaa.plugins.plugin_utils.site.policy import Policy
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from tests.change_cases import policy

PEOPLE = {
    "operations": ("requester",),
    "controller": ("implementer",),
    "checker": ("verifier",),
    "keeper": ("root", "log"),
    "ana": ("approver", "security"),
    "ben": ("approver", "business-owner"),
    "cleo": ("approver", "compliance-officer"),
}


@cache
def key_of(name: str) -> PublicKey:
    """Return a key of that person's own."""
    return FileSigner(Ed25519PrivateKey.generate()).public_key


def trust(without: str = "", **roles: tuple[str, ...]) -> Trust:
    """Return the trust document of the people above, `without` one of them, or with other roles."""
    held = {name: held for name, held in {**PEOPLE, **roles}.items() if name != without}
    return Trust(1, None, tuple(Principal(name, held[name], (key_of(name),)) for name in held))


def ring(**more: Any) -> Policy:
    """Return a policy whose ring production says more."""
    return policy([{"name": "production", **more}])


def of(what: str, said: Policy, people: Trust, informed: tuple[str, ...] = ()) -> Duty:
    """Return one duty."""
    (found,) = (one for one in duties(said, people, informed) if one.what == what)
    return found


PATCH = "carry out a patch change in production"


def test_every_duty_is_somebodys_where_all_seats_are_filled() -> None:
    said = duties(policy(), trust())
    assert [one.lacking for one in said if one.lacking] == []
    rings = ("lab", "pilot", "production")
    assert [one.what for one in said if one.what.startswith("carry out")] == [
        f"carry out a {kind} change in {name}" for kind in ("patch", "config") for name in rings
    ]


def test_who_carries_out_who_agrees_who_is_asked_and_told() -> None:
    said = ring(offices=["security"], assessments={"business-owner": "always", "compliance-officer": "ephi"})
    found = of(PATCH, said, trust(), ("users", "payers"))
    officer = "the Compliance Officer or the Privacy Officer for technical safeguards"
    assert found == Duty(
        PATCH,
        ("controller",),
        f"2 of ana, ben, cleo; among them security, {officer}",
        ("the business owner", "the Compliance Officer unless no ePHI is at risk"),
        ("users", "payers"),
    )


@pytest.mark.parametrize(
    ("without", "more", "lacking"),
    [
        ("operations", {}, "nobody is requester"),
        ("controller", {}, "nobody is implementer"),
        ("checker", {}, "nobody is verifier"),
        ("", {"approvals_required": 4}, "4 must agree, and 3 can"),
        ("ana", {"offices": ["security"]}, "nobody is left for security"),
        ("cleo", {"sign_off": "required"}, "nobody is left for the Compliance Officer or the Privacy Officer"),
        ("", {"assessments": {"privacy-officer": "always"}}, "nobody holds the office of the Privacy Officer"),
        ("", {"kinds": {"patch": {"offices": ["revenue-cycle"]}}}, "nobody is left for revenue cycle"),
    ],
)
def test_a_policy_that_wants_more_people_than_there_are_is_named(
    without: str, more: dict[str, Any], lacking: str
) -> None:
    assert of(PATCH, ring(**more), trust(without)).lacking == lacking


def test_nobody_counts_for_a_change_that_they_ask_for_or_carry_out() -> None:
    """Three approvers of whom one is the only requester, and another the only verifier, leave one."""
    people = trust(ana=("approver", "requester"), ben=("approver", "verifier"), operations=("log",), checker=("log",))
    assert of(PATCH, ring(), people).lacking == "2 must agree, and 1 can"
    assert of(PATCH, ring(approvals_required=1), people).lacking == ""


def test_where_nobody_need_agree_it_says_so() -> None:
    said = of(PATCH, ring(approvals_required=0, sign_off="none"), trust())
    assert (said.accountable, said.lacking) == ("nobody", "")


def test_emergencies_leaders_and_exceptions_have_their_lines() -> None:
    leaders = {"version": 2, "owner": "board", "approval": "required", "approved_by": ["privacy-officer"]}
    said = policy(
        [{"name": "production", "break_glass_hours": 48, "break_glass_approvals": 1}], leadership=leaders,
    )  # fmt: skip
    people = trust()
    glass = of("break the glass in production", said, people)
    assert glass.accountable == "1 of ana, ben, cleo before; review within 48 h: ana, ben, cleo"
    assert [one.what for one in duties(said, people) if "glass" in one.what] == ["break the glass in production"]
    approve = of("approve the policy", said, people)
    assert (approve.responsible, approve.lacking) == ((), "nobody may")
    assert of("accept a risk as an exception", said, people).responsible == ("ana", "ben", "cleo")
