# Copyright: (c) 2026, Holdfast contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The life of a shop's keys, by the commands alone: from nothing, rotated, lost, stolen, and read six years later."""

from __future__ import annotations

import contextlib
import io
import json
import os
import shutil
import subprocess
import sys
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.holdfast.hipaa.plugins.plugin_utils.cli.main import main
from ansible_collections.holdfast.hipaa.plugins.plugin_utils.ledger.envelope import Envelope
from ansible_collections.holdfast.hipaa.plugins.plugin_utils.ledger.reading import read_records, trust_in_force
from ansible_collections.holdfast.hipaa.plugins.plugin_utils.ledger.store import Ledger

from tests.change_cases import REGISTER, plan

ROOT = Path(__file__).parents[5]
COMMAND = [sys.executable, "-m", "ansible_collections.holdfast.hipaa.plugins.plugin_utils.cli"]
ROOTS = ("ann", "ben", "cyd")
MACHINES = {"requester": "requester", "controller": "implementer", "verifier": "verifier", "log": "log"}
LATER = 6 * 366
ENVIRONMENT = {**os.environ, "PYTHONPATH": str(ROOT / "collections")}


@dataclass
class People:
    """A site, and a folder for each person that nobody else reads."""

    folder: Path
    shift: timedelta = timedelta()

    @property
    def site(self) -> Path:
        """The site's folder."""
        return self.folder / "site"

    def run(self, *words: object, code: int = 0) -> str:
        """Run `holdfast`, where its clock is moved as a process of its own; return what it said."""
        found, out, said = self.call(*words)
        assert found == code, out + said
        return out + said

    def call(self, *words: object) -> tuple[int, str, str]:
        """Run `holdfast` and return exit code, results, and the rest."""
        argv = [*map(str, words)]
        if argv[0] != "key" and argv[:2] != ["trust", "sign"] and argv[0] != "init":
            argv += ["--site", str(self.site)]
        if not self.shift:
            out, said = io.StringIO(), io.StringIO()
            with contextlib.redirect_stdout(out), contextlib.redirect_stderr(said):
                found = main(argv)
            return found, out.getvalue(), said.getvalue()
        clock = {"LD_PRELOAD": str(faketime()), "FAKETIME": f"+{int(self.shift.total_seconds())}s"}
        done = subprocess.run(
            [*COMMAND, *argv], env=ENVIRONMENT | clock, capture_output=True, text=True, timeout=120, check=False
        )
        return done.returncode, done.stdout, done.stderr

    def key(self, name: str, file: str = "key") -> str:
        """Have a person make a key at home; return the public half, the only thing that leaves it."""
        return self.run("key", "new", "--plain", self.folder / name / f"{file}.pem", "--public-only").splitlines()[0]

    def ssh(self, name: str) -> Path:
        """Have a person make an SSH key; return the .pub file."""
        (self.folder / name).mkdir()
        path = self.folder / name / "id"
        subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", name, "-f", path], check=True, timeout=30)
        return path.with_name("id.pub")

    def sign(self, number: int, name: str, file: str = "key.pem", how: str = "--key") -> Path:
        """Carry a proposal to a person, have it signed there, and carry the signature back."""
        shutil.copy(self.site / f"trust-v{number}.proposal", self.folder / name)
        home = self.folder / name
        self.run("trust", "sign", home / f"trust-v{number}.proposal", how, home / file)
        return home / f"trust-v{number}.proposal.{name}"

    def publish(self, number: int, *names: str, **files: str) -> str:
        """Propose, have these sign, and publish."""
        self.run("trust", "propose")
        signed = [self.sign(number, name, files.get(name, "key.pem")) for name in names]
        return self.run("trust", "publish", *signed)

    @property
    def ledger(self) -> Ledger:
        """The ledger."""
        return Ledger(self.site / "ledger" / "ledger.sqlite")

    def audit(self) -> dict[str, Any]:
        """Return what the audit says."""
        code, out, said = self.call("audit", "--format", "json")
        assert code in (0, 1), said
        found: dict[str, Any] = json.loads(out)
        return found

    def found(self) -> set[tuple[str, int | None]]:
        """Return code and entry of all that the audit finds."""
        return {(one["code"], one["index"]) for one in self.audit()["findings"]}

    def change(self, days: int = 30) -> str:
        """Ask for a change; return its id."""
        path = plan(title=f"change {self.ledger.size}").save(self.folder / "drafts")
        said = self.run("change", "request", "--plan", path, "--days", days, "--format", "json")
        return str(json.loads(said.splitlines()[0])["change"])

    def approve(self, change: str, name: str) -> None:
        """Approve a change."""
        self.run("change", "approve", change, "--as", name, "--ssh-key", self.folder / name / "id")


