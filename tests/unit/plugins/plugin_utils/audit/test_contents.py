# Copyright: (c) 2026, Holdfast contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Runs, held against the content that publishers signed."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from tests.ledger_cases import REQUIRED, Shop, codes, signed_by

RINGS = {"lab-1": "lab", "prod-1": "production"}


def found(shop: Shop, **more: Any) -> set[str]:
    shop.seal()
    return codes(shop.audit(now=shop.now, asset_rings=RINGS, **more))


def test_of_each_run_it_is_told_who_signed_its_content(shop: Shop) -> None:
    before = shop.look()
    run = shop.look(content=signed_by(shop.sign_content("sign", "production")))
    shop.seal()
    report = shop.audit(now=shop.now, asset_rings=RINGS)
    assert report.ok
    assert report.to_dict()["contents"] == {before.run_id: None, run.run_id: "release"}


def test_a_run_without_in_a_ring_that_wants_it_is_found(shop: Shop) -> None:
    shop.look()  # before anything was signed nothing was wanted
    assert found(shop) == set()
    shop.sign_content("sign", "production")
    run = shop.look()
    report = shop.audit(now=shop.now, asset_rings=RINGS)
    assert [(one.code, one.index) for one in report.findings] == [("content-unsigned", run.index)]


def test_other_rings_may_run_what_they_like(shop: Shop) -> None:
    shop.sign_content("sign", "pilot")
    shop.look()
    assert found(shop) == set()


def test_the_newest_signature_says_which_rings_want_it(shop: Shop) -> None:
    shop.sign_content("sign", "production")
    shop.sign_content("sign")
    shop.look()
    assert found(shop) == set()


def test_without_a_register_what_was_deployed_tells_the_ring(shop: Shop) -> None:
    shop.sign_content("sign", "lab")
    request = shop.request()
    run = shop.open(request, [shop.approve(name, request) for name in ("security", "revenue-cycle")])
    shop.work(run)
    shop.close(run)
    shop.look()
    shop.seal()
    report = shop.audit(now=shop.now, approvals_required=REQUIRED)
    assert [(one.code, one.index) for one in report.findings] == [("content-unsigned", run.index)]
    assert any("content of runs that deployed nothing" in limit for limit in report.could_not_check)


def withdrawn(shop: Shop) -> dict[str, Any]:
    signed = signed_by(shop.sign_content())
    shop.sign_content("withdraw")
    return signed


def ended(shop: Shop) -> dict[str, Any]:
    signed = signed_by(shop.sign_content(days=1))
    shop.now += timedelta(days=1, minutes=6)
    return signed


def of_another_manifest(shop: Shop) -> dict[str, Any]:
    return signed_by(shop.sign_content(), "0" * 64)


def of_another_record(shop: Shop) -> dict[str, Any]:
    return {**signed_by(shop.sign_content()), "sha256": "0" * 64}


def that_is_a_withdrawal(shop: Shop) -> dict[str, Any]:
    shop.sign_content()
    return signed_by(shop.sign_content("withdraw"))


def that_is_no_signature(shop: Shop) -> dict[str, Any]:
    return signed_by(shop.beat(), "0" * 64)


@pytest.mark.parametrize(
    ("story", "code"),
    [
        (withdrawn, "content-ended"),
        (ended, "content-ended"),
        (of_another_manifest, "content-unknown"),
        (of_another_record, "content-unknown"),
        (that_is_a_withdrawal, "content-unknown"),
        (that_is_no_signature, "content-unknown"),
    ],
)
def test_a_signature_that_does_not_hold_is_found(
    shop: Shop, story: Callable[[Shop], dict[str, Any]], code: str
) -> None:
    shop.look(content=story(shop))
    assert found(shop) == {code}


def test_signed_again_it_runs_again(shop: Shop) -> None:
    withdrawn(shop)
    shop.look(content=signed_by(shop.sign_content()))
    assert found(shop) == set()


def test_who_carries_it_out_does_not_sign_it(keys: Any, tmp_path: Any) -> None:
    shop = Shop(tmp_path, keys, roles={"controller": ("implementer", "publisher")})
    shop.look(content=signed_by(shop.sign_content(by="controller")))
    assert found(shop) == {"duties-not-separate"}
