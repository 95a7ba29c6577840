# Copyright: (c) 2026, Holdfast contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is read of real hosts is what they say themselves, and is on record; so is that one could not be reached."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from lab.fleet import Fleet
from lab.process import wait_for
from tests.host_digest import QUICK, difference, digest
from tests.integration.observing import Neighbourhood, start
from tests.integration.small import HOSTS, pair

__all__ = ["pair"]
SECRET = "canary-of-an-argument"


INSTALLED = "${db:Status-Status} ${Package}/${Version}/${Architecture}\n"


def observed(near: Neighbourhood) -> dict[str, Any]:
    """What is known of each host; 1 says that a part, such as a host's lists, could not be read."""
    done = near.site.holdfast("assets", "observed", "--format", "json")
    assert done.returncode in (0, 1), done.stderr
    return {one["asset"]: one for one in json.loads(done.stdout)["assets"]}


@pytest.fixture
def near(pair: Fleet, tmp_path: Path) -> Neighbourhood:
    """A site that registers both hosts."""
    return Neighbourhood.of(tmp_path / "site", pair)


def test_inventory_is_what_the_hosts_say_changes_nothing_and_is_on_record(near: Neighbourhood, pair: Fleet) -> None:
    site = near.site
    start(
        pair, HOSTS[0], "talker", f"exec python3 -m http.server 4444 --bind 127.0.0.1 --directory /var/empty-{SECRET}"
    )
    before = digest(pair.ssh_config, HOSTS[0], QUICK)
    done = site.play("collect_inventory")
    assert done.returncode == 0, done.stdout + done.stderr
    assert difference(before, digest(pair.ssh_config, HOSTS[0], QUICK)) == []

    said = observed(near)
    assert sorted(said) == sorted(HOSTS)
    for name, release in zip(HOSTS, ("debian:12", "debian:13"), strict=True):
        seen = said[name]
        said_there = pair.exec(name, ["dpkg-query", "-W", "-f", INSTALLED]).stdout.splitlines()
        packages = [line.partition(" ")[2] for line in said_there if line.startswith("installed ")]
        assert sorted(f"{p['name']}/{p['version']}/{p['architecture']}" for p in seen["packages"]) == sorted(packages)
        assert seen["distribution"] == release
        assert set(seen["not_measured"]) <= {"offers"}  # a host may have no lists, and none is made for it
        assert abs(seen["clock_ahead"]) < 60
        assert ("tcp", 22, "sshd") in {(one["protocol"], one["port"], one["program"]) for one in seen["listeners"]}
        assert {one["unit"] for one in seen["services"]} >= {"ssh.service"}
        assert [one["name"] for one in seen["accounts"] if one["uid"] == 0] == ["root"]
        keys = pair.exec(name, ["sh", "-c", "for f in /etc/ssh/ssh_host_*_key.pub; do ssh-keygen -lf $f; done"]).stdout
        assert all(key in keys for key in seen["identity"]["host_keys"])
        assert near.addresses[name] in seen["identity"]["addresses"]
    kept = [path.read_text(encoding="utf-8") for path in (site.root / "reports" / "observed").rglob("*.json")]
    assert len(kept) == len(HOSTS)
    assert SECRET not in "".join(kept) + done.stdout
    assert "python3" in {one["program"] for one in said[HOSTS[0]]["listeners"]}
    audited = site.holdfast("audit", "--format", "json")
    assert json.loads(audited.stdout)["findings"] == []


def test_a_host_that_is_gone_is_named_and_on_record(near: Neighbourhood, pair: Fleet) -> None:
    site = near.site
    assert site.play("collect_inventory").returncode == 0
    pair.kill(HOSTS[1])
    try:
        done = site.play("collect_inventory")
        assert done.returncode == 4, done.stdout + done.stderr
        closed = [s["predicate"]["step"] for s in site.records() if "/run-close/" in s["predicateType"]]
        assert [(one["outcome"], one["counts"]["unreachable"]) for one in closed] == [("ok", 0), ("failed", 1)]
        assert all(one["known"] for one in observed(near).values())  # what was read before still holds
    finally:
        pair.start(HOSTS[1])
        wait_for(f"{HOSTS[1]} again", lambda: pair.exec(HOSTS[1], ["true"]).returncode == 0 or None, within=90)
