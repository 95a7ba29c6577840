# Copyright: (c) 2026, Holdfast contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Records that race a new version of the trust document, in two processes and in either database.

The last word is at the append: what was signed under the version before, and may not be under the one in force at the
index it would get, is not stored. Without that every later reader would refuse the ledger.
"""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest
from ansible_collections.holdfast.hipaa.plugins.plugin_utils.errors import TrustError
from ansible_collections.holdfast.hipaa.plugins.plugin_utils.ledger.proposal import Proposal
from ansible_collections.holdfast.hipaa.plugins.plugin_utils.ledger.reading import read_records, trust_in_force
from ansible_collections.holdfast.hipaa.plugins.plugin_utils.ledger.recorder import Recorder
from ansible_collections.holdfast.hipaa.plugins.plugin_utils.ledger.signers import FileSigner, Signer
from ansible_collections.holdfast.hipaa.plugins.plugin_utils.ledger.store import Ledger
from ansible_collections.holdfast.hipaa.plugins.plugin_utils.ledger.trust import Principal, Term, Trust
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from tests.ledger_cases import ORG, Shop, audit_of
from tests.postgres import running

from .test_store import another, private_key_file

ROOT = Path(__file__).resolve().parents[5]
WRITER = """
import sys
from datetime import UTC, datetime
from pathlib import Path
from ansible_collections.holdfast.hipaa.plugins.plugin_utils.errors import TrustError
from ansible_collections.holdfast.hipaa.plugins.plugin_utils.ledger import statements
from ansible_collections.holdfast.hipaa.plugins.plugin_utils.ledger.reading import trust_in_force
from ansible_collections.holdfast.hipaa.plugins.plugin_utils.ledger.recorder import Recorder
from ansible_collections.holdfast.hipaa.plugins.plugin_utils.ledger.signers import FileSigner
from ansible_collections.holdfast.hipaa.plugins.plugin_utils.ledger.store import Ledger

ledger = Ledger(sys.argv[1] if "://" in sys.argv[1] else Path(sys.argv[1]), patience=60)
recorder = Recorder(ledger, trust_in_force(ledger), "org-demo", "0.1.0", lambda: datetime(2026, 11, 21, 23, tzinfo=UTC))
signer = FileSigner.load(Path(sys.argv[2]))
more = {"kind": "patch", "rings": ["lab"], "assets": ["lab-1"], "expires_at": datetime(2027, 1, 1, tzinfo=UTC)}
sealed = statements.seal
if sys.argv[3] == "wait":  # between signing and appending: whoever is at a prompt, or was put to sleep there
    def wait(statement, signer):
        envelope = sealed(statement, signer)
        print("signed", flush=True)
        sys.stdin.readline()
        return envelope
    statements.seal = wait
try:
    while True:
        print(recorder.request(signer, plan="0" * 64, **more).index, flush=True)
except TrustError as error:
    print(error, flush=True)
    sys.exit(7)
"""

THEIR_TIME = datetime(2026, 11, 21, 23, tzinfo=UTC)
"""What the writer's clock says."""


@pytest.fixture(params=["sqlite", "postgresql"])
def shop(request: pytest.FixtureRequest, tmp_path: Path, keys: dict[str, Signer]) -> Iterator[Shop]:
    """A shop in either database; in PostgreSQL with the rights of a writer."""
    if request.param == "sqlite":
        yield Shop(tmp_path, keys)
        return
    with running() as server:
        Ledger.create(server.database("raced"))
        server.sql("CREATE ROLE controller LOGIN IN ROLE holdfast_writer")
        yield Shop(tmp_path, keys, ledger=Ledger(server.address("controller", "raced")))


def writer(shop: Shop, keys: dict[str, Signer], way: str) -> subprocess.Popen[str]:
    """Start another process that records requests until it is refused."""
    command = [sys.executable, "-c", WRITER, str(shop.ledger.path), str(private_key_file(shop, keys)), way]
    environment = {**os.environ, "PYTHONPATH": str(ROOT / "collections")}
    return subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=environment)


