# Copyright: (c) 2026, Holdfast contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""A change of technical safeguards from its request to the audit, by the commands: real keys, a real ledger."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.holdfast.hipaa.plugins.plugin_utils.cli.main import main
from ansible_collections.holdfast.hipaa.plugins.plugin_utils.edge.opening import open_case, open_recorder, open_site
from ansible_collections.holdfast.hipaa.plugins.plugin_utils.edge.signing import site_signer

from tests.change_cases import REGISTER
from tests.ledger_cases import deployed, seen

Capture = pytest.CaptureFixture[str]
OFFICES = {"sue": "approver", "ben": "approver, business-owner", "cleo": "approver, compliance-officer"}


@dataclass
class Desk:
    """A site, its people's keys beside it, and what the commands say."""

    folder: Path
    capsys: Capture
    change: str = ""

    @property
    def root(self) -> Path:
        return self.folder / "site"

    def run(self, *words: str) -> tuple[int, str, str]:
        self.capsys.readouterr()
        code = main([*words, "--site", str(self.root)])
        said = self.capsys.readouterr()
        return code, said.out, said.err

    def approve(self, who: str) -> None:
        key = str(self.folder / who)
        code, _out, err = self.run("change", "approve", self.change, "--as", who, "--ssh-key", key, "--ring", "lab")
        assert code == 0, err

    def missing(self) -> list[str]:
        shown = json.loads(self.run("change", "show", self.change, "--format", "json")[1])
        return [one["rule"] for one in shown["missing"]]

    def carry_out(self, *approvers: str) -> None:
        """Write what a controller writes that asks no gate: a run that cites these people's approvals."""
        site = open_site(self.root)
        recorder, state = open_recorder(site), open_case(self.root, self.change).state
        carries, verifies, log = (site_signer(site, name) for name in ("implementer", "verifier", "log"))
        cited = [{"index": one.index, "sha256": one.sha256} for one in state.consents if one.principal in approvers]
        particulars: dict[str, Any] = {"kind": "remediate", "mode": "apply", "ansible_core": "2.19.14"}
        of = {"plan": state.plan, "change_id": state.change_id, "request": state.request, "approvals": cited}
        run = recorder.open_run(carries, expected_assets=["lab-1"], **particulars, **of)
        recorder.deploy(carries, run, ring="lab", results=[deployed("lab-1", products=())])
        recorder.verify(verifies, run, kind="drift", phase="after", results=[seen("lab-1", check="ssh-01")])
        recorder.close_run(carries, run, outcome="ok", exit_code=0)
        recorder.checkpoint(log)

    def audit(self) -> tuple[int, str]:
        code, out, _err = self.run("audit")
        return code, out


@pytest.fixture(name="base", scope="module")
def one_site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A site with three approvers, of whom one owns the business and one is the Compliance Officer."""
    folder = tmp_path_factory.mktemp("segregation")
    root = folder / "site"
    for name in OFFICES:
        subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", name, "-f", folder / name], check=True)
    assert (
        main(["init", str(root), "--name", "demo", *(f"--approver={one}={folder / one}.pub" for one in OFFICES)]) == 0
    )
    asset = {"kind": "server", "owner": "operations", "address": "192.0.2.1", "data_class": "ephi", "tier": 1}
    assets = [
        {**asset, "id": name, "ring": ring, "environment": ring, "baselines": ["debian-server"]}
        for name, ring in REGISTER.items()
    ]
    register = {"plugin": "holdfast.hipaa.register", "assets": assets}
    (root / "holdfast.yml").write_text(json.dumps(register), encoding="utf-8")
    trust = root / "trust.yml"
    text = trust.read_text(encoding="utf-8").replace("version: 1", "version: 2", 1)
    for name, roles in OFFICES.items():
        text, count = re.subn(rf"(- id: {name}\b[^\n]*\n\s+roles: )\[approver\]", rf"\1[{roles}]", text)
        assert count == 1
    trust.write_text(text, encoding="utf-8")
    assert main(["trust", "publish", "--site", str(root)]) == 0
    return folder


@pytest.fixture
def desk(base: Path, tmp_path: Path, capsys: Capture) -> Desk:
    """A copy of it, and a change of the lab's settings that was asked for."""
    shutil.copytree(base, tmp_path / "all")
    desk = Desk(tmp_path / "all", capsys)
    asked = [
        "change",
        "request",
        "--kind",
        "config",
        "--title",
        "Logins",
        "--reason",
        "Shared ones go",
        "--ring",
        "lab",
    ]
    code, out, err = desk.run(*asked)
    assert code == 0, err
    assert re.search(r"^touches technical safeguards: 45 CFR 164\.312\(a\)", out, re.MULTILINE)
    desk.change = out.split()[0]
    return desk


