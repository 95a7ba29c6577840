# Copyright: (c) 2026, Holdfast contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Drift on real hosts: untouched, remediated, damaged and mended, with proof that looking changes nothing."""

from __future__ import annotations

import re

import pytest

from tests.integration.sites import SiteUnderTest

DIGEST = r"""
set -eu
find /etc -xdev \( -type f -o -type l \) -printf '%p %m %U %G %l\n' | LC_ALL=C sort
find /etc -xdev -type f -print0 | LC_ALL=C sort -z | xargs -0 sha256sum
dpkg-query -W -f '${Package}:${Architecture} ${Version} ${db:Status-Abbrev}\n'
systemctl list-units --type=service --state=running --no-legend --plain | awk '{print $1}' | grep -v -e session -e user@
systemctl list-unit-files --no-legend | awk '{print $1, $2}'
find /proc/sys/net -type f -readable 2>/dev/null |
  grep -v -e /route/flush -e nf_conntrack_count -e stats | LC_ALL=C sort |
  while read -r file; do printf '%s=' "$file"; tr '\n\t' '  ' < "$file" 2>/dev/null || true; echo; done
"""
"""Everything a check might have touched: /etc with modes and owners, packages, services, live network settings."""

DAMAGE = {
    "kernel-03": ["sysctl", "-q", "-w", "net.ipv4.conf.all.accept_redirects=1"],
    "files-09": ["chmod", "0755", "/etc/cron.d"],
    "accounts-01": ["sed", "-i", "s/^PASS_MAX_DAYS.*/PASS_MAX_DAYS 99999/", "/etc/login.defs"],
}
"""Control and the command that breaks it, and nothing else."""

HOSTS = ("lab-1", "lab-2")
FAIL = re.compile(
    r"^\s*(?P<control>[a-z]+-\d+) fail expected (?P<expected>.+), actual (?P<actual>.+) \(", re.MULTILINE
)


def digest(site: SiteUnderTest, host: str) -> str:
    """Return the state of a host that a check must leave as it is."""
    return site.fleet.exec(host, ["sh", "-c", DIGEST]).stdout


def failing(site: SiteUnderTest, host: str) -> dict[str, tuple[str, str]]:
    """Check one host; return its failing controls with expected and actual, after seeing that nothing was changed."""
    before = digest(site, host)
    done = site.play("check_drift", "--limit", host)
    assert done.returncode == 0, done.stdout + done.stderr
    assert re.search(rf"^{host} .* failed=0 ", done.stdout, re.MULTILINE)
    assert digest(site, host) == before
    return {m["control"]: (m["expected"], m["actual"]) for m in FAIL.finditer(done.stdout)}


def deploys(site: SiteUnderTest) -> list[tuple[str, str]]:
    """Return (asset, outcome) of every deploy record so far."""
    return [
        (result["asset"], result["outcome"])
        for statement in site.records()
        if statement["predicateType"].split("/")[-2] == "deploy"
        for result in statement["predicate"]["step"]["results"]
    ]


@pytest.mark.parametrize("host", HOSTS)
def test_a_host_from_untouched_to_mended(fresh_site, host):
    site = fresh_site
    untouched = failing(site, host)
    assert len(untouched) >= 15
    assert failing(site, host).keys() == untouched.keys()

    site.change("--kind", "config", "--title", "Lab baseline", "--reason", "Drift was found", "--asset", host)
    mended = site.play("remediate", "--limit", host)
    assert mended.returncode == 0, mended.stdout + mended.stderr
    assert failing(site, host) == {}
    assert deploys(site) == [(host, "changed")]

    for command in DAMAGE.values():
        site.fleet.exec(host, command)
    damaged = failing(site, host)
    assert damaged.keys() == DAMAGE.keys()
    assert damaged["accounts-01"] == ("365", '"99999"')

    # Policy lets drift in the lab be mended without asking; only the three roles concerned may run.
    again = site.play("remediate", "--limit", host)
    assert again.returncode == 0, again.stdout + again.stderr
    assert failing(site, host) == {}
    last = [s for s in site.records() if s["predicateType"].split("/")[-2] == "deploy"][-1]
    assert last["predicate"]["step"]["results"][0]["roles"] == ["accounts", "files", "kernel"]

    before, count = digest(site, host), len(deploys(site))
    quiet = site.play("remediate", "--limit", host)
    assert quiet.returncode == 0, quiet.stdout + quiet.stderr
    assert re.search(rf"^{host} .* changed=0 ", quiet.stdout, re.MULTILINE)
    assert digest(site, host) == before
    assert len(deploys(site)) == count
    assert site.holdfast("audit").returncode == 0


def test_remediation_of_production_drift_waits_for_an_approved_change(fresh_site):
    site = fresh_site
    before = digest(site, "prod-1")
    done = site.play("remediate", "--limit", "prod-1")
    assert done.returncode == 0, done.stdout + done.stderr
    assert "prod-1: waits for an approved change: ssh-" in done.stdout
    assert digest(site, "prod-1") == before
    assert deploys(site) == []


def test_a_fix_without_effect_fails(fresh_site):
    site = fresh_site
    # The role writes the setting; this unit takes it back at once, as a rival tool would.
    rival = "[Path]\nPathModified=/etc/login.defs\n[Install]\nWantedBy=multi-user.target\n"
    service = (
        "[Service]\nType=oneshot\nExecStart=/bin/sed -i 's/^PASS_MAX_DAYS.*/PASS_MAX_DAYS 99999/' /etc/login.defs\n"
    )
    for name, text in (("rival.path", rival), ("rival.service", service)):
        site.fleet.exec("lab-1", ["tee", f"/etc/systemd/system/{name}"], stdin=text)
    site.fleet.exec("lab-1", ["systemctl", "daemon-reload"])
    site.fleet.exec("lab-1", ["systemctl", "start", "rival.path"])
    done = site.play("remediate", "--limit", "lab-1")
    assert done.returncode == 2
    assert "not mended by its role: accounts-01" in done.stdout
