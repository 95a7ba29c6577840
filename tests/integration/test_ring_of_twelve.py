# Copyright: (c) 2026, Holdfast contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""A ring of twelve hosts, real updates and a toy: waves, budget, records as policy says, and as the hosts say too."""

from __future__ import annotations

import fnmatch
import itertools
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from lab.fleet import Fleet
from tests.faults.toyd import NAME, NEW, OLD
from tests.integration.conftest import _fleet, _up
from tests.integration.shop import (
    HEALTH,
    approved,
    bodies,
    builds,
    dpkg_log,
    edit_policy,
    equip,
    open_shop,
    plan,
    results,
    versions,
)
from tests.integration.sites import SiteUnderTest

pytestmark = [pytest.mark.archive, pytest.mark.waves]

HOSTS = tuple(f"app-{number:02}" for number in range(1, 13))
WAVES = (HOSTS[:1], HOSTS[1:4], HOSTS[4:])
"""What the ring's waves [1, "25%", "100%"] come to."""

WANTED = ("libssl3", "openssl", "tzdata", NAME)
"""What is taken up: real updates of Debian's security archive, one of a library that services run on, and the toy."""


@dataclass(frozen=True)
class Ring:
    """Twelve hosts and what is on offer for them."""

    fleet: Fleet
    debs: dict[str, Path]


@pytest.fixture(scope="module")
def ring(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Ring]:
    """Twelve hosts, made for this file."""
    with _fleet("ring") as fleet:
        debs = builds(tmp_path_factory.mktemp("debs"))
        _up(fleet, [f"{host}=bookworm" for host in HOSTS])
        equip(fleet, HOSTS, debs[OLD], debian=True)
        yield Ring(fleet, debs)


def lay_out_ring(
    ring: Ring,
    root: Path,
    *,
    wanted: tuple[str, ...] = WANTED,
    health: Mapping[str, list[dict[str, Any]]] | None = None,
    **rules: Any,
) -> SiteUnderTest:
    """A site for the ring, whose policy takes up `wanted` alone; `health` names further checks of some hosts."""
    assets = [{"id": host, "health": [*HEALTH, *(health or {}).get(host, [])]} for host in HOSTS]
    site = open_shop(root, ring.fleet, assets)
    edit_policy(site, "rings", **{"waves": [1, "25%", "100%"], **rules})
    first = plan(site, "--limit", HOSTS[0])
    names = {one["name"] for asset in first["assets"] for one in asset["packages"]}
    others = sorted(name for name in names if not any(fnmatch.fnmatch(name, one) for one in wanted))
    edit_policy(site, "patching", exclude=others)
    return site


def moment(text: str) -> float:
    """Return a record's time as seconds since 1970."""
    return datetime.fromisoformat(text.replace("Z", "+00:00")).timestamp()


