# Copyright: (c) 2026, Holdfast contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""An exception of a known flaw by commands: asked for, signed, probed, renewed, lapsed, and never hidden."""

from __future__ import annotations

import csv
import io
import json
import os
import subprocess
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import yaml
from ansible_collections.holdfast.hipaa.plugins.plugin_utils.cli.main import main
from ansible_collections.holdfast.hipaa.plugins.plugin_utils.edge.contributions import drift_contribution
from ansible_collections.holdfast.hipaa.plugins.plugin_utils.edge.finding import kept_back
from ansible_collections.holdfast.hipaa.plugins.plugin_utils.edge.opening import open_site
from ansible_collections.holdfast.hipaa.plugins.plugin_utils.edge.running import Particulars, open_journal
from ansible_collections.holdfast.hipaa.plugins.plugin_utils.ledger.reading import read_records
from ansible_collections.holdfast.hipaa.plugins.plugin_utils.ledger.store import Ledger
from ansible_collections.holdfast.hipaa.plugins.plugin_utils.verdicts.verdict import Verdict
from jsonschema import Draft202012Validator

from tests.unit.plugins.plugin_utils.cli.test_findings import (
    HOST,
    REGRESSHION,
    Capture,
    a_copy,
    asked,
    later,
    listed,
    one_site,
    own_environment,
    read,
    shape,
)  # fmt: skip

__all__ = ["a_copy", "one_site", "own_environment"]  # fixtures

WALL = "firewall-01"
NOW = datetime.now(UTC).replace(microsecond=0)


def write(site: Path, days: float, due: str | None, **more: Any) -> None:
    """Write the exception down; it ends in so many days."""
    entry = {
        "id": "old-shell", "vulnerability": REGRESSHION, "scope": {"assets": [HOST]}, "approver": "ana",
        "reason": "The claims client knows no later server.", "compensating": {"control": WALL},
        "expires": (NOW + timedelta(days=days)).isoformat(), **({"first_due": due} if due else {}), **more,
    }  # fmt: skip
    (site / "exceptions.yml").write_text(yaml.safe_dump({"exceptions": [entry]}), encoding="utf-8")


def sign(site: Path, capsys: Capture, who: str = "ana", action: str = "approve") -> tuple[int, str]:
    """Have somebody sign it as it stands; return exit code and what is said."""
    code, out, err = asked(site, capsys, "exception", action, "old-shell", "--ssh-key", str(site.parent / who))
    return code, out + err


def probed(site: Path, result: str) -> None:
    """Put on record what a drift check saw of the compensating control."""
    before = dict(os.environ)
    given_in = Particulars(
        kind="check", check=True, hosts=(HOST,), change=None, playbook=Path(__file__), forks=1, limited=False
    )
    journal = open_journal(site, given_in)
    journal.saw(HOST, contribution=drift_contribution(HOST, [Verdict(WALL, result, "drop", "drop", "")], "0" * 64))
    journal.flush()
    journal.close(0)
    os.environ.clear()
    os.environ.update(before)


def flaw(site: Path, capsys: Capture) -> dict[str, Any]:
    """The finding."""
    (one,) = listed(site, capsys, "--cve", REGRESSHION)
    return one


@pytest.fixture(name="due")
def people(site: Path, capsys: Capture) -> str:
    """Name a business owner and a Compliance Officer, want exceptions signed, keep a scan; return the deadline."""
    named = []
    for who, roles in (("ana", "approver,business-owner"), ("kim", "approver,compliance-officer")):
        make = ["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", who, "-f", str(site.parent / who)]
        subprocess.run(make, check=True)
        named.append(f"--principal={who}={roles}={site.parent / who}.pub")
    assert main(["trust", "rotate", *named, "--site", str(site)]) == 0
    assert main(["trust", "publish", "--site", str(site)]) == 0
    with (site / "site.yml").open("a", encoding="utf-8") as file:
        file.write("exceptions: signed\n")
    excepting = {"approver_office": "business-owner", "escalations": [{"renewals": 3, "office": "compliance-officer"}]}
    (site / "policy" / "excepting.yml").write_text(yaml.safe_dump(excepting), encoding="utf-8")
    assert asked(site, capsys, "findings", "--keep")[0] == 1
    return str(flaw(site, capsys)["deadline"])


