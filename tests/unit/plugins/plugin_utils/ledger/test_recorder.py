# Copyright: (c) 2026, Holdfast contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the recorder writes, and what the engine reads back: only by those who may, and only what holds."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest
from ansible_collections.holdfast.hipaa.plugins.plugin_utils.errors import HoldfastError, LedgerError, TrustError
from ansible_collections.holdfast.hipaa.plugins.plugin_utils.ledger import parts, reading
from ansible_collections.holdfast.hipaa.plugins.plugin_utils.ledger.envelope import Envelope
from ansible_collections.holdfast.hipaa.plugins.plugin_utils.ledger.recorder import Recorder
from ansible_collections.holdfast.hipaa.plugins.plugin_utils.ledger.signers import Signer
from ansible_collections.holdfast.hipaa.plugins.plugin_utils.ledger.store import Ledger
from ansible_collections.holdfast.hipaa.plugins.plugin_utils.ledger.trust import Principal, Trust

from tests.ledger_cases import ORG, START, Forger, Shop, deployed, seen, trust_of


def test_story_reads_back_verified(shop: Shop) -> None:
    shop.story()
    records = reading.read_records(shop.ledger)
    assert [record.index for record in records] == list(range(18))
    assert [record.step for record in records[:4]] == ["trust", "run-open", "verify", "run-close"]
    approval = records[5]
    assert (approval.principal, approval.role) == ("security", "approver")
    assert approval.request == records[4].sha256
    assert approval.subject_sha256 == records[4].subject_sha256
    assert approval.recorded_at > START
    assert approval.recorded_at.tzinfo is not None
    assert reading.read_records(shop.ledger, start=5) == records[5:]
    assert approval.to_dict()["predicate"] == approval.predicate


def test_every_record_names_the_head_just_before_it(shop: Shop) -> None:
    shop.story()
    for record in reading.read_records(shop.ledger):
        head = record.predicate["ledger_head"]
        assert (head["size"], head["root"]) == (record.index, shop.ledger.root(record.index).hex())


def test_role_is_asked_before_anything_is_signed(shop: Shop) -> None:
    size = shop.ledger.size
    with pytest.raises(TrustError, match="security is approver, security, not requester"):
        shop.request(by="security")
    stranger = trust_of({"root": shop.keys["root"], "log": shop.keys["log"]})
    assert not stranger.holds(shop.keys["security"].public_key.keyid)
    with pytest.raises(TrustError, match="nobody in version 1 holds key"):
        stranger.require(shop.keys["security"].public_key.keyid, "approver", 0)
    with pytest.raises(TrustError, match="not log"):
        shop.recorder.checkpoint(shop.keys["controller"])
    assert shop.ledger.size == size


def test_body_is_closed(shop: Shop) -> None:
    run = shop.open(shop.request())
    for bad in (
        {**deployed("lab-1"), "stdout": "canary"},
        {**deployed("lab-1"), "outcome": "fine"},
        {key: value for key, value in deployed("lab-1").items() if key != "roles"},
        {**deployed("lab-1"), "duration_ms": -1},
        {**deployed("lab-1"), "asset": "password is canary"},
    ):
        with pytest.raises(LedgerError, match=r"^deploy\.results\[0\]"):
            shop.recorder.deploy(shop.keys["controller"], run, ring="lab", results=[bad])
    results = [{**seen("lab-1", "fail"), "verdict": "pass"}]
    with pytest.raises(LedgerError, match="fail, for a check failed"):
        shop.recorder.verify(shop.keys["scanner"], run, kind="drift", phase=None, results=results)
    with pytest.raises(LedgerError, match="one of the two"):
        shop.open(None, plan=None, baseline=None)


def test_long_results_become_several_records(shop: Shop) -> None:
    request = shop.request()
    run = shop.open(request, [shop.approve("security", request)])
    results = [deployed(f"host-{number}") for number in range(600)]
    receipts = shop.recorder.deploy(shop.keys["controller"], run, ring="lab", results=results)
    assert len(receipts) > 1
    written = [result for record in reading.read_records(shop.ledger) for result in record.body.get("results", ())]
    assert written == results
    many = [{"name": f"package-{number}", "from": "1", "to": "2"} for number in range(1500)]
    shop.recorder.deploy(shop.keys["controller"], run, ring="lab", results=[deployed("lab-1", products=many)])
    parts_of = [
        result
        for record in reading.read_records(shop.ledger)
        for result in record.body.get("results", ())
        if result["asset"] == "lab-1"
    ]
    assert [product for result in parts_of for product in result["products"]] == many
    with pytest.raises(LedgerError, match="alone is larger"):
        parts.split([{"asset": "lab-1", "note": "x" * 50_000, "products": []}], "products")


