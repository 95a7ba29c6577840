# Copyright: (c) 2026, Holdfast contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""`make bench`: what the gate adds to a run over a ledger of 100,000 records."""

from __future__ import annotations

from tests.bench import gate_costs


def test_a_long_ledger_adds_at_most_a_second() -> None:
    assert gate_costs.main(["--assert"]) == 0