def faketime() -> Path:
    """Return the library that moves a process's clock; skips where it is not installed."""
    found = sorted(Path("/usr/lib").glob("*/faketime/libfaketime.so.1"))
    if not found:
        pytest.skip("needs libfaketime (apt-get install libfaketime), which .ci/setup installs")
    return found[0]


@pytest.fixture(scope="module")
def founded(tmp_path_factory: pytest.TempPathFactory) -> People:
    """A site whose first version two of three root principals have signed; tests work on copies."""
    people = People(tmp_path_factory.mktemp("people"))
    people.run("init", people.site, "--name", "demo", "--without-keys")
    assets = [
        {
            "id": name, "kind": "server", "owner": "operations", "ring": ring, "address": "192.0.2.1",
            "environment": ring, "data_class": "ephi", "tier": 1, "baselines": ["debian-server"],
        }
        for name, ring in REGISTER.items()
    ]  # fmt: skip
    register = {"plugin": "holdfast.hipaa.register", "assets": assets}
    (people.site / "holdfast.yml").write_text(json.dumps(register), encoding="utf-8")
    words: list[object] = ["trust", "init", "--root-threshold", 2]
    for name in ROOTS:
        words += ["--principal", f"{name}=root={people.key(name)}"]
    for name in ("eve", "fay"):
        words += ["--principal", f"{name}=approver={people.ssh(name)}"]
    for name, role in MACHINES.items():
        made = people.run("key", "new", "--plain", people.site / "keys" / f"{name}.pem", "--public-only").splitlines()[
            0
        ]
        words += ["--principal", f"{name}={role}={made}"]
    said = people.run(*words, "--dry-run")
    assert "it needs 2 of ann, ben, cyd of its own to sign" in said
    assert not (people.site / "trust.yml").exists()
    people.run(*words)
    people.run("trust", "propose")
    return people


@pytest.fixture
def people(founded: People, tmp_path: Path) -> People:
    """A copy of the site and of everybody's keys."""
    shutil.copytree(founded.folder, tmp_path / "people")
    return People(tmp_path / "people")


@pytest.fixture
def shop(people: People) -> People:
    """A shop whose first version is in force."""
    people.run("trust", "publish", people.sign(1, "ann"), people.sign(1, "cyd"))
    return people


def test_ceremony_from_nothing(people: People) -> None:
    """Three root keys made in three places; the ledger begins when two have signed."""
    assert "exists already; nothing is overwritten" in people.run("trust", "propose", code=2)
    assert "2 root principals must sign version 1; name the files" in people.run("trust", "publish", code=2)
    first = people.sign(1, "ann")
    said = people.run("trust", "publish", first, code=3)
    assert "version 1 is signed by 1 of 2 root principals of version 1 (ann); collect the missing" in said
    said = people.run("trust", "publish", first, first, code=3)
    assert "1 of 2 root principals" in said
    assert not (people.site / "ledger" / "ledger.sqlite").exists()
    second = people.sign(1, "ben")
    said = people.run("trust", "publish", first, second, "--dry-run")
    assert "version 1 would be published after making" in said
    assert not (people.site / "ledger" / "ledger.sqlite").exists()
    said = people.run("trust", "publish", first, second, people.sign(1, "cyd"))
    assert "version 1 is in force" in said
    assert people.ledger.size == 2  # a third signature adds nothing
    assert people.audit()["findings"] == []
    shown = json.loads(people.run("trust", "show", "--format", "json").splitlines()[0])
    assert shown["genesis"] == shown["sha256"] == people.audit()["genesis"]
    assert shown["trust"]["root_threshold"] == 2
    assert people.call("audit", "--genesis", shown["genesis"])[0] == 0
    assert "genesis-differs" in people.run("audit", "--genesis", "0" * 64, code=1)
    assert [path.name for path in (people.site / "keys").glob("*.pem") if "root" in path.name] == []
    assert "nothing to publish" in people.run("trust", "publish", first, second)