@pytest.fixture(name="excepted")
def signed_and_probed(site: Path, due: str, capsys: Capture) -> Path:
    """The site with the exception in force."""
    write(site, 20, due)
    assert sign(site, capsys)[0] == 0
    probed(site, "pass")
    return site


def test_it_is_signed_with_the_day_on_which_its_finding_was_first_due(site: Path, due: str, capsys: Capture) -> None:
    write(site, 20, None)
    code, said = sign(site, capsys)
    assert (code, "has first_due none, and its finding was first due" in said) == (1, True)
    write(site, 20, due, approver="kim")
    code, said = sign(site, capsys, "kim")
    assert (code, "names kim as its approver, who is not the business owner" in said) == (1, True), said
    write(site, 20, due)
    code, said = sign(site, capsys)
    assert (code, f"old-shell: {REGRESSHION} on assets {HOST}" in said) == (0, True), said
    assert "its compensating control firewall-01 was not measured there" in str(flaw(site, capsys)["exception"])
    assert flaw(site, capsys)["state"] == "open"
    code, _out, err = asked(site, capsys, "exception", "list")
    assert (code, f"does not hold on {HOST}" in err) == (1, True)


def test_it_silences_finding_and_work_and_is_shown_everywhere(excepted: Path, due: str, capsys: Capture) -> None:
    one = flaw(excepted, capsys)
    assert (one["state"], one["overdue"], one["deadline"]) == ("excepted", False, due)
    assert one["exception"]["holds"]
    why = f"exception old-shell until {(NOW + timedelta(days=20)).isoformat()}"
    code, out, _err = asked(excepted, capsys, "findings", "--cve", REGRESSHION)
    assert (code, why in out, "0 overdue; 1 excepted" in out) == (0, True, True)
    code, out, _err = asked(excepted, capsys, "findings", "--work")
    assert f"left out: {REGRESSHION} in openssh on {HOST}, first due {due}: {why}" in out
    work = json.loads(asked(excepted, capsys, "findings", "--work", "--format", "json")[1])
    assert [it["vulnerability"] for it in work["excepted"]] == [REGRESSHION]
    assert [it for it in work["work"] if REGRESSHION in it["vulnerabilities"]] == []
    rows = csv.DictReader(io.StringIO(asked(excepted, capsys, "findings", "--format", "csv")[1]))
    assert [why in row["exception"] for row in rows if row["vulnerability"] == REGRESSHION] == [True]
    log = json.loads(asked(excepted, capsys, "findings", "--format", "sarif")[1])
    assert [error.message for error in Draft202012Validator(shape()).iter_errors(log)] == []
    (result,) = [it for it in log["runs"][0]["results"] if it["ruleId"] == REGRESSHION]
    assert why in result["suppressions"][0]["justification"]
    assert "critical, excepted" in asked(excepted, capsys, "risk", "explain", REGRESSHION, HOST)[1]
    vex = asked(excepted, capsys, "assets", "vex", HOST)[1]
    assert why in vex
    assert asked(excepted, capsys, "check")[1].count(f"old-shell: {REGRESSHION} on {HOST}") == 1
    assert asked(excepted, capsys, "exception", "list")[0] == 0
    assert asked(excepted, capsys, "audit")[0] == 0


def test_a_plan_leaves_a_package_alone_of_which_every_flaw_may_stay(excepted: Path, due: str, capsys: Capture) -> None:
    def kept() -> dict[str, dict[str, tuple[str, ...]]]:
        site = open_site(excepted)
        return kept_back(site, read_records(Ledger(site.ledger_path)), datetime.now(UTC), (HOST,))

    assert kept() == {HOST: {"openssh": ("old-shell",)}}
    probed(excepted, "fail")
    assert kept() == {}
    probed(excepted, "pass")
    read(excepted, ("rsync", "3.2.7-1"))
    write(excepted, 20, due, vulnerability="CVE-2024-12084")  # one flaw of several that an update of rsync mends
    assert sign(excepted, capsys)[0] == 0
    assert kept() == {}
    write(excepted, 20, due, vulnerability="DSA-5843-1")  # all of them
    assert sign(excepted, capsys)[0] == 0
    assert kept() == {HOST: {"rsync": ("old-shell",)}}


