# Copyright: (c) 2026, Holdfast contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""A version that starts cleanly and answers its port, but wrongly: it gets no further than one host, and goes back."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from lab.fleet import Fleet
from tests.faults.toyd import ANSWER, NAME, OLD, PORT, WRONG
from tests.host_digest import difference, digest
from tests.integration.conftest import _fleet, _up
from tests.integration.shop import approved, builds, edit_policy, equip, open_shop, plan, results, versions

pytestmark = pytest.mark.waves

HOSTS = ("app-1", "app-2", "app-3")
SAYS = f"import urllib.request as r; print(r.urlopen('http://127.0.0.1:{PORT}/', timeout=5).read().decode())"


@pytest.fixture(scope="module")
def fleet(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Fleet]:
    """Three hosts with the right version, and the wrong one on offer."""
    with _fleet("wrong") as fleet:
        debs = builds(tmp_path_factory.mktemp("debs"))
        _up(fleet, [f"{HOSTS[0]}=bookworm", f"{HOSTS[1]}=trixie", f"{HOSTS[2]}=bookworm"])
        equip(fleet, HOSTS, debs[OLD])
        fleet.offer([debs[OLD], debs[WRONG]])
        yield fleet


def test_the_canary_stops_the_wave_is_taken_back_and_no_other_host_was_touched(fleet: Fleet, tmp_path: Path) -> None:
    site = open_shop(tmp_path / "site", fleet, [{"id": host} for host in HOSTS])
    edit_policy(site, "rings", waves=[1, "100%"])
    locked = plan(site)
    assert [(p["name"], p["to"]) for a in locked["assets"] for p in a["packages"]] == [(NAME, WRONG)] * 3
    change = approved(site)
    packages = {host: versions(fleet, host) for host in HOSTS}
    others = {host: digest(fleet.ssh_config, host) for host in HOSTS[1:]}

    done = site.play("patch", "-e", f"change={change}")
    assert done.returncode == 2, done.stdout + done.stderr
    assert f"{HOSTS[0]} is unhealthy" in done.stdout

    # The service ran and its port answered: what it said was wrong, and nothing else.
    after = results(site, "verify", "health")[1]
    assert {check["id"]: check["result"] for check in after["checks"]} == {
        "toyd": "pass",
        "port": "pass",
        "answer": "fail",
    }
    assert {result["asset"] for result in results(site, "deploy")} == {HOSTS[0]}
    (back,) = results(site, "rollback")
    assert (back["asset"], back["result"]) == (HOSTS[0], "restored")
    assert {host: versions(fleet, host) for host in HOSTS} == packages
    assert ANSWER[OLD] in fleet.exec(HOSTS[0], ["python3", "-c", SAYS], check=True).stdout

    for host, before in others.items():
        assert difference(before, digest(fleet.ssh_config, host)) == [], host
        assert WRONG not in fleet.exec(host, ["grep", f" {NAME}:all ", "/var/log/dpkg.log"]).stdout
    assert site.holdfast("audit").returncode == 0
