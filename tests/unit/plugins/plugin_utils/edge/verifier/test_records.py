# Copyright: (c) 2026, Holdfast contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""A bundle in which anything is altered, left out, added or exchanged is refused."""

from __future__ import annotations

import base64
import hashlib
import json
import re
from collections.abc import Callable
from typing import Any

import pytest
from ansible_collections.holdfast.hipaa.plugins.plugin_utils.edge.verifier import verify
from ansible_collections.holdfast.hipaa.plugins.plugin_utils.ledger.signers import FileSigner, Signer
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from tests.bundles import (
    DETAIL,
    MAKERS_WORDS,
    Files,
    Told,
    flipped,
    one_of,
    problem,
    rewritten,
    without,
)
from tests.ledger_cases import PLAN_DIGEST, altered
from tests.witnessing import NAME


def test_every_signed_byte_counts(told: Told, whole: Files) -> None:
    """Also for one who makes SHA256SUMS fit."""
    accepted = []
    for name, data in whole.items():
        if name.startswith(MAKERS_WORDS) or name in ("checkpoint", "SHA256SUMS"):
            continue
        for place in {0, len(data) - 1, *range(7, len(data), max(1, len(data) // 12))}:
            if not problem({**whole, name: flipped(data, place)}):
                accepted.append((name, place))
    assert accepted == []


def test_every_byte_of_the_head_counts(told: Told, whole: Files) -> None:
    """All but the name before a signature: the key's own digest follows it, and that names the key."""
    note = whole["checkpoint"]
    labels = {at for found in re.finditer("\u2014 (\\S+)".encode(), note) for at in range(*found.span(1))}
    for place in range(len(note) - 1):
        taken = not problem({**whole, "checkpoint": flipped(note, place)}, witnesses=(told.witness,))
        assert not taken or place in labels


def test_a_signature_under_the_head_has_one_spelling(told: Told, whole: Files) -> None:
    """The last digit before padding holds bits that decode to nothing: each other spelling of it is refused."""
    note = whole["checkpoint"]
    padded = [found.start() - 1 for found in re.finditer(rb"=+\n", note)]
    assert padded
    for place in padded:
        digits = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"
        for digit in digits.replace(note[place : place + 1], b""):
            other = note[:place] + bytes([digit]) + note[place + 1 :]
            assert problem({**whole, "checkpoint": other}, witnesses=(told.witness,))


def test_no_record_can_be_left_out_of_a_run_or_a_change(told: Told, whole: Files) -> None:
    contents, _files = told.bundle(assets=["lab-1"])
    free = []
    for one in contents.gathered.records:
        if not problem(without(whole, f"records/{one.index}.json")):
            free.append((one.step, one.index))
    # A request's rejection, an approval that no run was opened with, a stop: these no other record counts.
    # The end of a run cannot hide: without it the run stands as one never closed.
    assert {step for step, _index in free} <= {"run-close", "trust"}
    for step, index in free:
        left = verify.Bundle(without(whole, f"records/{index}.json"), None, [])
        assert step == "trust" or any("was not closed" in note for note in left.notes)


def test_second_version_of_trust_cannot_be_left_out_where_it_is_used(told: Told, whole: Files) -> None:
    (first, second) = (one.index for one in told.bundle(assets=["lab-1"])[0].gathered.records if one.step == "trust")
    assert first == 0
    assert "names another trust" in problem(without(whole, f"records/{second}.json"))
    assert problem(without(whole, "records/0.json"))


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        (lambda files: {**files, "records/3.json": files["records/4.json"]}, "not the log's entry there"),
        (lambda files: {**files, "records/99.json": files["records/4.json"]}, "not the log's entry there"),
        (lambda files: {**files, "plans/" + "0" * 64 + ".json": files[f"plans/{PLAN_DIGEST}.json"]}, "no record names"),
        (lambda files: {**files, f"plans/{PLAN_DIGEST}.json": b"{}"}, "no record names"),
        (lambda files: {**files, f"evidence/{PLAN_DIGEST}.sealed": b"x"}, "no record names"),
        (lambda files: {**files, "results/run_0000000000/lab-1.json": DETAIL}, "no record names"),
        (lambda files: without(files, "checkpoint"), "checkpoint"),
        (lambda files: {**files, "tile/0/000.p/31": b""}, ""),
        (lambda files: {**files, "tile/0/001": bytes(32)}, "one hash for each entry"),
        (lambda files: {name: data for name, data in files.items() if "tile" not in name}, "one hash for each entry"),
        (lambda files: {name: data for name, data in files.items() if "records" not in name}, "trust document is None"),
    ],
)  # fmt: skip
def test_exchanged_parts_are_refused(whole: Files, change: Callable[[Files], Files], expected: str) -> None:
    found = problem(change(whole))
    assert (expected in found) if expected else not found


def test_reader_names_root_and_witness(told: Told, whole: Files) -> None:
    assert "expected " + "0" * 64 in problem(whole, "0" * 64)
    other = Ed25519PrivateKey.generate().public_key().public_bytes_raw()
    hint = hashlib.sha256(f"{NAME}\n".encode() + b"\x04" + other).digest()[:4].hex()
    stranger = f"{NAME}+{hint}+{base64.b64encode(bytes([4]) + other).decode()}"
    assert "did not cosign" in problem(whole, witnesses=(stranger,))
    name, hint, _key = told.witness.split("+", 2)
    assert "did not cosign" in problem(
        whole, witnesses=(f"{name}+{hint}+{base64.b64encode(bytes([4]) + other).decode()}",)
    )


def test_log_key_alone_rewrites_nothing(told: Told, keys: dict[str, Signer]) -> None:
    last = told.shop.ledger.size - 1
    stored = told.shop.ledger.entry(last)
    assert not problem(rewritten(told, last, stored, keys["log"]))
    stranger = FileSigner(Ed25519PrivateKey.generate())
    assert "not signed by the log's key" in problem(rewritten(told, last, stored, stranger))
    assert "not signed by the log's key" in problem(rewritten(told, last, stored, keys["root"]))
    forged = altered(stored, stranger, lambda one: one["predicate"]["step"].update(outcome="failed"))
    assert "may not sign" in problem(rewritten(told, last, forged, keys["log"]))
    envelope = json.loads(forged)
    envelope["signatures"][0]["keyid"] = keys["controller"].public_key.keyid
    claimed = json.dumps(envelope, sort_keys=True, separators=(",", ":")).encode()
    assert "the signature does not hold" in problem(rewritten(told, last, claimed, keys["log"]))


@pytest.mark.parametrize(
    ("signer", "change", "expected"),
    [
        ("scanner", lambda one: None, "may not sign"),
        ("scanner", lambda one: one["predicate"]["actor"].update(principal="scanner"), "may not sign"),
        ("controller", lambda one: one["predicate"]["actor"].update(role="verifier"), "may not sign"),
        ("controller", lambda one: one["predicate"].update(org="org-other"), "another organisation"),
        ("controller", lambda one: one["predicate"]["trust"].update(version=1), "names another trust"),
        ("controller", lambda one: one["predicate"]["ledger_head"].update(root="0" * 64), "saw another log"),
        ("controller", lambda one: one["predicate"]["ledger_head"].update(size=10**6), "saw another log"),
        ("controller", lambda one: one["predicate"]["step"]["entries"].update(count=9), "records of run"),
        ("controller", lambda one: one["predicate"]["step"].update(run_id="run_0000000000"), "the beginning of run"),
        ("controller", lambda one: one.update(predicateType="https://holdfast.example/nothing/v1"), "no step"),
        ("controller", lambda one: one.update(predicateType="https://evil.example/run-close/v1"), "no step"),
    ],
)
def test_insider_with_a_key_and_the_log_is_caught(
    told: Told, keys: dict[str, Signer], signer: str, change: Callable[[dict[str, Any]], object], expected: str
) -> None:
    """The log's keeper puts in what one principal signed: each rule that the signature itself does not enforce."""
    index, stored = one_of(told, "run-close")
    forged = altered(stored, keys[signer], change)
    assert expected in problem(rewritten(told, index, forged, keys["log"]))


def test_ambiguous_json_is_refused(told: Told, keys: dict[str, Signer]) -> None:
    index, stored = one_of(told, "run-close")
    twice = stored[:-1] + b',"signatures":[]}'
    assert "second spelling" in problem(rewritten(told, index, twice, keys["log"]))
    spaced = stored.replace(b'"payloadType":', b'"payloadType": ')
    assert "second spelling" in problem(rewritten(told, index, spaced, keys["log"]))
    other = stored.replace(b"application/vnd.in-toto+json", b"application/vnd.in-toto-json")
    assert "something else" in problem(rewritten(told, index, other, keys["log"]))


def test_request_and_approvals_must_be_there(told: Told, whole: Files) -> None:
    steps = {one.step: one.index for one in told.bundle(assets=["lab-1"])[0].gathered.records}
    for step in ("request", "approve"):
        assert "rests on a record that is missing" in problem(without(whole, f"records/{steps[step]}.json"))
