# Copyright: (c) 2026, Holdfast contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""A site with a host of dnf, through the same playbooks: plan, approve, patch, verify, a bad version, and back."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.integration.bare import BareHost
from tests.integration.patched import own_host
from tests.integration.rpm_host import installed, make, publish, reset
from tests.integration.sites import SiteUnderTest, lay_out
from tests.integration.small import BASELINE, write
from tests.integration.test_patch import restrict, steps

pytestmark = [pytest.mark.archive, pytest.mark.waves]
"""The host gets dnf and rpm from the Debian archive."""

HOST = "rpm-1"
UNWANTED = ("toy-*", "clinic-*")
HEALTH = [
    {"id": "edits", "service": "claimedit"},
    {"id": "edits-web", "http": {"url": "http://127.0.0.1:8091/", "status": 200, "contains": '"total": 1000'}},
]


@pytest.fixture(scope="module")
def rpm_host(tmp_path_factory: pytest.TempPathFactory) -> Iterator[BareHost]:
    """A host on which dpkg has nothing: its own list was put aside after dnf and rpm came from Debian."""
    with own_host("dnf-waves", "bookworm", tmp_path_factory.mktemp("dnf")) as host:
        make(host)
        host.sh("mv /var/lib/dpkg/status /root/dpkg-status; : > /var/lib/dpkg/status")
        yield host


@pytest.fixture
def site(rpm_host: BareHost, tmp_path: Path) -> SiteUnderTest:
    """A site of that one host, with every toy at 1.0."""
    reset(rpm_host)
    site = lay_out(tmp_path / "site", rpm_host.fleet)
    register = yaml.safe_load((site.root / "holdfast.yml").read_text(encoding="utf-8"))
    asset = next(one for one in register["assets"] if one["id"] == "lab-1")
    asset.update(id=HOST, address=rpm_host.name, health=HEALTH, baselines=["clinic"], flows=[])
    write(site, "holdfast.yml", {"plugin": register["plugin"], "assets": [asset]})
    (site.root / "baselines").mkdir()
    write(site, "baselines/clinic.yml", BASELINE)
    restrict(site, *UNWANTED)
    return site


def planned(site: SiteUnderTest) -> dict[str, Any]:
    """Plan, and return the newest plan's part of the host."""
    done = site.play("plan_patches")
    assert done.returncode == 0, done.stdout + done.stderr
    (asset,) = json.loads(site.plans[-1].read_text(encoding="utf-8"))["assets"]
    return dict(asset)


def patch(site: SiteUnderTest) -> tuple[str, Any]:
    """Have the newest plan approved, and carry it out; return the change and how the run ended."""
    change = site.change("--plan", str(site.plans[-1]))
    return change, site.play("patch", "-e", f"change={change}")


def answer(host: BareHost) -> Any:
    """What the service says."""
    ask = "import urllib.request as u; print(u.urlopen('http://127.0.0.1:8091/').read().decode())"
    return json.loads(host.sh(f'python3 -c "{ask}"'))


def test_a_host_of_dnf_goes_through_the_same_playbooks_and_comes_back(site: SiteUnderTest, rpm_host: BareHost) -> None:
    before = installed(rpm_host)
    publish(rpm_host, "claimedit=1.1")
    asset = planned(site)
    assert (asset["manager"], asset["release"]) == ("dnf", "bookworm")
    assert {p["name"]: (p["from"], p["to"], p["file"]) for p in asset["packages"]} == {
        "claimedit": ("1.0-1", "1.1-1", "claimedit-1.1-1.noarch.rpm"),
        "claimedit-rates": ("1.0-1", "1.1-1", "claimedit-rates-1.1-1.noarch.rpm"),
    }
    assert {cve for p in asset["packages"] for cve in p["cves"]} == {"CVE-2026-1001"}
    change, done = patch(site)
    assert done.returncode == 0, done.stdout + done.stderr
    good = {**before, "claimedit": "1.1-1", "claimedit-rates": "1.1-1"}
    assert installed(rpm_host) == good
    assert answer(rpm_host) == {"version": "1.1", "total": 1000, "rates": "1.1"}
    (deploy,) = steps(site, "deploy")
    assert {p["name"]: p["to"] for p in deploy["results"][0]["products"]} == {
        "claimedit": "1.1-1",
        "claimedit-rates": "1.1-1",
    }
    versions = [body for body in steps(site, "verify") if body["kind"] == "version"]
    assert [r["asset"] for body in versions for r in body["results"]] == [HOST]

    publish(rpm_host)
    assert {p["name"]: p["to"] for p in planned(site)["packages"]} == {"claimedit": "1.2-1"}
    _bad, done = patch(site)
    assert done.returncode != 0
    assert f"{HOST} is unhealthy" in done.stdout
    assert installed(rpm_host) == good
    assert answer(rpm_host)["total"] == 1000
    (back,) = steps(site, "rollback")
    assert [(one["asset"], one["result"]) for one in back["results"]] == [(HOST, "restored")]

    done = site.play("roll_back", "-e", f"change={change}")
    assert done.returncode == 0, done.stdout + done.stderr
    assert installed(rpm_host) == before
    assert answer(rpm_host) == {"version": "1.0", "total": 1000, "rates": "1.0"}
    assert site.holdfast("audit").returncode == 0


def test_what_is_in_the_way_is_named_and_the_host_is_not_planned(site: SiteUnderTest, rpm_host: BareHost) -> None:
    rpm_host.sh("dnf --quiet versionlock add claimedit 2>/dev/null")
    done = site.play("check_patches")
    assert f"{HOST}: versionlock claimedit:noarch:" in done.stdout, done.stdout + done.stderr
    rpm_host.sh("sed -i 's/^gpgcheck=1/gpgcheck=0/' /etc/yum.repos.d/lab-rpms.repo")
    done = site.play("check_patches")
    assert f"{HOST}: unsigned lab-rpms: gpgcheck=0" in done.stdout
    assert done.returncode != 0
    done = site.play("plan_patches")
    assert f"REFUSED {HOST}: unsigned lab-rpms" in done.stdout
    assert done.returncode == 2, "whoever reads the exit code alone must not think that it will be patched"
    assert site.plans == []
