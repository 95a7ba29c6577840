# Copyright: (c) 2026, Holdfast contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Single entries that should never have been written: each is named at its index, by the rule it breaks."""

from __future__ import annotations

import base64
import json
import subprocess
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.holdfast.hipaa.plugins.plugin_utils.ledger import canonical
from ansible_collections.holdfast.hipaa.plugins.plugin_utils.ledger.envelope import Envelope, pae
from ansible_collections.holdfast.hipaa.plugins.plugin_utils.ledger.parts import new_id
from ansible_collections.holdfast.hipaa.plugins.plugin_utils.ledger.signers import FileSigner, Signer
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from tests.ledger_cases import START, Forger, Shop, altered, audit_of, codes, signed, statement_of

CHECK_OPEN, CHECK_VERIFY, CHECK_CLOSE, REQUEST, APPROVAL, DEPLOY = 1, 2, 3, 4, 5, 9
LAST = 18

Statement = dict[str, Any]
Change = Callable[[Statement], object]


@pytest.fixture(scope="module")
def told(tmp_path_factory: pytest.TempPathFactory, keys: dict[str, Signer]) -> Shop:
    """A shop whose story is told."""
    shop = Shop(tmp_path_factory.mktemp("told"), keys)
    shop.story()
    return shop


@pytest.fixture
def forger(told: Shop, tmp_path: Path) -> Forger:
    """One who can write the file."""
    return Forger(told.ledger, tmp_path)


def following(shop: Shop, like: int, signer: Signer, change: Change) -> bytes:
    """Return a good next entry like an earlier one, changed and then signed by `signer`."""

    def renew(statement: Statement) -> None:
        statement["predicate"] |= {
            "record_id": new_id("rec"),
            "ledger_head": {"size": LAST, "root": shop.ledger.root().hex()},
            "recorded_at": canonical.timestamp(shop.now),
        }
        change(statement)

    return altered(shop.ledger.entry(like), signer, renew)


def found_at(shop: Shop, forger: Forger, entry: bytes) -> set[str]:
    """Return what an audit finds at an entry put after the last."""
    report = audit_of(forger.write([*forger.entries, entry]), shop.plans)
    return {one.code for one in report.findings if one.index == LAST}


def test_a_good_next_entry_is_no_finding(told: Shop, forger: Forger, keys: dict[str, Signer]) -> None:
    """What the tests below rest on: without the change there is nothing to find at the new entry."""
    good = following(told, APPROVAL, keys["security"], lambda s: None)
    assert found_at(told, forger, good) == set()
    assert audit_of(forger.path, told.plans)


def put(*path: str | int, value: Any) -> Change:
    """Return a change that sets one place of a statement."""

    def change(statement: Any) -> None:
        for step in path[:-1]:
            statement = statement[step]
        statement[path[-1]] = value

    return change


@pytest.mark.parametrize(
    ("change", "signer", "expected"),
    [
        (put("predicate", "actor", "principal", value="revenue-cycle"), "security", {"actor"}),
        (put("predicate", "actor", "role", value="root"), "security", {"actor"}),
        (lambda s: None, "controller", {"role", "actor"}),
        (put("predicate", "org", value="org-other"), "security", {"org-differs"}),
        (put("predicate", "trust", "version", value=2), "security", {"trust-named"}),
        (put("predicate", "trust", "sha256", value="0" * 64), "security", {"trust-named"}),
        (put("predicate", "ledger_head", "root", value="0" * 64), "security", {"head-forged"}),
        (put("predicate", "ledger_head", "size", value=17), "security", {"head-forged"}),
        (put("predicate", "ledger_head", "size", value=19), "security", {"head-future"}),
        (put("predicate", "recorded_at", value="2026-11-21T21:50:00.000Z"), "security", {"time-backwards"}),
        (put("predicate", "recorded_at", value="2026-11-22T22:10:00.000Z"), "security", {"time-future"}),
        (put("predicateType", value="https://holdfast.example/obituary/v1"), "security", {"unknown-step"}),
        (put("predicateType", value="https://example.org/other"), "security", {"unknown-step"}),
        (put("predicate", "more", value=1), "security", {"statement-form"}),
        (put("predicate", "step", "comment", value="for the auditor"), "security", {"statement-form"}),
        (put("predicate", "change_id", value=None), "security", {"statement-form"}),
        (put("subject", value=[{"name": "plan", "digest": {"sha256": "0" * 64}}]), "security", {"statement-form"}),
    ],
)  # fmt: skip
def test_what_an_entry_may_not_say(
    told: Shop, forger: Forger, keys: dict[str, Signer], change: Change, signer: str, expected: set[str]
) -> None:
    entry = following(told, APPROVAL, keys[signer], change)
    assert found_at(told, forger, entry) == expected


