# Copyright: (c) 2026, Holdfast contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Who may sign what: every kind of key, and versions of the trust document that may not follow."""

from __future__ import annotations

import base64
import hashlib
import json
import subprocess
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.holdfast.hipaa.plugins.plugin_utils.edge.verifier import verify
from ansible_collections.holdfast.hipaa.plugins.plugin_utils.ledger.signers import FileSigner, Signer, SshSigner
from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, SECP384R1, generate_private_key
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from tests.bundles import (
    Change,
    flipped,
    followed,
    of_entries,
    of_security,
    problem,
    refused_or,
    seeing,
    shop_files,
    with_trust,
)
from tests.ledger_cases import Shop, altered


@pytest.mark.parametrize("kind", ["ed25519", "ecdsa", "ecdsa-384", "p256", "p384"])
def test_keys_of_every_kind_are_verified(tmp_path: Path, kind: str) -> None:
    signer: Signer
    if kind.startswith("p"):
        signer = FileSigner(generate_private_key(SECP256R1() if kind == "p256" else SECP384R1()))
    else:
        name, _dash, bits = kind.partition("-")
        words = ["ssh-keygen", "-q", "-t", name, *(["-b", bits] if bits else []), "-N", "", "-f", str(tmp_path / "k")]
        subprocess.run(words, check=True, timeout=30, stdin=subprocess.DEVNULL)
        signer = SshSigner(tmp_path / "k")
    public = signer.public_key
    key = verify.Key("somebody", set(), public.kind, public.raw, {})
    for number in range(8):  # ECDSA's numbers come in several lengths
        signature = signer.sign(b"message %d" % number)
        assert key._made(signature, b"message %d" % number)
        assert not refused_or(key, signature, b"another")
        for place in range(0, len(signature), 3):
            assert not refused_or(key, flipped(signature, place), b"message %d" % number)


def test_token_must_have_been_touched() -> None:
    """PROTOCOL.u2f: flags and counter are signed; the first bit says that somebody was there."""
    private = Ed25519PrivateKey.generate()
    raw, kind = private.public_key().public_bytes_raw(), b"sk-ssh-ed25519@openssh.com"
    key = verify.Key("somebody", set(), kind.decode(), raw, {})

    def made(flags: int) -> bytes:
        fields = b"".join(map(verify._ssh, (b"dsse@holdfast.example", b"", b"sha512")))
        rest = bytes([flags, 0, 0, 0, 7])
        covered = b"SSHSIG" + fields + verify._ssh(hashlib.sha512(b"message").digest())
        digests = [hashlib.sha256(one).digest() for one in (b"ssh:", covered)]
        bare = private.sign(digests[0] + rest + digests[1])
        public = b"".join(map(verify._ssh, (kind, raw, b"ssh:")))
        inner = verify._ssh(kind) + verify._ssh(bare) + rest
        return b"SSHSIG\0\0\0\1" + verify._ssh(public) + fields + verify._ssh(inner)

    assert key._made(made(1), b"message")
    assert not refused_or(key, made(1), b"another")
    assert not refused_or(key, made(0), b"message")


@pytest.mark.parametrize(
    ("signer", "change", "expected"),
    [
        ("root", lambda one: None, ""),
        ("root", lambda one: one.update(version=9) if "version" in one else None, "no version that follows"),
        ("root", lambda one: one.update(previous="0" * 64) if "version" in one else None, "no version that follows"),
        ("root", lambda one: of_security(one).update(revoked_from=900), "revoked_from of"),
        ("root", lambda one: of_security(one).update(distrust_from=2), "distrust_from of"),
        ("root", lambda one: of_security(one).pop("revoked_from", None), "revoked_from"),
        ("root", lambda one: one["subject"][0]["digest"].update(sha256="0" * 64) if "subject" in one else None,
         "about another trust document"),
        ("root", lambda one: of_security(one).update(keyid="0" * 64), "is not sound"),
        ("operations", lambda one: None, "not signed by a root"),
        ("operations", lambda one: one["predicate"]["actor"].update(principal="operations") if "subject" in one
         else None, "not signed by a root"),
        ("root", lambda one: one["predicate"]["actor"].update(principal="security") if "subject" in one else None,
         "not signed by a root"),
    ],
)  # fmt: skip
def test_version_of_trust_that_may_not_follow_is_refused(
    tmp_path: Path, keys: dict[str, Signer], signer: str, change: Change, expected: str
) -> None:
    shop = Shop(tmp_path, keys)
    shop.story()
    shop.rekey()
    found = problem(with_trust(shop, signer, change))
    assert (expected in found) if expected else not found


