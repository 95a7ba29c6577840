# Copyright: (c) 2026, Holdfast contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""One test for each threat of docs/explanation/threats.md, of the same name; the particulars are tested elsewhere."""

from __future__ import annotations

import itertools
import re
import signal
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.holdfast.hipaa.plugins.callback.recorder import RecorderStop, guard
from ansible_collections.holdfast.hipaa.plugins.plugin_utils.audit.notekeys import WITNESS, NoteKey
from ansible_collections.holdfast.hipaa.plugins.plugin_utils.audit.watched import Watcher
from ansible_collections.holdfast.hipaa.plugins.plugin_utils.errors import LedgerError, TrustError
from ansible_collections.holdfast.hipaa.plugins.plugin_utils.ledger import checkpoint, reading
from ansible_collections.holdfast.hipaa.plugins.plugin_utils.ledger.recorder import Recorder
from ansible_collections.holdfast.hipaa.plugins.plugin_utils.ledger.signers import FileSigner, Signer
from ansible_collections.holdfast.hipaa.plugins.plugin_utils.ledger.store import Ledger
from ansible_collections.holdfast.hipaa.plugins.plugin_utils.ledger.trust import Principal, Term, Trust
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from tests.ledger_cases import APPROVERS, ORG, Forger, Shop, altered, audit_of, codes, deployed, seen
from tests.postgres import running
from tests.unit.plugins.plugin_utils.ledger.test_store import another, writer
from tests.witnessing import log_key, make_witness, submission

PAGE = Path(__file__).resolve().parents[5] / "docs" / "explanation" / "threats.md"
SIZE = 18
OTHER = "ab" * 32
MakeShop = Callable[..., Shop]


@pytest.fixture
def told(shop: Shop) -> Shop:
    """A shop whose story is told, and clean."""
    shop.story()
    assert shop.audit()
    return shop


@pytest.fixture
def forger(told: Shop, tmp_path: Path) -> Forger:
    """One who can write a copy of the file."""
    return Forger(told.ledger, tmp_path)


@pytest.fixture
def make_shop(tmp_path: Path, keys: dict[str, Signer]) -> MakeShop:
    """Make a shop in which principals hold other roles, each in a folder of its own."""
    numbers = itertools.count()

    def make(**roles: Any) -> Shop:
        folder = tmp_path / f"shop-{next(numbers)}"
        folder.mkdir()
        return Shop(folder, keys, {name.replace("_", "-"): held for name, held in roles.items()})

    return make


def finish(shop: Shop, request: Any, approvals: Any, **more: Any) -> set[str]:
    """Run the change to its end in the lab, and return what the audit finds."""
    run = shop.open(request, approvals, **more)
    shop.work(run)
    shop.close(run)
    shop.seal()
    return codes(shop.audit(plans_dir=None))


@pytest.mark.skipif(not PAGE.is_file(), reason="the built collection carries its tests, but not docs/")
def test_every_threat_of_the_page_has_its_test() -> None:
    named = re.findall(r"^\| .*\| `(test_\w+)` \|$", PAGE.read_text(encoding="utf-8"), re.MULTILINE)
    here = {name for name in globals() if name.startswith("test_")} - {"test_every_threat_of_the_page_has_its_test"}
    assert len(named) == 22
    assert set(named) == here


def test_ops_engineer_edits_a_record(told: Shop, forger: Forger) -> None:
    for index, stored in enumerate(forger.entries):
        flipped = bytes([*stored[:-9], stored[-9] ^ 1, *stored[-8:]])
        found = audit_of(forger.write([*forger.entries[:index], flipped, *forger.entries[index + 1 :]]), told.plans)
        assert index in {one.index for one in found.findings}


def test_db_admin_deletes_a_row(told: Shop, forger: Forger) -> None:
    for index in range(SIZE - 1):
        forger.write(forger.entries)
        found = audit_of(forger.sql("DELETE FROM entries WHERE idx = ?", index), told.plans)
        assert ("entry-missing", index) in {(one.code, one.index) for one in found.findings}


