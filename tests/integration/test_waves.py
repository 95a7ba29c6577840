# Copyright: (c) 2026, Holdfast contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The gate before real waves: freezes and stop orders by name, members of a cluster one by one, a soak waited for."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import yaml

from lab.fleet import Fleet
from tests.integration.conftest import _fleet, _up
from tests.integration.sites import SiteUnderTest, lay_out
from tests.integration.small import HOSTS, write
from tests.integration.test_patch import ONLY_CLAIMSD, deployed, plan, restrict, steps, versions

pytestmark = pytest.mark.archive

SOAK = timedelta(minutes=1)
RING = {"waves": ["100%"], "soak_minutes": 1, "watch_seconds": 2}


@pytest.fixture(scope="module")
def members() -> Iterator[Fleet]:
    """Two hosts of one ring that stand in for each other."""
    with _fleet("waves") as fleet:
        _up(fleet, [f"{name}=bookworm" for name in HOSTS])
        fleet.publish("1.0")
        yield fleet


@pytest.fixture
def cluster(members: Fleet, tmp_path: Path) -> SiteUnderTest:
    """A site for the two, with a plan of one package; lab-2 goes first, whatever the hosts are called."""
    site = lay_out(tmp_path / "site", members)
    register = yaml.safe_load((site.root / "holdfast.yml").read_text(encoding="utf-8"))
    assets = [{**asset, "cluster": "claims"} for asset in register["assets"] if asset["id"] in HOSTS]
    clusters = {"claims": {"up_at_least": 1, "order": ["lab-2", "lab-1"]}}
    write(site, "holdfast.yml", {**register, "clusters": clusters, "assets": assets})
    rings = yaml.safe_load((site.root / "policy/rings.yml").read_text(encoding="utf-8"))
    rings["rings"][0].update(RING)
    write(site, "policy/rings.yml", rings)
    restrict(site, *ONLY_CLAIMSD)
    return site


def freeze(site: SiteUnderTest, begins: datetime, ends: datetime) -> None:
    """Let nothing change between two moments."""
    one = {"name": "claims cut-off", "from": begins.isoformat("T", "seconds"), "to": ends.isoformat("T", "seconds")}
    write(site, "policy/calendar.yml", {"windows": [], "freezes": [one]})


def test_what_may_not_start_is_refused_by_name_and_two_members_are_never_out_at_once(cluster: SiteUnderTest) -> None:
    site, now = cluster, datetime.now(UTC)
    site.fleet.publish("1.2")
    plan(site)
    change = site.change("--plan", str(site.plans[-1]))

    freeze(site, now - timedelta(hours=1), now + timedelta(hours=1))
    frozen = site.play("patch", "-e", f"change={change}")
    assert frozen.returncode != 0
    assert 'freeze: freeze "claims cut-off" holds in lab until' in frozen.stdout

    freeze(site, now - timedelta(hours=2), now - timedelta(hours=1))
    key = str(site.root / "keys" / "security")
    assert site.holdfast("change", "stop", change, "--as", "security", "--ssh-key", key).returncode == 0
    stopped = site.play("patch", "-e", f"change={change}")
    assert stopped.returncode != 0
    assert "stop-order: security (approver) stopped it in lab at" in stopped.stdout
    assert deployed(site) == []
    assert site.json("change", "show", change)["state"] == "halted"
    assert site.holdfast("change", "go", change, "--as", "security", "--ssh-key", key).returncode == 0

    done = site.play("patch", "-e", f"change={change}", "-e", "wait_minutes=5")
    assert done.returncode == 0, done.stdout + done.stderr
    assert "soak: wave 1 of lab was settled at" in done.stdout
    assert {versions(site, name)["claimsd:all"] for name in HOSTS} == {"1.2"}
    results = [one for body in steps(site, "deploy") for one in body["results"]]
    assert [one["asset"] for one in results if one["outcome"] == "changed"] == ["lab-2", "lab-1"]
    for before, after in itertools.pairwise(results):
        ended = datetime.fromisoformat(before["started_at"]) + timedelta(milliseconds=before["duration_ms"])
        assert datetime.fromisoformat(after["started_at"]) >= ended + SOAK
    assert site.json("change", "show", change)["state"] == "closed"
    audit = site.holdfast("audit")
    assert audit.returncode == 0, audit.stdout