def test_small_differences_of_honest_clocks_are_none(told: Shop, forger: Forger, keys: dict[str, Signer]) -> None:
    late = canonical.timestamp(START - timedelta(minutes=4))
    entry = following(told, APPROVAL, keys["security"], put("predicate", "recorded_at", value=late))
    assert found_at(told, forger, entry) == set()


def test_key_that_nobody_holds(told: Shop, forger: Forger) -> None:
    stranger = FileSigner(Ed25519PrivateKey.generate())
    assert found_at(told, forger, following(told, APPROVAL, stranger, lambda s: None)) == {"unknown-key"}


def test_signature_of_another(told: Shop, forger: Forger, keys: dict[str, Signer]) -> None:
    """The keyid is the approver's, the signature somebody else's."""
    other = Envelope.from_bytes(following(told, APPROVAL, keys["revenue-cycle"], lambda s: None))
    mine = keys["security"].public_key.keyid
    assert found_at(told, forger, Envelope(other.payload, mine, other.signature).to_bytes()) == {"signature"}
    bare = keys["controller"].sign(pae(other.payload))
    assert found_at(told, forger, Envelope(other.payload, mine, bare).to_bytes()) == {"signature"}


def test_ssh_signature_made_for_something_else(told: Shop, forger: Forger, keys: dict[str, Signer]) -> None:
    """The right person signed the right bytes, as a git commit or an e-mail would be signed."""
    signer: Any = keys["security"]
    payload = Envelope.from_bytes(following(told, APPROVAL, signer, lambda s: None)).payload
    for namespace in ("file", "git"):
        command = ["ssh-keygen", "-q", "-Y", "sign", "-n", namespace, "-f", str(signer._path)]
        done = subprocess.run(command, input=pae(payload), capture_output=True, check=True, timeout=30)
        blob = base64.b64decode(b"".join(done.stdout.split(b"\n")[1:-2]))
        entry = Envelope(payload, signer.public_key.keyid, blob).to_bytes()
        assert found_at(told, forger, entry) == {"signature"}


@pytest.mark.parametrize("cut", [0, 5, 6, 10, 12, 40, 62, 80, 90, -1])
def test_ssh_signature_cut_short(told: Shop, forger: Forger, keys: dict[str, Signer], cut: int) -> None:
    good = Envelope.from_bytes(following(told, APPROVAL, keys["security"], lambda s: None))
    entry = Envelope(good.payload, good.keyid, good.signature[:cut]).to_bytes()
    assert found_at(told, forger, entry) == {"signature"}
    entry = Envelope(good.payload, good.keyid, good.signature + b"\x00").to_bytes()
    assert found_at(told, forger, entry) == {"signature"}


def _payload(envelope: bytes, change: Callable[[bytes], bytes], signer: Signer) -> bytes:
    payload = change(Envelope.from_bytes(envelope).payload)
    return Envelope(payload, signer.public_key.keyid, signer.sign(pae(payload))).to_bytes()


