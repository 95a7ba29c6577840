# Copyright: (c) 2026, Holdfast contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Key files: what OpenSSL makes we read, what we make OpenSSL reads, and nobody else reads either."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest
from ansible_collections.holdfast.hipaa.plugins.plugin_utils.errors import TrustError, UsageError
from ansible_collections.holdfast.hipaa.plugins.plugin_utils.ledger import keyfiles
from ansible_collections.holdfast.hipaa.plugins.plugin_utils.ledger.envelope import pae
from ansible_collections.holdfast.hipaa.plugins.plugin_utils.ledger.kinds import PLAIN
from ansible_collections.holdfast.hipaa.plugins.plugin_utils.ledger.secrets import nobody, read_secret
from ansible_collections.holdfast.hipaa.plugins.plugin_utils.ledger.signers import FileSigner

from tests.signing import openssl, openssl_key, openssl_takes

MESSAGE = pae(b'{"any":"payload"}')
CANARY = "canary wörds"


def told(what: str) -> str:
    """A person who knows the passphrase."""
    assert "passphrase of" in what
    return CANARY


@pytest.mark.parametrize("kind", PLAIN)
@pytest.mark.parametrize("passphrase", [None, CANARY])
def test_key_of_ours_is_openssls_too(tmp_path: Path, kind: str, passphrase: str | None) -> None:
    path = tmp_path / "deep" / "key.pem"
    key = keyfiles.write_private(path, keyfiles.make_private(kind), passphrase)
    assert key.kind == kind
    assert path.stat().st_mode & 0o777 == 0o600
    assert path.parent.stat().st_mode & 0o777 == 0o700
    assert (b"BEGIN ENCRYPTED PRIVATE KEY" in path.read_bytes()) == (passphrase is not None)
    signer = FileSigner.load(path, told)
    assert signer.public_key == key
    assert openssl_takes(key, signer.sign(MESSAGE), MESSAGE, tmp_path)
    (tmp_path / "pass").write_text(CANARY)
    words = ["-passin", f"file:{tmp_path}/pass"] if passphrase else []
    assert openssl("pkey", "-in", path, *words, "-pubout").stdout.decode() == key.pem


@pytest.mark.parametrize("kind", PLAIN)
def test_encrypted_key_of_openssl(tmp_path: Path, kind: str) -> None:
    (tmp_path / "pass").write_text(CANARY)
    path = openssl_key(tmp_path / "key.pem", kind, "-aes256", "-pass", f"file:{tmp_path}/pass")
    signer = FileSigner.load(path, told)
    assert openssl_takes(signer.public_key, signer.sign(MESSAGE), MESSAGE, tmp_path)


def test_passphrase_is_stretched(tmp_path: Path) -> None:
    """scrypt with N 16384, r 8, p 5: 16 MiB, five times over, for each guess."""
    path = tmp_path / "key.pem"
    keyfiles.write_private(path, keyfiles.make_private("ed25519"), CANARY)
    (tmp_path / "block").write_text(keyfiles.blocks(path, path.read_text())[keyfiles.ENCRYPTED])
    shown = openssl("asn1parse", "-in", tmp_path / "block").stdout.decode()
    assert ":scrypt" in shown
    assert ":aes-256-cbc" in shown
    assert re.findall(r"INTEGER +:([0-9A-F]+)", shown) == ["4000", "08", "05", "20"]


def test_wrong_passphrase_and_nobody_to_ask(tmp_path: Path) -> None:
    path = tmp_path / "key.pem"
    keyfiles.write_private(path, keyfiles.make_private("ed25519"), CANARY)
    with pytest.raises(TrustError, match="the passphrase is not this key's") as caught:
        FileSigner.load(path, lambda what: "wrong canary")
    assert "canary" not in str(caught.value)
    with pytest.raises(TrustError, match=re.escape(f"passphrase of {path}: nobody can be asked here")):
        FileSigner.load(path)
    with pytest.raises(TrustError, match="nobody can be asked"):
        nobody("x")


