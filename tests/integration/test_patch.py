# Copyright: (c) 2026, Holdfast contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Patching real hosts: real updates, rings in order, a broken update that stops and goes back, a killed run."""

from __future__ import annotations

import json
import os
import sqlite3
import subprocess
import time

import pytest

from tests.integration.killing import kill_whole
from tests.integration.sites import BIN, SiteUnderTest

pytestmark = pytest.mark.archive
"""Planning refreshes the lists of every source that a host has, the Debian archive among them."""

_FIRST = "abcdefghijklmnopqrstuvwxyz0123456789"
ONLY_CLAIMSD = [f"{'clai'[:n]}{a}*" for n in range(4) for a in _FIRST if a != "clai"[n]]
"""Leaves out every package but those that begin with `clai`, so that a test of waves patches one package."""

WAIT = 120
"""Seconds to wait for something that takes a few."""


def restrict(site: SiteUnderTest, *exclude: str) -> None:
    """Set what the site's patching policy leaves out."""
    path = site.root / "policy" / "patching.yml"
    kept = [line for line in path.read_text(encoding="utf-8").splitlines() if not line.startswith("exclude:")]
    path.write_text("\n".join([*kept, f"exclude: {json.dumps(list(exclude))}"]) + "\n", encoding="utf-8")


def plan(site: SiteUnderTest, *extra: str) -> dict:
    """Plan, and return the newest plan."""
    done = site.play("plan_patches", *extra)
    assert done.returncode == 0, done.stdout + done.stderr
    return json.loads(site.plans[-1].read_text(encoding="utf-8"))


def versions(site: SiteUnderTest, host: str) -> dict[str, str]:
    """Ask dpkg itself."""
    told = site.fleet.exec(host, ["dpkg-query", "-W", "-f", "${Package}:${Architecture} ${Version}\n"]).stdout
    return dict(line.split(" ", 1) for line in told.splitlines())


def steps(site: SiteUnderTest, step: str) -> list[dict]:
    """Return the bodies of all records of one step."""
    return [s["predicate"]["step"] for s in site.records() if s["predicateType"].split("/")[-2] == step]


def deployed(site: SiteUnderTest) -> list[str]:
    """Return the assets of all deploy records, in order."""
    return [result["asset"] for body in steps(site, "deploy") for result in body["results"]]


def test_real_security_updates_reach_the_lab_as_planned(fresh_site):
    site = fresh_site
    restrict(site, "claimsd")
    before = versions(site, "lab-1")
    locked = plan(site, "--limit", "lab-1")
    (asset,) = locked["assets"]
    assert len(asset["packages"]) >= 10
    assert {p["origin"] for p in asset["packages"]} == {"Debian-Security"}
    assert any(p["cves"] for p in asset["packages"])
    change = site.change("--plan", str(site.plans[-1]))
    done = site.play("patch", "-e", f"change={change}", "-e", "ring=lab")
    assert done.returncode == 0, done.stdout + done.stderr
    after = versions(site, "lab-1")
    planned = {f"{p['name']}:{p['arch']}": p for p in asset["packages"]}
    assert {name: after[name] for name in planned} == {name: p["to"] for name, p in planned.items()}
    assert {name: before.get(name) for name in planned} == {name: p["from"] for name, p in planned.items()}
    assert {n: v for n, v in after.items() if n not in planned} == {n: v for n, v in before.items() if n not in planned}
    assert site.holdfast("audit").returncode == 0


def test_rings_follow_each_other_and_production_waits_for_pilot(fresh_site):
    site = fresh_site
    restrict(site, *ONLY_CLAIMSD)
    site.fleet.publish("1.2")
    plan(site)
    change = site.change("--plan", str(site.plans[-1]))
    early = site.play("patch", "-e", f"change={change}", "-e", "ring=production")
    assert early.returncode == 2
    assert "pilot is not verified for this plan" in early.stdout
    assert deployed(site) == []

    done = site.play("patch", "-e", f"change={change}")
    assert done.returncode == 0, done.stdout + done.stderr
    assert deployed(site) == ["lab-1", "lab-2", "pilot-1", "prod-1", "prod-2"]
    assert {versions(site, h.name)["claimsd:all"] for h in site.fleet.hosts()} == {"1.2"}
    phases = [(b["kind"], b["phase"]) for b in steps(site, "verify") if b["kind"] != "drift"]
    assert phases == [("health", "before"), ("health", "after"), ("version", None), ("running", None)] * 5

    typo = site.play("patch", "-e", f"change={change}", "-e", "ring=prod")
    assert typo.returncode != 0
    assert "was not asked for it; expected one of lab, pilot, production" in typo.stdout + typo.stderr

    again = site.play("patch", "-e", f"change={change}")
    assert "no host is left" in again.stdout
    assert len(deployed(site)) == 5
    assert site.holdfast("audit").returncode == 0


