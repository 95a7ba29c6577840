# Copyright: (c) 2026, Holdfast contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""An exception that rests on a rule of the firewall, on a real host: without it the debt is as old as ever."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import yaml

from lab.fleet import Fleet
from tests.faults.toyd import NAME, NEW, OLD
from tests.integration.conftest import _fleet, _up
from tests.integration.shop import builds, equip
from tests.integration.sites import SiteUnderTest, lay_out
from tests.integration.small import BASELINE, steps, write

HOST = "lab-1"
JOBS, WALL = "clinic-01", "clinic-03"
WALLED = {
    "id": WALL,
    "title": "Nobody on a network can pose as the host itself",
    "why": "A service that trusts the host itself would believe a packet that merely says so.",
    "severity": "high",
    "hipaa": ["164.312(a)(1)"],
    "role": "firewall",
    "variable": "firewall_spoofed",
    "value": "drop",
    "probe": {"firewall": "spoofed"},
}
NOW = datetime.now(UTC).replace(microsecond=0)
DUE = NOW - timedelta(days=40, hours=1)
"""When the finding was first due: before the exception, and before each of its renewals."""


FLAW = "CVE-2026-99999"
ADVISORY = {
    "id": "DSA-99999-1",
    "modified": "2026-11-20T00:00:00Z",
    "published": "2026-11-20T00:00:00Z",
    "details": "The toy's service believes whoever comes from the host itself.",
    "related": [FLAW],
    "affected": [
        {
            "package": {"ecosystem": "Debian:12", "name": NAME},
            "ranges": [{"type": "ECOSYSTEM", "events": [{"introduced": "0"}, {"fixed": NEW}]}],
        }
    ],
}


@pytest.fixture(scope="module")
def fleet(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Fleet]:
    """One host with a service of an old version, whose archive offers a newer one."""
    debs = builds(tmp_path_factory.mktemp("debs"))
    with _fleet("lapse") as fleet:
        _up(fleet, [f"{HOST}=bookworm"])
        equip(fleet, (HOST,), debs[OLD])
        fleet.offer([debs[OLD], debs[NEW]])
        yield fleet


@pytest.fixture(scope="module")
def site(fleet: Fleet, tmp_path_factory: pytest.TempPathFactory) -> SiteUnderTest:
    """A site that wants exceptions signed, and whose host has its jobs open and its firewall up."""
    site = lay_out(tmp_path_factory.mktemp("lapse") / "site", fleet)
    register = yaml.safe_load((site.root / "holdfast.yml").read_text(encoding="utf-8"))
    (asset,) = [one for one in register["assets"] if one["id"] == HOST]
    asset |= {"baselines": ["clinic"], "health": []}
    write(site, "holdfast.yml", {"plugin": register["plugin"], "assets": [asset]})
    (site.root / "baselines").mkdir()
    write(site, "baselines/clinic.yml", {**BASELINE, "controls": [BASELINE["controls"][0], WALLED]})
    with (site.root / "site.yml").open("a", encoding="utf-8") as file:
        file.write("exceptions: signed\n")
    done = site.play("remediate")
    assert done.returncode == 0, done.stdout + done.stderr
    fleet.exec(HOST, ["chmod", "0755", "/etc/cron.d"])
    return site


def entry(days: int, **more: Any) -> dict[str, Any]:
    """Return the exception; it ends in so many days."""
    return {
        "id": "old-backup", "control": JOBS, "scope": {"assets": [HOST]}, "approver": "security",
        "reason": "A backup reads them; it trusts whoever comes from the host itself.",
        "compensating": {"control": WALL}, "expires": (NOW + timedelta(days=days)).isoformat(),
        "first_due": DUE.isoformat(), **more,
    }  # fmt: skip


def excepted(site: SiteUnderTest, days: int) -> None:
    """Write the exception down so that it ends in so many days, and have it signed by its approver."""
    write(site, "exceptions.yml", {"exceptions": [entry(days)]})
    done = sign(site, "security")
    assert done.returncode == 0, done.stderr


def sign(site: SiteUnderTest, who: str, name: str = "old-backup") -> Any:
    """Have somebody sign an exception as it stands."""
    return site.holdfast("exception", "approve", name, "--ssh-key", str(site.root / "keys" / who))


def check(site: SiteUnderTest) -> str:
    """Check the host and return what is said."""
    done = site.play("check_drift")
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def verdicts(site: SiteUnderTest) -> dict[str, dict[str, Any]]:
    """Return the newest record's checks of the host, by control."""
    (result,) = steps(site, "verify")[-1]["results"]
    return {one["id"]: one for one in result["checks"]}


def test_without_its_rule_the_exception_is_none_and_the_finding_is_as_overdue_as_ever(
    site: SiteUnderTest, fleet: Fleet
) -> None:
    excepted(site, 10)
    said = check(site)
    assert f"{HOST}: 1 pass, 0 fail, 1 waived" in said
    assert f"{JOBS} waived" in said
    assert f"{WALL} compensates, approved by security" in said
    assert verdicts(site)[JOBS] == {"id": JOBS, "result": "waived", "exception": "old-backup"}

    delete_the_rule(fleet)
    said = check(site)
    due = f"it was first due {DUE.isoformat()}, and is 40 days overdue"
    assert f"{HOST}: 0 pass, 2 fail, 0 waived" in said
    lapsed = f"exception old-backup does not hold, for its compensating control {WALL} is fail here; {due}"
    assert lapsed in said
    assert lapsed in site.holdfast("results").stdout
    assert (verdicts(site)[JOBS]["result"], "exception" in verdicts(site)[JOBS]) == ("fail", False)
    assert site.holdfast("audit").returncode == 0

    # What it rests on is mended, and the exception holds again; its debt is as old as before.
    done = site.play("remediate")
    assert done.returncode == 0, done.stdout + done.stderr
    assert f"{HOST}: waits for what its exception rests on: {JOBS}" in done.stdout
    assert verdicts(site)[JOBS] == {"id": JOBS, "result": "waived", "exception": "old-backup"}
    assert "ip saddr 127.0.0.0/8 drop" in rules(fleet)


