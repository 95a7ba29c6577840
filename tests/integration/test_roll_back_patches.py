# Copyright: (c) 2026, Holdfast contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Taking a patch back on request: ring by ring in reverse order, proved, again and again, and after an interruption."""

from __future__ import annotations

from pathlib import Path

import pytest

from lab.fleet import Fleet
from tests.faults.toyd import ANSWER, NAME, NEW, OLD, PORT
from tests.integration.shop import HEALTH, approved, bodies, debs, open_shop, plan, results
from tests.integration.sites import SiteUnderTest
from tests.integration.two_rings import HOSTS, at, pair

__all__ = ["debs", "pair"]  # fixtures

pytestmark = pytest.mark.waves

ASK = f"import urllib.request as u; print(u.urlopen('http://127.0.0.1:{PORT}', timeout=5).read().decode().split()[-1])"
SAME = {"id": "sum", "command": {"argv": ["python3", "-c", ASK], "same": True}}
"""What the claim comes to must be the same before and after, whatever version says so."""


@pytest.fixture
def patched(pair: Fleet, debs: dict[str, Path], tmp_path: Path) -> tuple[SiteUnderTest, str]:
    """A site whose two rings got the toy's new version, and the change."""
    for host in HOSTS:
        old = f"echo 'rate = 10.00' >/etc/toyd.conf; rm -rf /var/lib/holdfast; dpkg -i /root/{debs[OLD].name}"
        pair.exec(host, ["sh", "-c", old], check=True)
    pair.offer([debs[OLD], debs[NEW]])
    assets = [{"id": host, "ring": ring, "health": [*HEALTH, SAME]} for host, ring in HOSTS.items()]
    site = open_shop(tmp_path / "site", pair, assets)
    plan(site)
    change = approved(site)
    done = site.play("patch", "-e", f"change={change}")
    assert done.returncode == 0, done.stdout + done.stderr
    assert at(pair) == {"one": NEW, "two": NEW}
    return site, change


def answer(fleet: Fleet, host: str) -> str:
    """Ask the toy itself."""
    script = f"import urllib.request as u; print(u.urlopen('http://127.0.0.1:{PORT}', timeout=5).read().decode())"
    return fleet.exec(host, ["python3", "-c", script], check=True).stdout


def returned(site: SiteUnderTest) -> list[tuple[str, str, str]]:
    """Return trigger, asset and result of all rollback records, in order."""
    return [(b["trigger"], r["asset"], r["result"]) for b in bodies(site, "rollback") for r in b["results"]]


def test_a_change_goes_back_ring_by_ring_in_reverse_and_is_proved(patched):
    site, change = patched
    (run,) = [body["run_id"] for body in bodies(site, "run-open") if body["kind"] == "patch"]
    one_ring = site.play("roll_back", "-e", f"change={change}", "-e", "ring=pilot")
    assert one_ring.returncode == 0, one_ring.stdout + one_ring.stderr
    assert at(site.fleet) == {"one": NEW, "two": OLD}

    whole = site.play("roll_back", "-e", f"change={change}")
    assert whole.returncode == 0, whole.stdout + whole.stderr
    assert at(site.fleet) == {"one": OLD, "two": OLD}
    assert [answer(site.fleet, host) for host in HOSTS] == [f"toyd {OLD}: the claim comes to {ANSWER[OLD]}\n\n"] * 2
    assert returned(site) == [("request", host, "restored") for host in ("two", "two", "one")]
    first, again, other = results(site, "rollback")
    assert first["products"] == other["products"] == [{"name": NAME, "from": NEW, "to": OLD}]
    assert again["products"] == []  # it was back already
    assert all(result["of"] == run and result["ms"] > 0 for result in (first, again, other))
    proofs = [(body["kind"], r["asset"], r["verdict"]) for body in bodies(site, "verify")[-5:] for r in body["results"]]
    for kind in ("version", "health"):
        assert (kind, "one", "pass") in proofs

    audit = site.holdfast("audit")
    assert audit.returncode == 0, audit.stdout
    refused = site.play("patch", "-e", f"change={change}")
    assert refused.returncode == 2
    assert "one, two was rolled back in this change on request" in refused.stdout
    assert at(site.fleet) == {"one": OLD, "two": OLD}
    wrong = site.play("roll_back", "-e", f"change={change}", "-e", "ring=prod")
    assert wrong.returncode != 0
    assert "expected one of lab, pilot, production" in wrong.stdout + wrong.stderr


def test_a_host_that_cannot_go_back_keeps_nobody_else_from_it_and_goes_back_later(patched):
    site, change = patched
    stage = site.fleet.exec("two", ["sh", "-c", f"ls /var/lib/holdfast/stage/*/{NAME}_{OLD}_all.deb"]).stdout.strip()
    site.fleet.exec("two", ["mv", stage, "/root/hidden.deb"], check=True)
    done = site.play("roll_back", "-e", f"change={change}")
    assert done.returncode == 2
    assert "THE WAY BACK FAILED" in done.stderr
    assert "two is not where it should be: way back failed" in done.stderr
    assert at(site.fleet) == {"one": OLD, "two": NEW}
    assert returned(site) == [("request", "two", "failed"), ("request", "one", "restored")]
    assert site.holdfast("audit").returncode == 0

    site.fleet.exec("two", ["mv", "/root/hidden.deb", stage], check=True)
    again = site.play("roll_back", "-e", f"change={change}")
    assert again.returncode == 0, again.stdout + again.stderr
    assert at(site.fleet) == {"one": OLD, "two": OLD}
    assert site.holdfast("audit").returncode == 0


def test_configuration_that_somebody_changed_since_is_kept_and_the_host_not_called_whole(patched):
    site, change = patched
    site.fleet.exec("two", ["sh", "-c", "echo 'rate = 12.00' >/etc/toyd.conf"], check=True)
    done = site.play("roll_back", "-e", f"change={change}")
    assert done.returncode == 2
    assert "two: NOT WHOLLY BACK: its versions are, but somebody changed /etc/toyd.conf" in done.stderr
    assert "two is not where it should be: way back partial" in done.stderr
    assert at(site.fleet) == {"one": OLD, "two": OLD}
    assert returned(site) == [("request", "two", "partial"), ("request", "one", "restored")]
    assert results(site, "rollback")[0]["files"] == {"restored": 0, "kept": 1}

    again = site.play("roll_back", "-e", f"change={change}")
    assert again.returncode == 0, again.stdout + again.stderr
    assert returned(site)[2:] == [("request", "two", "restored"), ("request", "one", "restored")]
    assert site.fleet.exec("two", ["cat", "/etc/toyd.conf"], check=True).stdout == "rate = 12.00\n"
    assert site.holdfast("audit").returncode == 0


def test_check_mode_takes_nothing_back(patched):
    site, change = patched
    done = site.play("roll_back", "-e", f"change={change}", "--check")
    assert done.returncode == 0, done.stdout + done.stderr
    assert at(site.fleet) == {"one": NEW, "two": NEW}
    assert bodies(site, "rollback") == []