def test_without_its_control_it_lapses_at_once_and_the_finding_is_as_overdue_as_ever(
    excepted: Path, due: str, capsys: Capture, monkeypatch: pytest.MonkeyPatch
) -> None:
    probed(excepted, "fail")
    one = flaw(excepted, capsys)
    assert (one["state"], one["deadline"], one["exception"]["holds"]) == ("open", due, False)
    assert f"its compensating control {WALL} was fail there" in one["exception"]["why"]
    code, out, _err = asked(excepted, capsys, "findings", "--cve", REGRESSHION)
    assert (code, "update; exception old-shell does not hold" in out) == (1, True)
    assert asked(excepted, capsys, "exception", "list")[0] == 1
    probed(excepted, "pass")
    assert flaw(excepted, capsys)["state"] == "excepted"
    later(monkeypatch, days=21)
    one = flaw(excepted, capsys)
    assert (one["state"], one["overdue"], one["deadline"]) == ("open", True, due)
    assert "exception old-shell lapsed" in one["exception"]["why"]


def test_what_was_not_looked_at_lately_holds_nothing(
    excepted: Path, capsys: Capture, monkeypatch: pytest.MonkeyPatch
) -> None:
    later(monkeypatch, hours=49)
    assert "more than 48 hours ago" in flaw(excepted, capsys)["exception"]["why"]
    assert flaw(excepted, capsys)["state"] == "open"


@pytest.mark.parametrize("result", ["waived", "not_applicable", "not_measured"])
def test_only_a_pass_compensates(excepted: Path, capsys: Capture, result: str) -> None:
    probed(excepted, result if result != "waived" else "fail")
    assert flaw(excepted, capsys)["state"] == "open"


def test_what_was_not_signed_as_it_is_holds_nothing_and_a_third_renewal_is_escalated(
    excepted: Path, due: str, capsys: Capture
) -> None:
    for days in (30, 40, 50):
        write(excepted, days, due)
        one = flaw(excepted, capsys)
        assert (one["state"], "is not signed as it is now" in one["exception"]["why"]) == ("open", True)
        assert sign(excepted, capsys)[0] == 0
    assert "the Compliance Officer has not signed it" in flaw(excepted, capsys)["exception"]["why"]
    code, out, err = asked(excepted, capsys, "exception", "list")
    assert (code, "renewal 3" in out, "the Compliance Officer has not signed it" in err) == (1, True, True)
    assert sign(excepted, capsys, "kim")[0] == 0
    assert flaw(excepted, capsys)["state"] == "excepted"
    later_due = (NOW + timedelta(days=30)).isoformat()
    write(excepted, 60, later_due)
    code, said = sign(excepted, capsys)
    assert (code, "its finding was first due" in said) == (1, True)
    write(excepted, 50, due)
    assert sign(excepted, capsys, action="withdraw")[0] == 0
    assert flaw(excepted, capsys)["state"] == "open"


@pytest.mark.parametrize(
    ("more", "state"),
    [
        ({"package": "openssh"}, "excepted"),
        ({"package": "rsync"}, "open"),
        ({"vulnerability": "DSA-5724-1"}, "excepted"),
        ({"vulnerability": "CVE-2099-1"}, "open"),
        ({"compensating": {"none": "Nothing else."}}, "excepted"),
    ],
)
def test_it_is_about_its_flaw_and_package_alone(
    site: Path, due: str, capsys: Capture, more: dict[str, Any], state: str
) -> None:
    write(site, 20, due, **more)
    assert sign(site, capsys)[0] == 0
    probed(site, "pass")
    assert flaw(site, capsys)["state"] == state


@pytest.mark.parametrize(
    ("more", "said"),
    [
        ({"control": "ssh-01"}, "both control and vulnerability"),
        ({"vulnerability": "not a name"}, "a CVE, an advisory"),
        ({"compensating": {"control": "ssh-9999"}}, "does not have"),
        ({"scope": {"assets": ["nobody"]}}, 'the unknown asset "nobody"'),
    ],
)
def test_what_cannot_be_meant_is_refused(site: Path, capsys: Capture, more: dict[str, Any], said: str) -> None:
    write(site, 20, None, **more)
    code, out, _err = asked(site, capsys, "check")
    assert (code, said in out) == (2, True), out