def test_close_counts_what_the_ledger_holds(shop: Shop) -> None:
    request = shop.request()
    run = shop.open(request, [shop.approve("security", request)], expected_assets=["lab-1", "prod-1"])
    shop.recorder.deploy(shop.keys["controller"], run, ring="lab", results=[deployed("lab-1", "failed", ())])
    shop.look()  # another run in between is not counted
    shop.recorder.deploy(shop.keys["controller"], run, ring="lab", results=[deployed("lab-1")])
    closed = shop.close(run, "failed")
    body = reading.read_records(shop.ledger)[closed.index].body
    assert body["entries"] == {"first": run.index, "last": closed.index - 1, "count": 3}
    assert body["counts"] == {"changed": 1, "unchanged": 0, "failed": 0, "unreachable": 0, "skipped": 0}
    assert body["missing_assets"] == ["prod-1"]


def test_open_run_is_proved_by_its_nonce(shop: Shop) -> None:
    run = shop.open(shop.request())
    assert reading.find_open_run(shop.ledger, run.run_id, run.nonce) == run
    with pytest.raises(LedgerError, match="its nonce does not match"):
        reading.find_open_run(shop.ledger, run.run_id, "0" * 64)
    with pytest.raises(LedgerError, match="no run run_0123456789 is on record"):
        reading.find_open_run(shop.ledger, "run_0123456789", run.nonce)
    shop.work(run)
    assert reading.find_open_run(shop.ledger, run.run_id, run.nonce) == run
    shop.close(run)
    with pytest.raises(LedgerError, match="was closed by entry"):
        reading.find_open_run(shop.ledger, run.run_id, run.nonce)
    assert run.nonce.encode() not in Envelope.from_bytes(shop.ledger.entry(run.index)).payload


def test_newer_trust_is_adopted_and_stale_trust_is_refused(shop: Shop, keys: dict[str, Signer]) -> None:
    shop.request()
    renamed = tuple(
        Principal(one.id, ("verifier",), one.keys) if one.id == "operations" else one for one in shop.trust.principals
    )
    second = Trust(2, shop.trust.sha256, renamed)
    Recorder(shop.ledger, second, ORG, "0.1.0", shop.tick).publish_trust(keys["root"])
    assert reading.trust_in_force(shop.ledger) == second
    with pytest.raises(TrustError, match="operations is verifier, not requester"):
        shop.request()
    stale = Recorder(shop.ledger, shop.trust, ORG, "0.1.0", shop.tick)
    with pytest.raises(TrustError, match="version 1 was given, but 2 is in force"):
        stale.checkpoint(keys["log"])
    with pytest.raises(TrustError, match="does not follow; the next is version 3"):
        Recorder(shop.ledger, second, ORG, "0.1.0", shop.tick).publish_trust(keys["root"])
    shop.look()
    shop.seal()
    assert shop.audit(), shop.audit().findings


def test_ledger_without_trust_takes_nothing(tmp_path: Path, keys: dict[str, Signer]) -> None:
    ledger = Ledger.create(tmp_path / "ledger.sqlite")
    with pytest.raises(TrustError, match="publish one with `holdfast trust publish`"):
        reading.trust_in_force(ledger)
    recorder = Recorder(ledger, trust_of(keys), ORG, "0.1.0", lambda: START)
    with pytest.raises(TrustError, match="publish one with `holdfast trust publish`"):
        recorder.request(
            keys["operations"],
            plan="0" * 64,
            kind="patch",
            rings=["lab"],
            assets=["a"],
            expires_at=START + timedelta(1),
        )
    with pytest.raises(TrustError, match="log is log, not root"):
        recorder.publish_trust(keys["log"])
    assert ledger.size == 0


@pytest.mark.parametrize("index", range(18))
def test_damaged_record_stops_every_reader(shop: Shop, tmp_path: Path, index: int) -> None:
    """The engine decides on nothing that does not hold; the error names the entry."""
    shop.story()
    forger = Forger(shop.ledger, tmp_path)
    assert len(reading.read_records(Ledger(forger.write(forger.entries)))) == 18
    entries = list(forger.entries)
    middle = len(entries[index]) // 2
    entries[index] = entries[index][:middle] + bytes([entries[index][middle] ^ 1]) + entries[index][middle + 1 :]
    with pytest.raises(HoldfastError, match=f"entry {index}: .*run `holdfast audit`"):
        reading.read_records(Ledger(forger.write(entries)))


def test_deleted_record_stops_every_reader(shop: Shop, tmp_path: Path) -> None:
    shop.story()
    forger = Forger(shop.ledger, tmp_path)
    with pytest.raises(LedgerError, match="entry 4 is missing"):
        reading.read_records(Ledger(forger.sql("DELETE FROM entries WHERE idx = 4")))
