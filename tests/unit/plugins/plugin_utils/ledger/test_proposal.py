# Copyright: (c) 2026, Holdfast contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""A proposed version on its way through other hands: what was changed there is signed or published by nobody."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from ansible_collections.holdfast.hipaa.plugins.plugin_utils.errors import HoldfastError, TrustError
from ansible_collections.holdfast.hipaa.plugins.plugin_utils.ledger import canonical
from ansible_collections.holdfast.hipaa.plugins.plugin_utils.ledger.envelope import Envelope
from ansible_collections.holdfast.hipaa.plugins.plugin_utils.ledger.proposal import Proposal, collect, publish
from ansible_collections.holdfast.hipaa.plugins.plugin_utils.ledger.statements import read
from ansible_collections.holdfast.hipaa.plugins.plugin_utils.ledger.trust import Trust

from tests.ledger_cases import ORG, Shop


@pytest.fixture
def second(shop: Shop) -> Trust:
    """The version that would follow."""
    return Trust(2, shop.trust.sha256, tuple(reversed(shop.trust.principals)))


def test_file_is_read_back(shop: Shop, second: Trust) -> None:
    proposal = Proposal.of(shop.ledger, ORG, second)
    assert Proposal.from_bytes(proposal.to_bytes()) == proposal
    assert proposal.in_force == shop.trust


def test_every_byte_of_the_file_counts(shop: Shop, second: Trust) -> None:
    """A flipped byte is refused, or is another document, organisation or head than what is published."""
    proposal = Proposal.of(shop.ledger, ORG, second)
    data = proposal.to_bytes()
    taken = 0
    for place in range(len(data)):
        try:
            found = Proposal.from_bytes(data[:place] + bytes([data[place] ^ 1]) + data[place + 1 :])
        except HoldfastError:
            continue
        taken += 1
        record = found.signed(shop.keys["root"], shop.tick(), "0.1.0")
        with pytest.raises(TrustError):
            collect(shop.ledger, second, [record], ORG, shop.now)
    assert taken < 400


Change = Callable[[dict[str, Any]], object]


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda p: p.update(comment="free text"), "unknown member"),
        (lambda p: p.pop("in_force"), "in_force: missing"),
        (lambda p: p.update(in_force=None), "version 2 does not follow; the next is version 1"),
        (lambda p: p["document"].update(previous="0" * 64), "does not follow"),
        (lambda p: p["document"].update(version=3), "does not follow"),
        (lambda p: p["in_force"].update(root_threshold=2), "root_threshold: 2 was found, and 1 principals"),
        (lambda p: p["ledger_head"].update(size=-1), "ledger_head.size"),
        (lambda p: p.update(schema="holdfast/plan/v1"), "schema"),
    ],
)
def test_altered_file_is_refused_before_anything_is_signed(
    shop: Shop, second: Trust, change: Change, said: str
) -> None:
    value = json.loads(Proposal.of(shop.ledger, ORG, second).to_bytes())
    change(value)
    with pytest.raises(TrustError, match=said):
        Proposal.from_bytes(canonical.encode(value))


def test_signature_for_another_place_publishes_nothing(shop: Shop, second: Trust) -> None:
    head, root = shop.ledger.head(), shop.keys["root"]

    def made(org: str = ORG, seen: tuple[int, bytes] = head, late: timedelta = timedelta()) -> bytes:
        return Proposal(org, seen, shop.trust, second).signed(root, shop.now + late, "0.1.0")

    cases = {
        "signed for org-other; expected org-demo": made("org-other"),
        "saw a ledger of 1 entries that is not the beginning": made(seen=(1, bytes(32))),
        "saw a ledger of 9 entries that is not the beginning": made(seen=(9, head[1])),
        "still to come": made(late=timedelta(minutes=6)),
    }
    for said, record in cases.items():
        with pytest.raises(TrustError, match=said):
            publish(shop.ledger, second, [record], ORG, shop.now)
    request = shop.request()
    with pytest.raises(TrustError, match="operations signed something else; expected trust version 2"):
        publish(shop.ledger, second, [shop.ledger.entry(request.index)], ORG, shop.now)
    assert shop.ledger.size == 2
    (receipt,) = publish(shop.ledger, second, [made()], ORG, shop.now)
    assert receipt.index == 2


def test_statement_signed_elsewhere_must_be_the_proposals(shop: Shop, second: Trust) -> None:
    proposal = Proposal.of(shop.ledger, ORG, second)
    keyid = shop.keys["root"].public_key.keyid
    statement = read(Envelope.from_bytes(proposal.signed(shop.keys["root"], shop.tick(), "0.1.0")))
    proposal.check(statement, keyid)
    statement["predicate"]["org"] = "org-other"
    with pytest.raises(TrustError, match="what was signed is not this proposal"):
        proposal.check(statement, keyid)
    with pytest.raises(TrustError, match="log is log, not root"):
        proposal.statement(shop.keys["log"].public_key.keyid, shop.now, "0.1.0")
