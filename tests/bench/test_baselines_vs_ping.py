# Copyright: (c) 2026, Holdfast contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""`make bench`: what baselines cost, in pings; skipped where no host can be made."""

from __future__ import annotations

import pytest

from lab.errors import MissingError
from tests.bench.baselines_vs_ping import LIMITS, Claim, bench_site, measure
from tests.bench.timing import Cost, ratio


def test_baselines_cost_what_is_promised() -> None:
    try:
        with bench_site(40, print) as site:
            claims = [*measure(site, 10, print)]
    except MissingError as error:
        pytest.skip(f"no lab on this machine: {error}")
    print("\n" + "\n".join(claim.line() for claim in claims))
    assert [claim.name for claim in claims] == list(LIMITS)
    assert all(claim.holds for claim in claims)


def test_the_ratio_is_of_medians_so_that_one_slow_run_does_not_decide() -> None:
    costs = {"ping": [Cost(1, 2), Cost(1, 2), Cost(9, 9)], "check": [Cost(2, 3), Cost(2, 3), Cost(99, 99)]}
    assert ratio(costs, "check") == 2.0
    assert ratio(costs, "check", "cpu") == 1.5
    assert Claim("check", 2.0, 2.0, 3).holds
    assert not Claim("check", 2.01, 2.0, 3).holds