AMBIGUOUS: dict[str, Callable[[str], str]] = {
    "a member named twice": lambda t: t.replace('"payloadType"', '"payload":"e30=","payloadType"', 1),
    "a member too many": lambda t: t[:-1] + ',"x":1}',
    "a member too few": lambda t: t.replace('"payloadType":"application/vnd.in-toto+json",', ""),
    "another type": lambda t: t.replace("in-toto+json", "in-toto+jsom"),
    "white space": lambda t: t.replace(",", ", ", 1),
    "another order": lambda t: json.dumps(dict(reversed(json.loads(t).items())), separators=(",", ":")),
    "no signature": lambda t: json.dumps({**json.loads(t), "signatures": []}, separators=(",", ":"), sort_keys=True),
    "two signatures": lambda t: json.dumps(
        {**json.loads(t), "signatures": json.loads(t)["signatures"] * 2}, separators=(",", ":"), sort_keys=True
    ),
    "a signature with more": lambda t: t.replace('"sig":', '"alg":"none","sig":'),
    "a list": lambda t: f"[{t}]",
    "an escaped letter": lambda t: t.replace('"payload"', '"\\u0070ayload"', 1),
    "URL-safe base64": lambda t: t.replace('"sig":"', '"sig":"-_-_'),
    "base64 without padding": lambda t: t.replace("=", ""),
    "base64 with a tail": lambda t: t.replace('"sig":"', '"sig":"A'),
    "a payload that is a number": lambda t: t.replace('"payload":"', '"payload":1,"x":"'),
    "a keyid in capitals": lambda t: json.dumps(
        {**json.loads(t), "signatures": [{**json.loads(t)["signatures"][0], "keyid": "A" * 64}]},
        separators=(",", ":"), sort_keys=True,
    ),
    "NaN": lambda t: t[:-1] + ',"x":NaN}',
    "nothing": lambda t: "",
    "something behind": lambda t: t + "}",
    "a line's end": lambda t: t + "\n",
    "deep nesting": lambda t: "[" * 30_000,
}  # fmt: skip


@pytest.mark.parametrize("name", AMBIGUOUS)
def test_envelope_with_two_readings(told: Shop, forger: Forger, keys: dict[str, Signer], name: str) -> None:
    good = following(told, APPROVAL, keys["security"], lambda s: None).decode()
    bad = AMBIGUOUS[name](good)
    assert bad != good
    assert found_at(told, forger, bad.encode()) == {"envelope-form"}


@pytest.mark.parametrize(
    "change",
    [
        lambda p: p.replace(b'{"_type"', b'{"_type":"x","_type"', 1),
        lambda p: p.replace(b'"recorded_at"', b'"org":"org-demo","recorded_at"', 1),
        lambda p: p.replace(b'"size":18', b'"size":18.0'),
        lambda p: p.replace(b'"size":18', b'"size":1e1'),
        lambda p: p.replace(b'"size":18', b'"size":NaN'),
        lambda p: p.replace(b'"size":18', b'"size":9007199254740993'),
        lambda p: p.replace(b'"size":18', b'"size":true'),
        lambda p: p.replace(b":", b": ", 1),
        lambda p: p.replace(b"org-demo", b"org\\u002ddemo", 1),
        lambda p: p + b"\n",
        lambda p: p[:-1],
        lambda p: b"\xff" + p,
        lambda p: b"null",
    ],
)
def test_payload_with_two_readings(told: Shop, forger: Forger, keys: dict[str, Signer], change: Any) -> None:
    good = following(told, APPROVAL, keys["security"], lambda s: None)
    bad = _payload(good, change, keys["security"])
    assert bad != good
    assert found_at(told, forger, bad) == {"statement-form"}


def test_envelope_beyond_the_limit(told: Shop, forger: Forger, keys: dict[str, Signer]) -> None:
    rings = [f"ring-{number}" for number in range(9000)]
    statement = statement_of(following(told, APPROVAL, keys["security"], lambda s: None))
    statement["predicate"]["step"]["rings"] = rings
    payload = canonical.encode(statement)
    assert len(payload) > 65_535
    outer = {
        "payload": base64.b64encode(payload).decode(),
        "payloadType": "application/vnd.in-toto+json",
        "signatures": [{"keyid": "0" * 64, "sig": "AAAA"}],
    }
    assert found_at(told, forger, canonical.encode(outer)) == {"envelope-form"}
    outer["payload"] = base64.b64encode(payload[:48_100]).decode()
    assert found_at(told, forger, canonical.encode(outer)) == {"envelope-form"}


def test_close_that_hides_records_or_results(told: Shop, forger: Forger, keys: dict[str, Signer]) -> None:
    entries = list(forger.entries)
    change = put("predicate", "step", "entries", "count", value=1)
    entries[CHECK_CLOSE] = altered(entries[CHECK_CLOSE], keys["controller"], change)
    report = audit_of(forger.write(entries, keep_heads=False), told.plans)
    assert ("run-entries", CHECK_CLOSE) in {(one.code, one.index) for one in report.findings}
    change = put("predicate", "step", "counts", "changed", value=7)
    entries[CHECK_CLOSE] = altered(forger.entries[CHECK_CLOSE], keys["controller"], change)
    report = audit_of(forger.write(entries, keep_heads=False), told.plans)
    assert ("run-counts", CHECK_CLOSE) in {(one.code, one.index) for one in report.findings}


