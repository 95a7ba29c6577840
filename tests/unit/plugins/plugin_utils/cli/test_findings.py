# Copyright: (c) 2026, Holdfast contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""`holdfast findings` and `holdfast risk explain` on a real site: keys, ledger, feeds from files, what was read."""

from __future__ import annotations

import csv
import io
import json
import os
import shutil
from collections.abc import Iterator
from copy import deepcopy
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import yaml
from ansible_collections.holdfast.hipaa.plugins.plugin_utils.audit.audit import audit
from ansible_collections.holdfast.hipaa.plugins.plugin_utils.cli import change_desk
from ansible_collections.holdfast.hipaa.plugins.plugin_utils.cli.main import main
from ansible_collections.holdfast.hipaa.plugins.plugin_utils.edge.contributions import seen_contribution
from ansible_collections.holdfast.hipaa.plugins.plugin_utils.edge.finding import unpacked
from ansible_collections.holdfast.hipaa.plugins.plugin_utils.edge.observing import keep_observation
from ansible_collections.holdfast.hipaa.plugins.plugin_utils.edge.opening import require_run
from ansible_collections.holdfast.hipaa.plugins.plugin_utils.edge.running import Particulars, open_journal
from ansible_collections.holdfast.hipaa.plugins.plugin_utils.edge.sealing import Sealing
from ansible_collections.holdfast.hipaa.plugins.plugin_utils.observed.model import Observation
from ansible_collections.holdfast.hipaa.plugins.plugin_utils.observed.parts import Package
from jsonschema import Draft202012Validator

from tests.unit.plugins.plugin_utils.evidence.test_formats import SARIF

HOST = "host-192-0-2-11"
CASES = Path(__file__).resolve().parents[3] / "cases" / "risk"
REGRESSHION = "CVE-2024-6387"
Capture = pytest.CaptureFixture[str]


@pytest.fixture(autouse=True)
def own_environment() -> Iterator[None]:
    """Opening a run writes to the process's environment; put it back."""
    before = dict(os.environ)
    yield
    os.environ.clear()
    os.environ.update(before)


@pytest.fixture(name="made", scope="module")
def one_site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A site with one host with ePHI, whose feeds were taken and whose packages were read."""
    root = tmp_path_factory.mktemp("findings") / "site"
    assert main(["init", str(root), "--host", "192.0.2.11", "--owner", "ops"]) == 0
    (root / "policy").mkdir(exist_ok=True)
    feeds = [
        {"id": name, "kind": kind, "source": str(CASES / file), "max_age_hours": 48}
        for name, kind, file in (
            ("debian", "osv", "advisories.osv.jsonl"),
            ("facts", "enrichment", "enrichment.jsonl"),
        )
    ]
    (root / "policy" / "feeds.yml").write_text(yaml.safe_dump({"feeds": feeds}), encoding="utf-8")
    assert main(["feeds", "update", "--site", str(root)]) == 0
    read(root, ("openssh", "1:9.2p1-2+deb12u2"), ("rsync", "3.2.7-1+deb12u2"), ("bash", "5.2"))
    return root


def read(root: Path, *packages: tuple[str, str]) -> None:
    """Put on record what was read of the host."""
    before = dict(os.environ)
    given_in = Particulars(
        kind="observe", check=True, hosts=(HOST,), change=None, playbook=Path(__file__), forks=1, limited=False
    )
    journal = open_journal(root, given_in)
    rows = tuple(Package(name, version, "amd64", name, version) for name, version in packages)
    seen = Observation(HOST, datetime.now(UTC).replace(microsecond=0), "debian:12", manager="dpkg", packages=rows)
    detail = keep_observation(require_run(), seen)
    journal.saw(HOST, contribution=seen_contribution("inventory", HOST, {"packages": True}, detail))
    journal.flush()
    journal.close(0)
    os.environ.clear()
    os.environ.update(before)


@pytest.fixture(name="site")
def a_copy(made: Path, tmp_path: Path, capsys: Capture) -> Path:
    """A copy of it, so that nothing done there is seen by another test."""
    shutil.copytree(made, tmp_path / "site")
    capsys.readouterr()
    return tmp_path / "site"


def asked(site: Path, capsys: Capture, *words: str) -> tuple[int, str, str]:
    code = main([*words, "--site", str(site)])
    said = capsys.readouterr()
    return code, said.out, said.err


def listed(site: Path, capsys: Capture, *words: str) -> list[dict[str, Any]]:
    _code, out, _err = asked(site, capsys, "findings", "--format", "json", *words)
    found = json.loads(out)["findings"]
    assert isinstance(found, list)
    return found


def later(monkeypatch: pytest.MonkeyPatch, **span: float) -> None:
    """Let the command's clock be ahead by so much."""
    monkeypatch.setattr(change_desk, "utc_now", lambda: datetime.now(UTC) + timedelta(**span))


