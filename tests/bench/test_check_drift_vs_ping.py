# Copyright: (c) 2026, Holdfast contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""`make bench`: a drift check of a fresh host costs at most two and a half pings; skipped where no host can be made."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from lab.errors import MissingError
from lab.fleet import Fleet
from tests.bench.check_drift_vs_ping import LIMIT, Result, measure
from tests.integration.sites import lay_out

HOST = "lab-1"
RUNS = 10


@pytest.fixture
def fleet() -> Iterator[Fleet]:
    """A fleet of one untouched host."""
    fleet = Fleet("test-bench")
    try:
        try:
            fleet.up([HOST], fresh=True)
        except MissingError as error:
            pytest.skip(f"no lab on this machine: {error}")
        yield fleet
    finally:
        fleet.down()


def test_a_drift_check_costs_little_more_than_a_ping(fleet: Fleet, tmp_path: Path) -> None:
    site = lay_out(tmp_path / "site", fleet)
    result = measure(site.root, HOST, RUNS)
    print(f"\n{result.table()}")
    assert result.ratio <= LIMIT


def test_the_ratio_is_of_medians_so_that_one_slow_run_does_not_decide() -> None:
    result = Result(HOST, (1.0, 1.0, 9.0), (2.0, 2.0, 99.0))
    assert result.ratio == 2.0
    assert result.to_dict()["within_limit"] is True
    assert Result(HOST, (1.0,), (2.6,)).to_dict()["within_limit"] is False