def test_verdict_that_its_own_checks_contradict(told: Shop, forger: Forger, keys: dict[str, Signer]) -> None:
    entries = list(forger.entries)
    change = put("predicate", "step", "results", 0, "counts", "fail", value=2)
    entries[CHECK_VERIFY] = altered(entries[CHECK_VERIFY], keys["scanner"], change)
    report = audit_of(forger.write(entries, keep_heads=False), told.plans)
    assert ("verdict-contradicts", CHECK_VERIFY) in {(one.code, one.index) for one in report.findings}


def test_run_opened_twice(told: Shop, forger: Forger, keys: dict[str, Signer]) -> None:
    again = following(told, CHECK_OPEN, keys["controller"], lambda s: None)
    assert found_at(told, forger, again) == {"run-twice"}


def trust(told: Shop, keys: dict[str, Signer], signer: str, change: Change) -> bytes:
    """Return a next version of the trust document, changed, its subject made to fit."""

    def renew(statement: Statement) -> None:
        body = statement["predicate"]["step"]
        body |= {"version": 2, "previous": told.trust.sha256}
        change(body)
        statement["subject"][0]["digest"]["sha256"] = canonical.digest(canonical.encode(body))

    return following(told, 0, keys[signer], renew)


def test_next_trust_document(told: Shop, forger: Forger, keys: dict[str, Signer]) -> None:
    assert found_at(told, forger, trust(told, keys, "root", lambda b: None)) == set()
    assert found_at(told, forger, trust(told, keys, "log", lambda b: None)) == {"role", "actor"}
    assert found_at(told, forger, trust(told, keys, "root", put("version", value=3))) == {"trust-chain"}
    assert found_at(told, forger, trust(told, keys, "root", put("version", value=1))) == {"trust-chain"}
    assert found_at(told, forger, trust(told, keys, "root", put("previous", value="0" * 64))) == {"trust-chain"}
    assert found_at(told, forger, trust(told, keys, "root", put("root_threshold", value=2))) == {"trust-chain"}
    wrong_subject = put("subject", 0, "digest", "sha256", value="0" * 64)
    assert found_at(told, forger, following(told, 0, keys["root"], wrong_subject)) == {"trust-chain"}


def test_trust_document_signed_by_its_own_new_root(told: Shop, forger: Forger, keys: dict[str, Signer]) -> None:
    usurper = FileSigner(Ed25519PrivateKey.generate())
    principals = [{"id": "root", "roles": ["root", "log"], "keys": [usurper.public_key.to_dict()]}]
    entry = trust(told, {**keys, "root": usurper}, "root", put("principals", value=principals))
    assert found_at(told, forger, entry) == {"trust-unfinished"}


def test_one_key_under_two_names(told: Shop, forger: Forger, keys: dict[str, Signer]) -> None:
    """The forged document that would let one person approve twice."""

    def twin(body: Statement) -> None:
        first = next(one for one in body["principals"] if one["id"] == "security")
        body["principals"].append({**first, "id": "security-2"})

    entry = trust(told, keys, "root", twin)
    assert found_at(told, forger, entry) == {"trust-key-twice"}

    def another_keyid(body: Statement) -> None:
        first = next(one for one in body["principals"] if one["id"] == "security")
        key = {**first["keys"][0], "keyid": "0" * 64}
        body["principals"].append({"id": "security-2", "roles": ["approver"], "keys": [key]})

    assert found_at(told, forger, trust(told, keys, "root", another_keyid)) == {"trust-key-twice"}

    def same_name_twice(body: Statement) -> None:
        body["principals"].append({**body["principals"][0], "keys": body["principals"][1]["keys"]})

    assert "trust-chain" in found_at(told, forger, trust(told, keys, "root", same_name_twice))


def test_ledger_that_does_not_begin_with_trust(told: Shop, forger: Forger) -> None:
    report = audit_of(forger.write(forger.entries[1:], keep_heads=False), told.plans)
    assert codes(report) == {"trust-chain"}
    assert len(report.findings) == LAST - 1


def test_unsigned_statement_helpers_make_what_the_ledger_takes(told: Shop, keys: dict[str, Signer]) -> None:
    """Guards the guards: the forger's way of signing is the writer's, so refusals above come from the change."""
    stored = told.ledger.entry(CHECK_OPEN)
    assert signed(statement_of(stored), keys["controller"]) == stored
