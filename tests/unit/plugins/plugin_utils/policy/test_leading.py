# Copyright: (c) 2026, Holdfast contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""An approval is of one policy, by the digest of all it says, whatever other digests there are."""

from __future__ import annotations

from ansible_collections.holdfast.hipaa.plugins.plugin_utils.policy.leading import led

from tests.change_cases import Book, plan, policy, when

HELD = {"cleo": frozenset({"compliance-officer"})}
NOW = when("2026-11-22 08:00")


def leadership(version: int) -> dict[str, object]:
    return {
        "version": version, "owner": "it-operations", "approval": "required", "approved_by": ["compliance-officer"],
    }  # fmt: skip


def test_an_approval_is_of_one_policy_and_of_no_other() -> None:
    """Both ways round: of two digests one is the smaller."""
    policies = [policy(leadership=leadership(version)) for version in (1, 2)]
    for approved, other in (policies, policies[::-1]):
        book = Book(plan())
        book.lead("cleo", approved.digest)
        assert led(book.records, approved, NOW, HELD).record == book.records[0]
        found = led(book.records, other, NOW, HELD)
        assert (found.wanted, found.record, found.why) == (True, None, "nobody approved it")


def test_who_withdrew_it_and_where_is_said() -> None:
    said = policy(leadership=leadership(1))
    book = Book(plan())
    for decision in ("approve", "approve", "withdraw"):
        book.lead("cleo", said.digest, decision)
    assert led(book.records, said, NOW, HELD).why == "cleo withdrew it in record 2"
