# Copyright: (c) 2026, Holdfast contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""docs/howto/verify-a-record.md, run as printed, on true records and on records with one byte changed."""

from __future__ import annotations

import os
import re
import subprocess
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from ansible_collections.holdfast.hipaa.plugins.plugin_utils.ledger.envelope import Envelope
from ansible_collections.holdfast.hipaa.plugins.plugin_utils.ledger.recorder import Recorder
from ansible_collections.holdfast.hipaa.plugins.plugin_utils.ledger.signers import FileSigner, Signer
from ansible_collections.holdfast.hipaa.plugins.plugin_utils.ledger.trust import Principal, Trust
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from tests.ledger_cases import ORG, Forger, Shop, audit_of, codes
from tests.signing import DUMMY, VARIED, varied_keys
from tests.witnessing import log_key, make_witness, submission

PAGE = Path(__file__).resolve().parents[5] / "docs/howto/verify-a-record.md"
MACHINE, PERSON = ("1", "2", "3", "5", "6"), ("1", "2", "4", "5", "6")
TRUST, RUN_OPEN, VERIFY, APPROVAL, DEPLOY, LAST = 0, 1, 2, 5, 9, 17


def sections() -> dict[str, str]:
    """Return the commands of each numbered section of the page."""
    text = PAGE.read_text(encoding="utf-8")
    found = re.findall(r"^## (\d)\. [^\n]+\n(.*?)(?=^## |\Z)", text, re.MULTILINE | re.DOTALL)
    return {
        number: "\n".join(re.findall(r"^```sh\n(.*?)^```$", body, re.MULTILINE | re.DOTALL)) for number, body in found
    }


