# Copyright: (c) 2026, Holdfast contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The gate before real waves: refusals by name, members of a cluster one by one, a soak, hosts that were away."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import yaml

from lab.fleet import Fleet
from tests.integration.conftest import _fleet, _up
from tests.integration.sites import SiteUnderTest, lay_out
from tests.integration.small import HOSTS, write
from tests.integration.test_patch import ONLY_CLAIMSD, deployed, plan, restrict, steps, versions

pytestmark = [pytest.mark.archive, pytest.mark.waves]

SOAK = timedelta(minutes=1)
RING = {"waves": ["100%"], "soak_minutes": 1, "watch_seconds": 2}


@pytest.fixture(scope="module")
def pair_of_hosts() -> Iterator[Fleet]:
    with _fleet("waves") as fleet:
        yield fleet


@pytest.fixture
def members(pair_of_hosts: Fleet) -> Fleet:
    """Two hosts of one ring, made anew."""
    _up(pair_of_hosts, [f"{name}=bookworm" for name in HOSTS])
    pair_of_hosts.publish("1.0")
    return pair_of_hosts


def lay_out_two(root: Path, fleet: Fleet, ring: dict[str, object], *traits: dict[str, object], **more: object) -> Any:
    """Make a site for the two alone, whose ring has these rules, and which are planned for one package."""
    site = lay_out(root, fleet)
    register = yaml.safe_load((site.root / "holdfast.yml").read_text(encoding="utf-8"))
    assets = [asset for asset in register["assets"] if asset["id"] in HOSTS]
    for asset, trait in zip(assets, traits, strict=True):
        asset.update(trait)
    write(site, "holdfast.yml", {**register, **more, "assets": assets})
    rings = yaml.safe_load((site.root / "policy/rings.yml").read_text(encoding="utf-8"))
    rings["rings"][0].update(ring)
    write(site, "policy/rings.yml", rings)
    restrict(site, *ONLY_CLAIMSD)
    return site


@pytest.fixture
def cluster(members: Fleet, tmp_path: Path) -> SiteUnderTest:
    """A site in which the two stand in for each other; lab-2 goes first, whatever the hosts are called."""
    member = {"cluster": "claims"}
    clusters = {"claims": {"up_at_least": 1, "order": ["lab-2", "lab-1"]}}
    return lay_out_two(tmp_path / "site", members, RING, member, member, clusters=clusters)


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

    entry = {"name": "month end close", "kind": "month-end", "falls": {"dates": [str(now.date())]},
             "days_before": 1, "days_after": 1, "zone": "America/New_York", "owner": "revenue-cycle",
             "reason": "books close"}  # fmt: skip
    write(site, "policy/calendar.yml", {"billing": [entry]})
    closing = site.play("patch", "-e", f"change={change}")
    assert closing.returncode != 0
    why = 'freeze "month end close" (month end; owner revenue-cycle; books close) holds in lab until'
    assert why in closing.stdout
    assert deployed(site) == []

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


def test_a_host_that_was_away_catches_up_in_its_window_with_the_same_change(members: Fleet, tmp_path: Path) -> None:
    ring = {"waves": ["100%"], "windows": ["now"]}
    site = lay_out_two(tmp_path / "site", members, ring, {}, {"intermittent": True})
    days = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"]
    always = {"name": "now", "days": days, "from": "00:00", "to": "24:00", "zone": "UTC"}
    write(site, "policy/calendar.yml", {"windows": [always]})
    site.fleet.publish("1.2")
    plan(site)
    change = site.change("--plan", str(site.plans[-1]))
    site.fleet.kill("lab-2")
    site.play("patch", "-e", f"change={change}")
    told = site.json("change", "show", change)
    assert (told["state"], told["rings"][0]["settled"], told["rings"][0]["missing"]) == (
        "verified:lab",
        True,
        ["lab-2"],
    )
    assert versions(site, "lab-1")["claimsd:all"] == "1.2"

    site.fleet.start("lab-2")
    assert versions(site, "lab-2")["claimsd:all"] == "1.0"
    # Whatever day it is here: the window that opens next is days away.
    day = (datetime.now(UTC) + timedelta(days=3)).weekday()
    write(site, "policy/calendar.yml", {"windows": [{**always, "days": [days[day]], "from": "01:00", "to": "05:00"}]})
    shut = site.play("patch", "-e", f"change={change}")
    assert shut.returncode != 0
    assert "window: no window of lab (now) is open; now opens at" in shut.stdout

    write(site, "policy/calendar.yml", {"windows": [always]})
    done = site.play("patch", "-e", f"change={change}")
    assert done.returncode == 0, done.stdout + done.stderr
    assert versions(site, "lab-2")["claimsd:all"] == "1.2"
    changed = [one["asset"] for body in steps(site, "deploy") for one in body["results"] if one["outcome"] == "changed"]
    assert changed == ["lab-1", "lab-2"]
    assert site.json("change", "show", change)["state"] == "closed"
    audit = site.holdfast("audit")
    assert audit.returncode == 0, audit.stdout
