# Copyright: (c) 2026, Holdfast contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""A site whose policy wants everything that the gate knows of, and a change that has all of it but its approvals.

The pilot has been patched. A test copies the site, takes one thing away, and runs.
"""

from __future__ import annotations

import json
import shutil
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import yaml

from lab.fleet import Fleet
from tests.faults.toyd import NAME, NEW, OLD
from tests.integration.shop import HEALTH, open_shop, plan
from tests.integration.sites import SiteUnderTest
from tests.integration.small import write

PILOT, CANARY, LAST = HOSTS = ("app-1", "app-2", "app-3")
PEOPLE = {
    "security": ["approver", "security"],
    "revenue-cycle": ["approver", "requester"],
    "business": ["approver"],
    "compliance": ["approver", "compliance-officer", "officer"],
    "release": ["publisher"],
}
"""Roles and offices; revenue cycle asks for the change, and others have no part in it."""
EXCEPTION = "old-claims-client"
ONLY_OLD = {"id": "neighbour", "command": {"argv": ["grep", "-q", f"toyd {OLD}:", "/usr/bin/toyd"]}}
"""A health check that the new version cannot pass."""
DAYS = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"]


@dataclass(frozen=True)
class Gated:
    """A site, the change to packages that it is about, and one of settings."""

    site: SiteUnderTest
    change: str = ""
    settings: str = ""

    def copy(self, root: Path) -> Gated:
        """Return a copy that a test may spoil."""
        shutil.copytree(self.site.root, root, symlinks=True)
        return replace(self, site=replace(self.site, root=root))

    def holdfast(self, *argv: str) -> str:
        """Run the command, which must succeed; return its results."""
        done = self.site.holdfast(*argv)
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    def key(self, name: str) -> str:
        """Return the path of a person's SSH key."""
        return str(self.site.root / "keys" / name)

    def request(self, *words: str) -> str:
        """Have revenue cycle ask for a change; return its id."""
        said = self.holdfast("change", "request", *words, "--ssh-key", self.key("revenue-cycle"), "--format", "json")
        return str(json.loads(said)["change"])

    def approve(self, *people: str, ring: str = "production") -> Gated:
        """Have people approve the change for a ring."""
        for name in people:
            self.holdfast("change", "approve", self.change, "--as", name, "--ssh-key", self.key(name), "--ring", ring)
        return self

    def sign(self) -> None:
        """Have the content signed as it is."""
        self.holdfast("content", "sign", "--ssh-key", self.key("release"))

    def rule(self, name: str, data: Mapping[str, Any]) -> Gated:
        """Write a file of policy; leaders approve it, and the content is signed anew."""
        write(self.site, f"policy/{name}.yml", data)
        file = self.site.root / "policy" / "leadership.yml"
        led = json.loads(file.read_text(encoding="utf-8"))
        write(self.site, "policy/leadership.yml", {**led, "version": led["version"] + 1})
        self.holdfast("policy", "approve", "--ssh-key", self.key("compliance"))
        self.sign()
        return self

    def explained(self) -> list[dict[str, Any]]:
        """Return what `holdfast policy explain` says is missing."""
        done = self.site.holdfast(
            "policy", "explain", "--change", self.change, "--ring", "production", "--format", "json"
        )
        assert done.returncode in (0, 1), done.stdout + done.stderr
        (said,) = json.loads(done.stdout)
        reasons: list[dict[str, Any]] = said["reasons"]
        assert (said["allowed"], done.returncode) == (not reasons, 1 if reasons else 0)
        return reasons


def rings(pilot: Mapping[str, Any] | None = None, **production: Any) -> dict[str, Any]:
    """Return the rings, with what differs for one of the two."""
    strict = {
        "offices": ["security"], "proofs": {"restore_days": 31, "access_review_days": 90}, "windows": ["daily"],
        "host_minutes": 60, "content": "signed", "break_glass_hours": 1, "promotion": "verified",
    }  # fmt: skip
    common = {"approval_max_age_hours": 336, "sign_off": "none"}
    first = {"name": "pilot", "waves": [1], "approvals_required": 1, "promotion": "none", **(pilot or {})}
    second = {"name": "production", "waves": [1, 1], "approvals_required": 2, **strict, **production}
    return {"rings": [{**common, **first}, {**common, **second}], "promotion_kinds": ["patch"]}


