# Copyright: (c) 2026, Holdfast contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""`holdfast change break-glass` and `review`, as people use them: a real site, real keys, a real ledger."""

from __future__ import annotations

import json
import shutil
import subprocess
from pathlib import Path

import pytest
import yaml
from ansible_collections.holdfast.hipaa.plugins.plugin_utils.cli.main import main
from ansible_collections.holdfast.hipaa.plugins.plugin_utils.ledger.reading import Record, read_records
from ansible_collections.holdfast.hipaa.plugins.plugin_utils.ledger.store import Ledger

from tests.change_cases import REGISTER, plan

Capture = pytest.CaptureFixture[str]


@pytest.fixture(name="base", scope="module")
def one_site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A site with two approvers, in whose first ring the glass may be broken for a day, and one change asked for."""
    folder = tmp_path_factory.mktemp("emergency")
    root = folder / "site"
    for name in ("ana", "ben"):
        subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", name, "-f", folder / name], check=True)
    approvers = [f"--approver={name}={folder / name}.pub" for name in ("ana", "ben")]
    assert main(["init", str(root), "--name", "demo", *approvers]) == 0
    asset = {"kind": "server", "owner": "operations", "address": "192.0.2.1", "data_class": "ephi", "tier": 1}
    assets = [
        {**asset, "id": name, "ring": ring, "environment": ring, "baselines": ["debian-server"]}
        for name, ring in REGISTER.items()
    ]
    register = {"plugin": "holdfast.hipaa.register", "assets": assets}
    (root / "holdfast.yml").write_text(json.dumps(register), encoding="utf-8")
    rings = yaml.safe_load((root / "policy/rings.yml").read_text(encoding="utf-8"))
    rings["rings"][0]["break_glass_hours"] = 24
    (root / "policy/rings.yml").write_text(yaml.safe_dump(rings), encoding="utf-8")
    path = plan().save(folder / "drafts")
    assert main(["change", "request", "--plan", str(path), "--site", str(root)]) == 0
    return folder


@pytest.fixture(name="desk")
def a_copy(base: Path, tmp_path: Path, capsys: Capture) -> Path:
    """A copy of it."""
    shutil.copytree(base, tmp_path / "all")
    capsys.readouterr()
    return tmp_path / "all"


def told(desk: Path) -> list[Record]:
    return read_records(Ledger(desk / "site/ledger/ledger.sqlite"))


def run(desk: Path, capsys: Capture, *words: str) -> tuple[int, str, str]:
    change = str(next(one.change_id for one in told(desk) if one.change_id))
    code = main(["change", words[0], change, *words[1:], "--site", str(desk / "site")])
    said = capsys.readouterr()
    return code, said.out, said.err


def first_ring(desk: Path) -> str:
    return str(yaml.safe_load((desk / "site/policy/rings.yml").read_text(encoding="utf-8"))["rings"][0]["name"])


def test_the_glass_is_broken_reviewed_and_audited(desk: Path, capsys: Capture) -> None:
    ring = first_ring(desk)
    before = len(told(desk))
    words = ["break-glass", "--reason", "exploited-flaw", "--ring", ring]
    code, _out, err = run(desk, capsys, *words, "--dry-run")
    assert (code, "nothing was recorded" in err) == (0, True)
    assert len(told(desk)) == before
    code, out, _err = run(desk, capsys, *words)
    assert (code, f"goes ahead in {ring} (exploited-flaw); to be reviewed by" in out) == (0, True)
    record = told(desk)[-1]
    assert (record.step, record.role, record.body["rings"]) == ("break-glass", "implementer", [ring])
    assert main(["audit", "--site", str(desk / "site")]) == 0
    assert "note: entry 2: break-glass-open" in capsys.readouterr().out

    code, _out, err = run(desk, capsys, "review", "--verdict", "justified", "--key", str(desk / "site/keys/log.pem"))
    assert (code, "and no approver" in err) == (1, True)
    for name in ("ana", "ben"):
        code, out, _err = run(desk, capsys, "review", "--verdict", "justified", "--ssh-key", str(desk / name))
        assert (code, f"{name} says justified of record 2" in out) == (0, True)
    size = len(told(desk))
    code, out, _err = run(desk, capsys, "review", "--verdict", "justified", "--ssh-key", str(desk / "ana"))
    assert (code, "has said so of all already" in out, len(told(desk))) == (0, True, size)
    assert main(["audit", "--site", str(desk / "site")]) == 0
    assert "break-glass" not in capsys.readouterr().out.replace("let the glass be broken", "")


def test_where_policy_says_nothing_nobody_breaks_it(desk: Path, capsys: Capture) -> None:
    before = len(told(desk))
    code, _out, err = run(desk, capsys, "break-glass", "--reason", "outage")
    assert (code, "policy/rings.yml lets nobody break the glass in" in err) == (1, True)
    assert len(told(desk)) == before


def test_nobody_breaks_it_for_their_own_change_or_without_the_role(desk: Path, capsys: Capture) -> None:
    before = len(told(desk))
    own = ["--key", str(desk / "site/keys/requester.pem")]
    code, _out, err = run(desk, capsys, "break-glass", "--reason", "outage", "--ring", first_ring(desk), *own)
    assert code == 1
    assert "asked for this change" in err
    assert "no implementer" in err
    assert len(told(desk)) == before


def test_a_rejection_is_not_passed_over(desk: Path, capsys: Capture) -> None:
    ring = first_ring(desk)
    assert run(desk, capsys, "approve", "--reject", "--as", "ana", "--ssh-key", str(desk / "ana"))[0] == 0
    code, _out, err = run(desk, capsys, "break-glass", "--reason", "outage", "--ring", ring)
    assert (code, "an emergency does not pass over a no" in err) == (1, True)


def test_there_must_be_something_to_review(desk: Path, capsys: Capture) -> None:
    code, _out, err = run(desk, capsys, "review", "--verdict", "justified", "--ssh-key", str(desk / "ana"))
    assert (code, "there is nothing to review" in err) == (1, True)
