# Copyright: (c) 2026, Holdfast contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Waves, case by case (tests/unit/cases/waves), and what holds for all of them."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.holdfast.hipaa.plugins.plugin_utils.change.plan import PlannedAsset
from ansible_collections.holdfast.hipaa.plugins.plugin_utils.change.waves import batches, waves
from ansible_collections.holdfast.hipaa.plugins.plugin_utils.errors import PlanError
from ansible_collections.holdfast.hipaa.plugins.plugin_utils.site.cluster import Cluster
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


def clusters_of(groups: dict[str, list[str]], least: dict[str, int]) -> dict[str, Cluster]:
    """Return clusters by name; each keeps as many up as is said, one fewer than its members at most."""
    return {name: Cluster(name, min(least[name], len(one) - 1), tuple(one)) for name, one in groups.items() if one}


@st.composite
def clustered(draw: st.DrawFn) -> tuple[list[str], list[int | str], dict[str, Cluster]]:
    """Some hosts, wave sizes, and clusters of some of the hosts, whose members stand in any order."""
    ids = [f"host-{number:02}" for number in range(draw(st.integers(0, 30)))]
    belongs = [draw(st.sampled_from(["", "", "a", "b", "c"])) for _unused in ids]
    groups = {
        name: draw(st.permutations([one for one, of in zip(ids, belongs, strict=True) if of == name])) for name in "abc"
    }
    steps = draw(st.lists(sizes, min_size=1, max_size=4))
    return ids, steps, clusters_of(groups, {name: draw(st.integers(0, 5)) for name in "abc"})


@given(clustered())
def test_a_cluster_never_has_more_members_out_than_may_be(case: tuple[list[str], list[int | str], Any]) -> None:
    """And still every host is in exactly one wave."""
    ids, steps, clusters = case
    cut = batches(ids, steps, clusters)
    assert sorted(ids) == sorted(one for batch in cut for one in batch)
    assert all(cut)
    for batch in cut:
        for cluster in clusters.values():
            assert len(set(batch) & set(cluster.members)) <= cluster.may_be_out


@given(clustered())
def test_members_of_a_cluster_come_in_its_order(case: tuple[list[str], list[int | str], Any]) -> None:
    """Replicas before the primary, whatever the hosts are called."""
    ids, steps, clusters = case
    order = [one for batch in batches(ids, steps, clusters) for one in batch]
    for cluster in clusters.values():
        assert list(cluster.members) == [one for one in order if one in cluster.members]


@given(clustered())
def test_a_wave_is_as_large_as_policy_and_clusters_let_it_be(case: tuple[list[str], list[int | str], Any]) -> None:
    """A percentage is of the whole ring, and who may not come is replaced by the next who may."""
    ids, steps, clusters = case
    left = set(ids)
    for number, batch in enumerate(batches(ids, steps, clusters)):
        size = steps[min(number, len(steps) - 1)]
        wanted = max(1, int(size.rstrip("%")) * len(ids) // 100 if isinstance(size, str) else size)
        alone = len(left - {one for cluster in clusters.values() for one in cluster.members})
        bound = sum(min(cluster.may_be_out, len(left & set(cluster.members))) for cluster in clusters.values())
        assert len(batch) == min(wanted, alone + bound)
        left -= set(batch)


def test_two_members_share_no_wave_and_the_next_host_takes_the_place() -> None:
    """db-2 goes first by the cluster's order, and db-1 waits; the wave is full all the same."""
    clusters = {"db": Cluster("db", 1, ("db-2", "db-1"))}
    assert batches(["db-1", "db-2", "web-1", "web-2"], [2], clusters) == (("db-2", "web-1"), ("db-1", "web-2"))


def in_lab(*names: str) -> Any:
    return plan(assets=tuple(PlannedAsset(name, "lab", "bookworm", "amd64", (package(),), "apt") for name in names))


def test_a_host_that_may_be_away_is_no_canary() -> None:
    """Intermittent hosts are in the last waves, whatever they are called."""
    found = waves(in_lab("a-laptop", "b-1", "c-1"), policy(), intermittent=["a-laptop"])
    assert [list(wave.assets) for wave in found] == [["b-1"], ["c-1", "a-laptop"]]


def test_what_is_tried_again_later_comes_last_in_its_own_wave() -> None:
    """The others of the ring go first where it endures the failure."""
    found = waves(in_lab("a-1", "b-1", "c-1"), policy(), later=["a-1"])
    assert [(wave.number, list(wave.assets)) for wave in found] == [(2, ["b-1", "c-1"]), (1, ["a-1"])]


@given(clustered(), st.data())
def test_no_asset_changes_its_wave(case: tuple[list[str], list[int | str], Any], data: st.DataObject) -> None:
    """Whatever is done, or tried again later, every host that is left is in the wave it was in before."""
    ids, steps, clusters = case
    if not ids:
        return
    picked = data.draw(st.sets(st.sampled_from(ids)))
    again = data.draw(st.sets(st.sampled_from(ids)))
    ring = policy([{"name": "lab", "waves": steps}])
    whole = waves(in_lab(*ids), ring, clusters=clusters)
    number = {one: wave.number for wave in whole for one in wave.assets}
    rest = waves(in_lab(*ids), ring, picked, clusters=clusters, later=again)
    assert {one: wave.number for wave in rest for one in wave.assets} == {
        one: number[one] for one in ids if one not in picked
    }