def test_root_signs_with_ssh_keygen_alone(people: People) -> None:
    """A root principal who has OpenSSH and nothing of ours: bytes in, signature out."""
    people.run("trust", "rotate", "--principal", f"dee=root={people.ssh('dee')}")
    people.run("trust", "propose", "--to", people.site / "again.proposal")
    shutil.copy(people.site / "again.proposal", people.site / "trust-v1.proposal")
    home = people.folder / "dee"
    proposal = people.site / "trust-v1.proposal"
    with (home / "bytes").open("wb") as file:
        subprocess.run(
            [*COMMAND, "trust", "sign", proposal, "--as", "dee", "--for-signing"],
            env=ENVIRONMENT, stdout=file, check=True, timeout=60,
        )  # fmt: skip
    command = ["ssh-keygen", "-q", "-Y", "sign", "-n", "dsse@holdfast.example", "-f", home / "id", home / "bytes"]
    subprocess.run(command, check=True, timeout=30)
    words = ["trust", "sign", proposal, "--as", "dee", "--signature", home / "bytes.sig", "--signed"]
    people.run(*words, home / "bytes", "--to", home / "signed")
    people.run("trust", "publish", home / "signed", people.sign(1, "ann"))
    assert people.audit()["findings"] == []
    forged = (home / "bytes").read_bytes().replace(b'"root_threshold":2', b'"root_threshold":1')
    (home / "bytes").write_bytes(forged)
    assert "no key of dee made this signature" in people.run(*words, home / "bytes", "--to", home / "other", code=3)


def test_rotation_needs_the_old_and_the_new(shop: People) -> None:
    new = shop.key("cyd", "new")
    said = shop.run("trust", "rotate", "--key", f"cyd={new}", "--dry-run")
    assert "it follows version 1, and needs 2 of ann, ben, cyd of that version to sign" in said
    shop.run("trust", "rotate", "--key", f"cyd={new}", "--root-threshold", 3)
    shop.run("trust", "propose")
    ann, ben = shop.sign(2, "ann"), shop.sign(2, "ben")
    said = shop.run("trust", "publish", ann, ben, code=3)
    assert "2 of 2 root principals of version 1 (ann, ben); 2 of 3 root principals of version 2 (ann, ben)" in said
    said = shop.run("trust", "publish", ann, shop.sign(2, "cyd", "new.pem"), code=3)
    assert "1 of 2 root principals of version 1 (ann)" in said
    size = shop.ledger.size
    new_cyd = shop.folder / "cyd" / "trust-v2.proposal.cyd"
    shop.ledger.append(ben.read_bytes())  # a publication that was killed after its first record
    assert "version 2 is on its way, signed by 1 of 2 root principals" in shop.run("trust", "show")
    assert shop.found() == {("trust-unfinished", size)}
    shop.run("trust", "publish", ann, ben, new_cyd)
    assert shop.ledger.size == size + 3
    assert shop.audit()["findings"] == []
    trust = trust_in_force(shop.ledger)
    assert trust.version == 2
    terms = [str(one.term(key.keyid)) for one in trust.principals if one.id == "cyd" for key in one.keys]
    assert terms == ["revoked from entry 2 (rotated)", "valid from entry 2"]


def test_lost_root_key_of_three_is_replaced(shop: People) -> None:
    """Two of three sign; one key is destroyed; the other two make dan root in its place. Nothing old is lost."""
    change = shop.change()
    shop.approve(change, "eve")
    (shop.folder / "ben" / "key.pem").unlink()
    said = shop.run("trust", "revoke", "ben", "--reason", "lost")
    assert "caution: root_threshold: 2 of 2 root principals must sign" in said
    shop.run("trust", "rotate", "--principal", f"dan=root={shop.key('dan')}")
    said = shop.publish(2, "ann", "cyd")
    assert "version 2 is in force" in said
    assert "caution" not in said
    assert shop.audit()["findings"] == []
    shop.run("trust", "rotate", "--principal", f"gil=approver={shop.key('gil')}")
    shop.publish(3, "cyd", "dan")
    assert [one.step for one in read_records(shop.ledger)].count("trust") == 6
    assert shop.audit()["findings"] == []


