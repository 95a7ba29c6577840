# Copyright: (c) 2026, Holdfast contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is kept of sealed evidence, as the records of a real ledger say it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from ansible_collections.holdfast.hipaa.plugins.plugin_utils.evidence.kept import Keeping, keep_until, kept
from ansible_collections.holdfast.hipaa.plugins.plugin_utils.ledger.reading import read_records

from tests.ledger_cases import Shop, make_keys

ONE, TWO = "1" * 64, "2" * 64


@pytest.fixture(name="shop")
def a_shop(tmp_path: Path) -> Shop:
    """A ledger in which two files are sealed, the first for longer in a second record."""
    (tmp_path / "keys").mkdir()
    shop = Shop(tmp_path, make_keys(tmp_path / "keys"))
    shop.evidence(ONE)
    shop.evidence(TWO)
    shop.evidence(ONE, days=3000)
    shop.evidence(ONE)
    return shop


def told(shop: Shop) -> Keeping:
    return kept(read_records(shop.ledger))


def test_the_latest_moment_said_counts_and_nothing_shortens_it(shop: Shop) -> None:
    one = told(shop).files[ONE]
    assert one.index == 1
    assert one.keep_until - shop.now > timedelta(days=2999)
    assert not one.due(one.keep_until - timedelta(milliseconds=1))
    assert one.due(one.keep_until)


def test_holds_add_up_until_they_are_lifted(shop: Shop) -> None:
    shop.hold("dispute", ONE)
    shop.hold("dispute", TWO)
    shop.hold("audit-2026")
    shop.hold("audit-2026", ONE)
    files = told(shop).files
    assert files[ONE].holds == files[TWO].holds == ("audit-2026", "dispute")
    assert not files[TWO].due(datetime(2099, 1, 1, tzinfo=UTC))
    shop.hold("dispute", action="lift")
    files = told(shop).files
    assert files[ONE].holds == files[TWO].holds == ("audit-2026",)
    shop.hold("audit-2026", action="lift")
    assert told(shop).holds == {}
    assert told(shop).files[TWO].due(datetime(2099, 1, 1, tzinfo=UTC))


def test_what_was_erased_is_due_no_more(shop: Shop) -> None:
    tomb = shop.erase(shop.evidence(TWO), TWO)
    assert told(shop).files[TWO].erased == tomb.index
    assert not told(shop).files[TWO].due(datetime(2099, 1, 1, tzinfo=UTC))


@pytest.mark.parametrize(
    ("made", "effect", "until"),
    [
        ("2026-11-22", None, "2032-11-22"),
        ("2026-11-22", "2024-01-01", "2032-11-22"),
        ("2026-11-22", "2028-12-31", "2034-12-31"),
        ("2028-02-29", None, "2034-03-01"),
    ],
)
def test_six_years_from_the_making_or_the_last_effect(made: str, effect: str | None, until: str) -> None:
    def day(text: str) -> datetime:
        return datetime.fromisoformat(text).replace(tzinfo=UTC)

    assert keep_until(day(made), day(effect) if effect else None) == day(until)