def revoking(trust: Trust, *, by_name: str = "operations") -> Trust:
    """Return the version that revokes a principal's key from the first entry after it, and gives it another."""
    fresh = FileSigner(Ed25519PrivateKey.generate()).public_key

    def turned(one: Principal) -> Principal:
        if one.id != by_name:
            return one
        terms = {key.keyid: Term(revoked_from=1, reason="rotated") for key in one.keys}
        return replace(one, keys=(*one.keys, fresh), terms=terms)

    return Trust(trust.version + 1, trust.sha256, tuple(map(turned, trust.principals)), trust.root_threshold)


def publish(shop: Shop, document: Trust) -> int:
    """Publish a version, and return the index of the record that does."""
    recorder = Recorder(shop.ledger, document, ORG, "0.1.0", shop.tick)
    return recorder.publish_trust(shop.keys["root"]).index


def assert_sound(shop: Shop) -> None:
    """Check that every reader can go on: the engine's, and the audit."""
    assert read_records(shop.ledger)
    shop.seal()
    report = audit_of(shop.ledger.path, shop.plans)
    assert report, report.findings


def test_record_signed_before_its_key_was_revoked_is_not_stored_after(shop: Shop, keys: dict[str, Signer]) -> None:
    process = writer(shop, keys, "wait")
    assert process.stdout is not None
    assert process.stdout.readline() == "signed\n"
    publish(shop, revoking(shop.trust))
    size = shop.ledger.size
    said, _nothing = process.communicate("go\n", timeout=60)
    assert process.returncode == 7
    assert f"{shop.ledger.path}: entry {size} was not stored: trust: key " in said
    assert "of operations is revoked from entry 1 (rotated)" in said
    assert "sign with another key" in said
    assert shop.ledger.size == size
    assert_sound(shop)


def test_writer_in_full_run_stops_at_the_version_that_revokes_its_key(shop: Shop, keys: dict[str, Signer]) -> None:
    process = writer(shop, keys, "run")
    assert process.stdout is not None
    for _ in range(5):
        assert process.stdout.readline().strip().isdecimal()
    shop.now = THEIR_TIME
    index = publish(shop, revoking(shop.trust))
    said, _nothing = process.communicate(timeout=60)
    assert process.returncode == 7
    *indices, refusal = said.splitlines()
    assert all(int(one) < index for one in indices)
    assert "of operations is revoked" in refusal
    assert shop.ledger.size == index + 1
    assert_sound(shop)


def test_of_two_versions_that_race_one_comes_into_force(shop: Shop, keys: dict[str, Signer]) -> None:
    proposals = [
        Proposal.of(shop.ledger, ORG, revoking(shop.trust, by_name=name)) for name in ("operations", "scanner")
    ]
    first, second = (one.signed(keys["root"], shop.tick(), "0.1.0") for one in proposals)
    index = shop.ledger.append(first)
    with pytest.raises(TrustError, match=f"entry {index + 1} was not stored: trust: version 2 does not follow"):
        shop.ledger.append(second)
    assert shop.ledger.append(first) == index  # a publication that was cut short is finished
    assert trust_in_force(shop.ledger).sha256 == proposals[0].document.sha256
    assert_sound(shop)


def test_ledger_that_never_saw_the_trust_finds_it_before_it_appends(shop: Shop, keys: dict[str, Signer]) -> None:
    envelope = another(shop, keys)
    publish(shop, revoking(shop.trust))
    size = shop.ledger.size
    with pytest.raises(TrustError, match="of operations is revoked"):
        Ledger(shop.ledger.path).append(envelope)
    assert shop.ledger.size == size
    assert_sound(shop)


def test_ledger_that_was_put_back_is_read_anew(tmp_path: Path, keys: dict[str, Signer]) -> None:
    shop = Shop(tmp_path, keys)
    envelope = another(shop, keys)
    publish(shop, revoking(shop.trust))
    assert trust_in_force(shop.ledger).version == 2  # from here on this object knows
    shorter = Ledger.create(tmp_path / "shorter.sqlite")
    shorter.append(shop.ledger.entry(0))
    shop.ledger.close()
    shorter.close()
    (tmp_path / "shorter.sqlite").rename(shop.ledger.path)
    assert shop.ledger.append(envelope) == 1
