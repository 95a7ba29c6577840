# Copyright: (c) 2026, Holdfast contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""A change through its whole life on real hosts: four principals, three of whom have OpenSSH and nothing else.

Only the controller's clock is not as it is: the watch of a ring takes an hour.
"""

from __future__ import annotations

import re
import shlex
import shutil
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import yaml

from lab.fleet import Fleet
from tests.faults.toyd import NAME, NEW, OLD
from tests.integration.conftest import _fleet, _up
from tests.integration.shop import debs, equip, open_shop, plan, versions
from tests.integration.sites import ROOT, SiteUnderTest
from tests.integration.small import BASELINE, write
from tests.shifted import shifted_clock

__all__ = ["debs"]  # a fixture

RINGS = {"lab-1": "lab", "pilot-1": "pilot", "prod-1": "production"}
PEOPLE = {
    "clinic-lead": "requester",
    "security-lead": "approver,security,privacy-officer",
    "billing-lead": "approver,revenue-cycle",
}
"""Who is in the company, and with what rights; the fourth is the controller, which carries out and verifies."""
HOUR = 3600
LIFE = {
    "case": "required",
    "assessments": {"security": "always", "privacy-officer": "ephi", "revenue-cycle": "medical-necessity"},
    "proofs": {"restore_days": 31, "access_review_days": 90, "security_check_days": 2},
    "watch_hours": 1,
}
CASE = (
    "--justification", "security-flaw", "--ephi-risk", "low", "--medical-necessity", "claim-edits",
    "--tests", "lab", "--tests", "health", "--acceptance", "as-planned", "--backout", "rollback",
)  # fmt: skip


@dataclass(frozen=True)
class Office:
    """A site, and three people elsewhere, each with a key, and a PATH on which there is only ssh-keygen."""

    site: SiteUnderTest
    homes: Path
    clock: Path

    def by(self, who: str, *words: str) -> subprocess.CompletedProcess[str]:
        """Have a command's bytes written, carried to somebody, signed there, and what comes back taken in."""
        out = ["change", "show", *words[2:]] if words[:2] == ("change", "approve") else words
        told = self.site.holdfast(*out, "--as", who, "--for-signing")
        if told.returncode:
            return told
        home = self.homes / who
        (home / "letter").write_text(told.stdout, encoding="utf-8")
        (home / "letter.sig").unlink(missing_ok=True)
        subprocess.run(
            ["ssh-keygen", "-Y", "sign", "-n", "dsse@holdfast.example", "-f", "key", "letter"],
            cwd=home, env={"PATH": str(self.homes / "bin")}, check=True, capture_output=True, timeout=30,
        )  # fmt: skip
        # What was said to do next is done, word by word.
        (line,) = [line for line in told.stderr.splitlines() if line.startswith("  holdfast ")]
        files = {"FILE": str(home / "letter"), "FILE.sig": str(home / "letter.sig")}
        done = self.site.holdfast(*(files.get(word, word) for word in shlex.split(line)[1:]))
        return subprocess.CompletedProcess(done.args, done.returncode, done.stdout, told.stderr + done.stderr)

    def signed(self, who: str, *words: str) -> str:
        """The same, which must succeed; return what was read before it was signed, and what was said after."""
        done = self.by(who, *words)
        assert done.returncode == 0, done.stderr
        return done.stderr + done.stdout

    def shown(self, change: str) -> dict[str, Any]:
        """Where a change stands, computed from its records."""
        return dict(self.site.json("change", "show", change))

    def state(self, change: str) -> str:
        """The same, in one word."""
        return str(self.shown(change)["state"])

    def run(self, name: str, *extra: str) -> str:
        """Run a playbook, which must succeed."""
        done = self.site.play(name, *extra)
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    def later(self, seconds: int) -> None:
        """Let time pass."""
        self.clock.write_text(str(int(self.clock.read_text(encoding="ascii")) + seconds), encoding="ascii")


