# Copyright: (c) 2026, Holdfast contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whose signature of content counts, and until when."""

from __future__ import annotations

import copy
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from ansible_collections.holdfast.hipaa.plugins.plugin_utils.errors import ContentError, TrustError
from ansible_collections.holdfast.hipaa.plugins.plugin_utils.ledger.reading import read_records, trust_in_force
from ansible_collections.holdfast.hipaa.plugins.plugin_utils.ledger.recorder import Recorder
from ansible_collections.holdfast.hipaa.plugins.plugin_utils.ledger.signers import Signer
from ansible_collections.holdfast.hipaa.plugins.plugin_utils.ledger.trust import Principal, Term, Trust
from ansible_collections.holdfast.hipaa.plugins.plugin_utils.policy.publishing import newest, signature_of

from tests.ledger_cases import MANIFEST, ORG, Shop, make_keys


@pytest.fixture(name="keys", scope="module")
def keys_of_all(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Signer]:
    """A key for each principal."""
    return make_keys(tmp_path_factory.mktemp("keys"))


@pytest.fixture(name="shop")
def a_shop(keys: dict[str, Signer], tmp_path: Path) -> Shop:
    """A ledger with a trust document."""
    return Shop(tmp_path, keys)


def signer(shop: Shop, now: datetime | None = None, implementer: str | None = None) -> str:
    """Return who signed, so that it counts."""
    records = read_records(shop.ledger)
    return signature_of(MANIFEST, records, trust_in_force(shop.ledger), now or shop.now, implementer).principal


def trusted_anew(shop: Shop, release: Principal | None) -> None:
    """Publish the next version of the trust document, in which the publisher is another, or none."""
    before = trust_in_force(shop.ledger)
    others = tuple(one for one in before.principals if one.id != "release")
    document = Trust(before.version + 1, before.sha256, (*others, *([release] if release else [])))
    Recorder(shop.ledger, document, ORG, "0.1.0", shop.tick).publish_trust(shop.keys["root"])


def revoked(shop: Shop, reason: str, distrust_from: int | None = None) -> Principal:
    release = next(one for one in trust_in_force(shop.ledger).principals if one.id == "release")
    (key,) = release.keys
    term = Term(revoked_from=shop.ledger.size, reason=reason, distrust_from=distrust_from)
    return replace(release, terms={key.keyid: term})


def test_a_publishers_signature_counts(shop: Shop) -> None:
    shop.sign_content()
    assert signer(shop) == "release"


def test_nobody_elses_is_even_taken(shop: Shop) -> None:
    for name in ("security", "controller", "records", "root"):
        with pytest.raises(TrustError, match="not publisher"):
            shop.sign_content(by=name)


def unsigned(shop: Shop) -> None:
    shop.beat()


def withdrawn(shop: Shop) -> None:
    shop.sign_content()
    shop.sign_content("withdraw")


def ended(shop: Shop) -> None:
    shop.sign_content(days=1)
    shop.now += timedelta(days=1)


def retired(shop: Shop) -> None:
    shop.sign_content()
    trusted_anew(shop, revoked(shop, "left"))


def stolen(shop: Shop) -> None:
    signed = shop.sign_content()
    trusted_anew(shop, revoked(shop, "stolen", signed.index))


def without_the_role(shop: Shop) -> None:
    shop.sign_content()
    release = next(one for one in trust_in_force(shop.ledger).principals if one.id == "release")
    trusted_anew(shop, replace(release, roles=("officer",)))


@pytest.mark.parametrize(
    ("story", "words"),
    [
        (unsigned, "signed by nobody whose word counts"),
        (withdrawn, "was withdrawn by release"),
        (ended, "was signed until"),
        (retired, "who is no publisher with a valid key"),
        (stolen, "signed by nobody whose word counts"),
        (without_the_role, "who is no publisher"),
    ],
)
def test_what_does_not_hold_does_not_run(shop: Shop, story: Callable[[Shop], None], words: str) -> None:
    story(shop)
    with pytest.raises(ContentError, match=words):
        signer(shop)


def test_at_the_second_it_ends_it_counts_no_more(shop: Shop) -> None:
    signed = shop.sign_content(days=1)
    (record,) = [one for one in read_records(shop.ledger) if one.index == signed.index]
    end = datetime.fromisoformat(record.body["expires_at"])
    assert signer(shop, end - timedelta(seconds=1)) == "release"
    with pytest.raises(ContentError, match="was signed until"):
        signer(shop, end)


def test_who_carries_it_out_is_another(shop: Shop) -> None:
    shop.sign_content()
    assert signer(shop, implementer="controller") == "release"
    with pytest.raises(ContentError, match="who would carry this run out"):
        signer(shop, implementer="release")


def test_a_key_that_was_replaced_in_turn_leaves_its_signatures_good(shop: Shop, tmp_path: Path) -> None:
    shop.sign_content()
    fresh = copy.copy(make_keys(_made(tmp_path / "more"))["release"]).public_key
    old = revoked(shop, "rotated")
    trusted_anew(shop, replace(old, keys=(*old.keys, fresh)))
    assert signer(shop) == "release"


def test_a_thiefs_withdrawal_counts_no_more_than_a_thiefs_signature(shop: Shop) -> None:
    shop.sign_content("sign", "production")
    taken = shop.sign_content("sign")
    trusted_anew(shop, revoked(shop, "stolen", taken.index))
    found = newest(read_records(shop.ledger))
    assert found is not None
    assert found.body["rings"] == ["production"]


def _made(folder: Path) -> Path:
    folder.mkdir()
    return folder
