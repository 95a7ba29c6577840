# Copyright: (c) 2026, Holdfast contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""`holdfast change`, as people use it: a real site, real keys, a real ledger, and the audit as the last word."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.holdfast.hipaa.plugins.plugin_utils.audit.audit import audit
from ansible_collections.holdfast.hipaa.plugins.plugin_utils.change.plan import Plan
from ansible_collections.holdfast.hipaa.plugins.plugin_utils.cli.main import main
from ansible_collections.holdfast.hipaa.plugins.plugin_utils.edge.environment import utc_now
from ansible_collections.holdfast.hipaa.plugins.plugin_utils.edge.opening import open_recorder, open_site
from ansible_collections.holdfast.hipaa.plugins.plugin_utils.ledger.reading import read_records
from ansible_collections.holdfast.hipaa.plugins.plugin_utils.ledger.signers import FileSigner
from ansible_collections.holdfast.hipaa.plugins.plugin_utils.ledger.store import Ledger

from tests.change_cases import REGISTER, plan

ROOT = Path(__file__).parents[5]
COMMAND = [sys.executable, "-m", "ansible_collections.holdfast.hipaa.plugins.plugin_utils.cli", "change"]


@dataclass
class Shop:
    """A site with two approvers, and the command in it."""

    root: Path
    capsys: pytest.CaptureFixture[str]

    def run(self, *words: object) -> tuple[int, str, str]:
        """Run `holdfast change` and return exit code, results, and the rest."""
        code = main(["change", *map(str, words), "--site", str(self.root)])
        said = self.capsys.readouterr()
        return code, said.out, said.err

    def ask(self, wanted: Plan | None = None) -> str:
        """Ask for a plan and return the change's id."""
        path = (wanted or plan()).save(self.root / "drafts")
        code, out, err = self.run("request", "--plan", path, "--format", "json")
        assert code == 0, err
        return str(json.loads(out)["change"])

    def key(self, name: str) -> Path:
        """Return a person's SSH key, or a role's PEM file."""
        return self.root.parent / name if name in ("ana", "ben", "eve") else self.root / "keys" / f"{name}.pem"

    def approve(self, change: str, name: str, *more: object) -> tuple[int, str, str]:
        """Approve with a person's own SSH key."""
        return self.run("approve", change, "--as", name, "--ssh-key", self.key(name), *more)

    def shown(self, change: str) -> dict[str, Any]:
        """Return `show --format json`."""
        code, out, err = self.run("show", change, "--format", "json")
        assert code == 0, err
        found: dict[str, Any] = json.loads(out)
        return found

    def entries(self) -> int:
        """Return how many records there are."""
        return Ledger(self.root / "ledger" / "ledger.sqlite").size

    def for_signing(self, change: str, name: str, *more: str) -> Path:
        """Write the bytes a person signs elsewhere to a file, by the real command."""
        path = self.root.parent / "approval"
        words = [*COMMAND, "show", change, "--for-signing", "--as", name, *more, "--site", str(self.root)]
        environment = {**os.environ, "PYTHONPATH": str(ROOT / "collections")}
        with path.open("wb") as file:
            subprocess.run(words, stdout=file, check=True, timeout=60, env=environment, capture_output=False)
        return path


