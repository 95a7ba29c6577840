# Copyright: (c) 2026, Holdfast contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""A change from its request on by commands alone; three of its principals have nothing but OpenSSH."""

from __future__ import annotations

import base64
import json
import os
import shutil
import subprocess
import sys
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest
import yaml
from ansible_collections.holdfast.hipaa.plugins.plugin_utils.cli.main import main
from ansible_collections.holdfast.hipaa.plugins.plugin_utils.edge.opening import open_recorder, open_site
from ansible_collections.holdfast.hipaa.plugins.plugin_utils.edge.signing import site_signer
from ansible_collections.holdfast.hipaa.plugins.plugin_utils.ledger.store import Ledger

from tests.change_cases import REGISTER, plan
from tests.ledger_cases import deployed, seen

ROOT = Path(__file__).parents[5]
PEOPLE = {"olga": "requester", "sam": "approver,security", "rita": "approver,revenue-cycle"}
CASE = (
    "--justification=security-flaw", "--ephi-risk=none", "--medical-necessity=claim-edits", "--tests=lab",
    "--tests=health", "--acceptance=as-planned", "--backout=rollback",
)  # fmt: skip
LIFE = {
    "case": "required",
    "assessments": {"security": "always", "revenue-cycle": "medical-necessity", "privacy-officer": "ephi"},
    "proofs": {"access_review_days": 90},
}


