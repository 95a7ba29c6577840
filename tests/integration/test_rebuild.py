# Copyright: (c) 2026, Holdfast contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""A lost host is made anew from a tag of the site, as docs/howto/rebuild-from-a-tag.md tells it."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path

from tests.integration.sites import SiteUnderTest

HOST = "lab-1"
TAG = "2026-10-01"

BASELINE = """\
---
id: clinic-accounts
title: Accounts of the clinic's servers
version: "{version}"
controls:
  - id: clinic-01
    title: A password is replaced in time
    why: A password that leaked unseen stops being worth something.
    severity: medium
    hipaa: [164.308(a)(5)(ii)(D)]
    role: accounts
    variable: accounts_pass_max_days
    value: {days}
    probe: {{login_defs: PASS_MAX_DAYS}}
    compare: positive_at_most
"""


def test_a_lost_host_comes_back_as_its_tag_says(fresh_site):
    site = fresh_site
    _only_the_clinics(site)
    _write(site, version="1.0.0", days=180)
    _git(site, "init", "--quiet")
    _commit(site, "The first version")
    _git(site, "tag", TAG)
    _remediate(site)
    assert _days(site) == "180"

    _write(site, version="1.1.0", days=90)
    _commit(site, "Passwords are replaced sooner")
    _remediate(site)
    assert _days(site) == "90"
    difference = site.holdfast("baseline", "diff", f"{TAG}:clinic-accounts", "clinic-accounts")
    assert "~ clinic-01 value: 180 -> 90" in difference.stdout, difference.stderr
    of_that_time = site.json("baseline", "show", f"{TAG}:clinic-accounts")

    site.fleet.up([HOST], fresh=True)
    assert _days(site) == "99999"
    then = _checked_out(site)
    _remediate(then)
    assert _days(site) == "180"
    check = then.play("check_drift", "--limit", HOST, "-e", "fail_on_drift=true")
    assert check.returncode == 0, check.stdout + check.stderr
    # The command leaves with 1 here: the other hosts of the register were never held against anything.
    status = json.loads(then.holdfast("baseline", "status", "--format", "json").stdout)
    proofs = [one for one in status if one["asset"] == HOST]
    assert [(one["state"], one["version"]) for one in proofs] == [("proved", "1.0.0")]

    # All that was done lies in the one ledger, and names the baseline's digest that the tag shows.
    last = [s for s in site.records() if s["predicateType"].split("/")[-2] == "run-open"][-1]
    digests = {one["sha256"] for one in last["predicate"]["step"]["baselines"] if one["id"] == "clinic-accounts"}
    assert digests == {of_that_time["sha256"]}
    assert site.holdfast("audit").returncode == 0


def _only_the_clinics(site: SiteUnderTest) -> None:
    """Let the site's own baseline be the only one of its hosts, and no exception speak of others' controls."""
    register = site.root / "holdfast.yml"
    lines = register.read_text(encoding="utf-8").splitlines(keepends=True)
    kept = [
        f"{line.partition('baselines:')[0]}baselines: [clinic-accounts]\n" if "baselines:" in line else line
        for line in lines
    ]
    register.write_text("".join(kept), encoding="utf-8")
    (site.root / "exceptions.yml").write_text("---\nexceptions: []\n", encoding="utf-8")
    (site.root / "overlays.yml").write_text("---\noverlays: []\n", encoding="utf-8")


def _write(site: SiteUnderTest, version: str, days: int) -> None:
    folder = site.root / "baselines"
    folder.mkdir(exist_ok=True)
    (folder / "clinic-accounts.yml").write_text(BASELINE.format(version=version, days=days), encoding="utf-8")


def _git(site: SiteUnderTest, *argv: str) -> None:
    done = site.run("git", "-c", "user.name=operations", "-c", "user.email=operations@example.org", *argv)
    assert done.returncode == 0, done.stderr


def _commit(site: SiteUnderTest, why: str) -> None:
    _git(site, "add", "--all")
    _git(site, "commit", "--quiet", "-m", why)


def _checked_out(site: SiteUnderTest) -> SiteUnderTest:
    """The site as it was at the tag, in a folder of its own, with the ledger and the keys of today."""
    folder: Path = site.root.parent / f"site-{TAG}"
    _git(site, "worktree", "add", "--quiet", str(folder), TAG)
    names = ("requester", "controller", "verifier", "log")
    keys = {("implementer" if name == "controller" else name): site.root / "keys" / f"{name}.pem" for name in names}
    with (folder / "site.yml").open("a", encoding="utf-8") as settings:
        settings.write(f"ledger: {site.ledger}\nkeys:\n")
        settings.writelines(f"  {use}: {path}\n" for use, path in keys.items())
    (folder / "keys").symlink_to(site.root / "keys")
    return dataclasses.replace(site, root=folder)


def _remediate(site: SiteUnderTest) -> None:
    change = site.change("--kind", "config", "--title", "As approved", "--reason", "The host is new", "--asset", HOST)
    done = site.play("remediate", "--limit", HOST, "-e", f"change={change}")
    assert done.returncode == 0, done.stdout + done.stderr


def _days(site: SiteUnderTest) -> str:
    found = site.fleet.exec(HOST, ["grep", "^PASS_MAX_DAYS", "/etc/login.defs"]).stdout
    return found.split()[1]