def test_log_truncated_and_head_kept(told: Shop, forger: Forger) -> None:
    for size in range(1, SIZE):
        report = audit_of(forger.write(forger.entries[:size]), told.plans)
        assert "tail-cut" in codes(report)
        assert any(f"{size} entries, but the log signed a head of 18" in one.message for one in report.findings)


def test_rollback_to_a_snapshot_with_its_own_old_head(told: Shop, forger: Forger, tmp_path: Path) -> None:
    witness = make_witness(tmp_path, log_key(ORG, told.keys["log"]), str(told.ledger.checkpoint()), told.now)
    old = Ledger(forger.write(forger.entries[:12], keep_heads=False))
    note = checkpoint.note(ORG, 12, told.ledger.root(12), told.keys["log"])
    old.save_checkpoint(note)
    assert codes(audit_of(forger.path, told.plans)) <= {"run-never-closed"}, "on its own it is a good ledger"
    assert {409} == {witness.add_checkpoint(submission(old, note, size), told.now).status for size in (0, 12)}
    # Whoever signs later has seen the state that was put back: his record gives it away without a witness.
    later = [*forger.entries[:12], *forger.entries[14:]]
    assert "head-future" in codes(audit_of(forger.write(later, keep_heads=False), told.plans))


def test_log_key_holder_rewrites_and_signs_again(told: Shop, forger: Forger, tmp_path: Path) -> None:
    witness = make_witness(tmp_path, log_key(ORG, told.keys["log"]), str(told.ledger.checkpoint()), told.now)
    fork = Ledger(forger.write(forger.entries[:13], keep_heads=False))
    other = Recorder(fork, told.trust, ORG, "0.1.0", told.tick)
    for _more in range(7):
        receipt = other.request(
            told.keys["operations"], plan=OTHER, kind="patch", rings=["lab"], assets=["lab-1"],
            expires_at=told.now + timedelta(days=7),
        )  # fmt: skip
    note = other.checkpoint(told.keys["log"])
    assert receipt.index > SIZE
    assert codes(audit_of(forger.path, told.plans)) <= {"run-never-closed"}, "on its own it is a good ledger"
    assert witness.add_checkpoint(submission(fork, note, SIZE), told.now).status == 422
    seen_by = Watcher(witness.key, witness.newest(sha256(ORG.encode()).hexdigest(), told.now).body)
    assert "history-rewritten" in codes(audit_of(forger.path, told.plans, watchers=[seen_by]))
    # Without a witness: one approval that was kept outside, and is put back, contradicts the other past.
    entries = list(forger.entries)
    entries[1] = altered(entries[1], told.keys["controller"], lambda s: s["predicate"]["step"].update(forks=50))
    report = audit_of(forger.write(entries, keep_heads=False), told.plans)
    assert ("head-forged", 5) in {(one.code, one.index) for one in report.findings}


def test_record_is_back_dated(told: Shop) -> None:
    request = told.request()
    told.now -= timedelta(seconds=820)
    told.approve("security", request)
    told.now += timedelta(seconds=820)
    told.seal()
    report = told.audit()
    assert codes(report) == {"time-backwards"}
    assert "recorded 819 s before" in report.findings[0].message


def test_clocks_are_skewed_honestly(told: Shop) -> None:
    request = told.request()
    told.now -= timedelta(minutes=4)
    told.approve("security", request)
    told.seal()
    assert told.audit()
    assert {"time-future"} == codes(told.audit(now=told.now - timedelta(minutes=6)))


def test_approval_is_replayed_elsewhere(make_shop: MakeShop) -> None:
    shop = make_shop()
    approval = shop.approve("security", shop.request())
    assert finish(shop, shop.request(), [approval]) == {"approval-elsewhere", "approvals-few"}  # a sibling
    shop = make_shop()
    request = shop.request()
    assert "plan-differs" in finish(shop, request, [shop.approve("security", request)], plan=OTHER)  # another bundle
    shop = make_shop()
    request = shop.request()
    late = shop.approve("security", request, not_after=shop.now + timedelta(seconds=1))
    assert finish(shop, request, [late]) == {"approvals-few"}  # after its end
    shop = make_shop()
    request = shop.request()
    elsewhere = shop.approve("security", request, rings=["production"])
    assert finish(shop, request, [elsewhere]) == {"approvals-few"}  # another ring