def test_it_waits_for_the_officer_and_says_so_until_they_have_approved(desk: Desk) -> None:
    assert desk.missing() == ["approvals-enough", "safeguard-signed-off"]
    desk.approve("sue")
    assert desk.missing() == ["safeguard-signed-off"]
    shown = desk.run("change", "show", desk.change)[1]
    assert "lab: 1 of 1 approvals; without the Compliance Officer or the Privacy Officer" in shown
    assert re.search(r"safeguard-signed-off: .*\(45 CFR 164\.308\(a\)\(8\)\); cleo: holdfast change approve", shown)
    desk.approve("cleo")
    assert desk.missing() == []
    assert "next: lab, which may start" in desk.run("change", "show", desk.change)[1]
    desk.carry_out("sue", "cleo")
    code, out = desk.audit()
    assert code == 0, out


def test_a_controller_that_asks_no_gate_is_found_by_the_audit(desk: Desk) -> None:
    desk.approve("sue")
    desk.carry_out("sue")
    code, out = desk.audit()
    assert code == 1
    assert out.count("FOUND") == 1
    assert "safeguard-unsigned" in out


def test_policy_wants_an_office_by_kind_of_change(desk: Desk) -> None:
    rings = desk.root / "policy" / "rings.yml"
    text = rings.read_text(encoding="utf-8")
    more = "    kinds: {config: {offices: [business-owner], sign_off: none}}\n"
    rings.write_text(text.replace("    promotion: none", f"{more}    promotion: none", 1), encoding="utf-8")
    desk.approve("sue")
    assert desk.missing() == ["office-filled"]
    assert "without the business owner" in desk.run("change", "list")[1]
    desk.approve("ben")
    assert desk.missing() == []
    desk.carry_out("sue")
    code, out = desk.audit()
    assert (code, "office-missing" in out, "safeguard-unsigned" in out) == (1, True, False)


def test_an_emergency_is_reviewed_by_the_officer_too(desk: Desk) -> None:
    rings = desk.root / "policy" / "rings.yml"
    text = rings.read_text(encoding="utf-8")
    rings.write_text(text.replace("    promotion: none", "    break_glass_hours: 24\n    promotion: none", 1))
    glass = ["change", "break-glass", desk.change, "--reason", "attack", "--ring", "lab"]
    assert desk.run(*glass)[0] == 0
    assert desk.missing() == []
    desk.carry_out()
    review = ["change", "review", desk.change, "--verdict", "justified", "--ssh-key"]
    assert desk.run(*review, str(desk.folder / "sue"))[0] == 0
    assert "the Compliance Officer or the Privacy Officer must review it" in desk.run("change", "show", desk.change)[1]
    code, out = desk.audit()
    assert (code, "break-glass-open" in out, "no compliance-officer or privacy-officer" in out) == (0, True, True)
    assert desk.run(*review, str(desk.folder / "cleo"))[0] == 0
    assert "sue says justified, cleo says justified" in desk.run("change", "show", desk.change)[1]
    assert "break-glass-open" not in desk.audit()[1]


def test_nobody_amends_the_word_of_those_they_answer_to(desk: Desk) -> None:
    """The requester has two roles, and is refused before anything is signed."""
    trust = desk.root / "trust.yml"
    text = trust.read_text(encoding="utf-8").replace("version: 2", "version: 3", 1)
    trust.write_text(text.replace("roles: [requester]", "roles: [requester, approver]", 1), encoding="utf-8")
    assert desk.run("trust", "publish")[0] == 0
    desk.approve("sue")
    index = str(open_case(desk.root, desk.change).state.consents[0].index)
    own = ["ledger", "amend", index, "--reason", "mistaken", "--key", str(desk.root / "keys" / "requester.pem")]
    code, _out, err = desk.run(*own)
    assert (code, "duties-apart: requester is requester of" in err) == (1, True)
    assert desk.run(*own[:-2], "--ssh-key", str(desk.folder / "cleo"))[0] == 0