def test_a_third_renewal_stops_runs_until_another_office_has_signed_it(site: SiteUnderTest, fleet: Fleet) -> None:
    for days in (20, 30):
        excepted(site, days)
        assert f"{HOST}: 1 pass, 0 fail, 1 waived" in check(site)
    excepted(site, 40)
    opened = len(steps(site, "run-open"))
    done = site.play("check_drift")
    wanted = "old-backup: is in its renewal 3, and the Compliance Officer has not signed it besides security"
    assert done.returncode != 0
    assert wanted in done.stderr
    assert len(steps(site, "run-open")) == opened
    listed = site.holdfast("exception", "list")
    assert (listed.returncode, "renewal 3" in listed.stdout, "the Compliance Officer has not" in listed.stderr) == (
        1, True, True,
    )  # fmt: skip
    done = sign(site, "revenue-cycle")
    assert (done.returncode, "nobody holds that office" in done.stderr) == (1, True)
    officer(site)
    done = sign(site, "compliance")
    assert done.returncode == 0, done.stderr
    assert f"{HOST}: 1 pass, 0 fail, 1 waived" in check(site)

    # Renewed so often, and still no younger: by the records, not by what somebody writes.
    delete_the_rule(fleet)
    assert f"it was first due {DUE.isoformat()}, and is 40 days overdue" in check(site)
    write(site, "exceptions.yml", {"exceptions": [entry(50, first_due=NOW.isoformat())]})
    done = sign(site, "security")
    assert (done.returncode, f"its finding was first due {DUE.isoformat()}" in done.stderr) == (1, True)
    write(site, "exceptions.yml", {"exceptions": [entry(40)]})
    done = site.play("remediate")
    assert done.returncode == 0, done.stdout + done.stderr
    assert site.holdfast("audit").returncode == 0


def test_a_known_flaw_stays_while_the_rule_stands_and_is_planned_for_when_it_is_gone(
    site: SiteUnderTest, fleet: Fleet, tmp_path: Path
) -> None:
    feed = {"id": "debian", "kind": "osv", "source": "https://feeds.example.org/none", "max_age_hours": 48}
    write(site, "policy/feeds.yml", {"feeds": [feed]})
    (tmp_path / "feed").write_text(json.dumps(ADVISORY) + "\n", encoding="utf-8")
    assert site.holdfast("feeds", "import", "debian", str(tmp_path / "feed")).returncode == 0
    assert site.play("collect_inventory").returncode == 0
    assert site.holdfast("findings", "--keep").returncode == 1
    due = found(site)["deadline"]
    flawed = {**entry(30, vulnerability=FLAW, package=NAME, first_due=due), "id": "old-toy"}
    del flawed["control"]
    known = json.loads((site.root / "exceptions.yml").read_text(encoding="utf-8"))["exceptions"]
    write(site, "exceptions.yml", {"exceptions": [*known, flawed]})
    done = sign(site, "security", "old-toy")
    assert done.returncode == 0, done.stderr
    check(site)
    assert (found(site)["state"], found(site)["deadline"]) == ("excepted", due)
    done = site.play("plan_patches")
    assert f"{HOST}: left as it is by exception old-toy: {NAME}" in done.stdout, done.stdout + done.stderr
    assert planned(site) == []

    delete_the_rule(fleet)
    check(site)
    one = found(site)
    assert (one["state"], one["deadline"]) == ("open", due)
    assert f"its compensating control {WALL} was fail there" in one["exception"]["why"]
    listed = site.holdfast("exception", "list")
    assert (listed.returncode, f"old-toy does not hold on {HOST}" in listed.stderr) == (1, True)
    done = site.play("plan_patches")
    assert done.returncode == 0, done.stdout + done.stderr
    assert planned(site) == [(NAME, NEW)]


def found(site: SiteUnderTest) -> dict[str, Any]:
    """The finding, as the command shows it."""
    done = site.holdfast("findings", "--cve", FLAW, "--format", "json")
    (one,) = json.loads(done.stdout)["findings"]
    return dict(one)


def planned(site: SiteUnderTest) -> list[tuple[str, str]]:
    """What the newest plan installs; nothing where there is none."""
    plans = [json.loads(path.read_text(encoding="utf-8")) for path in site.plans[-1:]]
    return [(one["name"], one["to"]) for plan in plans for asset in plan["assets"] for one in asset["packages"]]


def rules(fleet: Fleet) -> str:
    """What comes in, as nft itself says, each rule with its handle."""
    return fleet.exec(HOST, ["nft", "-a", "list", "chain", "inet", "holdfast", "input"], check=True).stdout


def delete_the_rule(fleet: Fleet) -> None:
    """Delete the rule of the firewall by hand, as somebody in a hurry does."""
    (handle,) = [line.rpartition(" ")[2] for line in rules(fleet).splitlines() if "ip saddr 127.0.0.0/8 drop" in line]
    fleet.exec(HOST, ["nft", "delete", "rule", "inet", "holdfast", "input", "handle", handle], check=True)


def officer(site: SiteUnderTest) -> None:
    """Name a Compliance Officer, who has a key of OpenSSH."""
    key = site.root / "keys" / "compliance"
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", "compliance", "-f", str(key)], check=True)
    named = f"--principal=compliance=approver,compliance-officer={key}.pub"
    for words in (("trust", "rotate", named), ("trust", "publish")):
        done = site.holdfast(*words)
        assert done.returncode == 0, done.stderr
