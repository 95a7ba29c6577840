# Copyright: (c) 2026, Holdfast contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""A shelf tells where what stands, and nothing that a decision looks into is believed on its word."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from ansible_collections.holdfast.hipaa.plugins.plugin_utils.change.reading import change_states
from ansible_collections.holdfast.hipaa.plugins.plugin_utils.errors import LedgerError, TrustError
from ansible_collections.holdfast.hipaa.plugins.plugin_utils.ledger import shelf
from ansible_collections.holdfast.hipaa.plugins.plugin_utils.ledger.envelope import Envelope
from ansible_collections.holdfast.hipaa.plugins.plugin_utils.ledger.reading import GIST, Record, read_records, record_of
from ansible_collections.holdfast.hipaa.plugins.plugin_utils.ledger.recorder import Recorder
from ansible_collections.holdfast.hipaa.plugins.plugin_utils.ledger.shelf import Reading, read_on, taken_up, written
from ansible_collections.holdfast.hipaa.plugins.plugin_utils.ledger.signers import FileSigner
from ansible_collections.holdfast.hipaa.plugins.plugin_utils.ledger.store import Ledger
from ansible_collections.holdfast.hipaa.plugins.plugin_utils.ledger.trust import Principal, Term, Trust
from ansible_collections.holdfast.hipaa.plugins.plugin_utils.policy.leasing import ailing, leases
from ansible_collections.holdfast.hipaa.plugins.plugin_utils.policy.ledgered import wave_durations
from ansible_collections.holdfast.hipaa.plugins.plugin_utils.policy.limits import mended_lately
from ansible_collections.holdfast.hipaa.plugins.plugin_utils.policy.proofs import proven
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from tests.ledger_cases import ORG, Forger, Shop, altered


def kept(shop: Shop, ledger: Ledger | None = None, reading: Reading | None = None) -> bytes:
    return written(reading or read_on(shop.ledger), shop.keys["log"])


def up(data: bytes, ledger: Ledger) -> Reading:
    found = taken_up(data, ledger)
    assert found is not None
    return found


def plain(records: Sequence[Record]) -> list[object]:
    return [(one.to_dict(), one.recorded_at, one.principal, one.role, one.keyid, one.doubted) for one in records]


def revoke(shop: Shop, name: str, term: Term, *more: Principal) -> None:
    """Publish the next trust document, in which all keys of a principal have a term."""
    before = read_on(shop.ledger).trust
    assert before is not None
    people = (
        replace(one, terms={key.keyid: term for key in one.keys} if one.id == name else one.terms)
        for one in before.principals
    )
    trust = Trust(before.version + 1, before.sha256, (*people, *more))
    Recorder(shop.ledger, trust, ORG, "0", shop.tick).publish_trust(shop.keys["root"])


def test_reading_on_gives_what_reading_gives(shop: Shop) -> None:
    first = read_on(shop.ledger)
    shop.story()
    whole = read_on(shop.ledger, first)
    assert plain(whole.records) == plain(read_records(shop.ledger))
    assert (whole.size, whole.root) == shop.ledger.head()
    assert read_on(shop.ledger, whole) is whole, "nothing is new"