def test_public_half_that_is_not_the_private_ones(tmp_path: Path) -> None:
    """What the file says in the clear must not lend a key another's name."""
    mine, other = tmp_path / "mine", tmp_path / "other"
    for path in (mine, other):
        keyfiles.write_private(path, keyfiles.make_private("ecdsa-p256"), CANARY)
    blocks = [keyfiles.blocks(path, path.read_text()) for path in (mine, other)]
    mine.write_text(blocks[1][keyfiles.PUBLIC] + blocks[0][keyfiles.ENCRYPTED])
    with pytest.raises(TrustError, match="is another key's than the private one"):
        FileSigner.load(mine, told)
    mine.write_text(blocks[0][keyfiles.ENCRYPTED] * 2)
    with pytest.raises(TrustError, match="two blocks"):
        FileSigner.load(mine, told)


def test_key_is_never_overwritten(tmp_path: Path) -> None:
    path = tmp_path / "key.pem"
    keyfiles.write_private(path, keyfiles.make_private("ed25519"), None)
    before = path.read_bytes()
    with pytest.raises(UsageError, match="never overwritten"):
        keyfiles.write_private(path, keyfiles.make_private("ed25519"), None)
    assert path.read_bytes() == before
    with pytest.raises(UsageError, match="expected one of ed25519"):
        keyfiles.make_private("rsa")


@pytest.mark.parametrize("mode", [0o604, 0o640, 0o660, 0o644, 0o601])
def test_key_that_others_can_read_is_refused(tmp_path: Path, mode: int) -> None:
    pem = openssl_key(tmp_path / "key.pem", "ed25519")
    pem.chmod(mode)
    with pytest.raises(TrustError, match=f"mode {mode:04o} lets others read the private key; run: chmod 600"):
        FileSigner.load(pem)
    pem.chmod(0o400)
    FileSigner.load(pem)


def test_other_key_files_are_refused_without_showing_them(tmp_path: Path) -> None:
    rsa, p521, text = tmp_path / "rsa", tmp_path / "p521", tmp_path / "text"
    openssl("genpkey", "-algorithm", "rsa", "-pkeyopt", "rsa_keygen_bits:2048", "-out", rsa)
    openssl("genpkey", "-algorithm", "ec", "-pkeyopt", "ec_paramgen_curve:P-521", "-out", p521)
    text.write_text("canary")
    damaged = tmp_path / "damaged"
    damaged.write_text("-----BEGIN PRIVATE KEY-----\ncanary==\n-----END PRIVATE KEY-----\n")
    for path in (rsa, p521, text, damaged):
        path.chmod(0o600)
        with pytest.raises(TrustError) as caught:
            FileSigner.load(path)
        assert str(path) in str(caught.value)
        assert "holdfast key new" in str(caught.value)
        assert "canary" not in str(caught.value)
    with pytest.raises(TrustError, match="No such file"):
        FileSigner.load(tmp_path / "none")


def test_secret_comes_from_a_file_that_others_cannot_read(tmp_path: Path) -> None:
    path = tmp_path / "secret"
    path.write_text(f"{CANARY}\nnot this\n")
    path.chmod(0o600)
    assert read_secret(path, "passphrase") == CANARY
    path.chmod(0o640)
    with pytest.raises(TrustError, match="mode 0640 lets others read the passphrase; run: chmod 600"):
        read_secret(path, "passphrase")
    for content, said in ((b"", "first line is empty"), (b"\nx", "first line is empty"), (b"\xff\n", "not UTF-8")):
        path.chmod(0o600)
        path.write_bytes(content)
        with pytest.raises(TrustError, match=said):
            read_secret(path, "passphrase")
    with pytest.raises(TrustError, match="No such file"):
        read_secret(tmp_path / "none", "passphrase")


def test_secret_comes_through_a_file_descriptor(tmp_path: Path) -> None:
    """As a shell hands it over: `3< <(pass show holdfast)`."""
    program = "import sys; sys.path.insert(0, sys.argv[1]);"
    program += "from ansible_collections.holdfast.hipaa.plugins.plugin_utils.ledger.secrets import read_secret;"
    program += "from pathlib import Path; print(len(read_secret(Path('/dev/fd/3'), 'passphrase')))"
    root = Path(__file__).resolve().parents[5]
    command = ["bash", "-c", 'exec "$0" -c "$1" "$2" 3< <(echo secret)', sys.executable, program, root / "collections"]
    assert subprocess.run(command, capture_output=True, check=True, timeout=60).stdout == b"6\n"