def test_one_person_has_two_duties(make_shop: MakeShop, keys: dict[str, Signer]) -> None:
    by = {"requester": "operations", "approver": "security", "implementer": "controller", "verifier": "scanner"}
    for first, second in itertools.combinations(by, 2):
        shop = make_shop(**{by[first]: (first, second)})
        acting = {**by, second: by[first]}
        request = shop.request(by=acting["requester"])
        run = shop.open(request, [shop.approve(acting["approver"], request)], by=acting["implementer"])
        implementer = keys[acting["implementer"]]
        shop.recorder.deploy(implementer, run, ring="lab", results=[deployed("lab-1")])
        shop.recorder.verify(keys[acting["verifier"]], run, kind="version", phase="after", results=[seen("lab-1")])
        shop.recorder.close_run(implementer, run, outcome="ok", exit_code=0)
        shop.seal()
        assert codes(shop.audit()) == {"duties-not-separate"}, (first, second)
    shop = make_shop()
    twin = next(one for one in shop.trust.principals if one.id == "security")
    with pytest.raises(TrustError, match="one key"):
        Trust(2, shop.trust.sha256, (*shop.trust.principals, replace(twin, id="security-2")))


def test_one_approver_signs_twice(tmp_path: Path, keys: dict[str, Signer]) -> None:
    shop = Shop(tmp_path, keys)
    second = FileSigner(Ed25519PrivateKey.generate())
    people = tuple(
        replace(one, keys=(*one.keys, second.public_key)) if one.id == "security" else one
        for one in shop.trust.principals
    )
    shop.recorder = Recorder(shop.ledger, Trust(2, shop.trust.sha256, people), ORG, "0.1.0", shop.tick)
    shop.recorder.publish_trust(keys["root"])
    shop.keys = {**keys, "second": second}
    request = shop.request()
    approvals = [shop.approve(name, request) for name in ("security", "security", "second")]
    run = shop.open(request, approvals, expected_assets=["prod-1"])
    shop.work(run, "prod-1", "production")
    shop.close(run)
    shop.seal()
    report = shop.audit()
    assert codes(report) == {"approvals-few"}
    assert "1 of 2 approvers for ring production (security)" in report.findings[0].message


def test_approver_key_is_stolen(told: Shop) -> None:
    theft = told.ledger.size
    told.approve("security", told.request())  # the thief
    stolen = theft + 1
    revoked = Term(revoked_from=told.ledger.size, reason="stolen", distrust_from=theft)
    people = tuple(
        replace(one, terms={key.keyid: revoked for key in one.keys}) if one.id == "security" else one
        for one in told.trust.principals
    )
    told.trust = Trust(2, told.trust.sha256, people)
    told.recorder = Recorder(told.ledger, told.trust, ORG, "0.1.0", told.tick)
    told.recorder.publish_trust(told.keys["root"])
    told.seal()
    assert {(one.code, one.index) for one in told.audit().findings} == {("key-distrusted", stolen)}
    with pytest.raises(TrustError, match="revoked from entry"):
        told.approve("security", told.request())


