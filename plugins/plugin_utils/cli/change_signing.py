# Copyright: (c) 2026, Holdfast contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Approving with a key that never comes near the controller: hand out the bytes to sign, take the signature in.

The bytes are DSSE's pre-authentication encoding of the finished record, so ssh-keygen or OpenSSL alone can sign them.
"""

from __future__ import annotations

import base64
import binascii
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ..errors import LedgerError, TrustError, UsageError
from ..ledger import statements
from ..ledger.envelope import Envelope
from ..ledger.keys import PublicKey
from ..ledger.recorder import Recorder
from ..ledger.signers import Signer
from ..ledger.trust import Trust

BEGIN, END = "-----BEGIN SSH SIGNATURE-----", "-----END SSH SIGNATURE-----"
LARGEST = 64 * 1024


class _Drawn(Exception):  # noqa: N818  # no error: how the bytes come out before anything is signed or stored
    def __init__(self, message: bytes) -> None:
        super().__init__()
        self.message = message


@dataclass(frozen=True)
class _Draughtsman:
    """Stands where a signer stands, and brings the bytes out instead of signing them."""

    public_key: PublicKey

    def sign(self, message: bytes) -> bytes:
        raise _Drawn(message)


def draw(recorder: Recorder, trust: Trust, principal: str, **approval: Any) -> bytes:
    """Return the bytes a principal signs to record this approval (arguments of Recorder.approve); nothing is stored.

    Raises UsageError when the principal has no key in the trust document.
    """
    return drawn(lambda signer: recorder.approve(signer, **approval), trust, principal)


def drawn(write: Callable[[Signer], Any], trust: Trust, principal: str) -> bytes:
    """Return the bytes that a principal signs for the record that `write` writes; nothing is stored.

    Raises UsageError when the principal has no key in the trust document.
    """
    try:
        write(_Draughtsman(keys_of(trust, principal)[0]))
    except _Drawn as found:
        return found.message
    raise AssertionError("the draughtsman signs nothing")


def statement_in(message: bytes) -> Mapping[str, Any]:
    """Return the statement inside bytes that are to be signed; raises UsageError for other bytes."""
    statement: Mapping[str, Any] = json.loads(_payload(Path("the bytes to sign"), message))
    return statement


def keys_of(trust: Trust, principal: str) -> tuple[PublicKey, ...]:
    """Return a principal's keys that are not revoked; raises UsageError where there are none."""
    held = ((one, key) for one in trust.principals if one.id == principal for key in one.keys)
    found = tuple(key for one, key in held if one.term(key.keyid).revoked_from is None)
    if not found:
        raise UsageError(f"--as {principal}: nobody of that name has a valid key; see `holdfast trust show`")
    return found


def take_in(message: Path, signature: Path, trust: Trust, principal: str) -> tuple[Envelope, Mapping[str, Any]]:
    """Return the envelope of a signed approval, its signature verified, and its statement, its form checked.

    Raises UsageError for files that are not what `show --for-signing` and a signing tool write, TrustError when no
    key of the principal made the signature. What the statement says is the caller's to judge.
    """
    signed, made = read(message), read(signature)
    payload = _payload(message, signed)
    blob = _signature(signature, made)
    for key in keys_of(trust, principal):
        try:
            envelope = Envelope(payload, key.keyid, key.accept(blob, signed))
        except TrustError:
            continue
        return envelope, statements.read(envelope)
    raise TrustError(
        f"{signature}: no key of {principal} made this signature over {message}; expected one made with "
        "ssh-keygen -Y sign -n dsse@holdfast.example; sign the file again, unchanged, with the key in trust.yml"
    )


def read(path: Path) -> bytes:
    """Return the bytes of a file that was signed, or of its signature; raises UsageError."""
    try:
        with path.open("rb") as file:
            data = file.read(LARGEST + 1)
    except OSError as error:
        raise UsageError(f"{path}: cannot be read ({error.strerror}); name an existing file") from error
    if len(data) > LARGEST:
        raise UsageError(
            f"{path}: larger than {LARGEST} bytes; expected a file of `holdfast change show --for-signing`"
        )
    return data


def _payload(path: Path, signed: bytes) -> bytes:
    """Return the payload inside DSSE's pre-authentication encoding."""
    parts = signed.split(b" ", 4)
    try:
        envelope = Envelope(parts[4], "0" * 64, b"")
    except IndexError:
        envelope = Envelope(b"", "0" * 64, b"")
    if envelope.signed != signed:
        raise UsageError(f"{path}: not the bytes of `holdfast change show --for-signing`; write them to a file anew")
    return envelope.payload


def _signature(path: Path, made: bytes) -> bytes:
    """Return an SSH signature without its armour, or what OpenSSL writes: 64 bytes of Ed25519, DER of ECDSA."""
    if len(made) == 64 or made[:1] == b"\x30":
        return made
    lines = made.decode("ascii", "replace").split()
    text = made.decode("ascii", "replace")
    if BEGIN in text and END in text:
        body = "".join(text.split(BEGIN, 1)[1].split(END, 1)[0].split())
        try:
            return base64.b64decode(body, validate=True)
        except (binascii.Error, ValueError) as error:
            raise UsageError(f"{path}: the signature's base64 is damaged; copy the whole file") from error
    first = lines[0] if lines else "nothing"
    raise UsageError(f"{path}: {first[:40]!a} was found; expected the .sig file of ssh-keygen, or what OpenSSL writes")


def check_statement(statement: Mapping[str, Any], expected: Mapping[str, Any], path: Path) -> None:
    """Raise LedgerError, naming each difference, unless the signed statement says what is expected of it."""
    predicate = statement["predicate"]
    found = {
        "step": statements.step_of(dict(statement)),
        "change": predicate["change_id"],
        "org": predicate["org"],
        "principal": predicate["actor"]["principal"],
        "trust": predicate["trust"]["sha256"],
        "request": predicate["step"].get("request"),
        "plan": predicate["step"].get("plan"),
        "head": predicate["ledger_head"]["root"],
    }
    wrong = [f"{name} is {found[name]}, not {value}" for name, value in expected.items() if found[name] != value]
    if wrong:
        raise LedgerError(f"{path}: {'; '.join(wrong)}; write the bytes to sign anew, and sign those")
