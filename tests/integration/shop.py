# Copyright: (c) 2026, Holdfast contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Hosts that run toyd, and a site for them whose health asks for toyd's right answer."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import yaml

from lab.fleet import Fleet
from lab.process import run
from tests.faults.toyd import ANSWER, NAME, NEW, OLD, PORT, WRONG, toyd
from tests.integration.sites import APPROVERS, SiteUnderTest, lay_out

HEALTH: tuple[dict[str, Any], ...] = (
    {"id": "toyd", "service": NAME},
    {"id": "port", "tcp": {"port": PORT}},
    {"id": "answer", "http": {"url": f"http://127.0.0.1:{PORT}/", "contains": ANSWER[OLD]}},
)

OWN_ARCHIVE_ALONE = """
find /etc/apt -name '*.sources' ! -name 'holdfast-lab*' -delete
rm -f /etc/apt/sources.list /etc/apt/sources.list.d/*.list
"""
"""Refreshing lists then asks nobody outside, and nothing but the toy is pending."""

TIMERS_OFF = "systemctl -q stop apt-daily.timer apt-daily-upgrade.timer"


@dataclass(frozen=True)
class Installed:
    """One line of a host's own dpkg.log: when a package reached a version; seconds since 1970."""

    at: float
    package: str
    version: str


def builds(folder: Path) -> dict[str, Path]:
    """Build every version of toyd; return version to file."""
    return {version: toyd(version).build(folder) for version in (OLD, NEW, WRONG)}


@pytest.fixture(scope="module")
def debs(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """Every version of toyd, built once for a module."""
    return builds(tmp_path_factory.mktemp("debs"))


def equip(fleet: Fleet, hosts: Sequence[str], old: Path, *, debian: bool = False) -> None:
    """Install toyd's old version on these hosts; without `debian` they know no archive but the lab's."""

    def one(host: str) -> None:
        container = fleet.places.container(host)
        run(["podman", "cp", str(old), f"{container}:/root/"])
        script = f"{TIMERS_OFF}; {'' if debian else OWN_ARCHIVE_ALONE}\ndpkg -i /root/{old.name} >/dev/null"
        run(["podman", "exec", container, "sh", "-euc", script])

    with ThreadPoolExecutor(2) as pool:
        list(pool.map(one, hosts))


def open_shop(root: Path, fleet: Fleet, assets: Sequence[Mapping[str, Any]], **register: Any) -> SiteUnderTest:
    """Lay out a site for these assets (each at least an id) in the lab ring, which asks for one approval."""
    site = lay_out(root, fleet)
    common = {
        "kind": "server", "owner": "platform-team", "ring": "lab", "environment": "lab", "data_class": "none",
        "tier": 4, "baselines": ["debian-server"], "health": list(HEALTH),
        "vars": {"ansible_user": "root", "ansible_ssh_common_args": f"-F {fleet.ssh_config}"},
    }  # fmt: skip
    entries = [{"address": asset["id"], **common, **asset} for asset in assets]
    data = {"plugin": "holdfast.hipaa.register", "assets": entries, **register}
    (root / "holdfast.yml").write_text(json.dumps(data), encoding="utf-8")
    return site


def edit_policy(site: SiteUnderTest, name: str, **members: Any) -> None:
    """Set members of a policy file; of rings.yml those of the lab ring."""
    file = site.root / "policy" / f"{name}.yml"
    data = yaml.safe_load(file.read_text(encoding="utf-8"))
    (data["rings"][0] if name == "rings" else data).update(members)
    file.write_text(json.dumps(data), encoding="utf-8")


def plan(site: SiteUnderTest, *extra: str) -> dict[str, Any]:
    """Plan, and return the newest plan."""
    done = site.play("plan_patches", *extra)
    assert done.returncode == 0, done.stdout + done.stderr
    return dict(json.loads(site.plans[-1].read_text(encoding="utf-8")))


def approved(site: SiteUnderTest) -> str:
    """Have the newest plan requested and approved; return the change's id."""
    return site.change("--plan", str(site.plans[-1]), approvers=APPROVERS[:1])


def bodies(site: SiteUnderTest, step: str) -> list[dict[str, Any]]:
    """Return the bodies of all records of one step."""
    return [s["predicate"]["step"] for s in site.records() if s["predicateType"].split("/")[-2] == step]


def results(site: SiteUnderTest, step: str, kind: str | None = None) -> list[dict[str, Any]]:
    """Return the results of all records of one step (and one kind), in order."""
    return [result for body in bodies(site, step) if kind in (None, body.get("kind")) for result in body["results"]]


def versions(fleet: Fleet, host: str) -> dict[str, str]:
    """Ask dpkg on a host what is installed: name:arch to version."""
    told = fleet.exec(host, ["dpkg-query", "-W", "-f", "${Package}:${Architecture} ${Version}\n"], check=True).stdout
    return dict(line.split(" ", 1) for line in told.splitlines())


def dpkg_log(fleet: Fleet, host: str) -> list[Installed]:
    """Return what a host's own log says was installed, oldest first."""
    script = (
        "grep ' status installed ' /var/log/dpkg.log | while read -r day time status word package version; do "
        'echo "$(date -d "$day $time" +%s) $package $version"; done'
    )
    lines = fleet.exec(host, ["sh", "-c", script], check=True).stdout.splitlines()
    return [Installed(float(at), package, version) for at, package, version in (line.split() for line in lines)]
