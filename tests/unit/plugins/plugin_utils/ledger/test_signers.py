# Copyright: (c) 2026, Holdfast contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Signatures of every kind of key, each against the tool that others use: OpenSSL, ssh-keygen, ssh-agent."""

from __future__ import annotations

import base64
import json
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from ansible_collections.holdfast.hipaa.plugins.plugin_utils.audit.signatures import VerifyingKey
from ansible_collections.holdfast.hipaa.plugins.plugin_utils.errors import LedgerError, TrustError
from ansible_collections.holdfast.hipaa.plugins.plugin_utils.ledger import ssh
from ansible_collections.holdfast.hipaa.plugins.plugin_utils.ledger.envelope import Envelope, pae
from ansible_collections.holdfast.hipaa.plugins.plugin_utils.ledger.keys import PublicKey
from ansible_collections.holdfast.hipaa.plugins.plugin_utils.ledger.kinds import KINDS, PLAIN, numbers, spelled
from ansible_collections.holdfast.hipaa.plugins.plugin_utils.ledger.signers import FileSigner, Signer, SshSigner
from ansible_collections.holdfast.hipaa.plugins.plugin_utils.ledger.ssh import NAMESPACE, Made

from tests.ledger_cases import ssh_key
from tests.signing import (
    DUMMY,
    SSH_TYPES,
    openssl,
    openssl_key,
    openssl_takes,
    ssh_keygen,
    ssh_keygen_takes,
)

MESSAGE = pae(b'{"any":"payload"}')
MadeWith = tuple[Signer, Path]


