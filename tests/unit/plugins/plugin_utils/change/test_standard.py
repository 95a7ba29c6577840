# Copyright: (c) 2026, Holdfast contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Standard changes: what a template covers, and when those who signed it agreed to a change made from it."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from ansible_collections.holdfast.hipaa.plugins.plugin_utils.change.approvals import weigh
from ansible_collections.holdfast.hipaa.plugins.plugin_utils.change.plan import Plan, PlannedAsset
from ansible_collections.holdfast.hipaa.plugins.plugin_utils.change.standard import agreements, digest_of, unfit
from ansible_collections.holdfast.hipaa.plugins.plugin_utils.change.state import ChangeState
from ansible_collections.holdfast.hipaa.plugins.plugin_utils.ledger.canonical import timestamp
from ansible_collections.holdfast.hipaa.plugins.plugin_utils.ledger.reading import Record
from ansible_collections.holdfast.hipaa.plugins.plugin_utils.site.standard import Template

from tests.change_cases import Book, digest, package, plan, when

TEMPLATE = Template("monthly", "As every month.", "patch", ("lab",), 1, when("2027-11-30 18:00"), packages=("nginx*",))
NOW = when("2026-12-10 08:00")
PLAN = plan(hosts=["lab-1"])


def agreed(
    index: int, by: str = "ana", template: Template = TEMPLATE, decision: str = "approve", **more: Any
) -> Record:
    """Return a record in which somebody signs a template, months before."""
    body = {
        "decision": decision, "template": template.id, "kind": template.kind, "rings": list(template.rings),
        "assets_most": template.assets_most, "expires_at": timestamp(template.expires),
    }  # fmt: skip
    known: dict[str, Any] = {
        "index": index, "sha256": digest(f"standard {index}"), "step": "standard", "predicate": {},
        "subject": ({"name": "template", "digest": {"sha256": digest_of(template)}},), "principal": by,
        "role": "approver", "recorded_at": when("2026-01-01 08:00"), "change_id": None, "body": body,
    }  # fmt: skip
    return Record(**{**known, **more})


def made(asked: Plan = PLAN, record: Record | None = None, **more: Any) -> ChangeState:
    """Return a change made from the template that a record agreed to."""
    first = record or agreed(0)
    from_template = {"index": first.index, "sha256": first.sha256}
    state = Book(asked).write([{"request": {"rings": ["lab"], "template": from_template, **more}}]).state()
    assert state is not None
    return state


def who(state: ChangeState, records: list[Record], template: Template = TEMPLATE, asked: Plan = PLAN) -> list[str]:
    """Return whose approval of the lab counts, long after the template was signed."""
    known = replace(state, consents=agreements(state, asked, [template], records, NOW))
    weighed = weigh(known, "lab", now=NOW, max_age=NOW - when("2026-12-01 08:00"), implementer="controller")
    return list(weighed.principals)


def test_who_signed_the_template_approved_what_fits_it() -> None:
    assert who(made(), [agreed(0)]) == ["ana"]
    assert who(made(), [agreed(0), agreed(1, "ben")]) == ["ana", "ben"]


@pytest.mark.parametrize(
    "records",
    [
        [],
        [agreed(0, doubted=True)],
        [agreed(0), agreed(1, decision="withdraw")],
        [agreed(0), agreed(1, template=replace(TEMPLATE, assets_most=99))],
        [agreed(0, template=replace(TEMPLATE, assets_most=99))],
        [agreed(5)],  # another record than the request names
        [agreed(0, "ops")],  # who asked for the change
        [agreed(0, "controller")],  # who carries it out
    ],
)
def test_what_was_not_agreed_to_by_others_is_no_approval(records: list[Record]) -> None:
    assert who(made(), records) == []


def test_a_change_that_names_no_template_has_none() -> None:
    state = Book(PLAN).write([{"request": {"rings": ["lab"]}}]).state()
    assert state is not None
    assert who(state, [agreed(0)]) == []


def spoilt(**more: Any) -> Plan:
    """Return the plan with an asset that differs."""
    return plan(assets=(replace(PLAN.assets[0], **more),))


@pytest.mark.parametrize(
    ("asked", "rings", "why"),
    [
        (spoilt(packages=(package("openssl"),)), ("lab",), "not in the template: openssl"),
        (spoilt(packages=(package(security=False),)), ("lab",), "no security updates: nginx"),
        (spoilt(reboot=True), ("lab",), "restarts lab-1"),
        (plan("config", hosts=["lab-1"]), ("lab",), "the plan is of kind config"),
        (PLAN, ("lab", "pilot"), "the template is not for pilot"),
        (
            plan(assets=(*PLAN.assets, PlannedAsset("lab-2", "lab", "bookworm", "amd64", (package(),), "apt"))),
            ("lab",),
            "2 assets, and the template allows 1",
        ),
    ],
)
def test_a_plan_outside_the_template_fits_it_not(asked: Plan, rings: tuple[str, ...], why: str) -> None:
    assert why in "; ".join(unfit(TEMPLATE, asked, rings, NOW))
    assert not [*unfit(TEMPLATE, PLAN, ("lab",), NOW)]
    if rings == ("lab",):
        assert who(made(asked), [agreed(0)], asked=asked) == []


def test_a_template_ends() -> None:
    assert [*unfit(TEMPLATE, PLAN, ("lab",), TEMPLATE.expires)] == ["the template ended at 2027-11-30T18:00:00+00:00"]
