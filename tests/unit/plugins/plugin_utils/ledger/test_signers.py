# Copyright: (c) 2026, Holdfast contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Keys and signatures, each against the tool that others use: OpenSSL, ssh-keygen, ssh-agent."""

from __future__ import annotations

import base64
import hashlib
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from ansible_collections.holdfast.hipaa.plugins.plugin_utils.errors import LedgerError, TrustError
from ansible_collections.holdfast.hipaa.plugins.plugin_utils.ledger import keys as ledger_keys
from ansible_collections.holdfast.hipaa.plugins.plugin_utils.ledger.envelope import Envelope, pae
from ansible_collections.holdfast.hipaa.plugins.plugin_utils.ledger.keys import PublicKey
from ansible_collections.holdfast.hipaa.plugins.plugin_utils.ledger.signers import FileSigner, Signer, SshSigner

from tests.ledger_cases import ssh_key

MESSAGE = pae(b'{"any":"payload"}')


def openssl(*words: str, **more: object) -> subprocess.CompletedProcess[bytes]:
    """Run OpenSSL."""
    return subprocess.run(["openssl", *words], capture_output=True, check=True, timeout=30, **more)  # type: ignore[call-overload,no-any-return]  # keywords pass through


@pytest.fixture
def pem(tmp_path: Path) -> Path:
    """A key as OpenSSL makes it."""
    path = tmp_path / "key.pem"
    openssl("genpkey", "-algorithm", "ed25519", "-out", str(path))
    path.chmod(0o600)
    return path


def test_pae_is_the_specifications() -> None:
    """The example of the DSSE specification, with our type and payload."""
    assert pae(b"hello world") == b"DSSEv1 28 application/vnd.in-toto+json 11 hello world"


def test_key_of_openssl_signs_what_openssl_verifies(pem: Path, tmp_path: Path) -> None:
    signer = FileSigner.load(pem)
    signature = signer.sign(MESSAGE)
    (tmp_path / "message").write_bytes(MESSAGE)
    (tmp_path / "signature").write_bytes(signature)
    openssl("pkey", "-in", str(pem), "-pubout", "-out", str(tmp_path / "public.pem"))
    words = ["-rawin", "-in", str(tmp_path / "message"), "-sigfile", str(tmp_path / "signature")]
    openssl("pkeyutl", "-verify", "-pubin", "-inkey", str(tmp_path / "public.pem"), *words)
    raw = openssl("pkey", "-in", str(pem), "-pubout", "-outform", "DER").stdout[-32:]
    assert signer.public_key == PublicKey("ed25519", raw)
    assert signer.public_key.keyid == hashlib.sha256(raw).hexdigest()
    signer.public_key.verify(signature, MESSAGE)
    with pytest.raises(TrustError, match="not made by key"):
        signer.public_key.verify(signature, MESSAGE + b"x")


@pytest.mark.parametrize("mode", [0o604, 0o640, 0o660, 0o644, 0o601])
def test_key_that_others_can_read_is_refused(pem: Path, mode: int) -> None:
    pem.chmod(mode)
    with pytest.raises(TrustError, match=f"mode {mode:04o} lets others read the private key; run: chmod 600"):
        FileSigner.load(pem)
    pem.chmod(0o400)
    FileSigner.load(pem)


def test_other_key_files_are_refused_without_showing_them(tmp_path: Path) -> None:
    rsa, locked, text = tmp_path / "rsa", tmp_path / "locked", tmp_path / "text"
    openssl("genpkey", "-algorithm", "rsa", "-pkeyopt", "rsa_keygen_bits:2048", "-out", str(rsa))
    openssl("genpkey", "-algorithm", "ed25519", "-aes256", "-pass", "pass:canary", "-out", str(locked))
    text.write_text("canary")
    for path in (rsa, locked, text):
        path.chmod(0o600)
        with pytest.raises(TrustError) as caught:
            FileSigner.load(path)
        assert str(path) in str(caught.value)
        assert "holdfast key new" in str(caught.value)
        assert "canary" not in str(caught.value)
    with pytest.raises(TrustError, match="No such file"):
        FileSigner.load(tmp_path / "none")


def test_ssh_signature_is_what_ssh_keygen_verifies(tmp_path: Path) -> None:
    signer = ssh_key(tmp_path / "approver")
    blob = signer.sign(MESSAGE)
    lines = base64.encodebytes(blob).decode()
    (tmp_path / "sig").write_text(f"-----BEGIN SSH SIGNATURE-----\n{lines}-----END SSH SIGNATURE-----\n")
    (tmp_path / "allowed").write_text(f"security {signer.public_key.written}\n")
    command = ["ssh-keygen", "-Y", "verify", "-f", str(tmp_path / "allowed"), "-I", "security"]
    command += ["-n", "dsse@holdfast.example", "-s", str(tmp_path / "sig")]
    subprocess.run(command, input=MESSAGE, capture_output=True, check=True, timeout=30)
    signer.public_key.verify(blob, MESSAGE)