@pytest.fixture(scope="module", params=list(KINDS))
def made(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[MadeWith]:
    """A signer of each kind, its key made by OpenSSL or ssh-keygen, and a folder to work in."""
    folder = tmp_path_factory.mktemp("made")
    kind = KINDS[request.param]
    if not kind.ssh:
        yield FileSigner.load(openssl_key(folder / "key.pem", kind.name)), folder
        return
    with pytest.MonkeyPatch.context() as patch:
        if kind.token:
            if not DUMMY.exists():
                pytest.skip(f"needs {DUMMY}: OpenSSH's dummy token, which .ci/setup takes from Debian's openssh-tests")
            patch.setenv("SSH_SK_PROVIDER", str(DUMMY))
        ssh_keygen("-t", *SSH_TYPES[kind.name], "-N", "", "-C", "demo", "-f", folder / "key")
        yield SshSigner(folder / "key"), folder


def takes(key: PublicKey, signature: bytes, message: bytes, folder: Path) -> bool:
    """Say whether the tool of others verifies a signature."""
    tool = ssh_keygen_takes if KINDS[key.kind].ssh else openssl_takes
    return tool(key, signature, message, folder)


def refused(key: PublicKey, signature: bytes, message: bytes) -> bool:
    """Say whether writer and audit refuse a signature; both do, or neither."""
    try:
        key.verify(signature, message)
        writer = False
    except TrustError:
        writer = True
    problem = VerifyingKey(key.kind, key.raw).problem(signature, message)
    assert writer == (problem is not None), (key.kind, problem, signature.hex())
    return writer


def test_pae_is_the_specifications() -> None:
    """The example of the DSSE specification, with our type and payload."""
    assert pae(b"hello world") == b"DSSEv1 28 application/vnd.in-toto+json 11 hello world"


def test_signature_is_what_others_verify_and_mutants_are_not(made: MadeWith) -> None:
    signer, folder = made
    key = signer.public_key
    for attempt in range(4):  # ECDSA draws a number: about half of its signatures are born in the other spelling
        message = MESSAGE + b"%d" % attempt
        signature = signer.sign(message)
        assert not refused(key, signature, message)
        assert takes(key, signature, message, folder)
    assert not takes(key, signature, MESSAGE, folder)
    assert refused(key, signature, MESSAGE)
    for place in range(len(signature)):
        mutant = bytearray(signature)
        mutant[place] ^= 1
        assert refused(key, bytes(mutant), message), f"byte {place} of {len(signature)}"
    for mutant in (signature[:-1], signature + b"\x00", b"", signature * 2):
        assert refused(key, bytes(mutant), message)
    for place in (0, len(signature) // 2, len(signature) - 1):
        mutant = bytearray(signature)
        mutant[place] ^= 1
        assert not takes(key, bytes(mutant), message, folder)


@pytest.mark.parametrize("made", PLAIN, indirect=True)
def test_what_openssl_signs_is_taken_in(made: MadeWith) -> None:
    """Whoever signs elsewhere draws the larger s half of the time; it is turned into the smaller, and none is lost."""
    signer, folder = made
    key = signer.public_key
    (folder / "message").write_bytes(MESSAGE)
    words = ["-sha384" if key.kind == "ecdsa-p384" else "-sha256", "-sign", folder / "key.pem", folder / "message"]
    if key.kind == "ed25519":
        signed = [signer.sign(MESSAGE)]
    else:
        signed = [openssl("dgst", *words).stdout for _unused in range(12)]
    for signature in signed:
        assert not refused(key, key.accept(signature, MESSAGE), MESSAGE)


def test_ecdsa_signature_has_one_spelling(made: MadeWith) -> None:
    """Whoever holds no key can still turn s into order - s, which every ECDSA verifier takes: neither of ours does."""
    signer, folder = made
    key, signature = signer.public_key, signer.sign(MESSAGE)
    algorithm = KINDS[key.kind].algorithm
    if not algorithm.order:
        assert key.accept(signature, MESSAGE) == signature
        return
    if KINDS[key.kind].ssh:
        whole = Made.from_bytes(signature)
        r, s = numbers(whole.bare)
        other = Made(**{**vars(whole), "bare": spelled(r, algorithm.order - s)}).to_bytes()
    else:
        r, s = numbers(signature)
        other = spelled(r, algorithm.order - s)
    assert other != signature
    assert takes(key, other, MESSAGE, folder)
    assert refused(key, other, MESSAGE)
    assert key.accept(other, MESSAGE) == signature


def test_signature_of_another_key_is_refused(made: MadeWith, tmp_path: Path) -> None:
    signer, _unused = made
    kind = signer.public_key.kind
    if KINDS[kind].ssh:
        ssh_keygen("-t", *SSH_TYPES[kind], "-N", "", "-C", "demo", "-f", tmp_path / "other")
        other: Signer = SshSigner(tmp_path / "other")
    else:
        other = FileSigner.load(openssl_key(tmp_path / "other", kind))
    assert refused(other.public_key, signer.sign(MESSAGE), MESSAGE)
    with pytest.raises(TrustError):
        other.public_key.accept(signer.sign(MESSAGE), MESSAGE)


@pytest.mark.parametrize("made", list(SSH_TYPES), indirect=True)
def test_ssh_keygen_holds_a_signature_against_expiry_revocation_and_purpose(made: MadeWith) -> None:
    """What an auditor has beside the ledger: allowed_signers with valid-before, a key revocation list, a namespace."""
    signer, folder = made
    key = signer.public_key
    signature = signer.sign(MESSAGE)
    until = 'valid-before="20271231Z"'
    assert ssh_keygen_takes(key, signature, MESSAGE, folder, "-Overify-time=20270601Z", options=until)
    assert not ssh_keygen_takes(key, signature, MESSAGE, folder, "-Overify-time=20280101Z", options=until)
    (folder / "revoked.pub").write_text(f"{key.written} revoked\n")
    ssh_keygen("-k", "-f", folder / "krl", folder / "revoked.pub")
    ssh_keygen("-t", "ed25519", "-N", "", "-f", folder / "unrelated")
    ssh_keygen("-k", "-f", folder / "other", folder / "unrelated.pub")
    assert ssh_keygen_takes(key, signature, MESSAGE, folder, "-r", "other")
    assert not ssh_keygen_takes(key, signature, MESSAGE, folder, "-r", "krl")
    assert not ssh_keygen_takes(key, signature, MESSAGE, folder, who="mallory")
    assert not ssh_keygen_takes(key, signature, MESSAGE, folder, options='namespaces="git"')
    (folder / "unrelated").unlink()
    (folder / "unrelated.pub").unlink()


def signed_by_hand(key: Path, message: bytes, namespace: str) -> bytes:
    """Return the blob that ssh-keygen makes, whatever for."""
    armoured = ssh_keygen("-Y", "sign", "-n", namespace, "-f", key, input=message).stdout.decode()
    return base64.b64decode("".join(armoured.splitlines()[1:-1]))


@pytest.mark.parametrize("made", [kind for kind in SSH_TYPES if KINDS[kind].algorithm.order], indirect=True)
def test_numbers_of_an_ssh_signature_have_one_spelling(made: MadeWith) -> None:
    """A zero byte before a number, or a byte after both, changes nothing of what they are."""
    signer, _unused = made
    key, signature = signer.public_key, signer.sign(MESSAGE)
    whole = Made.from_bytes(signature)
    r, s = (number.to_bytes(number.bit_length() // 8 + 1, "big") for number in numbers(whole.bare))
    blob = ssh.blob_of(whole.kind, whole.raw)

    def spelt(r: bytes, s: bytes, after: bytes = b"", tail: bytes = whole.tail, kind: str = key.kind) -> bytes:
        inner = ssh.string(kind.encode()) + ssh.string(ssh.string(r) + ssh.string(s) + after) + tail
        parts = (blob, whole.namespace, whole.reserved, whole.hashed, inner)
        return b"SSHSIG\x00\x00\x00\x01" + b"".join(map(ssh.string, parts))

    assert spelt(r, s) == signature
    for other in (
        spelt(b"\x00" + r, s), spelt(r, b"\x00" + s), spelt(r, s, b"\x00"), spelt(r, s, tail=whole.tail + b"\x00"),
        spelt(r, s, kind="ssh-ed25519"), spelt(b"\x00", s), spelt(r, b"\x00"), spelt(r, s, tail=b"\x01"),
        signature + b"\x00", signature.replace(b"\x00\x00\x00\x01", b"\x00\x00\x00\x02", 1),
    ):  # fmt: skip
        assert refused(key, other, MESSAGE)
        with pytest.raises(TrustError):
            key.accept(other, MESSAGE)


@pytest.mark.parametrize("made", PLAIN[1:], indirect=True)
def test_der_has_one_spelling(made: MadeWith) -> None:
    """BER knows more than one way to write a length and a number."""
    signer, _unused = made
    key, signature = signer.public_key, signer.sign(MESSAGE)
    first, body = signature[2:], signature[2:]
    assert (signature[0], signature[1]) == (0x30, len(body))
    r = first[: 2 + first[1]]
    s = body[len(r) :]
    long = b"\x02" + bytes([r[1] + 1]) + b"\x00" + r[2:] + s
    for other in (
        b"\x30\x81" + signature[1:],
        b"\x30\x80" + body + b"\x00\x00",
        b"\x30" + bytes([len(long)]) + long,
        signature + b"\x00",
        b"\x30" + bytes([len(body) + 2]) + body + b"\x05\x00",
        b"\x30\x06\x02\x01\x00\x02\x01\x00",
        b"\x30\x06\x02\x01\xff\x02\x01\xff",
    ):
        assert refused(key, other, MESSAGE), other.hex()


@pytest.mark.parametrize("made", list(SSH_TYPES), indirect=True)
def test_key_made_for_another_purpose_than_ours(made: MadeWith) -> None:
    signer, folder = made
    key, signature = signer.public_key, signer.sign(MESSAGE)
    assert refused(key, signature.replace(b"dsse@", b"mail@"), MESSAGE)
    made_for_git = signed_by_hand(folder / "key", MESSAGE, "git")
    with pytest.raises(TrustError, match="made for namespace b'git'"):
        key.accept(made_for_git, MESSAGE)
    assert VerifyingKey(key.kind, key.raw).problem(key.one_spelling(made_for_git), MESSAGE) is not None
    assert refused(key, key.one_spelling(made_for_git), MESSAGE)
    key.accept(signed_by_hand(folder / "key", MESSAGE, NAMESPACE), MESSAGE)


def test_token_that_nobody_touched_signs_for_nobody(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    if not DUMMY.exists():
        pytest.skip(f"needs {DUMMY}: OpenSSH's dummy token, which .ci/setup takes from Debian's openssh-tests")
    monkeypatch.setenv("SSH_SK_PROVIDER", str(DUMMY))
    ssh_keygen("-t", "ed25519-sk", "-O", "no-touch-required", "-N", "", "-f", tmp_path / "idle")
    with pytest.raises(TrustError, match="nobody touched the token"):
        SshSigner(tmp_path / "idle").sign(MESSAGE)
    key = SshSigner(tmp_path / "idle").public_key
    assert refused(key, signed_by_hand(tmp_path / "idle", MESSAGE, NAMESPACE), MESSAGE)
    ssh_keygen("-t", "ed25519-sk", "-O", "application=ssh:other", "-N", "", "-f", tmp_path / "other")
    with pytest.raises(TrustError, match="without -O application"):
        SshSigner(tmp_path / "other")


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
@pytest.mark.parametrize("kind", ["ssh-ed25519", "ecdsa-sha2-nistp256", "ecdsa-sha2-nistp384"])
def test_agent_signs_for_a_public_file(tmp_path: Path, kind: str) -> None:
    ssh_keygen("-t", *SSH_TYPES[kind], "-N", "", "-f", tmp_path / "approver")
    subprocess.run(["ssh-add", "-q", str(tmp_path / "approver")], check=True, timeout=30)
    (tmp_path / "approver").unlink()
    signer = SshSigner(tmp_path / "approver.pub")
    assert not refused(signer.public_key, signer.sign(MESSAGE), MESSAGE)


def test_passphrase_goes_to_ssh_keygen_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    key = tmp_path / "approver"
    ssh_keygen("-t", "ed25519", "-N", "canary words", "-f", key)
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


def test_plain_kinds_are_what_others_than_people_sign_with() -> None:
    assert PLAIN == ("ed25519", "ecdsa-p256", "ecdsa-p384")


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


@pytest.mark.parametrize("made", PLAIN, indirect=True)
def test_another_projects_verifier_takes_the_envelope_and_no_mutant(made: MadeWith) -> None:
    """securesystemslib's own DSSE, which in-toto uses: it parses, encodes and verifies by itself, from the PEM key."""
    from cryptography.hazmat.primitives.serialization import load_pem_public_key
    from securesystemslib.dsse import Envelope as Theirs
    from securesystemslib.exceptions import VerificationError
    from securesystemslib.signer import SSlibKey  # type: ignore[attr-defined]  # no __all__ there

    signer, _unused = made
    key = SSlibKey.from_crypto(load_pem_public_key(signer.public_key.pem.encode()), signer.public_key.keyid)
    payload = b'{"any":"payload"}'
    stored = Envelope(payload, signer.public_key.keyid, signer.sign(pae(payload))).to_bytes()
    assert set(Theirs.from_dict(json.loads(stored)).verify([key], 1)) == {signer.public_key.keyid}
    for place, mutant in enumerate(payload):
        bad = payload[:place] + bytes([mutant ^ 1]) + payload[place + 1 :]
        wrong = Envelope(bad, signer.public_key.keyid, Envelope.from_bytes(stored).signature).to_bytes()
        with pytest.raises(VerificationError):
            Theirs.from_dict(json.loads(wrong)).verify([key], 1)
