# Copyright: (c) 2026, Holdfast contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Keys of signed notes by their C2SP names: a log's (Ed25519, type 0x01), a witness's (cosignature/v1, type 0x04).

See c2sp.org/signed-note (verifier keys, key ids) and c2sp.org/tlog-cosignature (what a cosignature covers).
"""

from __future__ import annotations

import base64
import hashlib
import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from ..errors import LedgerError
from .heads import Head

LOG = 0x01
WITNESS = 0x04
_WHOSE = {LOG: "a log's", WITNESS: "a witness's"}
_WRITTEN = re.compile(r"(?P<name>[^\s+]+)\+(?P<hint>[0-9a-f]{8})\+(?P<key>[A-Za-z0-9+/]+={0,2})")


@dataclass(frozen=True)
class NoteKey:
    """A verifier key: `name` is the log's origin or the witness's name, `kind` LOG or WITNESS, `raw` 32 bytes."""

    name: str
    kind: int
    raw: bytes

    @classmethod
    def parse(cls, text: str, kind: int) -> NoteKey:
        """Read `NAME+HASH+KEY`; raises LedgerError for another form, another kind, or a hash that is not the key's."""
        found = _WRITTEN.fullmatch(text.strip())
        try:
            data = base64.b64decode(found["key"], validate=True) if found else b""
        except ValueError:
            data = b""
        if found is None or len(data) != 33 or data[0] not in _WHOSE:
            raise LedgerError(
                f"key: {text.strip()[:80]!r} was found; expected NAME+HASH+KEY, as `holdfast ledger vkey` (a log's) "
                "or `holdfast witness show` (a witness's) prints it"
            )
        key = cls(found["name"], data[0], data[1:])
        if key.kind != kind:
            raise LedgerError(f"key: {key.name} is {_WHOSE[key.kind]} key; expected {_WHOSE[kind]}; copy the other one")
        if key.hint.hex() != found["hint"]:
            raise LedgerError(f"key: {key.name}: the hash {found['hint']} is not this key's; copy the whole line again")
        return key

    @property
    def hint(self) -> bytes:
        """The four bytes by which a signature line names its key."""
        return hashlib.sha256(f"{self.name}\n".encode() + bytes([self.kind]) + self.raw).digest()[:4]

    @property
    def written(self) -> str:
        """The key as people exchange it."""
        return f"{self.name}+{self.hint.hex()}+{base64.b64encode(bytes([self.kind]) + self.raw).decode()}"

    def signed(self, head: Head) -> bool:
        """Say whether this log's key signed the head."""
        return any(self._made(line, head.text) for line in self._lines(head))

    def cosigned_at(self, head: Head) -> datetime | None:
        """Return the newest time at which this witness's key cosigned the head, None when it never did."""
        times = [
            seconds
            for line in self._lines(head)
            for seconds in [int.from_bytes(line[:8], "big")]
            if self._made(line[8:], cosigned_text(head.text, seconds))
        ]
        # A year beyond 9999 is no time a calendar has; such a line says nothing.
        return datetime.fromtimestamp(max(times), UTC) if times and max(times) < 253_402_300_800 else None

    def named_in(self, head: Head) -> bool:
        """Say whether a signature line claims to be this key's."""
        return bool(self._lines(head))

    def _lines(self, head: Head) -> list[bytes]:
        return [data for name, hint, data in head.signatures if (name, hint) == (self.name, self.hint)]

    def _made(self, signature: bytes, message: bytes) -> bool:
        # Imported here: ansible-test imports every file without the product's requirements.
        from cryptography.exceptions import InvalidSignature
        from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

        try:
            Ed25519PublicKey.from_public_bytes(self.raw).verify(signature, message)
        except InvalidSignature:
            return False
        return True


def cosigned_text(text: bytes, seconds: int) -> bytes:
    """Return what a cosignature of that time (seconds since 1970) covers; `text` is the checkpoint's signed text."""
    return f"cosignature/v1\ntime {seconds}\n".encode() + text


def signature_line(key: NoteKey, data: bytes) -> str:
    """Return a note's line for what the key made: a signature, or a cosignature with its eight bytes of time."""
    return f"\u2014 {key.name} {base64.b64encode(key.hint + data).decode()}\n"


def parse_all(texts: Sequence[str], kind: int) -> tuple[NoteKey, ...]:
    """Read several keys, each once; raises LedgerError."""
    keys = tuple(NoteKey.parse(text, kind) for text in texts)
    if len({key.raw for key in keys}) < len(keys):
        raise LedgerError("key: one key was named twice; two names for one key would count as two; name it once")
    return keys
