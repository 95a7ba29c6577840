# Copyright: (c) 2026, Holdfast contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Waves, case by case (tests/unit/cases/waves), and what holds for all of them."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.holdfast.hipaa.plugins.plugin_utils.change.plan import PlannedAsset
from ansible_collections.holdfast.hipaa.plugins.plugin_utils.change.waves import batches, waves
from ansible_collections.holdfast.hipaa.plugins.plugin_utils.errors import PlanError
from hypothesis import given
from hypothesis import strategies as st

from tests.change_cases import load, package, plan, policy


@pytest.mark.parametrize("case", load("waves"))
def test_waves_of_a_plan(case: dict[str, Any]) -> None:
    """The waves are exactly the expected ones, in this order."""
    assets = tuple(
        PlannedAsset(f"{ring}-{number}", ring, "bookworm", "amd64", (package(),), "apt")
        for ring, count in sorted(case["assets"].items())
        for number in range(1, count + 1)
    )
    sizes = policy([{"name": ring, "waves": sizes} for ring, sizes in case["waves"].items()])
    found = waves(plan(assets=assets), sizes, case.get("done", ()), case.get("ring"))
    assert case["expect"] == [{f"{wave.ring} {wave.number}": list(wave.assets)} for wave in found]


def test_a_ring_without_policy_is_refused() -> None:
    """Nobody said how a ring that the policy does not have is to be changed."""
    stray = (PlannedAsset("x-1", "canary", "bookworm", "amd64", (package(),), "apt"),)
    with pytest.raises(PlanError, match=r"ring 'canary' is in no policy; expected one of lab, pilot, production"):
        waves(plan(assets=stray), policy())


sizes = st.one_of(st.integers(1, 50), st.integers(1, 100).map(lambda share: f"{share}%"))


@given(st.integers(0, 60), st.lists(sizes, min_size=1, max_size=4))
def test_every_asset_is_in_exactly_one_wave_in_order(hosts: int, steps: list[int | str]) -> None:
    """Nothing is lost, doubled or reordered, and no wave is empty."""
    ids = [f"host-{number:02}" for number in range(hosts)]
    cut = batches(ids, steps)
    assert ids == [one for batch in cut for one in batch]
    assert all(cut)