def test_root_key_is_lost(told: Shop) -> None:
    """One of three is gone, two of three sign: a new one takes its place, and all that was written stays good."""
    roots = {name: FileSigner(Ed25519PrivateKey.generate()) for name in ("ann", "ben", "cyd", "dan")}

    def version(document: Trust, names: tuple[str, ...]) -> Trust:
        people = [one for one in document.principals if one.id not in {*roots, "root"}]
        people += [Principal(name, ("root",), (roots[name].public_key,)) for name in names]
        return Trust(document.version + 1, document.sha256, tuple(people), 2)

    second = version(told.trust, ("ann", "ben", "cyd"))
    Recorder(told.ledger, second, ORG, "0.1.0", told.tick).publish_trust(told.keys["root"], roots["ann"], roots["ben"])
    third = version(second, ("ann", "ben", "dan"))
    recorder = Recorder(told.ledger, third, ORG, "0.1.0", told.tick)
    with pytest.raises(TrustError, match="1 of 2"):
        recorder.publish_trust(roots["ann"], roots["dan"])
    recorder.publish_trust(roots["ann"], roots["ben"])
    recorder.checkpoint(told.keys["log"])
    assert told.audit()


def test_implementer_forges_a_deploy(shop: Shop) -> None:
    """The record alone cannot tell: somebody else must have looked."""
    request = shop.request()
    approvals = [shop.approve("security", request)]
    run = shop.open(request, approvals)
    shop.recorder.deploy(shop.keys["controller"], run, ring="lab", results=[deployed("lab-1")])
    shop.close(run)
    shop.seal()
    assert codes(shop.audit()) == {"deploy-unverified"}
    run = shop.open(request, approvals)
    shop.recorder.deploy(shop.keys["controller"], run, ring="lab", results=[deployed("lab-1")])
    shop.recorder.verify(shop.keys["scanner"], run, kind="version", phase="after", results=[seen("lab-1", "fail")])
    shop.close(run)
    shop.seal()
    assert {"outcome-contradicts"} <= codes(shop.audit())


def test_recorder_is_disabled_crashed_or_killed(shop: Shop) -> None:
    """The gate reads the run back from the ledger; a hook that fails stops the run; a kill leaves it open."""
    with pytest.raises(LedgerError, match="nothing may be changed without one"):
        reading.find_open_run(shop.ledger, "run_abcdefghijklmnopqrstuvwxyz", "00" * 32)

    @guard
    class Crashing:
        lost: str | None = None

        def v2_playbook_on_task_start(self) -> None:
            raise OSError("no space left")

    crashing: Any = Crashing()
    crashing._display = type("Display", (), {"error": lambda self, text: None})()
    with pytest.raises(RecorderStop):
        crashing.v2_playbook_on_task_start()
    request = shop.request()
    shop.open(request, [shop.approve("security", request)])  # killed here
    shop.seal()
    assert codes(shop.audit()) == {"run-never-closed"}


def test_hosts_are_silently_dropped(shop: Shop) -> None:
    request = shop.request()
    approvals = [shop.approve(name, request) for name in APPROVERS]
    run = shop.open(request, approvals, expected_assets=["lab-1", "prod-1"])
    shop.work(run)
    shop.close(run, missing_assets=[])
    shop.seal()
    report = shop.audit()
    assert "asset-missing" in codes(report)
    assert any("prod-1" in one.message for one in report.findings)


def test_writers_are_concurrent(shop: Shop, keys: dict[str, Signer]) -> None:
    """Half of them are killed; tests/unit/plugins/plugin_utils/ledger/test_many_writers.py does it for minutes."""
    processes = [writer(shop, keys, 1000) for _number in range(4)]
    said = [process.stdout.readline() for process in processes if process.stdout]
    for process in processes:
        process.send_signal(signal.SIGKILL)
    said += [line for process in processes for line in process.communicate(timeout=60)[0].splitlines()]
    acknowledged = {int(words[0]) for line in said if len(words := line.split()) == 2 and len(words[1]) == 64}
    shop.seal()
    assert acknowledged <= {index for index, _stored in shop.ledger.entries()}
    assert shop.audit()


def test_crash_comes_in_the_middle_of_an_append(shop: Shop, keys: dict[str, Signer]) -> None:
    for _round in range(3):
        process = writer(shop, keys, 1000)
        assert process.stdout is not None
        process.stdout.readline()
        process.kill()
        process.communicate(timeout=60)
        assert [index for index, _stored in shop.ledger.entries()] == list(range(shop.ledger.size))
    shop.seal()
    assert shop.audit()