def test_twelve_hosts_get_real_updates_in_waves_and_the_record_is_what_the_hosts_say(
    ring: Ring, tmp_path: Path
) -> None:
    ring.fleet.offer([ring.debs[OLD], ring.debs[NEW]])
    site = lay_out_ring(ring, tmp_path / "site", failure_budget={"failed": 0, "unreachable": 0, "unhealthy": 0})
    before = {host: versions(ring.fleet, host) for host in HOSTS}
    locked = plan(site, "--forks", "12")
    lines = {asset["asset"]: asset["packages"] for asset in locked["assets"]}
    assert set(lines) == set(HOSTS)
    assert all({one["name"] for one in some} >= {"openssl", "libssl3", NAME} for some in lines.values())
    assert {one["origin"] for one in lines[HOSTS[0]]} == {"Debian-Security", "Holdfast-Lab"}

    change = approved(site)
    done = site.play("patch", "-e", f"change={change}", "--forks", "12")
    assert done.returncode == 0, done.stdout + done.stderr

    # Hosts and versions: the plan, the record and dpkg agree, and nothing else has moved.
    deployed = {result["asset"]: result for result in results(site, "deploy")}
    assert set(deployed) == set(HOSTS)
    for host in HOSTS:
        planned = {f"{one['name']}:{one['arch']}": one for one in lines[host]}
        now = versions(ring.fleet, host)
        assert {name: v for name, v in now.items() if v != before[host].get(name)} == {
            name: one["to"] for name, one in planned.items()
        }
        told = {one["name"]: (one["from"], one["to"]) for one in deployed[host]["products"]}
        assert told == {one["name"]: (one["from"], one["to"]) for one in lines[host]}
        assert (deployed[host]["outcome"], ring.fleet.exec(host, ["dpkg", "--audit"]).stdout) == ("changed", "")

    # Times: each host's own log lies within what the record says of it, and waves follow each other.
    spans = {}
    for host in HOSTS:
        wanted = {(f"{one['name']}:{one['arch']}", one["to"]) for one in lines[host]}
        at = [one.at for one in dpkg_log(ring.fleet, host) if (one.package, one.version) in wanted]
        spans[host] = (min(at), max(at))
        begun = moment(deployed[host]["started_at"])
        ended = begun + deployed[host]["duration_ms"] / 1000
        assert int(begun) <= spans[host][0] <= spans[host][1] <= ended + 1, host
    for wave, following in itertools.pairwise(WAVES):
        assert max(spans[host][1] for host in wave) <= min(spans[host][0] for host in following)

    # States: health before and after, versions by another module, and the change is over.
    phases = [(body["kind"], body["phase"]) for body in bodies(site, "verify") if body["kind"] in ("health", "version")]
    assert phases == [("health", "before"), ("health", "after"), ("version", None)] * len(WAVES)
    by_wave = [
        tuple(r["asset"] for r in body["results"]) for body in bodies(site, "verify") if body["kind"] == "version"
    ]
    assert [tuple(sorted(wave)) for wave in by_wave] == list(WAVES)
    assert {(r["asset"], r["verdict"]) for r in results(site, "verify", "version")} == {(h, "pass") for h in HOSTS}
    shown = site.json("change", "show", change)
    assert shown["state"] in ("closed", "verified:lab")
    audit = site.holdfast("audit")
    assert audit.returncode == 0, audit.stdout


def test_a_budget_lets_one_host_fail_and_stops_the_ring_at_the_second(ring: Ring, tmp_path: Path) -> None:
    """The canary works. One host of the second wave cannot live with the new version, and one of the third."""
    ring.fleet.offer([ring.debs[OLD], ring.debs[NEW]])
    equip(ring.fleet, HOSTS, ring.debs[OLD], debian=True)
    canary, second, third, last = HOSTS[:1], HOSTS[1:4], HOSTS[4:8], HOSTS[8:]
    ill = {second[1], third[1]}
    bound = {"id": "neighbour", "command": {"argv": ["grep", "-q", f"toyd {OLD}:", "/usr/bin/toyd"]}}
    budget = {"failed": 0, "unreachable": 0, "unhealthy": 1}
    site = lay_out_ring(
        ring, tmp_path / "site", wanted=(NAME,), health={host: [bound] for host in ill},
        waves=[1, 3, 4, 4], failure_budget=budget,
    )  # fmt: skip
    before = {host: versions(ring.fleet, host) for host in HOSTS}
    logs = {host: dpkg_log(ring.fleet, host) for host in last}
    locked = plan(site, "--forks", "12")
    assert {one["name"] for asset in locked["assets"] for one in asset["packages"]} == {NAME}
    change = approved(site)
    done = site.play("patch", "-e", f"change={change}", "--forks", "12")
    assert done.returncode == 2, done.stdout + done.stderr
    stops = f"{', '.join(sorted(ill))} was rolled back in this change (unhealthy; 1 endured in lab)"
    assert stops in done.stdout, done.stdout
    assert {result["asset"] for result in results(site, "deploy")} == {*canary, *second, *third}
    assert {result["asset"]: result["result"] for result in results(site, "rollback")} == dict.fromkeys(ill, "restored")
    now = {host: versions(ring.fleet, host) for host in HOSTS}
    moved = {host: {name: v for name, v in now[host].items() if v != before[host].get(name)} for host in HOSTS}
    forward = {*canary, *second, *third} - ill
    assert moved == {host: {f"{NAME}:all": NEW} if host in forward else {} for host in HOSTS}
    assert {host: dpkg_log(ring.fleet, host) for host in last} == logs
    assert site.holdfast("audit").returncode == 0
