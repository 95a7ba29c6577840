# Copyright: (c) 2026, Holdfast contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Public keys: one key has one id, in whatever file, and what is no key is refused by writer and audit alike."""

from __future__ import annotations

import base64
import hashlib
from pathlib import Path

import pytest
from ansible_collections.holdfast.hipaa.plugins.plugin_utils.audit.signatures import VerifyingKey
from ansible_collections.holdfast.hipaa.plugins.plugin_utils.audit.steps import KINDS_OF_KEY
from ansible_collections.holdfast.hipaa.plugins.plugin_utils.errors import TrustError
from ansible_collections.holdfast.hipaa.plugins.plugin_utils.ledger import ssh
from ansible_collections.holdfast.hipaa.plugins.plugin_utils.ledger.keys import PublicKey
from ansible_collections.holdfast.hipaa.plugins.plugin_utils.ledger.kinds import KINDS
from ansible_collections.holdfast.hipaa.plugins.plugin_utils.ledger.signers import FileSigner, SshSigner

from tests.signing import SSH_TYPES, openssl, openssl_key, ssh_keygen

GOOD = {
    "ssh-ed25519": "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIJbfCTJvyWfdNPhsGqxB8adfk2qpVvBMldL7CoUd0lvg",
    "ecdsa-sha2-nistp256": "ecdsa-sha2-nistp256 "
    "AAAAE2VjZHNhLXNoYTItbmlzdHAyNTYAAAAIbmlzdHAyNTYAAABBBBnF1mF70UKFpG0dNLdty8vv/0A48jHUH1Qk1LD6TBB9NCo4"
    "vLd69hHGCS/Q1M8bW4XmOfvYAzhW4fhzsSPTHRU=",
}
PAIRS = {"ed25519": "ssh-ed25519", "ecdsa-p256": "ecdsa-sha2-nistp256", "ecdsa-p384": "ecdsa-sha2-nistp384"}


def test_writer_and_audit_know_the_same_kinds() -> None:
    assert set(KINDS) == KINDS_OF_KEY


@pytest.mark.parametrize("kind", list(PAIRS))
def test_id_is_the_digest_of_what_openssl_shows(tmp_path: Path, kind: str) -> None:
    path = openssl_key(tmp_path / "key", kind)
    key = FileSigner.load(path).public_key
    der = openssl("pkey", "-in", path, "-pubout", "-outform", "DER").stdout
    raw = der[-KINDS[kind].algorithm.length :]
    assert key == PublicKey(kind, raw)
    assert key.keyid == hashlib.sha256(raw).hexdigest() == VerifyingKey(kind, raw).keyid
    assert openssl("pkey", "-in", path, "-pubout").stdout.decode() == key.pem


@pytest.mark.parametrize(("plain", "kind"), list(PAIRS.items()))
def test_same_key_in_pem_and_with_ssh_has_one_id(tmp_path: Path, plain: str, kind: str) -> None:
    """Or one person would count as two: a key moved from OpenSSH's file to PKCS#8 is still that key."""
    ssh_keygen("-t", *SSH_TYPES[kind], "-N", "", "-f", tmp_path / "id")
    by_ssh = SshSigner(tmp_path / "id").public_key
    pem = ssh_keygen("-e", "-m", "PKCS8", "-f", tmp_path / "id.pub").stdout if plain != "ed25519" else None
    moved = PublicKey(plain, by_ssh.raw)
    assert pem is None or pem.decode() == moved.pem
    assert by_ssh.keyid == moved.keyid


@pytest.mark.parametrize("kind", list(SSH_TYPES)[:3])
def test_public_file_and_private_file_name_one_key(tmp_path: Path, kind: str) -> None:
    ssh_keygen("-t", *SSH_TYPES[kind], "-N", "", "-C", "demo", "-f", tmp_path / "id")
    line = (tmp_path / "id.pub").read_text()
    keys = {SshSigner(tmp_path / name).public_key for name in ("id", "id.pub")}
    keys |= {PublicKey.from_text(kind, line)}
    (key,) = keys
    assert line == f"{key.written} demo\n"
    assert PublicKey.from_dict(key.to_dict()) == key