def test_a_broken_update_stops_at_the_canary_and_goes_back(fresh_site):
    site = fresh_site
    restrict(site, *ONLY_CLAIMSD)
    site.fleet.publish("1.1")
    before = {host.name: versions(site, host.name) for host in site.fleet.hosts()}
    plan(site)
    change = site.change("--plan", str(site.plans[-1]))
    done = site.play("patch", "-e", f"change={change}")
    assert done.returncode == 2
    assert "lab-1 is unhealthy" in done.stdout
    assert set(deployed(site)) == {"lab-1"}
    (back,) = steps(site, "rollback")
    (result,) = back["results"]
    assert result.pop("ms") > 0
    assert result == {
        "asset": "lab-1", "result": "restored", "products": [{"name": "claimsd", "from": "1.1", "to": "1.0"}],
    }  # fmt: skip
    assert {host.name: versions(site, host.name) for host in site.fleet.hosts()} == before

    refused = site.play("patch", "-e", f"change={change}")
    assert refused.returncode == 2
    assert "was rolled back in this change" in refused.stdout
    assert site.holdfast("audit").returncode == 0


def test_a_killed_controller_leaves_an_open_run_and_the_next_one_finishes_the_work(fresh_site):
    site = fresh_site
    restrict(site, *ONLY_CLAIMSD)
    site.fleet.publish("1.2")
    plan(site)
    change = site.change("--plan", str(site.plans[-1]))
    command = [str(BIN / "ansible-playbook"), "holdfast.hipaa.patch", "-e", f"change={change}"]
    process = subprocess.Popen(
        command, cwd=site.root, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
        env={**os.environ, "PATH": f"{BIN}:{os.environ['PATH']}"}, start_new_session=True,
    )  # fmt: skip
    deadline = time.monotonic() + WAIT
    while "lab-2" not in deployed(site):
        assert process.poll() is None, "the run ended before it could be killed"
        assert time.monotonic() < deadline
    kill_whole(process)
    run_id = steps(site, "run-open")[-1]["run_id"]
    done_before = deployed(site)

    audit = site.holdfast("audit")
    assert audit.returncode == 1
    assert run_id in audit.stdout

    finished = site.play("patch", "-e", f"change={change}")
    assert finished.returncode == 0, finished.stdout + finished.stderr
    assert steps(site, "run-open")[-1]["resumes"] == [run_id]
    verified = {r["asset"] for b in steps(site, "verify") if b["kind"] == "version" for r in b["results"]}
    assert verified == {"lab-1", "lab-2", "pilot-1", "prod-1", "prod-2"}
    assert deployed(site).count("lab-1") == 1 == done_before.count("lab-1")
    assert {versions(site, h.name)["claimsd:all"] for h in site.fleet.hosts()} == {"1.2"}
    after = site.holdfast("audit")
    assert after.returncode == 0, after.stdout
    assert run_id in after.stdout


def test_a_ledger_that_fails_in_the_middle_stops_the_run(fresh_site):
    site = fresh_site
    restrict(site, *ONLY_CLAIMSD)
    site.fleet.publish("1.2")
    plan(site)
    change = site.change("--plan", str(site.plans[-1]))
    room = len(site.records()) + 1  # for run-open alone; then the disk is full
    with sqlite3.connect(site.ledger) as db:
        db.execute(
            f"create trigger full before insert on entries when new.idx >= {room} "
            "begin select raise(abort, 'database or disk is full'); end"
        )
    done = site.play("patch", "-e", f"change={change}")
    assert done.returncode == 3
    assert "the run stops" in done.stderr
    assert {versions(site, h.name)["claimsd:all"] for h in site.fleet.hosts()} == {"1.0"}
    audit = site.holdfast("audit")
    assert audit.returncode == 1


def test_nobody_approves_their_own_change(fresh_site):
    site = fresh_site
    restrict(site, *ONLY_CLAIMSD)
    site.fleet.publish("1.2")
    plan(site, "--limit", "lab-1")
    change = site.json("change", "request", "--plan", str(site.plans[-1]))["change"]
    own = site.holdfast("change", "approve", change, "--as", "requester", "--key", "keys/requester.pem")
    assert own.returncode in (1, 2, 3)
    assert "requester" in own.stderr
    done = site.play("patch", "-e", f"change={change}")
    assert done.returncode == 2
    assert "0 of 1 approvals" in done.stdout
    assert deployed(site) == []
