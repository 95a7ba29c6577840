# Copyright: (c) 2026, Holdfast contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The table of mutations: whole on a small ledger, and able to say that something was not caught."""

from __future__ import annotations

from datetime import timedelta

import pytest

from tests.ledger_cases import START, Shop
from tests.mutated import flips, main, table, trusted

NOW = START + timedelta(days=1)


def test_every_mutation_of_a_small_ledger_is_caught(shop: Shop, capsys: pytest.CaptureFixture[str]) -> None:
    shop.story()
    rows = list(table(shop.ledger, NOW, bits=(1, 32), stride=11))
    assert [row.attack for row in rows if row.caught < row.tried] == []
    assert {row.attack: row.tried for row in rows if "byte" not in row.attack} == {
        "a row deleted": 18,
        "a record removed, the rest moved up": 18,
        "two neighbours swapped": 17,
        "a record moved to the end": 17,
        "a record moved to the front": 17,
        "a record written twice in a row": 17,
        "a record written again at the end": 18,
        "the tail cut, at every size": 18,
    }
    assert main([str(shop.ledger.path), "--stride", "900"]) == 0
    said = capsys.readouterr().out.splitlines()
    caught, tried = said[-1].rpartition("caught ")[2].split(" of ")
    assert caught == tried
    assert "18 records" in said[-1]


def test_what_is_not_altered_counts_as_not_caught(shop: Shop) -> None:
    shop.look()
    entries = [stored for _index, stored in shop.ledger.entries()]
    tried, caught = flips(1, entries[1], trusted(entries), bits=(0,), stride=100)
    assert (tried > 10, caught) == (True, 0)


def test_ledger_in_which_there_is_something_to_find_proves_nothing(
    shop: Shop, capsys: pytest.CaptureFixture[str]
) -> None:
    shop.story()
    shop.look()
    assert main([str(shop.ledger.path)]) == 3
    assert "expected a clean ledger, signed to its end" in capsys.readouterr().err