def test_findings_are_listed_the_most_urgent_first_and_leave_with_1(site: Path, capsys: Capture) -> None:
    code, out, err = asked(site, capsys, "findings")
    assert code == 1
    rows = [line for line in out.splitlines() if HOST in line]
    assert rows[0].startswith("critical")
    assert any(REGRESSHION in line and "openssh" in line for line in rows)
    assert "on no record yet" in err
    assert listed(site, capsys, "--cve", REGRESSHION)[0]["row"] == 42


@pytest.mark.parametrize(
    ("words", "count"),
    [
        (("--cve", REGRESSHION), 1),
        (("--package", "openssh"), 1),
        (("--package", "bash"), 0),
        (("--tier", "low"), 0),
        (("--overdue",), 0),
        (("--asset", HOST, "--cve", REGRESSHION), 1),
        (("--ring", "lab", "--cve", REGRESSHION), 1),
        (("--ring", "production"), 0),
    ],
)
def test_filters(site: Path, capsys: Capture, words: tuple[str, ...], count: int) -> None:
    assert len(listed(site, capsys, *words)) == count
    assert asked(site, capsys, "findings", *words)[0] == (1 if count else 0)


@pytest.mark.parametrize("words", [("--asset", "nobody"), ("--ring", "nowhere"), ("--reason", "--format", "sarif")])
def test_what_the_site_has_not_is_refused(site: Path, capsys: Capture, words: tuple[str, ...]) -> None:
    assert asked(site, capsys, "findings", *words)[0] == 2