@pytest.fixture(scope="module")
def fleet(debs: dict[str, Path]) -> Iterator[Fleet]:
    """A host for each ring, which know no archive but the lab's; it offers a newer version of the service."""
    with _fleet("life") as fleet:
        _up(fleet, [f"{host}=bookworm" for host in RINGS])
        equip(fleet, tuple(RINGS), debs[OLD])
        fleet.offer([debs[OLD], debs[NEW]])
        yield fleet


@pytest.fixture(scope="module")
def office(fleet: Fleet, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Office]:
    """A site whose rings want all that can be wanted of a change."""
    folder = tmp_path_factory.mktemp("life")
    common = {"baselines": ["clinic"], "data_class": "ephi"}
    hosts = [{"id": host, "ring": ring, "environment": ring, **common} for host, ring in RINGS.items()]
    site = open_shop(folder / "site", fleet, hosts)
    (site.root / "baselines").mkdir()
    write(site, "baselines/clinic.yml", BASELINE)
    want(site, LIFE)
    homes = folder / "people"
    (homes / "bin").mkdir(parents=True)
    (homes / "bin" / "ssh-keygen").symlink_to(str(shutil.which("ssh-keygen")))
    named = []
    for who, roles in PEOPLE.items():
        (homes / who).mkdir(mode=0o700)
        make = ["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", who, "-f", str(homes / who / "key")]
        subprocess.run(make, check=True)
        named.append(f"--principal={who}={roles}={homes / who / 'key.pub'}")
    for words in (("trust", "rotate", *named), ("trust", "publish")):
        done = site.holdfast(*words)
        assert done.returncode == 0, done.stderr
    clock = shifted_clock(folder)
    with pytest.MonkeyPatch.context() as patch:
        for name, value in clock.items():
            patch.setenv(name, value)
        yield Office(site, homes, Path(clock["CLOCK_SHIFT"]))


def want(site: SiteUnderTest, life: dict[str, Any]) -> None:
    """Let policy want this of a change in every ring, beside what it wants as shipped."""
    rings = yaml.safe_load((ROOT / "policy" / "rings.yml").read_text(encoding="utf-8"))
    for ring in rings["rings"]:
        ring.update(life)
    write(site, "policy/rings.yml", rings)


def running(fleet: Fleet) -> dict[str, str]:
    """Which version of the service each host has."""
    return {host: versions(fleet, host)[f"{NAME}:all"] for host in RINGS}


def approve(office: Office, change: str, who: str, *rings: str) -> None:
    """Have somebody approve a change for some rings, on a machine of theirs."""
    told = office.signed(who, "change", "approve", change, *(word for ring in rings for word in ("--ring", ring)))
    assert f"signs        {who}, as approver" in told