def calendar(opens: float = -3, closes: float = 4, **more: Any) -> dict[str, Any]:
    """Return a calendar with a daily window, told in hours from now."""
    times = {"from": moment(hours=opens)[11:16], "to": moment(hours=closes)[11:16]}
    return {"windows": [{"name": "daily", "days": DAYS, "zone": "UTC", **times}], **more}


def moment(**off: float) -> str:
    """Return a moment as policy and commands take it, told from now."""
    return (datetime.now(UTC) + timedelta(**off)).strftime("%Y-%m-%dT%H:%M:%SZ")


def appoint(shop: Gated, **roles: list[str]) -> Gated:
    """Publish the next trust document, in which people have the roles of PEOPLE, or those said here."""
    file = shop.site.root / "trust.yml"
    trust = yaml.safe_load(file.read_text(encoding="utf-8"))
    known = {one["id"]: one for one in trust["principals"]}
    for name, held in {**PEOPLE, **roles}.items():
        if name not in known:
            argv = ["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", name, "-f", shop.key(name)]
            subprocess.run(argv, check=True, timeout=30)
            kind, public = Path(f"{shop.key(name)}.pub").read_text(encoding="utf-8").split()[:2]
            known[name] = {"id": name, "keys": [{"type": kind, "public": f"{kind} {public}"}]}
        known[name]["roles"] = held
    write(shop.site, "trust.yml", {**trust, "version": trust["version"] + 1, "principals": list(known.values())})
    shop.holdfast("trust", "publish")
    return shop


def prove(shop: Gated, kind: str, days: int) -> None:
    """Have a proof of something sealed that was done so many days ago."""
    file = shop.site.root.parent / f"{kind}.txt"
    file.write_text(f"{kind}, done {days} days ago\n", encoding="utf-8")
    done = ("--kind", kind, "--done-on", moment(days=-days)[:10])
    shop.holdfast("evidence", "seal", str(file), *done, "--ssh-key", shop.key("compliance"))


def exception(expires: str) -> dict[str, Any]:
    """Return the one exception of the site."""
    return {
        "id": EXCEPTION, "control": "ssh-05", "scope": {"assets": [CANARY]}, "reason": "The client tries often.",
        "approver": "compliance", "compensating": {"none": "It is alone in its network."}, "expires": expires,
    }  # fmt: skip


def strict_site(root: Path, fleet: Fleet) -> Gated:
    """Lay out the site, have its people, policy, proofs and content in order, a change asked for, the pilot patched."""
    assets = [
        {"id": PILOT, "ring": "pilot"},
        {"id": CANARY, "ring": "production"},
        {"id": LAST, "ring": "production", "health": [*HEALTH, ONLY_OLD]},
    ]
    site = open_shop(root, fleet, assets)
    ask = {"id": "ask", "when": {"ring": ["pilot", "production"], "severity": ["high"]}, "then": "ask"}
    led = {"version": 1, "owner": "it-operations", "approval": "required", "approved_by": ["compliance-officer"]}
    write(site, "policy/calendar.yml", calendar())
    write(site, "policy/remediation.yml", {"rules": [ask], "limits": []})
    write(site, "policy/leadership.yml", led)
    shop = appoint(Gated(site))
    prove(shop, "restore", 25)
    prove(shop, "access-review", 80)
    write(site, "exceptions.yml", {"exceptions": [exception(moment(days=30))]})
    shop.rule("rings", rings())
    words = ("--kind", "config", "--title", "Baseline", "--reason", "Drift was found", "--asset", CANARY)
    return pilot_patched(replace(shop, settings=shop.request(*words)))


def pilot_patched(shop: Gated) -> Gated:
    """Plan the new version for all hosts, ask for it, and patch the pilot."""
    locked = plan(shop.site)
    assert [(p["name"], p["to"]) for a in locked["assets"] for p in a["packages"]] == [(NAME, NEW)] * len(HOSTS)
    shop = replace(shop, change=shop.request("--plan", str(shop.site.plans[-1]))).approve("security", ring="pilot")
    done = shop.site.play("patch", "-e", f"change={shop.change}", "-e", "ring=pilot")
    assert done.returncode == 0, done.stdout + done.stderr
    return shop