def test_public_file_and_private_file_name_one_key(tmp_path: Path) -> None:
    signer = ssh_key(tmp_path / "approver")
    public = (tmp_path / "approver.pub").read_text()
    assert ledger_keys.ssh_key(public) == signer.public_key.raw
    assert public.startswith(signer.public_key.written)
    assert ledger_keys.public_part(tmp_path / "approver.pub") == ledger_keys.public_part(tmp_path / "approver")


@pytest.fixture
def agent(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """An SSH agent of the test's own."""
    socket = tmp_path / "agent"
    process = subprocess.Popen(["ssh-agent", "-D", "-a", str(socket)], stdout=subprocess.PIPE)
    assert process.stdout is not None
    assert process.stdout.readline()  # it has told where it listens
    monkeypatch.setenv("SSH_AUTH_SOCK", str(socket))
    yield
    process.terminate()
    process.communicate(timeout=10)


@pytest.mark.usefixtures("agent")
def test_agent_signs_for_a_public_file(tmp_path: Path) -> None:
    ssh_key(tmp_path / "approver")
    subprocess.run(["ssh-add", "-q", str(tmp_path / "approver")], check=True, timeout=30)
    (tmp_path / "approver").unlink()
    signer = SshSigner(tmp_path / "approver.pub")
    signer.public_key.verify(signer.sign(MESSAGE), MESSAGE)


def test_passphrase_goes_to_ssh_keygen_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    key = tmp_path / "approver"
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "canary words", "-f", str(key)], check=True, timeout=30)
    ask = tmp_path / "ask"
    ask.write_text("#!/bin/sh\necho canary words\n")
    ask.chmod(0o700)
    monkeypatch.setenv("SSH_ASKPASS_REQUIRE", "force")
    monkeypatch.setenv("SSH_ASKPASS", str(ask))
    signer = SshSigner(key)
    signer.public_key.verify(signer.sign(MESSAGE), MESSAGE)
    monkeypatch.setenv("SSH_ASKPASS", "/bin/false")
    with pytest.raises(TrustError, match="ssh-keygen did not sign"):
        signer.sign(MESSAGE)


def test_missing_tool_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    signer = ssh_key(tmp_path / "approver")
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(TrustError, match="install the package openssh-client"):
        signer.sign(MESSAGE)


def test_other_ssh_files_are_refused(tmp_path: Path) -> None:
    for kind in ("ecdsa", "rsa"):
        path = tmp_path / kind
        subprocess.run(["ssh-keygen", "-q", "-t", kind, "-N", "", "-f", str(path)], check=True, timeout=60)
        for name in (path, path.with_suffix(".pub")):
            with pytest.raises(TrustError, match="ssh-keygen -t ed25519"):
                SshSigner(name)
    damaged = tmp_path / "damaged"
    damaged.write_text("-----BEGIN OPENSSH PRIVATE KEY-----\nAAAA\n-----END OPENSSH PRIVATE KEY-----\n")
    with pytest.raises(TrustError, match="ends too early"):
        SshSigner(damaged)
    with pytest.raises(TrustError, match="No such file"):
        SshSigner(tmp_path / "none")


def test_public_half_of_a_private_key_is_one_of_two_words(tmp_path: Path) -> None:
    for text in ("", "ssh-ed25519", "ssh-ed25519 !!!", "ssh-ed25519 AAAA", "ssh-rsa AAAA", "ssh-ed25519 " + "A" * 90):
        with pytest.raises(TrustError, match=r"^key: "):
            ledger_keys.ssh_key(text)
    for text in ("", "AAAA", "!" * 44, "A" * 43):
        with pytest.raises(TrustError, match="expected 32 bytes in base64"):
            ledger_keys.raw_key(text)


def test_signature_of_the_wrong_form_is_refused(keys: dict[str, Signer]) -> None:
    ssh, plain = keys["security"], keys["controller"]
    blob, bare = ssh.sign(MESSAGE), plain.sign(MESSAGE)
    for signature in (bare, b"", b"SSHSIG", blob[:-1], blob + b"\x00", blob.replace(b"dsse@", b"mail@")):
        with pytest.raises(TrustError):
            ssh.public_key.verify(signature, MESSAGE)
    for signature in (blob, b"", bare[:-1]):
        with pytest.raises(TrustError):
            plain.public_key.verify(signature, MESSAGE)
    with pytest.raises(TrustError, match="names another key"):
        keys["revenue-cycle"].public_key.verify(blob, MESSAGE)


def test_envelope_has_one_form() -> None:
    good = Envelope(b"{}", "0" * 64, b"signature")
    assert Envelope.from_bytes(good.to_bytes()) == good
    text = good.to_bytes().decode()
    for bad in (
        text + " ",
        text.replace('"sig"', '"signature"'),
        text.replace("e30=", "e30"),
        text.replace("e30=", "e3-_"),
        text.replace("in-toto", "in-tot"),
        text.replace("0" * 64, "0" * 63),
        text.replace("[{", "[{},{"),
        text[:-1] + ',"x":1}',
    ):
        assert bad != text
        with pytest.raises(LedgerError):
            Envelope.from_bytes(bad.encode())
    with pytest.raises(LedgerError, match="at most 65535"):
        Envelope.from_bytes(b" " * 65_536)
