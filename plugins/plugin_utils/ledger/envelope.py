# Copyright: (c) 2026, Holdfast contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The DSSE envelope, protocol 1.0 (secure-systems-lab/dsse): what is signed, and what is stored."""

from __future__ import annotations

import base64
import binascii
import re
from dataclasses import dataclass

from ..errors import LedgerError
from . import canonical

PAYLOAD_TYPE = "application/vnd.in-toto+json"
LARGEST_PAYLOAD = 48_000
"""Bytes; keeps an envelope below the 65,535 that a C2SP entry bundle can name."""
LARGEST_ENVELOPE = 65_535

_KEYID = re.compile(r"[0-9a-f]{64}")
_B64 = rb"([A-Za-z0-9+/]*={0,2})"
_STORED = re.compile(
    rb'\{"payload":"' + _B64 + rb'","payloadType":"' + re.escape(PAYLOAD_TYPE).encode("ascii")
    + rb'","signatures":\[\{"keyid":"([0-9a-f]{64})","sig":"' + _B64 + rb'"\}\]\}'
)  # fmt: skip
"""What `to_bytes` gives, and nothing else is: one look at the bytes, where reading JSON takes ten times as long."""


@dataclass(frozen=True)
class Envelope:
    """One signed payload.

    `payload` is a statement's canonical bytes, `signature` what the key's kind gives.
    """

    payload: bytes
    keyid: str
    signature: bytes

    @property
    def signed(self) -> bytes:
        """The bytes the signature covers."""
        return pae(self.payload)

    def to_bytes(self) -> bytes:
        """Return the envelope as it is stored, canonical JSON; raises LedgerError when it is too large."""
        if len(self.payload) > LARGEST_PAYLOAD:
            raise LedgerError(
                f"record: the payload has {len(self.payload)} bytes; at most {LARGEST_PAYLOAD} may be; "
                "split its results"
            )
        return canonical.encode(
            {
                "payload": _b64(self.payload),
                "payloadType": PAYLOAD_TYPE,
                "signatures": [{"keyid": self.keyid, "sig": _b64(self.signature)}],
            }
        )

    @classmethod
    def from_bytes(cls, data: bytes) -> Envelope:
        """Read stored bytes; raises LedgerError unless they are exactly of the form `to_bytes` gives."""
        if len(data) > LARGEST_ENVELOPE:
            raise LedgerError(f"record: {len(data)} bytes; an envelope has at most {LARGEST_ENVELOPE}")
        stored = _STORED.fullmatch(data)
        if stored is None:
            raise _refusal(data)
        payload = _unb64(stored[1], "payload")
        if len(payload) > LARGEST_PAYLOAD:
            raise LedgerError(f"record: the payload has {len(payload)} bytes; at most {LARGEST_PAYLOAD} may be")
        return cls(payload, stored[2].decode("ascii"), _unb64(stored[3], "sig"))


def _refusal(data: bytes) -> LedgerError:
    """Return what is wrong with bytes that are not of the stored form."""
    try:
        value = canonical.decode(data)
    except LedgerError as error:
        return error
    if not isinstance(value, dict) or set(value) != {"payload", "payloadType", "signatures"}:
        return LedgerError("record: expected an envelope of payload, payloadType, signatures and nothing else")
    if value["payloadType"] != PAYLOAD_TYPE:
        return LedgerError(f"record: payloadType is {value['payloadType']!r}; expected {PAYLOAD_TYPE}")
    signatures = value["signatures"]
    if not isinstance(signatures, list) or len(signatures) != 1:
        return LedgerError("record: expected exactly one signature; several consents are several records")
    one = signatures[0]
    if not isinstance(one, dict) or set(one) != {"keyid", "sig"}:
        return LedgerError("record: a signature has keyid, sig and nothing else")
    if not isinstance(one["keyid"], str) or not _KEYID.fullmatch(one["keyid"]):
        return LedgerError("record: keyid is not the SHA-256 of a public key in lowercase hexadecimal")
    name = "payload" if not _is_b64(value["payload"]) else "sig"
    return LedgerError(f"record: {name} is not standard base64 with padding")


def pae(payload: bytes) -> bytes:
    """Return DSSE's pre-authentication encoding of a payload of our type."""
    kind = PAYLOAD_TYPE.encode("ascii")
    return b"DSSEv1 %d %b %d %b" % (len(kind), kind, len(payload), payload)


def _b64(data: bytes) -> str:
    return base64.b64encode(data).decode("ascii")


def _unb64(text: bytes, name: str) -> bytes:
    try:
        data = binascii.a2b_base64(text, strict_mode=True)
    except binascii.Error:
        data = None
    if data is None or binascii.b2a_base64(data, newline=False) != text:
        raise LedgerError(f"record: {name} is not standard base64 with padding")
    return data


def _is_b64(text: object) -> bool:
    return isinstance(text, str) and re.fullmatch(_B64.decode("ascii"), text) is not None