def test_what_was_read_is_read_no_more(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    shop.story()
    before = read_on(shop.ledger)
    shop.look()
    began: list[int] = []
    entries = Ledger.entries
    monkeypatch.setattr(Ledger, "entries", lambda self, start=0: began.append(start) or entries(self, start))
    assert len(read_on(shop.ledger, before).records) == shop.ledger.size
    assert began == [before.size]


def test_a_shelf_tells_of_every_record_what_the_ledger_does(shop: Shop) -> None:
    shop.story()
    records, stood = read_records(shop.ledger), up(kept(shop), shop.ledger)
    assert [one.gist for one in stood.records] == [
        {name: one.body[name] for name in GIST if name in one.body} for one in records
    ]
    assert all(isinstance(one, shelf.Kept) for one in stood.records)
    assert plain(stood.records) == plain(records)
    assert stood.trust == read_on(shop.ledger).trust
    with pytest.raises(AttributeError):
        _unused = stood.records[0].nonsense  # type: ignore[attr-defined]  # there is none


def test_who_decides_finds_the_same_on_a_shelf(shop: Shop) -> None:
    shop.story()
    for records in (read_records(shop.ledger), up(kept(shop), shop.ledger).records):
        now = records[-1].recorded_at + timedelta(minutes=1)
        said = (
            change_states(records), leases(records, now), ailing(records, ["lab-1", "prod-1"]), proven(records),
            wave_durations(records, "lab", None), mended_lately(records, now, None),
        )  # fmt: skip
        if records[0].__class__ is Record:
            expected = said
    assert said == expected
    assert expected[0], "the story has a change"


def test_what_follows_is_read_after_a_shelf(shop: Shop) -> None:
    shop.story()
    data = kept(shop)
    shop.look()
    whole = read_on(shop.ledger, up(data, shop.ledger))
    assert plain(whole.records) == plain(read_records(shop.ledger))
    again = written(whole, shop.keys["log"])
    assert plain(up(again, shop.ledger).records) == plain(whole.records), "a shelf is made of one and what followed"


def test_a_shelf_that_is_not_as_the_log_signed_it_is_none(shop: Shop) -> None:
    shop.story()
    data = kept(shop)
    assert taken_up(data, shop.ledger)
    assert taken_up(data.replace(b'"approve"', b'"approvE"'), shop.ledger) is None
    assert taken_up(written(read_on(shop.ledger), shop.keys["controller"]), shop.ledger) is None, "another's key"
    deep = b"key AAAA\n" + b"[" * 100_000
    for broken in (b"", b"\n", data[:500], data[10:], b"\xff" + data, data.split(b"\n")[1], deep):
        assert taken_up(broken, shop.ledger) is None


def test_a_shelf_of_another_ledger_is_none(shop: Shop, tmp_path: Path) -> None:
    shop.story()
    data = kept(shop)
    forger = Forger(shop.ledger, tmp_path)
    assert taken_up(data, Ledger(forger.write(forger.entries)))
    assert taken_up(data, Ledger(forger.write(forger.entries[:-1]))) is None, "an entry is gone"
    assert taken_up(data, Ledger(forger.write([*forger.entries[:-2], forger.entries[-1], forger.entries[-2]]))) is None


def test_an_entry_that_was_exchanged_since_is_no_record(shop: Shop, tmp_path: Path) -> None:
    """The nodes are left as they were, so that the root fits."""
    shop.story()
    data, forger = kept(shop), Forger(shop.ledger, tmp_path)
    approval = next(one.index for one in read_records(shop.ledger) if one.step == "approve")
    path = forger.sql("UPDATE entries SET envelope = ? WHERE idx = ?", forger.entries[approval + 1], approval)
    stood = up(data, Ledger(path))
    assert stood.records[approval].principal == "security"
    with pytest.raises(LedgerError, match=f"entry {approval}: is not what this controller verified before"):
        _unused = stood.records[approval].body
    forger.sql("DELETE FROM entries WHERE idx = ?", approval)
    with pytest.raises(LedgerError, match=f"entry {approval} is missing"):
        _unused = up(data, Ledger(path)).records[approval].body


def test_no_shelf_makes_a_consent_of_a_signature_that_does_not_hold(shop: Shop, tmp_path: Path) -> None:
    """Who has the log's key, and writes the file, can hide a record; what they make up is not believed."""
    shop.story()
    forger = Forger(shop.ledger, tmp_path)
    approval = next(one.index for one in read_records(shop.ledger) if one.step == "approve")
    forged = altered(forger.entries[approval], shop.keys["controller"], lambda one: one["predicate"])
    envelope = Envelope.from_bytes(forged)
    forger.entries[approval] = replace(envelope, keyid=shop.keys["security"].public_key.keyid).to_bytes()
    ledger = Ledger(forger.write(forger.entries))
    made_up = [record_of(i, data, Envelope.from_bytes(data)) for i, data in enumerate(forger.entries)]
    reading = replace(read_on(shop.ledger), records=made_up, root=ledger.root())
    stood = up(written(reading, shop.keys["log"]), ledger)
    with pytest.raises(TrustError, match=f"entry {approval}"):
        _unused = stood.records[approval].body


def test_a_revoked_log_vouches_for_no_shelf(shop: Shop) -> None:
    shop.story()
    data = kept(shop)
    log = Principal("log-anew", ("log",), (FileSigner(Ed25519PrivateKey.generate()).public_key,))
    revoke(shop, "log", Term(revoked_from=shop.ledger.size, reason="stolen"), log)
    assert taken_up(kept(shop), shop.ledger) is None
    whole = read_on(shop.ledger, up(data, shop.ledger))
    assert not any(isinstance(one, shelf.Kept) for one in whole.records), "all of it was read anew"
    assert plain(whole.records) == plain(read_records(shop.ledger))


def test_a_newer_trust_document_doubts_what_stands_on_a_shelf(shop: Shop) -> None:
    shop.story()
    stood = up(kept(shop), shop.ledger)
    assert not any(one.doubted for one in stood.records)
    revoke(shop, "security", Term(revoked_from=stood.size, reason="stolen", distrust_from=0))
    doubted = [one.index for one in read_records(shop.ledger) if one.doubted]
    assert doubted
    after = read_on(shop.ledger, stood).records
    assert [one.index for one in after if one.doubted] == doubted
    assert plain(after) == plain(read_records(shop.ledger))
    assert [one.index for one in up(kept(shop), shop.ledger).records if one.doubted] == doubted
