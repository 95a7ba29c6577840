# Copyright: (c) 2026, Holdfast contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""`holdfast change stop` and `go`, as people use them: a real site, real keys, a real ledger."""

from __future__ import annotations

import json
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.holdfast.hipaa.plugins.plugin_utils.cli.main import main
from ansible_collections.holdfast.hipaa.plugins.plugin_utils.ledger.reading import read_records
from ansible_collections.holdfast.hipaa.plugins.plugin_utils.ledger.store import Ledger

from tests.change_cases import REGISTER, plan


@pytest.fixture(name="site", scope="module")
def one_site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A site with an approver, and keys for all roles."""
    folder = tmp_path_factory.mktemp("halt")
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", "ana", "-f", folder / "ana"], check=True)
    assert main(["init", str(folder / "site"), "--name", "demo", "--approver", f"ana={folder / 'ana'}.pub"]) == 0
    asset = {"kind": "server", "owner": "operations", "address": "192.0.2.1", "data_class": "ephi", "tier": 1}
    assets = [
        {**asset, "id": name, "ring": ring, "environment": ring, "baselines": ["debian-server"]}
        for name, ring in REGISTER.items()
    ]
    register = {"plugin": "holdfast.hipaa.register", "assets": assets}
    (folder / "site" / "holdfast.yml").write_text(json.dumps(register), encoding="utf-8")
    return folder


@pytest.fixture(name="desk")
def a_copy(site: Path, tmp_path: Path) -> Path:
    """A copy of the site with one change asked for."""
    shutil.copytree(site, tmp_path / "all")
    path = plan().save(tmp_path / "drafts")
    assert main(["change", "request", "--plan", str(path), "--site", str(tmp_path / "all" / "site")]) == 0
    return tmp_path / "all"


def order(desk: Path, capsys: pytest.CaptureFixture[str], *words: str) -> tuple[int, str, str]:
    """Run `holdfast change` on the one change there is."""
    capsys.readouterr()
    root = desk / "site"
    change = next(one.change_id for one in read_records(Ledger(root / "ledger/ledger.sqlite")) if one.change_id)
    code = main(["change", words[0], str(change), *words[1:], "--site", str(root)])
    said = capsys.readouterr()
    return code, said.out, said.err


def shown(desk: Path, capsys: pytest.CaptureFixture[str]) -> dict[str, Any]:
    code, out, err = order(desk, capsys, "show", "--format", "json")
    assert code == 0, err
    found: dict[str, Any] = json.loads(out)
    return found


def test_an_approver_stops_a_ring_and_the_requester_lets_it_go_on(
    desk: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    code, out, err = order(desk, capsys, "stop", "--as", "ana", "--ssh-key", str(desk / "ana"), "--ring", "production")
    assert (code, err) == (0, "")
    assert out.startswith("ana stops chg_")
    assert "in production; record" in out
    told = shown(desk, capsys)
    assert told["state"] == "halted"
    assert [ring["stopped_by"] for ring in told["rings"]] == [None, None, "ana"]
    record = read_records(Ledger(desk / "site/ledger/ledger.sqlite"))[-1]
    assert (record.step, record.principal, record.role) == ("halt", "ana", "approver")

    key = str(desk / "site/keys/requester.pem")
    code, out, err = order(desk, capsys, "go", "--as", "requester", "--key", key)
    assert (code, err) == (0, "")
    assert "lets go on" in out
    assert shown(desk, capsys)["state"] == "requested"


@pytest.mark.parametrize(
    ("words", "why"),
    [
        (("stop", "--as", "scanner", "--key", "scanner"), "may-stop: scanner is verifier"),
        (("stop", "--as", "nobody", "--key", "scanner"), "principal-known: nobody called nobody"),
        (("go", "--as", "requester", "--key", "requester"), "is-stopped:"),
    ],
)
def test_who_may_not_is_told_and_nothing_is_recorded(
    words: tuple[str, ...], why: str, desk: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    keys = {"scanner": "verifier", "requester": "requester"}
    before = Ledger(desk / "site/ledger/ledger.sqlite").size
    code, _unused, err = order(desk, capsys, *words[:4], str(desk / "site/keys" / f"{keys[words[4]]}.pem"))
    assert code == 1
    assert why in err
    assert Ledger(desk / "site/ledger/ledger.sqlite").size == before


@pytest.mark.parametrize(
    ("words", "why"),
    [
        (["--key", "keys/verifier.pem"], "--as ana: the key is scanner's"),
        ([], "stop: no key; add --ssh-key PATH or --key KEY"),
        (["--ssh-key", "../ana", "--ring", "canary"], "--ring canary: the change was asked for lab, pilot, production"),
    ],
)
def test_an_order_that_makes_no_sense_is_wrong_usage(
    words: list[str], why: str, desk: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    paths = [str((desk / "site" / word).resolve()) if "/" in word else word for word in words]
    code, _unused, err = order(desk, capsys, "stop", "--as", "ana", *paths)
    assert code == 2
    assert why in err