def test_a_change_lives_from_its_request_to_its_close(office: Office, fleet: Fleet, tmp_path: Path) -> None:
    site = office.site
    plan(site)
    told = office.signed("clinic-lead", "change", "request", "--plan", str(site.plans[-1]), *CASE)
    assert "signs        clinic-lead, as requester" in told
    assert "ephi risk: low; justification: security-flaw; medical necessity: claim-edits; tests: lab, health" in told
    (change,) = set(re.findall(r"^chg_\w+", told, re.MULTILINE))
    assert office.state(change) == "requested"

    # Nobody approves what was not assessed, nor what nothing was proved for; nobody signs for another's office.
    early = office.by("security-lead", "change", "approve", change, "--ring", "lab")
    assert early.returncode == 1
    for why in ("security has not", "revenue cycle has not", "access-reviewed", "restore-proved", "security-checked"):
        assert why in early.stderr, early.stderr
    assert office.by("billing-lead", *assessment(change, "security")).returncode == 1
    for office_, who in (
        ("security", "security-lead"), ("privacy-officer", "security-lead"), ("revenue-cycle", "billing-lead"),
    ):  # fmt: skip
        office.signed(who, *assessment(change, office_))
    for kind in ("restore", "access-review"):
        file = tmp_path / kind
        file.write_text(f"The {kind} was done, and this is how.", encoding="utf-8")
        key = ("--key", str(site.root / "keys" / "verifier.pem"))
        sealed = site.holdfast("evidence", "seal", str(file), "--kind", kind, *key)
        assert sealed.returncode == 0, sealed.stderr
    office.run("check_drift")
    assert office.state(change) == "requested"

    # The lab, and only the lab.
    approve(office, change, "security-lead", "lab")
    assert office.state(change) == "approved"
    office.run("patch", "-e", f"change={change}", "-e", "ring=lab")
    assert running(fleet) == {"lab-1": NEW, "pilot-1": OLD, "prod-1": OLD}
    shown = office.shown(change)
    assert shown["state"] == "verified:lab"
    assert [one["rule"] for one in shown["missing"]] == ["approvals-enough"]

    # The pilot, with one approval, and production, with two.
    approve(office, change, "security-lead", "pilot", "production")
    assert (office.state(change), office.shown(change)["missing"]) == ("verified:lab", [])
    approve(office, change, "billing-lead", "production")
    office.run("patch", "-e", f"change={change}")
    assert running(fleet) == dict.fromkeys(RINGS, NEW)
    assert office.state(change) == "watching"

    # The end of the watch was seen, not only waited for.
    office.run("check_health")
    assert office.state(change) == "watching"
    office.later(HOUR + 60)
    assert office.state(change) == "watching"
    office.run("check_health")
    assert office.state(change) == "closed"
    sample = site.holdfast("change", "sample")
    assert (sample.returncode, f"{change}  nothing lacks" in sample.stdout) == (0, True), sample.stdout
    clean(site)


def test_the_watch_finds_a_bad_host_and_reopens_the_change(office: Office, fleet: Fleet) -> None:
    site = office.site
    want(site, {"watch_hours": 1})
    said = ("--kind", "config", "--title", "Jobs for root alone", "--reason", "Drift was found", "--asset", "lab-1")
    told = office.signed("clinic-lead", "change", "request", *said, "--ring", "lab")
    (change,) = set(re.findall(r"^chg_\w+", told, re.MULTILINE))
    approve(office, change, "security-lead", "lab")
    office.run("remediate", "-e", f"change={change}", "--limit", "lab-1")
    assert office.state(change) == "watching"

    fleet.exec("lab-1", ["systemctl", "stop", NAME], check=True)
    assert "lab-1 is unhealthy" in office.run("check_health", "--limit", "lab-1")
    assert office.state(change) == "reopened"

    # Well again, it is watched anew, for as long as before.
    fleet.exec("lab-1", ["systemctl", "start", NAME], check=True)
    office.later(HOUR + 60)
    office.run("check_health", "--limit", "lab-1")
    assert office.state(change) == "watching"
    office.later(HOUR + 60)
    office.run("check_health", "--limit", "lab-1")
    assert office.state(change) == "closed"
    clean(site)


def assessment(change: str, office: str) -> tuple[str, ...]:
    """Return the words that clear a change for an office."""
    return ("change", "assess", change, "--office", office, "--outcome", "clear")


def clean(site: SiteUnderTest) -> None:
    """The audit has nothing to say, and nobody had two duties."""
    audit = site.holdfast("audit")
    assert audit.returncode == 0, audit.stdout
    by: dict[str, set[str]] = {step: set() for step in ("request", "assess", "approve", "deploy", "verify")}
    for one in site.records():
        by.setdefault(one["predicateType"].split("/")[-2], set()).add(one["predicate"]["actor"]["principal"])
    assert by["request"] == {"clinic-lead"}
    assert by["approve"] | by["assess"] <= {"security-lead", "billing-lead"}
    assert not (by["deploy"] | by["verify"]) & {*PEOPLE}
    assert not by["deploy"] & by["verify"]
