# Copyright: (c) 2026, Holdfast contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Exceptions on real hosts: waived for the probe is waived for the role, until the second, and never hidden."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from tests.integration.sites import SiteUnderTest
from tests.integration.small import clinic, modes, open_up, pair, steps, write

__all__ = ["clinic", "pair"]  # fixtures


def exception(expires: str, **more: Any) -> dict[str, Any]:
    """Return an exception for clinic-01 on lab-1."""
    return {
        "id": "old-backup", "control": "clinic-01", "scope": {"assets": ["lab-1"]}, "reason": "A backup reads it.",
        "approver": "security", "compensating": {"control": "clinic-02"}, "expires": expires, **more,
    }  # fmt: skip


def at(**later: float) -> str:
    """Return a moment from now, in a zone far from UTC."""
    there = datetime.now(UTC) + timedelta(hours=9) + timedelta(**later)
    return there.strftime("%Y-%m-%dT%H:%M:%S+09:00")


def verdicts(site: SiteUnderTest) -> dict[str, dict[str, Any]]:
    """Return the newest record's checks of lab-1, by control."""
    (result,) = [one for one in steps(site, "verify")[-1]["results"] if one["asset"] == "lab-1"]
    return {check["id"]: check for check in result["checks"]}


def check(site: SiteUnderTest) -> str:
    """Check lab-1 and return what is said."""
    done = site.play("check_drift", "--limit", "lab-1")
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_what_is_waived_for_the_probe_is_waived_for_the_role(clinic: SiteUnderTest) -> None:
    write(clinic, "exceptions.yml", {"exceptions": [exception(at(days=12, minutes=5))]})
    open_up(clinic, "lab-1", "clinic-01")
    said = check(clinic)
    assert "lab-1: 1 pass, 0 fail, 1 waived" in said
    assert "clinic-01 waived" in said
    assert "12 days left, clinic-02 compensates, approved by security" in said
    assert verdicts(clinic)["clinic-01"] == {"id": "clinic-01", "result": "waived", "exception": "old-backup"}

    # Its compensating control breaks, and with it the exception; the role that mends the one leaves the other alone.
    open_up(clinic, "lab-1", "clinic-02")
    said = check(clinic)
    assert "exception old-backup does not hold, for its compensating control clinic-02 is fail here" in said
    assert verdicts(clinic)["clinic-01"]["result"] == "fail"
    done = clinic.play("remediate", "--limit", "lab-1")
    assert done.returncode == 0, done.stdout + done.stderr
    assert "lab-1: waits for what its exception rests on: clinic-01" in done.stdout
    assert modes(clinic, "lab-1") == {"clinic-01": "755", "clinic-02": "700"}
    assert verdicts(clinic)["clinic-01"] == {"id": "clinic-01", "result": "waived", "exception": "old-backup"}
    assert clinic.holdfast("audit").returncode == 0


def test_an_exception_that_ended_a_second_ago_counts_no_more(clinic: SiteUnderTest) -> None:
    ended = at(seconds=-1)
    write(clinic, "exceptions.yml", {"exceptions": [exception(ended)]})
    open_up(clinic, "lab-1", "clinic-01")
    assert f"exception old-backup lapsed {ended}" in check(clinic)
    assert verdicts(clinic)["clinic-01"]["result"] == "fail"
    told = clinic.holdfast("check").stdout
    assert "exceptions: 0 in force (0 due within 30 days), 1 lapsed" in told
    assert f"LAPSED: old-backup: clinic-01 on lab-1, lapsed {ended}, by security" in told
    done = clinic.play("remediate", "--limit", "lab-1")
    assert done.returncode == 0, done.stdout + done.stderr
    assert modes(clinic, "lab-1")["clinic-01"] == "700"


def test_an_overlay_counts_for_probe_and_role(clinic: SiteUnderTest) -> None:
    overlay = {
        "control": "clinic-01", "value": "0755", "scope": {"rings": ["lab"]}, "reason": "All may read it here.",
        "approver": "revenue-cycle",
    }  # fmt: skip
    write(clinic, "overlays.yml", {"overlays": [overlay]})
    open_up(clinic, "lab-1", "clinic-01")
    assert "lab-1: 2 pass, 0 fail" in check(clinic)
    clinic.fleet.exec("lab-1", ["chmod", "0777", "/etc/cron.d"])
    assert 'clinic-01 fail expected "0755"' in check(clinic)
    done = clinic.play("remediate", "--limit", "lab-1")
    assert done.returncode == 0, done.stdout + done.stderr
    assert modes(clinic, "lab-1")["clinic-01"] == "755"


BAD: dict[str, tuple[str, list[dict[str, Any]], str]] = {
    "without expiry": (
        "exceptions", [{k: v for k, v in exception("").items() if k != "expires"}],
        "exceptions[0]: no expires; expected expires: the moment it ends",
    ),
    "for an unknown control": (
        "exceptions", [exception(at(days=3), control="clinic-03")],
        'exceptions[0].control: the unknown control "clinic-03"; expected one of clinic-01, clinic-02',
    ),
    "overlapping another": (
        "exceptions", [exception(at(days=3)), exception(at(days=9), id="too", scope={"groups": ["ring_lab"]})],
        "exceptions[1]: clinic-01 on lab-1 a second time (the other is exceptions[0])",
    ),
    "approved by nobody": (
        "exceptions", [exception(at(days=3), approver="scanner")],
        'exceptions[0].approver: "scanner", who may approve nothing; expected one of security, revenue-cycle',
    ),
    "overlay without reason": (
        "overlays", [{"control": "clinic-01", "value": "0755", "scope": {"all": True}, "approver": "security"}],
        "overlays[0]: no reason; expected reason: why this site wants another value",
    ),
}  # fmt: skip


@pytest.mark.parametrize("case", BAD)
def test_what_cannot_be_meant_is_refused_before_any_host_is_contacted(case: str, clinic: SiteUnderTest) -> None:
    name, entries, message = BAD[case]
    write(clinic, f"{name}.yml", {name: entries})
    done = clinic.holdfast("check")
    assert done.returncode == 2
    assert message in done.stdout
    played = clinic.play("check_drift")
    assert played.returncode != 0
    assert message in played.stderr
    assert steps(clinic, "run-open") == []