@pytest.fixture(scope="module", name="template")
def one_site_for_all(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Lay out one site; each test works on a copy, for making keys is slow."""
    folder = tmp_path_factory.mktemp("shop")
    for name in ("ana", "ben", "eve"):
        subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", name, "-f", folder / name], check=True)
    approvers = [word for name in ("ana", "ben") for word in ("--approver", f"{name}={folder / name}.pub")]
    assert main(["init", str(folder / "site"), "--name", "demo", *approvers]) == 0
    assets = [
        {
            "id": name,
            "kind": "server",
            "owner": "operations",
            "ring": ring,
            "address": "192.0.2.1",
            "environment": ring,
            "data_class": "ephi",
            "tier": 1,
            "baselines": ["debian-server"],
        }
        for name, ring in REGISTER.items()
    ]
    register = {"plugin": "holdfast.hipaa.register", "assets": assets}
    (folder / "site" / "holdfast.yml").write_text(json.dumps(register, indent=1), encoding="utf-8")
    return folder


@pytest.fixture(name="shop")
def a_shop(template: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Shop:
    """Return a fresh copy of the site."""
    shutil.copytree(template, tmp_path / "copy")
    capsys.readouterr()
    return Shop(tmp_path / "copy" / "site", capsys)


def test_a_change_from_request_to_approval_is_on_record_and_the_audit_is_clean(shop: Shop) -> None:
    """Asked, approved by two, for three rings; what the command says is what the auditor's own code finds."""
    change = shop.ask()
    assert shop.shown(change)["state"] == "requested"
    for name in ("ana", "ben"):
        code, out, err = shop.approve(change, name)
        assert code == 0, err
    assert "production: has its approvals" in out
    told = shop.shown(change)
    assert (told["state"], told["next_ring"], told["missing"]) == ("approved", "lab", [])
    assert [one["remark"] for one in told["approvals"]] == ["counts for lab, pilot, production"] * 2
    found = audit(shop.root / "ledger" / "ledger.sqlite", now=utc_now(), plans_dir=shop.root / "plans")
    assert found.ok, found.findings
    assert found.entries == 4


def test_the_plan_is_kept_in_the_site_under_its_digest(shop: Shop) -> None:
    """Whoever shows or approves the change later reads the plan from there."""
    told = shop.shown(shop.ask())
    assert [f"{told['plan_sha256']}.json"] == [path.name for path in (shop.root / "plans").iterdir()]


def test_show_tells_an_approver_everything_that_is_signed(shop: Shop) -> None:
    """Title, why, hosts, versions, whole digests, and what is missing."""
    change = shop.ask()
    shop.approve(change, "ana", "--ring", "lab")
    code, out, _ = shop.run("show", change)
    assert code == 0
    for words in (
        f"{change}  approved",
        "November security updates",
        "why: DSA-0000 asks for it",
        plan().digest,
        "production: prod-1, prod-2, prod-3",
        "nginx:amd64  1.22.1-9  ->  1.22.1-9+deb12u1  CVE-2026-1234",
        "ana  approves  lab  until ",
        "counts for lab",
        "next: lab, which may start",
    ):
        assert words in out


def test_show_says_what_the_next_ring_waits_for(shop: Shop) -> None:
    """With the rule, its citation and the command to type."""
    change = shop.ask()
    _, out, _ = shop.run("show", change)
    assert "next: lab, which waits for:" in out
    assert "0 of 1 approvals for lab (45 CFR 164.308(a)(3)(ii)(A))" in out
    assert f"holdfast change approve {change}" in out


def test_a_change_can_be_named_by_its_beginning(shop: Shop) -> None:
    """Nobody types 30 letters; a beginning that fits two changes is refused."""
    change = shop.ask()
    assert shop.run("show", change[:9])[0] == 0
    shop.ask(plan(title="Another"))
    code, _, err = shop.run("show", "chg_")
    assert (code, "no request of that id" in err) == (2, True)
    assert shop.run("show", "chg_nosuchchange")[0] == 2


def test_list_shows_every_change_and_says_when_there_is_none(shop: Shop) -> None:
    """The newest last; a table for people, data for machines."""
    assert shop.run("list") == (0, "", "no change was asked for yet\n")
    first, second = shop.ask(), shop.ask(plan(title="Another"))
    _, out, _ = shop.run("list")
    assert [line.split()[0] for line in out.splitlines()] == ["CHANGE", first, second]
    assert "lab 0 of 1 approvals, pilot 0 of 1 approvals, production 0 of 2 approvals" in out
    listed = json.loads(shop.run("list", "--format", "json")[1])
    assert [one["change"] for one in listed] == [first, second]
    assert all(len(one["plan_sha256"]) == len(one["request_sha256"]) == 64 for one in listed)
    assert listed[0]["rings"]["production"] == "0 of 2 approvals"
    assert "plan" not in listed[0]  # whole plans are for `show`


def test_a_config_change_asks_for_the_controls_as_they_are(shop: Shop) -> None:
    """Its plan names the digest of the resolved controls of the assets chosen."""
    words = ["request", "--kind", "config", "--title", "Hardening", "--reason", "Baseline 1", "--ring", "lab"]
    code, out, err = shop.run(*words, "--format", "json")
    assert code == 0, err
    told = shop.shown(json.loads(out)["change"])
    assert told["plan"]["baseline"] == {"sha256": open_site(shop.root).controls_digest(["lab-1"], utc_now())}
    assert "as they are now" in shop.run("show", told["change"])[1]


def test_the_same_plan_is_asked_for_once(shop: Shop) -> None:
    """Two changes for one plan would split its approvals."""
    change = shop.ask()
    code, _, err = shop.run("request", "--plan", plan().save(shop.root / "drafts"))
    assert (code, f"denied: {change} asks for this very plan already" in err) == (1, True)


REFUSED_REQUESTS: dict[str, tuple[Callable[[Path], list[object]], int, str]] = {
    "nothing named": (lambda drafts: [], 2, "--plan PATH, or --kind config"),
    "config without reason": (
        lambda drafts: ["--kind", "config", "--title", "x"],
        2,
        "add --title TEXT and --reason TEXT",
    ),
    "plan and title": (lambda d: ["--plan", plan().save(d), "--title", "x"], 2, "brings its own title"),
    "plan of another kind": (lambda d: ["--plan", plan().save(d), "--kind", "config"], 2, "the plan is of kind patch"),
    "plan of another site": (
        lambda d: ["--plan", plan(site="other").save(d)],
        2,
        "was made for site other, this is demo",
    ),
    "ring not planned": (
        lambda d: ["--plan", plan().save(d), "--ring", "canary"],
        2,
        "--ring canary: the plan has lab",
    ),
    "no such file": (lambda d: ["--plan", d / "no.json"], 3, "cannot be read"),
}


@pytest.mark.parametrize("name", REFUSED_REQUESTS)
def test_a_request_that_makes_no_sense_is_refused_and_not_recorded(name: str, shop: Shop) -> None:
    """Exit code and words say what to do; the ledger is as it was."""
    words, expected, said = REFUSED_REQUESTS[name]
    code, _, err = shop.run("request", *words(shop.root / "drafts"))
    assert (code, said in err) == (expected, True), err
    assert shop.entries() == 1


def test_a_plan_for_hosts_that_moved_is_refused(shop: Shop) -> None:
    """The register says another ring now than the plan did."""
    moved = tuple(replace(a, ring="lab") if a.asset == "prod-1" else a for a in plan().assets)
    code, _, err = shop.run("request", "--plan", plan(assets=moved).save(shop.root / "drafts"))
    assert (code, "prod-1: not registered in the ring planned" in err) == (2, True)


def test_nobody_approves_their_own_change(shop: Shop) -> None:
    """The requester is told so before anything is signed."""
    change = shop.ask()
    code, _, err = shop.run("approve", change, "--as", "requester", "--key", shop.key("requester"))
    assert (code, "requester asked for this change, and nobody approves" in err) == (1, True)
    assert shop.entries() == 2


def test_only_an_approver_approves(shop: Shop) -> None:
    """A verifier's key is a good key for something else."""
    code, _, err = shop.run("approve", shop.ask(), "--as", "scanner", "--key", shop.key("verifier"))
    assert (code, "scanner is verifier, and no approver" in err) == (1, True)


def test_a_stranger_is_nobody(shop: Shop) -> None:
    """A key that is not in the trust document signs nothing, whatever name it is given."""
    change = shop.ask()
    code, _, err = shop.run("approve", change, "--as", "eve", "--ssh-key", shop.key("eve"))
    assert (code, "nobody in version 1 holds key" in err) == (3, True)


def test_one_persons_key_does_not_sign_for_another(shop: Shop) -> None:
    """The name comes from the key, and must be the one given."""
    code, _, err = shop.run("approve", shop.ask(), "--as", "ana", "--ssh-key", shop.key("ben"))
    assert (code, "the key is ben's" in err) == (2, True)


def test_a_plan_that_was_touched_is_not_approved(shop: Shop) -> None:
    """The file under the digest has other bytes: the refusal names the file."""
    change = shop.ask()
    path = shop.root / "plans" / f"{plan().digest}.json"
    path.write_bytes(path.read_bytes().replace(b"November", b"December"))
    code, _, err = shop.approve(change, "ana")
    assert (code, "plan-agreed" in err, f"{path}: its SHA-256 is" in err) == (1, True, True)
    assert "(the plan's file is not at hand)" in shop.run("show", change)[1]


def test_an_expired_request_is_not_approved(shop: Shop) -> None:
    """A request made long ago does not come back to life."""
    site = open_site(shop.root)
    recorder = open_recorder(site)
    plan().save(site.plans_dir)
    receipt = recorder.request(
        FileSigner.load(shop.key("requester")),
        plan=plan().digest,
        kind="patch",
        rings=["lab"],
        assets=["lab-1"],
        expires_at=utc_now() - timedelta(seconds=1),
    )
    assert receipt.change_id is not None
    code, _, err = shop.approve(receipt.change_id, "ana")
    assert (code, "request-expired" in err) == (1, True)
    later = (utc_now() + timedelta(hours=1)).isoformat()
    code, _, err = shop.approve(receipt.change_id, "ana", "--until", later)
    assert (code, "expected a time after now and not after the request's own end" in err) == (2, True)


def test_a_rejection_stops_others_until_it_is_settled(shop: Shop) -> None:
    """Ben's no stands against Ana's yes; Ben's own later yes lifts it."""
    change = shop.ask()
    assert shop.approve(change, "ben", "--reject")[0] == 0
    assert shop.shown(change)["state"] == "rejected"
    code, _, err = shop.approve(change, "ana")
    assert (code, "change-rejected: ben rejected it for lab" in err) == (1, True)
    assert shop.approve(change, "ben")[0] == 0
    assert next(one["remark"] for one in shop.shown(change)["approvals"]) == "settled by a later approval"
    assert shop.approve(change, "ana")[0] == 0


@pytest.mark.parametrize("until", ["tomorrow", "2026-12-01", "2026-12-01T10:00"])
def test_a_time_without_its_zone_is_refused(until: str, shop: Shop) -> None:
    """Whose midnight? argparse leaves with 2."""
    with pytest.raises(SystemExit) as left:
        shop.approve("chg_x", "ana", "--until", until)
    assert left.value.code == 2


def test_an_approval_does_not_outlive_its_request(shop: Shop) -> None:
    """A longer promise than was asked for is a mistake."""
    change = shop.ask()
    late = (utc_now() + timedelta(days=400)).isoformat()
    assert shop.approve(change, "ana", "--until", late)[0] == 2
    assert shop.entries() == 2


def test_a_key_that_others_can_read_is_refused(shop: Shop) -> None:
    """A private key in a group-readable file is not private."""
    shop.key("requester").chmod(0o640)
    code, _, err = shop.run("request", "--plan", plan().save(shop.root / "drafts"))
    assert (code, "lets others read the private key" in err) == (3, True)
    assert not (shop.root / "plans").exists()


def test_an_approval_signed_elsewhere_with_ssh_keygen_alone(shop: Shop) -> None:
    """The controller hands out bytes and takes a signature in; no key comes near it, and the audit agrees."""
    change = shop.ask()
    path = shop.for_signing(change, "ana", "--ring", "lab")
    words = ["ssh-keygen", "-q", "-Y", "sign", "-n", "dsse@holdfast.example", "-f", str(shop.key("ana")), str(path)]
    subprocess.run(words, check=True, timeout=60, capture_output=True)
    hand_in = ["approve", change, "--as", "ana", "--signed", path, "--signature", f"{path}.sig"]
    code, out, err = shop.run(*hand_in)
    assert (code, "lab: has its approvals" in out) == (0, True), err
    assert shop.entries() == 3
    assert shop.run(*hand_in)[0] == 0
    assert shop.entries() == 3, "handing the same signature in twice makes one record"
    assert audit(shop.root / "ledger" / "ledger.sqlite", now=utc_now(), plans_dir=shop.root / "plans").ok


def test_signed_bytes_fit_nothing_else(shop: Shop) -> None:
    """Not another change, not another person, not other bytes, not a signature made for e-mail."""
    change, other = shop.ask(), shop.ask(plan(title="Another"))
    path = shop.for_signing(change, "ana")
    sign = ["ssh-keygen", "-q", "-Y", "sign", "-f", str(shop.key("ana"))]
    subprocess.run([*sign, "-n", "dsse@holdfast.example", str(path)], check=True, timeout=60, capture_output=True)
    signature = Path(f"{path}.sig")
    before = shop.entries()

    code, _, err = shop.run("approve", other, "--as", "ana", "--signed", path, "--signature", signature)
    assert (code, f"change is {change}, not {other}" in err) == (3, True)
    code, _, err = shop.run("approve", change, "--as", "ben", "--signed", path, "--signature", signature)
    assert (code, "no key of ben made this signature" in err) == (3, True)

    spoilt = path.with_name("spoilt")
    spoilt.write_bytes(path.read_bytes().replace(b'"lab"', b'"lob"'))
    code, _, err = shop.run("approve", change, "--as", "ana", "--signed", spoilt, "--signature", signature)
    assert (code, "no key of ana made this signature" in err) == (3, True)
    spoilt.write_bytes(b"hello")
    assert shop.run("approve", change, "--as", "ana", "--signed", spoilt, "--signature", signature)[0] == 2
    assert shop.run("approve", change, "--as", "ana", "--signed", path, "--signature", path)[0] == 2

    mail = path.with_name("mail")
    shutil.copy(path, mail)
    subprocess.run([*sign, "-n", "email", str(mail)], check=True, timeout=60, capture_output=True)
    assert shop.run("approve", change, "--as", "ana", "--signed", mail, "--signature", f"{mail}.sig")[0] == 3
    assert shop.entries() == before


def test_for_signing_is_refused_before_it_is_in_vain(shop: Shop) -> None:
    """Who may not approve is told so, not handed bytes; and options that would say nothing are refused."""
    change = shop.ask()
    code, out, err = shop.run("show", change, "--for-signing", "--as", "scanner")
    assert (code, out, "no approver" in err) == (1, "", True)
    assert shop.run("show", change, "--for-signing")[0] == 2
    assert shop.run("show", change, "--reject")[0] == 2


def test_records_are_what_the_command_said(shop: Shop) -> None:
    """The approve record names plan and request by digest, and the rings in order of promotion."""
    change = shop.ask()
    shop.approve(change, "ana", "--ring", "pilot", "--ring", "lab")
    record = read_records(Ledger(shop.root / "ledger" / "ledger.sqlite"))[-1]
    told = shop.shown(change)
    assert (record.step, record.principal, record.change_id) == ("approve", "ana", change)
    assert record.body["rings"] == ["lab", "pilot"]
    assert (record.body["plan"], record.body["request"]) == (told["plan_sha256"], told["request"]["sha256"])