def test_clocks_go_on_from_the_scan_on_record_and_run_out(
    site: Path, capsys: Capture, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert asked(site, capsys, "findings", "--keep")[0] == 1
    (kept,) = listed(site, capsys, "--cve", REGRESSHION)
    later(monkeypatch, hours=73)
    (aged,) = listed(site, capsys, "--cve", REGRESSHION)
    assert (aged["deadline"], aged["first_seen"]) == (kept["deadline"], kept["first_seen"])
    assert (kept["overdue"], aged["overdue"]) == (False, True)
    assert aged["stale"] is not None
    assert audit(site / "ledger/ledger.sqlite", now=datetime.now(UTC)).findings == ()


def test_without_a_scan_on_record_clocks_begin_now(site: Path, capsys: Capture) -> None:
    first, second = (listed(site, capsys, "--cve", REGRESSHION)[0] for _time in range(2))
    assert first["first_seen"] <= second["first_seen"]
    assert json.loads(asked(site, capsys, "findings", "--format", "json")[1])["previous"] is None


@pytest.mark.parametrize("what", ["file", "key", "bytes"])
def test_a_scan_on_record_that_is_not_at_hand_stops_everything(site: Path, capsys: Capture, what: str) -> None:
    asked(site, capsys, "findings", "--keep")
    (sealed,) = (site / "evidence").glob("*.sealed")
    if what == "file":
        sealed.unlink()
    elif what == "key":
        next((site / "evidence/keys").iterdir()).unlink()
    else:
        sealed.write_bytes(sealed.read_bytes()[:-1] + b"x")
    code, out, err = asked(site, capsys, "findings")
    assert (code, out) == (3, "")
    assert "clocks of findings may be in it" in err


def test_a_scan_sealed_by_somebody_else_moves_no_clock(
    site: Path, capsys: Capture, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked(site, capsys, "findings", "--keep")
    before = listed(site, capsys, "--cve", REGRESSHION)[0]["deadline"]
    (sealed,) = (site / "evidence").glob("*.sealed")
    plain = Sealing(site / "evidence").open(sealed.stem)
    data = unpacked(plain)
    assert data is not None
    forged = tmp_path / "forged"
    import gzip

    forged.write_bytes(plain[:21] + gzip.compress(data.replace(before.encode(), b"2099-01-01T00:00:00Z"), mtime=0))
    key = str(site / "keys/controller.pem")
    code, _out, err = asked(site, capsys, "evidence", "seal", str(forged), "--kind", "scan", "--key", key)
    assert code == 0, err
    assert listed(site, capsys, "--cve", REGRESSHION)[0]["deadline"] == before


def test_a_report_of_another_scanner_is_passed_over(site: Path, capsys: Capture, tmp_path: Path) -> None:
    asked(site, capsys, "findings", "--keep")
    before = listed(site, capsys, "--cve", REGRESSHION)[0]["first_seen"]
    (tmp_path / "scan.pdf").write_bytes(b"%PDF-1.7")
    key = str(site / "keys/verifier.pem")
    words = ("evidence", "seal", str(tmp_path / "scan.pdf"), "--kind", "scan", "--key", key)
    assert asked(site, capsys, *words)[0] == 0
    assert listed(site, capsys, "--cve", REGRESSHION)[0]["first_seen"] == before


def test_a_patched_host_has_none_left(site: Path, capsys: Capture) -> None:
    read(site, ("openssh", "1:9.2p1-2+deb12u3"), ("bash", "5.2"))
    code, out, _err = asked(site, capsys, "findings")
    assert (code, out.splitlines()[-1][:10]) == (0, "0 findings")


def test_what_cannot_be_looked_at_is_not_clean(site: Path, capsys: Capture, monkeypatch: pytest.MonkeyPatch) -> None:
    read(site, ("bash", "5.2"))
    later(monkeypatch, hours=49)
    code, out, err = asked(site, capsys, "findings")
    assert code == 3
    assert f"{HOST} is not measured" in out
    assert "feed debian: last looked at" in err


def test_work_and_reason(site: Path, capsys: Capture) -> None:
    code, out, _err = asked(site, capsys, "findings", "--work", "--format", "json")
    work = json.loads(out)["work"]
    assert code == 1
    (openssh,) = [one for one in work if one["package"] == "openssh"]
    assert (openssh["to"], openssh["needs"], openssh["ring"]) == ("1:9.2p1-2+deb12u3", "update", "lab")
    order = [("critical", "high", "medium", "low").index(one["tier"]) for one in work]
    assert order == sorted(order)
    reason = asked(site, capsys, "findings", "--reason")[1]
    assert reason.count("\n") == 1
    assert len(reason) <= 501
    assert "critical" in reason
    assert "openssh" in reason


def test_a_spreadsheet_has_every_finding_and_runs_none(site: Path, capsys: Capture) -> None:
    read(site, ("openssh", "-1:9.2p1"))
    _code, out, _err = asked(site, capsys, "findings", "--format", "csv")
    (row,) = csv.DictReader(io.StringIO(out))
    assert (row["vulnerability"], row["asset"], row["tier"]) == (REGRESSHION, HOST, "critical")
    assert row["installed"] == "'-1:9.2p1"


def shape() -> dict[str, Any]:
    """Return what SARIF asks of the members that drift results have, and of those that findings have beside them."""
    wanted = deepcopy(SARIF)
    run = wanted["properties"]["runs"]["items"]["properties"]
    rule = run["tool"]["properties"]["driver"]["properties"]["rules"]["items"]["properties"]
    rule["helpUri"] = {"type": "string", "pattern": "^https://"}
    run["properties"] = {"type": "object"}
    run["invocations"]["items"]["properties"]["toolExecutionNotifications"] = {
        "items": {
            "required": ["message"],
            "additionalProperties": False,
            "properties": {"level": {"enum": ["none", "note", "warning", "error"]}, "message": {"required": ["text"]}},
        }
    }
    return wanted


def test_sarif_is_what_its_standard_asks_for(site: Path, capsys: Capture) -> None:
    code, out, _err = asked(site, capsys, "findings", "--format", "sarif")
    log = json.loads(out)
    assert code == 1
    assert [error.message for error in Draft202012Validator(shape()).iter_errors(log)] == []
    (run,) = log["runs"]
    rules = [rule["id"] for rule in run["tool"]["driver"]["rules"]]
    assert len(rules) == len(set(rules))
    assert all(rules[one["ruleIndex"]] == one["ruleId"] for one in run["results"])
    assert len({one["partialFingerprints"]["assetVulnerability/v1"] for one in run["results"]}) == len(run["results"])
    broken = {**log, "runs": [{**run, "results": [{**run["results"][0], "kind": "waived"}]}]}
    assert list(Draft202012Validator(shape()).iter_errors(broken))


def test_explain_says_why_and_what_would_change_it(site: Path, capsys: Capture) -> None:
    code, out, _err = asked(site, capsys, "risk", "explain", REGRESSHION, HOST)
    assert code == 0
    for word in ("critical", "EPSS percentile 0.99942", "8.1 computed from CVSS:3.1", "ephi", "row 42", "openssh",
                 "what would change it:", "the asset holds no ePHI"):  # fmt: skip
        assert word in out, word
    code, out, _err = asked(site, capsys, "risk", "explain", "CVE-2024-37383", HOST)
    assert code == 0
    assert "not found" in out
    assert "roundcube" in out
    assert asked(site, capsys, "risk", "explain", REGRESSHION, "nobody")[0] == 2


def test_explain_of_a_host_nobody_looked_at_is_no_good_news(
    site: Path, capsys: Capture, monkeypatch: pytest.MonkeyPatch
) -> None:
    later(monkeypatch, hours=49)
    code, out, _err = asked(site, capsys, "risk", "explain", "CVE-2024-37383", HOST)
    assert code == 3
    assert "not known" in out