def test_append_is_repeated_after_its_answer_was_lost(shop: Shop, keys: dict[str, Signer]) -> None:
    envelope = another(shop, keys)
    index = shop.ledger.append(envelope)
    assert shop.ledger.append(envelope) == index
    assert shop.ledger.size == index + 1
    other = altered(
        envelope, keys["operations"], lambda s: s["predicate"].update(recorded_at="2026-11-21T23:59:59.000Z")
    )
    with pytest.raises(LedgerError, match="other bytes"):
        shop.ledger.append(other)


def test_db_admin_drops_triggers_or_grants(tmp_path: Path, keys: dict[str, Signer]) -> None:
    """On a server the owner can give himself every right, and use it: tree and head tell, not the rights."""
    with running() as server:
        place = server.database("clinic")
        shop = Shop(tmp_path, keys, ledger=Ledger.create(place))
        shop.story()
        assert shop.audit()
        server.sql("GRANT UPDATE, DELETE ON ALL TABLES IN SCHEMA holdfast TO PUBLIC", "clinic")
        assert "database-rights" in codes(shop.audit())
        server.sql("REVOKE UPDATE, DELETE ON ALL TABLES IN SCHEMA holdfast FROM PUBLIC", "clinic")
        server.sql("UPDATE holdfast.entries SET envelope = envelope || 'x' WHERE idx = 5", "clinic")
        report = shop.audit()
        assert ("node-differs", 5) in {(one.code, one.index) for one in report.findings}
        assert "root-differs" in codes(report)


def test_json_is_ambiguous(told: Shop, forger: Forger) -> None:
    for bad in (
        lambda text: text.replace('"payloadType"', '"payload":"e30=","payloadType"', 1),
        lambda text: text[:-1] + ',"x":1}',
        lambda text: text[:-1] + ',"x":NaN}',
        lambda text: text[:-1] + ',"x":9007199254740993}',
        lambda text: text.replace(",", ", ", 1),
        lambda text: text.replace("=", ""),
    ):
        entry = bad(forger.entries[5].decode()).encode()
        assert entry != forger.entries[5]
        report = audit_of(forger.write([*forger.entries[:5], entry, *forger.entries[6:]]), told.plans)
        assert ("envelope-form", 5) in {(one.code, one.index) for one in report.findings}
        with pytest.raises(LedgerError):
            told.ledger.append(entry)


def test_trust_document_is_swapped(told: Shop) -> None:
    usurper = FileSigner(Ed25519PrivateKey.generate())
    own = (Principal("usurper", ("root", "log"), (usurper.public_key,)),)
    with pytest.raises(TrustError, match="0 of 1"):
        Recorder(told.ledger, Trust(2, told.trust.sha256, own), ORG, "0.1.0", told.tick).publish_trust(usurper)
    skipped = Trust(3, told.trust.sha256, told.trust.principals)
    with pytest.raises(TrustError, match="version"):
        Recorder(told.ledger, skipped, ORG, "0.1.0", told.tick).publish_trust(told.keys["root"])
    assert codes(told.audit(pinned_genesis="0" * 64)) == {"genesis-differs"}
    assert told.audit(pinned_genesis=told.trust.sha256)


def test_verifier_silently_skips(told: Shop, forger: Forger, tmp_path: Path) -> None:
    assert codes(audit_of(Ledger.create(tmp_path / "empty.sqlite").path, None)) == {"ledger-empty"}
    unknown = altered(
        forger.entries[17], told.keys["controller"],
        lambda s: s.update(predicateType="https://holdfast.example/notary/v1"),
    )  # fmt: skip
    report = audit_of(forger.write([*forger.entries[:17], unknown]), told.plans)
    assert ("unknown-step", 17) in {(one.code, one.index) for one in report.findings}
    key = NoteKey("compliance.example.org", WITNESS, bytes(32))
    assert codes(told.audit(watchers=[Watcher(key)])) == {"cosignature-missing"}
    assert any("no witness watched" in limit for limit in told.audit().could_not_check)