class Desk:
    """A site whose people sign with ssh-keygen, and the command in it."""

    def __init__(self, folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
        self.folder, self.site, self.capsys = folder, folder / "site", capsys

    def run(self, *words: object) -> tuple[int, str, str]:
        """Run `holdfast` and return exit code, results, and the rest."""
        code = main([*map(str, words), "--site", str(self.site)])
        said = self.capsys.readouterr()
        return code, said.out, said.err

    def elsewhere(self, who: str, *words: object, spoil: Callable[[Path], None] | None = None) -> tuple[int, str, str]:
        """Have a command write its bytes, sign them with ssh-keygen alone, hand both in; `told` is what it said."""
        file = self.folder / "to-sign"
        command = [sys.executable, "-m", "ansible_collections.holdfast.hipaa.plugins.plugin_utils.cli"]
        environment = {**os.environ, "PYTHONPATH": str(ROOT / "collections")}
        out = [*command, *map(str, words), "--as", who, "--for-signing", "--site", str(self.site)]
        if words[:2] == ("change", "approve"):
            out[out.index("approve")] = "show"
        with file.open("wb") as to:
            told = subprocess.run(out, stdout=to, stderr=subprocess.PIPE, env=environment, check=False, timeout=100)
        self.told = told.stderr.decode()
        if told.returncode:
            return told.returncode, "", self.told
        (self.folder / "to-sign.sig").unlink(missing_ok=True)
        sign = ["ssh-keygen", "-Y", "sign", "-n", "dsse@holdfast.example", "-f", str(self.folder / who), str(file)]
        subprocess.run(sign, check=True, capture_output=True, timeout=30)
        if spoil:
            spoil(file)
        return self.run(*words, "--as", who, "--signed", file, "--signature", f"{file}.sig")

    @property
    def entries(self) -> int:
        """How many records there are."""
        return Ledger(self.site / "ledger" / "ledger.sqlite").size


@pytest.fixture(name="base", scope="module")
def one_site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Lay out a site in which three people hold SSH keys, and rings that want all that can be wanted."""
    folder = tmp_path_factory.mktemp("life")
    for name in PEOPLE:
        subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", name, "-f", folder / name], check=True)
    site = folder / "site"
    assert main(["init", str(site), "--name", "demo"]) == 0
    about = {"kind": "server", "owner": "operations", "address": "192.0.2.1", "data_class": "ephi", "tier": 1}
    assets = [
        {**about, "id": name, "ring": ring, "environment": ring, "baselines": ["debian-server"]}
        for name, ring in REGISTER.items()
    ]
    register = {"plugin": "holdfast.hipaa.register", "assets": assets}
    (site / "holdfast.yml").write_text(json.dumps(register), encoding="utf-8")
    rings = yaml.safe_load((ROOT / "policy" / "rings.yml").read_text(encoding="utf-8"))
    rings["rings"][0] |= LIFE
    (site / "policy").mkdir(exist_ok=True)
    (site / "policy" / "rings.yml").write_text(yaml.safe_dump(rings), encoding="utf-8")
    people = [f"--principal={name}={roles}={folder / name}.pub" for name, roles in PEOPLE.items()]
    assert main(["trust", "rotate", *people, "--site", str(site)]) == 0
    assert main(["trust", "publish", "--site", str(site)]) == 0
    return folder


@pytest.fixture(name="desk")
def a_copy(base: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Desk:
    """A copy of it."""
    shutil.copytree(base, tmp_path / "all")
    capsys.readouterr()
    return Desk(tmp_path / "all", capsys)


def ask(desk: Desk) -> tuple[object, ...]:
    """Return the words that ask for the cases' plan in the lab."""
    return ("change", "request", "--plan", plan().save(desk.site / "drafts"), "--ring", "lab", *CASE)


def test_a_change_lives_by_commands_with_three_principals_who_have_openssh_alone(desk: Desk) -> None:
    code, out, err = desk.elsewhere("olga", *ask(desk))
    assert code == 0, err
    change = out.split()[0]
    for words in (
        "signs        olga, as requester of org-demo",
        f"plan         sha256 {plan().digest}",
        "backout: rollback",
    ):
        assert words in desk.told
    again = (desk.folder / "to-sign", desk.folder / "to-sign.sig")
    code, _out, err = desk.run(*ask(desk), "--as", "olga", "--signed", again[0], "--signature", again[1])
    assert code in (1, 2), err  # the same request is recorded once

    code, _out, err = desk.elsewhere("sam", "change", "approve", change)
    assert code == 1
    for rule in ("assessed: security has not", "assessed: revenue cycle has not", "access-reviewed: the newest review"):
        assert rule in err
    for who, office in (("sam", "security"), ("rita", "revenue-cycle")):
        words = ("change", "assess", change, "--office", office, "--outcome", "clear")
        code, _out, err = desk.elsewhere(who, *words)
        assert code == 0, err
    review = desk.folder / "review.txt"
    review.write_text("Everybody who may log in still should.", encoding="utf-8")
    sealed = ("evidence", "seal", review, "--kind", "access-review", "--ssh-key", desk.folder / "sam")
    assert desk.run(*sealed, "--done-on", "2020-01-31")[0] == 0
    code, _out, err = desk.elsewhere("sam", "change", "approve", change)
    assert (code, "the newest review of access is of 2020-01-31" in err) == (1, True)
    assert desk.run(*sealed)[0] == 0
    code, out, err = desk.elsewhere("sam", "change", "approve", change)
    assert code == 0, err
    assert "nginx:amd64" in desk.told
    assert "lab: has its approvals" in out

    told = json.loads(desk.run("change", "show", change, "--format", "json")[1])
    assert (told["state"], told["missing"], told["case"]["medical_necessity"]) == ("approved", [], ["claim-edits"])
    carry_out(desk, told)
    told = json.loads(desk.run("change", "show", change, "--format", "json")[1])
    assert told["state"] == "closed"
    code, out, _err = desk.run("audit")
    assert code == 0, out


def test_a_sample_of_closed_changes_names_what_each_lacks(desk: Desk) -> None:
    shutil.copy(ROOT / "policy" / "rings.yml", desk.site / "policy" / "rings.yml")
    assert desk.run("change", "sample")[0] == 0
    code, out, err = desk.run(*ask(desk)[:6])
    assert code == 0, err
    change = out.split()[0]
    key = ("--ssh-key", desk.folder / "sam")
    assert desk.run("change", "approve", change, "--as", "sam", *key)[0] == 0
    carry_out(desk, json.loads(desk.run("change", "show", change, "--format", "json")[1]))
    ticket = desk.folder / "ticket.txt"
    ticket.write_text("The ticket.", encoding="utf-8")
    assert desk.run("evidence", "seal", ticket, "--kind", "ticket", "--change", change, *key)[0] == 0
    code, out, _err = desk.run("change", "sample")
    assert (code, f"{change}  nothing lacks" in out, "1 of 1 closed changes" in out) == (0, True, True)
    (sealed,) = (desk.site / "evidence").glob("*.sealed")
    kept = sealed.read_bytes()
    sealed.write_bytes(kept[:-1] + bytes([kept[-1] ^ 1]))
    assert "which has other bytes" in desk.run("change", "sample")[1]
    sealed.unlink()
    code, out, _err = desk.run("change", "sample", "--format", "json")
    assert (code, json.loads(out)["lacks"][change]) == (1, [f"the sealed ticket {sealed.stem[:16]}..."])
    rings = yaml.safe_load((ROOT / "policy" / "rings.yml").read_text(encoding="utf-8"))
    rings["rings"][0] |= {"approvals_required": 2, "case": "required", "assessments": {"security": "always"}}
    (desk.site / "policy" / "rings.yml").write_text(yaml.safe_dump(rings), encoding="utf-8")
    told = desk.run("change", "sample")[1]
    (page,) = (desk.site / "plans").glob("*.json")
    page.unlink()
    assert "the plan: " in desk.run("change", "sample")[1]
    for words in ("approvals for lab: 1 of 2", "the assessment of security for lab", "its case, which lab wants"):
        assert words in told


def carry_out(desk: Desk, told: dict[str, object]) -> None:
    """Do what the plan says in the lab, as a run does, with the keys of the controller and of the verifier."""
    site = open_site(desk.site)
    recorder = open_recorder(site)
    carries, verifies, log = (site_signer(site, name) for name in ("implementer", "verifier", "log"))
    request = told["request"]
    assert isinstance(request, dict)
    approvals = told["approvals"]
    assert isinstance(approvals, list)
    run = recorder.open_run(
        carries, kind="patch", mode="apply", expected_assets=["lab-1"], ansible_core="2.19.14",
        plan=str(told["plan_sha256"]), change_id=str(told["change"]), request=str(request["sha256"]),
        approvals=[{"index": one["index"], "sha256": one["sha256"]} for one in approvals],
    )  # fmt: skip
    recorder.deploy(carries, run, ring="lab", results=[deployed("lab-1")])
    for kind in ("version", "health"):
        recorder.verify(verifies, run, kind=kind, phase="after", results=[seen("lab-1")])
    recorder.close_run(carries, run, outcome="ok", exit_code=0)
    recorder.checkpoint(log)


def other(file: Path) -> None:
    """Change one word of what was signed."""
    file.write_bytes(file.read_bytes().replace(b"rollback", b"rollbacc"))


def test_what_comes_back_changed_is_not_recorded(desk: Desk) -> None:
    before = desk.entries
    code, _out, err = desk.elsewhere("olga", *ask(desk), spoil=other)
    assert code != 0, err
    code, _out, err = desk.run(*ask(desk)[:-1], "--backout=none", "--as", "olga", "--for-signing")
    assert code == 0
    assert desk.entries == before


def test_signed_words_fit_no_other_words(desk: Desk) -> None:
    code, out, err = desk.elsewhere("olga", *ask(desk))
    assert code == 0, err
    words = ("change", "assess", out.split()[0], "--office", "security", "--outcome")
    assert desk.elsewhere("sam", *words, "clear")[0] == 0
    before = desk.entries
    signed = ("--as", "sam", "--signed", desk.folder / "to-sign", "--signature", desk.folder / "to-sign.sig")
    code, _out, err = desk.run(*words, "objection", *signed)
    assert (code, "outcome is clear, not objection" in err, desk.entries) == (2, True, before), err


def test_a_case_is_made_whole_or_not_at_all(desk: Desk) -> None:
    code, _out, err = desk.run(*ask(desk)[:-1])
    assert (code, "a case is made whole or not at all; add --backout" in err) == (2, True)
    code, _out, err = desk.run(*ask(desk)[:6])
    assert (code, "case-made: lab wants a case" in err) == (1, True)


def test_nobody_assesses_for_an_office_of_another(desk: Desk) -> None:
    code, out, err = desk.elsewhere("olga", *ask(desk))
    assert code == 0, err
    change = out.split()[0]
    for who, why in (("rita", "assessor-office"), ("olga", "duties-apart")):
        words = ("change", "assess", change, "--office", "security", "--outcome", "clear", "--ssh-key")
        code, _out, err = desk.run(*words, desk.folder / who)
        assert (code, why in err) == (1, True)


STANDARD = {
    "id": "monthly", "why": "Security updates, as every month.", "kind": "patch", "rings": ["lab"], "assets_most": 1,
    "packages": ["nginx"], "expires": "2099-01-01T00:00:00Z",
}  # fmt: skip


def test_a_standard_change_is_approved_once_and_each_use_is_a_change(desk: Desk) -> None:
    shutil.copy(ROOT / "policy" / "rings.yml", desk.site / "policy" / "rings.yml")
    path = desk.site / "policy" / "standard.yml"
    path.write_text(yaml.safe_dump({"templates": [STANDARD]}), encoding="utf-8")
    words = (*ask(desk)[:6], "--standard", "monthly")
    code, _out, err = desk.elsewhere("olga", *words)
    assert (code, "nobody signed it as it is now" in err) == (1, True)
    code, out, err = desk.elsewhere("sam", "standard", "approve", "monthly")
    assert (code, "sam agrees to monthly" in out) == (0, True), err
    code, out, err = desk.elsewhere("olga", *words)
    assert code == 0, err
    change = out.split()[0]
    told = json.loads(desk.run("change", "show", change, "--format", "json")[1])
    assert (told["state"], told["missing"]) == ("approved", [])
    assert "sam  agreed to monthly" in desk.run("change", "show", change)[1]
    carry_out(desk, told)
    code, out, _err = desk.run("audit")
    assert code == 0, out
    assert "standard" in desk.run("records", "--step", "standard")[1]
    bundle = desk.folder / "change.zip"
    code, _out, err = desk.run("bundle", "change", change, "--output", bundle)
    assert code == 0, err
    with zipfile.ZipFile(bundle) as files:
        held = [json.loads(files.read(name)) for name in files.namelist() if name.startswith("records/")]
    steps = [json.loads(base64.b64decode(one["payload"]))["predicateType"].split("/")[-2] for one in held]
    assert {"request", "standard", "run-open", "deploy", "verify"} <= set(steps)
    assert main(["bundle", "verify", str(bundle)]) == 0
    desk.capsys.readouterr()
    (listed,) = json.loads(desk.run("standard", "list", "--format", "json")[1])
    assert (listed["signed_by"], listed["changes"]) == (["sam"], [change])

    path.write_text(yaml.safe_dump({"templates": [{**STANDARD, "packages": ["openssl"]}]}), encoding="utf-8")
    another = plan(title="Others").save(desk.site / "drafts")
    code, _out, err = desk.run("change", "request", "--plan", another, "--ring", "lab", "--standard", "monthly")
    assert (code, "not in the template: nginx" in err) == (1, True)


def test_a_run_by_a_template_that_was_withdrawn_is_found(desk: Desk) -> None:
    shutil.copy(ROOT / "policy" / "rings.yml", desk.site / "policy" / "rings.yml")
    path = desk.site / "policy" / "standard.yml"
    path.write_text(yaml.safe_dump({"templates": [STANDARD]}), encoding="utf-8")
    key = ("--ssh-key", desk.folder / "sam")
    assert desk.run("standard", "approve", "monthly", *key)[0] == 0
    code, out, err = desk.run(*ask(desk)[:6], "--standard", "monthly")
    assert code == 0, err
    change = out.split()[0]
    told = json.loads(desk.run("change", "show", change, "--format", "json")[1])
    assert desk.run("standard", "withdraw", "monthly", *key)[0] == 0
    now = json.loads(desk.run("change", "show", change, "--format", "json")[1])
    assert [one["rule"] for one in now["missing"]] == ["approvals-enough"]
    carry_out(desk, told)
    code, out, _err = desk.run("audit")
    assert code == 1
    assert "template-unfit" in out
    assert "approvals-few" in out


def test_an_emergency_is_reviewed_with_openssh_alone(desk: Desk) -> None:
    rings = yaml.safe_load((ROOT / "policy" / "rings.yml").read_text(encoding="utf-8"))
    rings["rings"][0] |= {"break_glass_hours": 24}
    (desk.site / "policy" / "rings.yml").write_text(yaml.safe_dump(rings), encoding="utf-8")
    code, out, err = desk.run(*ask(desk)[:6])
    assert code == 0, err
    change = out.split()[0]
    assert desk.run("change", "break-glass", change, "--reason", "outage")[0] == 0
    code, out, err = desk.elsewhere("rita", "change", "review", change, "--verdict", "justified")
    assert (code, "rita says justified" in out) == (0, True), err
    told = json.loads(desk.run("change", "show", change, "--format", "json")[1])
    assert told["emergencies"][0]["reviews"] == {"rita": "justified"}


LEADERSHIP = {"version": 1, "owner": "it-operations", "approval": "required", "approved_by": ["security"]}


def test_leaders_approve_and_withdraw_a_policy_with_openssh_alone(desk: Desk) -> None:
    """And what was signed counts until when it says, for that very policy, by a leader."""
    (desk.site / "policy" / "leadership.yml").write_text(yaml.safe_dump(LEADERSHIP), encoding="utf-8")
    code, _out, err = desk.elsewhere("rita", "policy", "approve")
    assert (code, "rita, who approved it, is none of security" in err) == (1, True)
    code, out, err = desk.elsewhere("sam", "policy", "approve", "--days", 30)
    assert (code, "approved by sam until" in out) == (0, True), err
    told = " ".join(desk.told.split())
    for words in ("signs sam, as approver of", "what policy", "decision approve", "offices security", "expires at 20"):
        assert words in told
    assert "holdfast policy approve --as sam --signed FILE" in desk.told
    assert desk.run("policy", "status")[0] == 0
    assert desk.elsewhere("sam", "policy", "withdraw")[0] == 0
    assert desk.run("policy", "status")[0] == 1


def test_bytes_of_an_approval_fit_one_policy_and_one_end(desk: Desk) -> None:
    path = desk.site / "policy" / "leadership.yml"
    path.write_text(yaml.safe_dump(LEADERSHIP), encoding="utf-8")
    entries = desk.entries

    def edit(_file: Path) -> None:
        path.write_text(yaml.safe_dump({**LEADERSHIP, "version": 2}), encoding="utf-8")

    code, _out, err = desk.elsewhere("sam", "policy", "approve", spoil=edit)
    assert (code, "write the bytes to sign anew" in err) == (2, True), err
    handed = ("--signed", desk.folder / "to-sign", "--signature", desk.folder / "to-sign.sig")
    path.write_text(yaml.safe_dump(LEADERSHIP), encoding="utf-8")
    code, _out, err = desk.run("policy", "approve", "--as", "sam", "--days", 30, *handed)
    assert (code, "expected a time after now and within 30 days" in err) == (2, True), err
    assert desk.entries == entries
    assert desk.run("policy", "approve", "--as", "sam", *handed)[0] == 0
    assert desk.entries == entries + 1
