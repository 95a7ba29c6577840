# Copyright: (c) 2026, Holdfast contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""An untouched ledger audits clean: every other test here rests on that."""

from __future__ import annotations

from tests.ledger_cases import Shop


def test_story_is_clean_and_says_what_could_not_be_checked(shop: Shop) -> None:
    shop.story()
    report = shop.audit()
    assert not report.findings, "\n".join(map(str, report.findings))
    assert not report.warnings, "\n".join(map(str, report.warnings))
    assert report
    assert (report.entries, report.checkpoint_size) == (18, 18)
    assert report.root == shop.ledger.root().hex()
    assert report.genesis == shop.trust.sha256
    assert "no witness watched this ledger" in report.could_not_check[0]
