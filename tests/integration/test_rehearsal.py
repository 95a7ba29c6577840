# Copyright: (c) 2026, Holdfast contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Rehearsing the way back: policy demands it, lab proves it, and a way back that fails shuts the next ring."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import yaml

from lab.fleet import Fleet
from tests.faults.toyd import NAME, NEW, OLD
from tests.integration.shop import approved, bodies, debs, open_shop, plan, results
from tests.integration.sites import SiteUnderTest
from tests.integration.two_rings import HOSTS, at, pair

__all__ = ["debs", "pair"]  # fixtures

pytestmark = pytest.mark.waves


@pytest.fixture
def asked(pair: Fleet, debs: dict[str, Path], tmp_path: Path) -> tuple[SiteUnderTest, str]:
    """A site whose second ring wants a rehearsal, and an approved change to the toy's new version."""
    for host in HOSTS:
        pair.exec(host, ["sh", "-c", f"rm -rf /var/lib/holdfast; dpkg -i /root/{debs[OLD].name}"], check=True)
    pair.offer([debs[OLD], debs[NEW]])
    site = open_shop(tmp_path / "site", pair, [{"id": host, "ring": ring} for host, ring in HOSTS.items()])
    file = site.root / "policy" / "rings.yml"
    rings = yaml.safe_load(file.read_text(encoding="utf-8"))
    rings["rings"][1]["rehearsal"] = "required"
    file.write_text(json.dumps(rings), encoding="utf-8")
    plan(site)
    return site, approved(site)


def test_the_next_ring_waits_for_a_rehearsal_whose_seconds_are_on_record(asked):
    site, change = asked
    first = site.play("patch", "-e", f"change={change}")
    assert first.returncode == 2
    assert "pilot requires a rehearsal" in first.stdout
    assert at(site.fleet) == {"one": NEW, "two": OLD}

    done = site.play("rehearse", "-e", f"change={change}")
    assert done.returncode == 0, done.stdout + done.stderr
    assert at(site.fleet) == {"one": NEW, "two": OLD}
    (back,) = bodies(site, "rollback")
    assert back["trigger"] == "rehearsal"
    (result,) = back["results"]
    assert (result["asset"], result["result"]) == ("one", "restored")
    assert result["products"] == [{"name": NAME, "from": NEW, "to": OLD}]
    assert result["ms"] > 0
    phases = [body["phase"] for body in bodies(site, "verify") if body["kind"] == "version"]
    assert phases == [None, "before", None]
    (listed,) = site.json("change", "list")
    assert listed["state"] == "verified:lab"  # nothing was taken back from the change

    last = site.play("patch", "-e", f"change={change}")
    assert last.returncode == 0, last.stdout + last.stderr
    assert at(site.fleet) == {"one": NEW, "two": NEW}
    audit = site.holdfast("audit")
    assert audit.returncode == 0, audit.stdout


def test_a_way_back_that_fails_leaves_the_host_at_the_plan_and_the_next_ring_shut(asked):
    site, change = asked
    first = site.play("patch", "-e", f"change={change}", "-e", "ring=lab")
    assert first.returncode == 0, first.stdout + first.stderr
    # A staged file that somebody touched is refused; the way back is not what it was.
    touch = f'for file in /var/lib/holdfast/stage/*/{NAME}_{OLD}_all.deb; do echo >>"$file"; done'
    site.fleet.exec("one", ["sh", "-c", touch], check=True)
    done = site.play("rehearse", "-e", f"change={change}")
    assert done.returncode == 2
    assert at(site.fleet) == {"one": NEW, "two": OLD}
    assert results(site, "deploy")[-1]["outcome"] == "skipped"  # staging found it before anything was done
    shut = site.play("patch", "-e", f"change={change}")
    assert shut.returncode == 2
    assert "pilot requires a rehearsal" in shut.stdout
    assert at(site.fleet) == {"one": NEW, "two": OLD}
    assert site.holdfast("audit").returncode == 0