def test_stolen_approver_key(shop: People) -> None:
    """What the key signed before the theft stays good, what it signed since is named, and counts at no gate."""
    early = shop.change()
    shop.approve(early, "eve")
    before = shop.ledger.size
    late = shop.change()
    shop.approve(late, "eve")  # the thief, with eve's key
    stolen = shop.ledger.size - 1
    shop.approve(late, "fay")
    assert shop.audit()["findings"] == []
    assert "add --distrust-from INDEX" in shop.run("trust", "revoke", "eve", "--reason", "stolen", code=2)
    words = ("trust", "revoke", "eve", "--reason", "stolen", "--distrust-from", before)
    said = shop.run(*words, "--dry-run")
    assert f"1 records of eve come into doubt: {stolen} (approve)" in said
    assert shop.audit()["findings"] == []
    shop.run(*words)
    new = shop.ssh("eve2")
    shop.run("trust", "rotate", "--principal", f"eve=approver={new}")
    shop.publish(2, "ann", "ben")
    assert shop.found() == {("key-distrusted", stolen)}
    said = shop.run("change", "show", late)
    assert "does not count: signed with a key that is distrusted" in said
    assert "distrusted" not in shop.run("change", "show", early)
    key = shop.folder / "eve" / "id"
    said = shop.run("change", "approve", early, "--as", "eve", "--ssh-key", key, code=3)
    assert "revoked from entry" in said
    shutil.copytree(shop.folder / "eve2", shop.folder / "eve", dirs_exist_ok=True)
    shop.approve(late, "eve")
    assert shop.found() == {("key-distrusted", stolen)}
    keyid = next(one.keyid for one in read_records(shop.ledger) if one.index == stolen)
    shop.run("trust", "revoke", keyid[:16], "--attest", stolen)
    shop.publish(3, "ann", "ben")
    assert shop.audit()["findings"] == []


def test_no_version_takes_a_revocation_back(shop: People) -> None:
    shop.run("trust", "revoke", "eve", "--reason", "left")
    shop.publish(2, "ann", "ben")
    path = shop.site / "trust.yml"
    text = path.read_text().replace("version: 2", "version: 3")
    assert text.count(', revoked_from: 2, reason: "left"') == 1
    path.write_text(text.replace(', revoked_from: 2, reason: "left"', ""))
    assert "was revoked from entry 2 (left); expected every later version to say so too" in shop.run(
        "trust", "propose", code=3
    )


def test_records_of_six_years_ago_verify_under_the_newest_trust(shop: People) -> None:
    """Every key is replaced; six years later the audit is clean, and the newest version alone names every key."""
    change = shop.change()
    shop.approve(change, "eve")
    shop.approve(change, "fay")
    old = shop.ledger.size
    words: list[object] = ["trust", "rotate", "--key", f"eve={shop.ssh('eve3')}"]
    for name in ROOTS:
        words += ["--key", f"{name}={shop.key(name, 'new')}"]
    for name in MACHINES:
        path = shop.site / "keys" / f"{name}-2.pem"
        made = shop.run("key", "new", "--plain", path, "--public-only").splitlines()[0]
        words += ["--key", f"{name}={made}"]
        path.replace(shop.site / "keys" / f"{name}.pem")
    shop.shift = timedelta(days=LATER)
    shop.run(*words)
    shop.run("trust", "propose")
    signed = [shop.sign(2, name) for name in ("ann", "ben")]
    for path in signed:
        path.rename(path.with_suffix(".old"))
    signed = [path.with_suffix(".old") for path in signed] + [shop.sign(2, name, "new.pem") for name in ("ann", "ben")]
    shop.run("trust", "publish", *signed)
    late = shop.change()
    assert late != change
    report = shop.audit()
    assert report["findings"] == []
    assert report["checkpoint_size"] == shop.ledger.size
    records = read_records(shop.ledger)
    assert records[-1].recorded_at - records[0].recorded_at > timedelta(days=6 * 365)
    assert records[-1].recorded_at > datetime.now(UTC) + timedelta(days=6 * 365)
    newest = trust_in_force(shop.ledger)
    for index, data in shop.ledger.entries():
        envelope = Envelope.from_bytes(data)
        if index < old:
            newest.require(envelope.keyid, records[index].role, index)
        newest.key(envelope.keyid).verify(envelope.signature, envelope.signed)
        assert index >= old or newest.term(envelope.keyid).revoked_from == old or records[index].principal == "fay"
    shop.shift = timedelta()
    assert any(one["code"] == "time-future" for one in shop.audit()["findings"])