def test_trust_document_whose_signature_is_anothers_is_refused(tmp_path: Path, keys: dict[str, Signer]) -> None:
    shop = Shop(tmp_path, keys)
    files = with_trust(shop, "root", lambda one: None)
    envelope = json.loads(files["records/1.json"])
    envelope["signatures"][0]["sig"] = base64.b64encode(bytes(64)).decode()
    entries = [shop.ledger.entry(0), verify._spelt(envelope)]
    assert "the signature does not hold" in problem(of_entries(entries, keys["log"]))


def test_version_too_few_have_signed_is_not_in_force(tmp_path: Path, keys: dict[str, Signer]) -> None:
    """A second root and a threshold of two: one signature is not enough for a version, and its rights count nothing."""
    shop = Shop(tmp_path, keys, roles={"security": ("approver", "root")})

    def harder(one: dict[str, Any]) -> None:
        if "root_threshold" in one:
            one["root_threshold"] = 2

    found = verify.Bundle(with_trust(shop, "root", harder), None, [])
    assert [one.body["version"] for one in found.versions] == [1]


def test_both_thresholds_are_asked_for(tmp_path: Path, keys: dict[str, Signer]) -> None:
    """From one root to two, and back to one: the version before must agree by its own threshold."""
    shop = Shop(tmp_path, keys, roles={"security": ("approver", "root")})

    def by(who: str, threshold: int | None = None) -> Change:
        def change(one: dict[str, Any]) -> None:
            if "predicate" in one:
                one["predicate"]["actor"]["principal"] = who
            elif threshold:
                one["root_threshold"] = threshold

        return change

    entries = followed([shop.ledger.entry(0)], keys["root"], by("root", 2))
    assert versions(entries, keys) == [1]
    entries = followed(entries, keys["security"], by("security"), new=False)
    assert versions(entries, keys) == [1, 2]
    entries = followed(entries, keys["root"], by("root", 1))
    assert versions(entries, keys) == [1, 2]
    assert versions([*entries, entries[-1]], keys) == [1, 2]  # the same root once more is the same root
    assert versions(followed(entries, keys["security"], by("security"), new=False), keys) == [1, 2, 3]


def versions(entries: Sequence[bytes], keys: dict[str, Signer]) -> list[int]:
    return [one.body["version"] for one in verify.Bundle(of_entries(entries, keys["log"]), None, []).versions]


@pytest.mark.parametrize(("revoked", "expected"), [(True, "may not sign"), (False, "")])
def test_revoked_key_signs_no_more(tmp_path: Path, keys: dict[str, Signer], revoked: bool, expected: str) -> None:
    shop = Shop(tmp_path, keys)
    shop.story()
    index = max(one.index for one in verify.Bundle(shop_files(shop), None, []).records if one.step == "approve")
    if revoked:
        shop.rekey()
    entries = [data for _index, data in shop.ledger.entries()]
    who = verify.Record(index, entries[index]).who
    later = altered(entries[index], keys["security"], lambda one: again(one, shop, entries))
    found = problem(of_entries([*entries, later], keys["log"]))
    assert who in ("security", "revenue-cycle")
    assert (expected in found) if expected else not found


def again(statement: dict[str, Any], shop: Shop, entries: Sequence[bytes]) -> None:
    predicate = statement["predicate"]
    predicate |= {"ledger_head": seeing(entries), "trust": {"version": shop.trust.version, "sha256": shop.trust.sha256}}
    predicate["actor"]["principal"] = "security"