def run(numbers: tuple[str, ...], ledger: Path, index: int, folder: Path, witness: str = "") -> tuple[str | None, str]:
    """Run sections in order; return the first that fails, None when none does, and all that was said."""
    said = ""
    for number in numbers:
        done = subprocess.run(
            ["bash", "-eu", "-o", "pipefail", "-c", sections()[number]],
            cwd=folder,
            env={
                "PATH": os.environ["PATH"],
                "LC_ALL": "C.UTF-8",
                "LEDGER": str(ledger),
                "INDEX": str(index),
                "WITNESS": witness,
            },
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        said += done.stdout + done.stderr
        if done.returncode:
            return number, said
    return None, said


@pytest.fixture(scope="module")
def told(tmp_path_factory: pytest.TempPathFactory, keys: dict[str, Signer]) -> Shop:
    """A shop whose story is told."""
    shop = Shop(tmp_path_factory.mktemp("told"), keys)
    shop.story()
    return shop


@pytest.fixture
def forger(told: Shop, tmp_path: Path) -> Forger:
    """One who can write a copy of the file."""
    return Forger(told.ledger, tmp_path)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """The auditor's empty folder."""
    folder = tmp_path / "auditor"
    folder.mkdir()
    return folder


def test_page_has_the_sections_and_nothing_of_ours_in_them() -> None:
    assert sorted(sections()) == ["1", "2", "3", "4", "5", "6", "7"]
    assert all(sections().values())
    assert not any("holdfast " in commands or "ansible" in commands for commands in sections().values())


@pytest.mark.parametrize("index", [TRUST, RUN_OPEN, DEPLOY, LAST])
def test_record_of_a_machine(told: Shop, folder: Path, index: int) -> None:
    failed, said = run(MACHINE, told.ledger.path, index, folder)
    assert failed is None, said
    assert said.count("Signature Verified Successfully") == 2
    size = 13 if index < 13 else 18
    assert f"root {told.ledger.root(size).hex()}" in said


def test_approval_of_a_person(told: Shop, folder: Path) -> None:
    failed, said = run(PERSON, told.ledger.path, APPROVAL, folder)
    assert failed is None, said
    assert 'Good "dsse@holdfast.example" signature for security with ED25519 key' in said


def test_trust_document_that_replaces_its_own_signer(tmp_path: Path, folder: Path, keys: dict[str, Signer]) -> None:
    """Whose key signed version 2 stands in version 1, and the new key in version 2."""
    (tmp_path / "shop").mkdir()
    shop = Shop(tmp_path / "shop", keys)
    new_root = FileSigner(Ed25519PrivateKey.generate())
    fresh = new_root.public_key
    new = tuple(Principal(one.id, one.roles, (fresh,)) if one.id == "root" else one for one in shop.trust.principals)
    recorder = Recorder(shop.ledger, Trust(2, shop.trust.sha256, new), ORG, "0.1.0", shop.tick)
    recorder.publish_trust(keys["root"], new_root)
    shop.seal()
    for index in (1, 2):
        failed, said = run(MACHINE, shop.ledger.path, index, folder)
        assert failed is None, said


def test_head_that_a_witness_saw(told: Shop, forger: Forger, folder: Path, tmp_path: Path) -> None:
    """The log's line is picked out among others, and the witness's proves what it covers and nothing else."""
    note = str(told.ledger.checkpoint())
    witness = make_witness(tmp_path, log_key(ORG, told.keys["log"]), note, told.now)
    line = witness.add_checkpoint(submission(told.ledger, note, 18), told.now).body
    forger.sql("INSERT INTO checkpoints VALUES (18, ?)", note + line)
    numbers = (*MACHINE, "7")
    failed, said = run(numbers, forger.path, LAST, folder, witness.key.written)
    assert failed is None, said
    assert said.count("Signature Verified Successfully") == 3
    assert told.now.strftime("%H:%M:%S") in said
    other = make_witness(tmp_path, log_key(ORG, told.keys["log"]), note, told.now, "other.example.org")
    assert run(numbers, forger.path, LAST, folder, other.key.written)[0] == "7", "who never saw it has no line"
    posing = replace(witness.key, raw=other.key.raw).written
    assert run(numbers, forger.path, LAST, folder, posing)[0] == "7"


@pytest.mark.parametrize(("index", "numbers", "expected"), [(DEPLOY, MACHINE, "3"), (APPROVAL, PERSON, "4")])
@pytest.mark.parametrize("part", ["payload", "signature"])
def test_one_byte_changed(
    forger: Forger, folder: Path, part: str, index: int, numbers: tuple[str, ...], expected: str
) -> None:
    entries = list(forger.entries)
    good = Envelope.from_bytes(entries[index])
    payload, signature = good.payload, good.signature
    if part == "payload":
        payload = payload.replace(b"org-demo", b"org-demi", 1)
    else:
        signature = signature[:-1] + bytes([signature[-1] ^ 1])
    entries[index] = Envelope(payload, good.keyid, signature).to_bytes()
    assert entries[index] != forger.entries[index]
    failed, said = run(numbers, forger.write(entries), index, folder)
    assert failed == expected, said


def edited(forger: Forger) -> Path:
    entries = list(forger.entries)
    entries[DEPLOY] += b" "
    return forger.write(entries)


def replaced_head(forger: Forger) -> Path:
    return forger.sql("UPDATE checkpoints SET note = replace(note, char(10) || size, char(10) || '0' || size)")


@pytest.mark.parametrize(("forge", "expected"), [(edited, "5"), (replaced_head, "6")])
def test_record_that_is_not_what_the_log_signed(
    forger: Forger, folder: Path, forge: Callable[[Forger], Path], expected: str
) -> None:
    failed, said = run(MACHINE, forge(forger), DEPLOY, folder)
    assert failed == expected, said


@pytest.fixture(scope="module", params=VARIED)
def varied(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Shop:
    """A shop with other kinds of keys, whose story is told."""
    folder = tmp_path_factory.mktemp("varied")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("SSH_SK_PROVIDER", str(DUMMY))
        shop = Shop(folder, varied_keys(folder, *request.param))
        shop.story()
    return shop


@pytest.mark.parametrize("index", [TRUST, RUN_OPEN, APPROVAL, APPROVAL + 1, VERIFY, LAST])
def test_record_signed_with_another_kind_of_key(varied: Shop, folder: Path, index: int) -> None:
    person = index in (APPROVAL, APPROVAL + 1)
    failed, said = run(PERSON if person else MACHINE, varied.ledger.path, index, folder)
    assert failed is None, said
    assert "signature for" in said if person else "Verified OK" in said


@pytest.mark.parametrize("index", [RUN_OPEN, APPROVAL, APPROVAL + 1, VERIFY])
def test_one_byte_of_another_kind_of_signature_changed(varied: Shop, tmp_path: Path, folder: Path, index: int) -> None:
    forger = Forger(varied.ledger, tmp_path)
    entries = list(forger.entries)
    good = Envelope.from_bytes(entries[index])
    entries[index] = Envelope(good.payload.replace(b"org-demo", b"org-demi", 1), good.keyid, good.signature).to_bytes()
    person = index in (APPROVAL, APPROVAL + 1)
    failed, said = run(PERSON if person else MACHINE, forger.write(entries), index, folder)
    assert failed == ("4" if person else "3"), said


def test_audit_takes_every_kind_of_key_and_no_changed_byte_of_a_signature(varied: Shop, tmp_path: Path) -> None:
    assert not varied.audit().findings
    forger = Forger(varied.ledger, tmp_path)
    caught = flips = 0
    for index in (TRUST, RUN_OPEN, APPROVAL, APPROVAL + 1, VERIFY):
        good = Envelope.from_bytes(forger.entries[index])
        for place in range(0, len(good.signature), 19):
            bad = bytearray(good.signature)
            bad[place] ^= 1
            entries = list(forger.entries)
            entries[index] = Envelope(good.payload, good.keyid, bytes(bad)).to_bytes()
            flips += 1
            caught += "signature" in codes(audit_of(forger.write(entries), varied.plans))
    assert caught == flips > 25
