# Copyright: (c) 2026, Holdfast contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Reboots on record: claimed when the boot marker moved and never else, under a lease, with health before and after."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
import yaml

from lab.fleet import Fleet
from tests.integration.conftest import _fleet, _up
from tests.integration.sites import ROOT, SiteUnderTest, lay_out
from tests.integration.small import HOSTS, narrowed, steps, write

PLAYBOOK = str(ROOT / "tests" / "playbooks" / "reboot_members.yml")
NEEDED = "/run/reboot-required"
DEAF = """#!/bin/sh
case "$1" in reboot) exit 0 ;; esac
exec /usr/bin/systemctl.real "$@"
"""
PAGE = "/var/www/html/claims.txt"
HEALTH = [
    {"id": "nginx", "service": "nginx"},
    {"id": "page", "http": {"url": "http://127.0.0.1/claims.txt", "same": True}},
]


@pytest.fixture(scope="module")
def members() -> Iterator[Fleet]:
    """Two hosts that stand in for each other, one of each Debian."""
    with _fleet("members") as fleet:
        _up(fleet, [f"{HOSTS[0]}=bookworm", f"{HOSTS[1]}=trixie"])
        yield fleet


@pytest.fixture
def site(members: Fleet, tmp_path: Path) -> SiteUnderTest:
    """A site for the two, healthy both, that lets a run change both within the hour."""
    made = narrowed(lay_out(tmp_path / "site", members))
    register = yaml.safe_load((made.root / "holdfast.yml").read_text(encoding="utf-8"))
    for asset in register["assets"]:
        asset.update(health=HEALTH, cluster="claims")
    write(made, "holdfast.yml", {**register, "clusters": {"claims": {"up_at_least": 1}}})
    for host in HOSTS:
        members.exec(host, ["sh", "-c", f"echo 60.00 > {PAGE}; rm -f {NEEDED}; systemctl start nginx"], check=True)
    return made


def play(site: SiteUnderTest, host: str, **variables: Any) -> subprocess.CompletedProcess[str]:
    """Run the playbook for one host."""
    return site.run("ansible-playbook", PLAYBOOK, "--limit", host, "-e", json.dumps(variables))


def need(site: SiteUnderTest, *hosts: str) -> dict[str, str]:
    """Let hosts need a reboot, and return their boot markers by the lab's own means."""
    for host in hosts:
        site.fleet.exec(host, ["touch", NEEDED], check=True)
    return {host: site.fleet.boot_marker(host) for host in hosts}


def reboots(site: SiteUnderTest) -> dict[str, Any]:
    """Return what the records say of reboots, by asset."""
    bodies: list[Any] = steps(site, "deploy")
    results = [result for body in bodies for result in body["results"]]
    return {result["asset"]: result["reboot"] for result in results if "reboot" in result}


def leases(site: SiteUnderTest) -> list[tuple[object, object]]:
    return [(body["action"], body["asset"]) for body in steps(site, "lease")]


def test_a_reboot_is_claimed_when_the_marker_moved_and_all_is_as_before(site: SiteUnderTest) -> None:
    quiet = play(site, "lab-1")
    assert quiet.returncode == 0, quiet.stdout + quiet.stderr
    assert reboots(site) == {}, "nothing asked for a reboot"

    before = need(site, "lab-1")
    done = play(site, "lab-1", watch_seconds=2)
    assert done.returncode == 0, done.stdout + done.stderr
    assert site.fleet.boot_marker("lab-1") != before["lab-1"]
    (said,) = reboots(site).values()
    assert said["before"] != said["after"]
    assert 0 < said["ms"] < 180_000
    assert leases(site) == [("take", "lab-1"), ("release", "lab-1")] * 2
    assert site.fleet.exec("lab-1", ["systemctl", "is-active", "nginx", "claimsd"]).returncode == 0
    assert site.holdfast("audit").returncode == 0


def test_a_host_that_says_it_reboots_and_does_not_is_a_failure(site: SiteUnderTest) -> None:
    deafen = "mv /usr/bin/systemctl /usr/bin/systemctl.real; cat > /usr/bin/systemctl; chmod 755 /usr/bin/systemctl"
    site.fleet.exec("lab-1", ["sh", "-c", deafen], stdin=DEAF, check=True)
    before = need(site, "lab-1")
    try:
        done = play(site, "lab-1", minutes=0.2)
    finally:
        site.fleet.exec("lab-1", ["mv", "/usr/bin/systemctl.real", "/usr/bin/systemctl"], check=True)
    assert done.returncode == 2
    assert "it was told to reboot and did not: after 0.2 minutes its boot marker is what it was" in done.stdout
    assert site.fleet.boot_marker("lab-1") == before["lab-1"]
    assert reboots(site) == {}, "no reboot is claimed"
    assert leases(site) == [("take", "lab-1"), ("release", "lab-1")]


def test_a_service_that_does_not_come_back_is_named_and_the_reboot_is_on_record(site: SiteUnderTest) -> None:
    site.fleet.exec("lab-2", ["systemctl", "disable", "claimsd"], check=True)
    need(site, "lab-2")
    try:
        done = play(site, "lab-2", minutes=0.4)
    finally:
        site.fleet.exec("lab-2", ["systemctl", "enable", "--now", "claimsd"], check=True)
    assert done.returncode == 2
    assert "not all is as before: claimsd.service is inactive" in done.stdout
    assert list(reboots(site)) == ["lab-2"]


def test_of_two_members_that_two_runs_would_reboot_at_once_one_is_left_up(site: SiteUnderTest) -> None:
    before = need(site, *HOSTS)
    with ThreadPoolExecutor(max_workers=2) as pool:
        done = dict(zip(HOSTS, pool.map(lambda host: play(site, host), HOSTS), strict=True))
    codes = {host: one.returncode for host, one in done.items()}
    assert sorted(codes.values()) == [0, 2], "\n".join(one.stdout + one.stderr for one in done.values())
    winner, loser = sorted(HOSTS, key=lambda host: codes[host])
    assert f"{loser} may not be out of service now: 0 of 2 members would be up" in done[loser].stdout
    assert site.fleet.boot_marker(winner) != before[winner]
    assert site.fleet.boot_marker(loser) == before[loser]
    assert list(reboots(site)) == [winner]


def test_a_member_is_not_rebooted_while_the_other_is_ill_or_without_a_lease(site: SiteUnderTest) -> None:
    before = need(site, "lab-1")
    site.fleet.exec("lab-2", ["systemctl", "stop", "nginx"], check=True)
    try:
        done = play(site, "lab-1")
    finally:
        site.fleet.exec("lab-2", ["systemctl", "start", "nginx"], check=True)
    assert "lab-2 is unhealthy now" in done.stdout
    bare = play(site, "lab-1", lease=False)
    assert "lab-1 is not leased by this run" in bare.stdout
    assert {done.returncode, bare.returncode} == {2}
    assert site.fleet.boot_marker("lab-1") == before["lab-1"]
    assert leases(site) == []


def test_another_answer_than_before_is_seen_and_what_failed_before_is_named_as_such(site: SiteUnderTest) -> None:
    done = play(site, "lab-1", between=f"echo 61.00 > {PAGE}")
    assert done.returncode == 2
    assert "lab-1 is unhealthy: page: the answer is another than before the change" in done.stdout
    assert "60.00" not in done.stdout + json.dumps(site.records())
    site.fleet.exec("lab-1", ["systemctl", "stop", "nginx"], check=True)
    ill = play(site, "lab-1", unhealthy="report")
    assert "nginx: nginx is inactive (it failed before the change too)" in ill.stdout
