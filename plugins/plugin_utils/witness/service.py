# Copyright: (c) 2026, Holdfast contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""A witness's answers, after c2sp.org/tlog-witness: a cosignature for a head that continues the last one, or none.

Bytes in, a status and bytes out. Not its job: sockets (edge/witness_server.py).
"""

from __future__ import annotations

import base64
import hashlib
import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from ..audit.heads import Head, parse
from ..audit.notekeys import WITNESS, NoteKey, cosigned_text, signature_line
from ..audit.proofs import LONGEST, continues
from .memory import Known, Memory

LARGEST = 64 * 1024
"""Bytes of a request; one with 63 hashes and a checkpoint needs some 4,000."""
TEXT, SIZE = "text/plain; charset=utf-8", "text/x.tlog.size"

_OLD = re.compile("old (0|[1-9][0-9]{0,15})")


@dataclass(frozen=True)
class Answer:
    """An HTTP status, the body, and its type; `why` is for the witness's own log."""

    status: int
    body: str
    why: str
    kind: str = TEXT


@dataclass(frozen=True)
class Submission:
    """A request taken apart: the old size, the proof from there, the checkpoint as it came and as it reads."""

    old: int
    proof: tuple[bytes, ...]
    note: str
    head: Head

    @classmethod
    def parse(cls, data: bytes) -> Submission:
        """Read a request's body; raises ValueError, saying what is not of the form."""
        if len(data) > LARGEST:
            raise ValueError(f"more than {LARGEST} bytes")
        above, gap, note = data.decode("utf-8").partition("\n\n")
        old, *lines = above.split("\n")
        found = _OLD.fullmatch(old)
        if not found or not gap or not note.endswith("\n"):
            raise ValueError("expected `old SIZE`, hashes, an empty line and a checkpoint")
        if len(lines) > LONGEST:
            raise ValueError(f"{len(lines)} hashes; a proof has at most {LONGEST}")
        proof = tuple(base64.b64decode(line, validate=True) for line in lines)
        if any(len(hashed) != 32 for hashed in proof) or [base64.b64encode(one).decode() for one in proof] != lines:
            raise ValueError("a line of the proof is not 32 bytes in base64")
        return cls(int(found[1]), proof, note, parse(note))


class Witness:
    """Cosigns heads of the logs it remembers; `sign` gives the Ed25519 signature of its key over a message."""

    def __init__(self, memory: Memory, sign: Callable[[bytes], bytes]) -> None:
        self.memory = memory
        self.key = NoteKey(memory.name, WITNESS, memory.public)
        self._sign = sign

    def add_checkpoint(self, data: bytes, now: datetime) -> Answer:
        """Answer `add-checkpoint`; what is cosigned is on disk before this returns. Raises LedgerError."""
        try:
            asked = Submission.parse(data)
        except ValueError as error:
            return Answer(400, f"malformed: {error}\n", "malformed request")
        head, origin = asked.head, asked.head.origin
        with self.memory.changing() as change:
            known = change.known(origin)
            if known is None:
                return Answer(404, f"{origin}: no such log is known here\n", "unknown log")
            if not any(key.signed(head) for key in known.keys):
                return Answer(403, f"{origin}: no signature of the log's key\n", f"{origin}: not the log's signature")
            if asked.old > head.size:
                return Answer(
                    400, f"old size {asked.old} is beyond the checkpoint's {head.size}\n", f"{origin}: old size"
                )
            if refused := _judged(known, asked):
                if refused.status == 422 or asked.old == head.size == known.size:
                    change.refuse(head, asked.note, refused.why, now)
                return refused
            change.advance(head, asked.note, now)
        return Answer(200, self._cosignature(head, now), f"{origin}: cosigned {head.size}")

    def newest(self, name: str, now: datetime) -> Answer:
        """Answer who asks for the newest head of a log, by the SHA-256 of its origin, with a fresh cosignature."""
        for known in self.memory.logs():
            if hashlib.sha256(known.origin.encode()).hexdigest() == name:
                head = parse(known.note)
                return Answer(200, known.note + self._cosignature(head, now), f"{known.origin}: told {known.size}")
        return Answer(404, "no such log is known here\n", "unknown log")

    def _cosignature(self, head: Head, now: datetime) -> str:
        seconds = int(now.timestamp())
        return signature_line(self.key, seconds.to_bytes(8, "big") + self._sign(cosigned_text(head.text, seconds)))


def _judged(known: Known, asked: Submission) -> Answer | None:
    """Return the refusal of a head that does not continue what is known, None for one that does."""
    head, origin = asked.head, asked.head.origin
    if asked.old != known.size:
        return Answer(409, f"{known.size}\n", f"{origin}: old size {asked.old}, known {known.size}", SIZE)
    if head.size == known.size and head.root != known.root:
        why = f"{origin}: another root for {head.size} entries than the one cosigned"
        return Answer(409, f"{known.size}\n", why, SIZE)
    if not continues(known.size, known.root, head.size, head.root, asked.proof):
        why = f"{origin}: no proof that these {head.size} entries continue the {known.size} cosigned"
        return Answer(422, f"{why}\n", why)
    return None