def test_other_ssh_files_are_refused(tmp_path: Path) -> None:
    for kind in (("rsa",), ("ecdsa", "-b", "521")):
        path = tmp_path / kind[-1]
        ssh_keygen("-t", *kind, "-N", "", "-f", path)
        for name in (path, path.with_suffix(".pub")):
            with pytest.raises(TrustError, match="ssh-keygen -t ed25519"):
                SshSigner(name)
    damaged = tmp_path / "damaged"
    damaged.write_text("-----BEGIN OPENSSH PRIVATE KEY-----\nAAAA\n-----END OPENSSH PRIVATE KEY-----\n")
    with pytest.raises(TrustError, match="ends too early"):
        SshSigner(damaged)
    with pytest.raises(TrustError, match="No such file"):
        SshSigner(tmp_path / "none")


@pytest.mark.parametrize("kind", list(SSH_TYPES))
def test_line_that_is_no_key_of_its_kind(kind: str) -> None:
    other = "ssh-ed25519" if kind != "ssh-ed25519" else "ecdsa-sha2-nistp256"
    blob = ssh.string(kind.encode()) + ssh.string(b"x")
    short = f"{kind} {base64.b64encode(blob).decode()}"
    with pytest.raises(TrustError, match=f"of type {other}; expected {kind}"):
        PublicKey.from_text(kind, GOOD[other])
    for text in (
        "",
        kind,
        f"{kind} !!!",
        f"{kind} AAAA",
        "ssh-rsa AAAA",
        f"{kind} " + "A" * 90,
        f"{other} AAAA",
        short,
    ):
        with pytest.raises(TrustError, match=r"^key: "):
            PublicKey.from_text(kind, text)


@pytest.mark.parametrize("kind", list(SSH_TYPES))
def test_blob_in_which_one_part_is_wrong(kind: str) -> None:
    known = KINDS[kind]
    curve = [known.algorithm.ssh.encode()] if known.algorithm.ssh else []
    raw, token = b"\x04" * known.algorithm.length, [b"ssh:"] if known.token else []
    good = [kind.encode(), *curve, raw, *token]
    assert ssh.read_blob(b"".join(map(ssh.string, good))) == (kind, raw)
    bad = [[*good, b""], [*good, b"more"], good[:-1], [kind.encode(), *curve, raw[:-1], *token]]
    bad += [[kind.encode(), b"nistp521", raw, *token]] if curve else []
    for parts in bad:
        with pytest.raises(TrustError, match=r"^key: "):
            ssh.read_blob(b"".join(map(ssh.string, parts)))


@pytest.mark.parametrize("kind", list(PAIRS))
def test_text_that_is_no_raw_key(kind: str) -> None:
    length = KINDS[kind].algorithm.length
    long = base64.b64encode(b"\x04" * (length + 1)).decode()
    for text in ("", "AAAA", "!" * 44, "A" * 43, long):
        with pytest.raises(TrustError, match=f"expected {length} bytes in base64"):
            PublicKey.from_base64(kind, text)


@pytest.mark.parametrize("kind", ["ecdsa-p256", "ecdsa-p384"])
@pytest.mark.parametrize("first", [2, 3, 4, 5, 6, 7])
def test_bytes_that_are_no_point_in_the_one_spelling(tmp_path: Path, kind: str, first: int) -> None:
    """Compressed and hybrid spellings of a point would give one key several ids."""
    good = FileSigner.load(openssl_key(tmp_path / "key", kind)).public_key.raw
    bad = bytes([first]) + good[1:] if first != 4 else good[:-1] + bytes([good[-1] ^ 1])
    with pytest.raises(TrustError, match="no point of the curve"):
        PublicKey.from_base64(kind, base64.b64encode(bad).decode())
    with pytest.raises(ValueError, match=r"no raw key|Invalid EC key"):
        VerifyingKey(kind, bad)


def test_key_id_that_is_anothers(tmp_path: Path) -> None:
    key = FileSigner.load(openssl_key(tmp_path / "key", "ecdsa-p384")).public_key
    with pytest.raises(TrustError, match="names another key than its own"):
        PublicKey.from_dict({**key.to_dict(), "keyid": "0" * 64})
    with pytest.raises(TrustError, match="expected 65 bytes"):
        PublicKey.from_dict({**key.to_dict(), "keytype": "ecdsa-p256"})
