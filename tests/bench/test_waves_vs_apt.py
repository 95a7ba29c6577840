# Copyright: (c) 2026, Holdfast contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""`make bench`: what a wave costs over a bare apt-get install; skipped where no host can be made."""

from __future__ import annotations

import pytest

from lab.errors import MissingError
from tests.bench.timing import Cost
from tests.bench.waves_vs_apt import LIMITS, bench_site, claim, measure


def test_waves_cost_what_is_promised() -> None:
    try:
        with bench_site(12, print) as site:
            claims = [*measure(site, 3, print)]
    except MissingError as error:
        pytest.skip(f"no lab on this machine: {error}")
    print("\n" + "\n".join(one.line() for one in claims))
    assert {one.name for one in claims} == set(LIMITS)
    assert all(one.holds for one in claims)


def test_the_ratio_is_over_the_bare_installation_of_the_same_turns() -> None:
    costs = {"bare": [Cost(10, 1), Cost(10, 1), Cost(99, 1)], "wave": [Cost(13, 1), Cost(12, 1), Cost(99, 1)]}
    told = claim("wave", costs, "bare")
    assert (told.ratio, told.seconds, told.holds) == (1.3, (13, 10), True)
    assert told.line() == "wave      1.30  within 1.3 (13.0 s over 10.0 s, 3 runs)"
    assert not claim("wave", {**costs, "wave": [Cost(13.1, 1)]}, "bare").holds
