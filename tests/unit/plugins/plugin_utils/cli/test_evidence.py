# Copyright: (c) 2026, Holdfast contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""`holdfast evidence`, `ledger heartbeat` and `ledger amend`, as people use them: a real site, real keys."""

from __future__ import annotations

import json
import shutil
import stat
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.holdfast.hipaa.plugins.plugin_utils.cli import change_desk
from ansible_collections.holdfast.hipaa.plugins.plugin_utils.cli.main import main
from ansible_collections.holdfast.hipaa.plugins.plugin_utils.edge import opening
from ansible_collections.holdfast.hipaa.plugins.plugin_utils.ledger.reading import Record, read_records
from ansible_collections.holdfast.hipaa.plugins.plugin_utils.ledger.store import Ledger

SECRET = b"the claim of patient 4711"
Capture = pytest.CaptureFixture[str]


@pytest.fixture(name="base", scope="module")
def a_site_with_an_officer(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A site in which `records` is the officer."""
    folder = tmp_path_factory.mktemp("evidence")
    assert main(["init", str(folder / "site"), "--name", "demo"]) == 0
    assert main(["key", "new", str(folder / "records.pem"), "--plain"]) == 0
    site, key = str(folder / "site"), str(folder / "records.pem")
    assert main(["trust", "rotate", "--site", site, "--principal", f"records=officer={key}"]) == 0
    assert main(["trust", "publish", "--site", site]) == 0
    (folder / "scan.pdf").write_bytes(SECRET)
    return folder


@pytest.fixture(name="desk")
def a_copy(base: Path, tmp_path: Path, capsys: Capture) -> Path:
    """A copy of it."""
    shutil.copytree(base, tmp_path / "all")
    capsys.readouterr()
    return tmp_path / "all"


def run(desk: Path, capsys: Capture, *words: str, by: str | None = "records") -> tuple[int, str, str]:
    """Run the command on the site, with a principal's key where one signs."""
    keys = {"records": desk / "records.pem", "requester": desk / "site/keys/requester.pem"}
    signs = ["--key", str(keys[by])] if by else []
    code = main([*words, *signs, "--site", str(desk / "site")])
    said = capsys.readouterr()
    return code, said.out, said.err


def told(desk: Path) -> list[Record]:
    return read_records(Ledger(desk / "site/ledger/ledger.sqlite"))


def sealed(desk: Path, capsys: Capture, *more: str) -> str:
    """Seal the scan, and return its digest."""
    code, out, err = run(desk, capsys, "evidence", "seal", str(desk / "scan.pdf"), "--kind", "scan", *more)
    assert (code, err) == (0, "")
    return out.split("\n", 1)[0]


def listed(desk: Path, capsys: Capture, *more: str) -> Any:
    code, out, _err = run(desk, capsys, "evidence", "list", "--format", "json", *more, by=None)
    assert code == 0
    return json.loads(out)


def later(monkeypatch: pytest.MonkeyPatch, days: int) -> datetime:
    """Let every clock of the command go so many days on, and return its time."""
    now = datetime.now(UTC) + timedelta(days=days)
    for module in (change_desk, opening):
        monkeypatch.setattr(module, "utc_now", lambda: now)
    return now


def test_a_sealed_file_is_unreadable_without_its_key_and_the_ledger_knows_its_digest(
    desk: Path, capsys: Capture
) -> None:
    name = sealed(desk, capsys)
    folder = desk / "site/evidence"
    path, key = folder / f"{name}.sealed", folder / "keys" / f"{name}.key"
    assert SECRET not in path.read_bytes()
    assert {stat.S_IMODE(one.stat().st_mode) for one in (path, key)} == {0o600}
    assert stat.S_IMODE(key.parent.stat().st_mode) == 0o700
    record = told(desk)[-1]
    assert (record.step, record.subject_sha256, record.principal) == ("evidence", name, "records")
    ledger = b"".join(one.read_bytes() for one in (desk / "site/ledger").iterdir())
    assert b"scan.pdf" not in ledger
    assert (desk / "scan.pdf").read_bytes() == SECRET
    out = desk / "again.pdf"
    assert run(desk, capsys, "evidence", "open", name, "--out", str(out), by=None)[0] == 0
    assert out.read_bytes() == SECRET
    assert stat.S_IMODE(out.stat().st_mode) == 0o600
    code, _out, err = run(desk, capsys, "evidence", "open", name, "--out", str(out), by=None)
    assert code != 0
    assert "name a new file" in err
    assert main(["audit", "--site", str(desk / "site")]) == 0
    key.write_bytes(b"0" * 64)
    code, _out, err = run(desk, capsys, "evidence", "open", name, "--out", str(desk / "x"), by=None)
    assert code != 0
    assert "the key does not open it" in err
    path.write_bytes(path.read_bytes()[:-1] + b"x")
    code, _out, err = run(desk, capsys, "evidence", "open", name, "--out", str(desk / "x"), by=None)
    assert code != 0
    assert "has other bytes than were sealed" in err
    assert not (desk / "x").exists()
    assert main(["audit", "--site", str(desk / "site")]) == 1
    assert "evidence-differs" in capsys.readouterr().out


def test_a_dry_run_and_a_refused_key_leave_nothing(desk: Path, capsys: Capture) -> None:
    before = len(told(desk))
    words = ["evidence", "seal", str(desk / "scan.pdf"), "--kind", "scan"]
    code, _out, err = run(desk, capsys, *words, "--dry-run")
    assert (code, "nothing was done" in err) == (0, True)
    assert not (desk / "site/evidence").exists()
    assert main([*words, "--key", str(desk / "site/keys/log.pem"), "--site", str(desk / "site")]) == 3
    assert [one for one in (desk / "site/evidence").rglob("*") if one.is_file()] == []
    assert len(told(desk)) == before


def test_evidence_goes_when_its_time_is_over_and_no_hold_is_on_it(
    desk: Path, capsys: Capture, monkeypatch: pytest.MonkeyPatch
) -> None:
    name, other = sealed(desk, capsys), sealed(desk, capsys, "--in-effect-until", "2031-01-01")
    site = desk / "site"
    code, _out, err = run(desk, capsys, "evidence", "erase", name)
    assert (code, "it is kept until" in err) == (1, True)
    assert run(desk, capsys, "evidence", "hold", "audit-2026", name)[0] == 0

    later(monkeypatch, 6 * 366)
    code, _out, err = run(desk, capsys, "evidence", "erase", name)
    assert (code, "the legal hold audit-2026 is on it" in err) == (1, True)
    assert run(desk, capsys, "evidence", "erase", "--due")[1] == "nothing may be erased yet\n"
    assert run(desk, capsys, "evidence", "lift", "audit-2027")[0] == 2
    assert run(desk, capsys, "evidence", "lift", "audit-2026")[0] == 0
    assert [one["sha256"] for one in listed(desk, capsys)["files"] if one["due"]] == [name]
    code, _out, err = run(desk, capsys, "evidence", "erase", "--due", "--dry-run", by=None)
    assert (code, f"{name[:16]}... would be erased for good" in err) == (0, True)
    assert (site / f"evidence/keys/{name}.key").exists()
    code, out, _err = run(desk, capsys, "evidence", "erase", "--due")
    assert (code, out.startswith(f"{name}  erased")) == (0, True)
    assert not (site / f"evidence/keys/{name}.key").exists()
    assert not (site / f"evidence/{name}.sealed").exists()
    assert (site / f"evidence/{other}.sealed").exists()
    assert told(desk)[-1].step == "tombstone"
    assert run(desk, capsys, "evidence", "open", name, "--out", str(desk / "x"), by=None)[0] == 3
    assert run(desk, capsys, "evidence", "keep", name, "--in-effect-until", "2040-01-01")[0] == 1


def test_an_erasure_that_broke_off_is_run_again(desk: Path, capsys: Capture, monkeypatch: pytest.MonkeyPatch) -> None:
    name = sealed(desk, capsys)
    later(monkeypatch, 6 * 366)
    path = desk / f"site/evidence/{name}.sealed"
    kept = path.read_bytes()
    assert run(desk, capsys, "evidence", "erase", name)[0] == 0
    path.write_bytes(kept)
    size = len(told(desk))
    assert run(desk, capsys, "evidence", "erase", name)[0] == 0
    assert not path.exists()
    assert len(told(desk)) == size


def test_what_is_in_effect_is_kept_longer_and_never_shorter(desk: Path, capsys: Capture) -> None:
    name = sealed(desk, capsys, "--in-effect-until", "2040-02-29")
    assert listed(desk, capsys)["files"][0]["keep_until"].startswith("2046-03-01")
    code, _out, err = run(desk, capsys, "evidence", "keep", name, "--in-effect-until", "2035-01-01")
    assert (code, "nothing shortens that" in err) == (1, True)
    assert run(desk, capsys, "evidence", "keep", name, "--in-effect-until", "2041-01-01")[0] == 0
    assert not listed(desk, capsys, "--at", "2046-12-31")["files"][0]["due"]
    assert listed(desk, capsys, "--at", "2047-01-01")["files"][0]["due"]


def test_only_an_officer_holds_and_erases(desk: Path, capsys: Capture, monkeypatch: pytest.MonkeyPatch) -> None:
    name = sealed(desk, capsys)
    code, _out, err = run(desk, capsys, "evidence", "hold", "audit-2026", by="requester")
    assert (code, "officer" in err) == (3, True)
    later(monkeypatch, 6 * 366)
    size = len(told(desk))
    code, _out, err = run(desk, capsys, "evidence", "erase", name, by="requester")
    assert (code, "officer" in err) == (3, True)
    assert (desk / f"site/evidence/keys/{name}.key").exists()
    assert len(told(desk)) == size


def test_a_heartbeat_promises_the_next_word(desk: Path, capsys: Capture) -> None:
    size = len(told(desk))
    code, _out, err = run(desk, capsys, "ledger", "heartbeat", "--dry-run", by=None)
    assert (code, "nothing was recorded" in err) == (0, True)
    assert len(told(desk)) == size
    assert run(desk, capsys, "ledger", "heartbeat", "--within", "8d", by=None)[0] == 0
    assert told(desk)[-1].body == {"within_s": 8 * 86_400}
    assert main(["audit", "--site", str(desk / "site")]) == 0
    code, _out, err = run(desk, capsys, "ledger", "heartbeat")
    assert (code, "log" in err) == (3, True)
    with pytest.raises(SystemExit):
        run(desk, capsys, "ledger", "heartbeat", "--within", "367d", by=None)


def test_a_record_is_amended_by_one_of_its_role(desk: Path, capsys: Capture) -> None:
    name = sealed(desk, capsys)
    index = told(desk)[-1].index
    words = ["ledger", "amend", str(index), "--reason", "explained", "--file", name]
    code, _out, err = run(desk, capsys, *words, "--dry-run", by=None)
    assert (code, "one who is officer would sign it; nothing was recorded" in err) == (0, True)
    assert run(desk, capsys, *words, by="requester")[0] == 3
    assert told(desk)[-1].index == index
    code, out, _err = run(desk, capsys, *words, "--format", "json")
    assert (code, json.loads(out)["index"]) == (0, index + 1)
    assert main(["audit", "--site", str(desk / "site")]) == 0
    assert f"entry {index}: amended: evidence by records: explained" in capsys.readouterr().out
