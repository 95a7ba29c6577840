# Copyright: (c) 2026, Holdfast contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Verifies a receipt (c2sp.org/tlog-proof) offline: an entry's bytes, the log's key, and the keys of witnesses."""

from __future__ import annotations

import base64
import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from .heads import Head, parse
from .notekeys import NoteKey
from .proofs import LONGEST, included, leaf

FORM = "c2sp.org/tlog-proof@v1"
_INDEX = re.compile("index (0|[1-9][0-9]{0,15})")


@dataclass(frozen=True)
class Receipt:
    """A receipt taken apart; nothing about it is verified yet."""

    index: int
    path: tuple[bytes, ...]
    head: Head

    @classmethod
    def parse(cls, text: str) -> Receipt:
        """Read a receipt; raises ValueError saying what is not of the form. What it says as `extra` is passed over."""
        above, gap, note = text.partition("\n\n")
        form, *lines = above.split("\n")
        if form != FORM or not gap:
            raise ValueError(f"expected {FORM}, an index, hashes, an empty line and a checkpoint")
        if lines and lines[0].startswith("extra "):
            base64.b64decode(lines.pop(0)[6:], validate=True)
        found = _INDEX.fullmatch(lines[0]) if lines else None
        if not found or len(lines) > LONGEST + 1:
            raise ValueError("expected `index N` and at most 63 hashes")
        path = [base64.b64decode(line, validate=True) for line in lines[1:]]
        if any(len(hashed) != 32 for hashed in path) or [base64.b64encode(one).decode() for one in path] != lines[1:]:
            raise ValueError("a line of the proof is not 32 bytes in base64")
        return cls(int(found[1]), tuple(path), parse(note))


@dataclass(frozen=True)
class ReceiptReport:
    """What a receipt proves; false unless the entry is in the log, and enough witnesses saw the head.

    `problems` say what is wrong, `seen` when which witness cosigned the head.
    """

    index: int
    size: int
    origin: str
    problems: tuple[str, ...]
    seen: dict[str, datetime]

    def __bool__(self) -> bool:
        return not self.problems


def check_receipt(
    text: str, stored: bytes, log: NoteKey, witnesses: Sequence[NoteKey] = (), required: int = 0
) -> ReceiptReport:
    """Verify a receipt for an entry's stored bytes; `required` is how many of the witnesses must have cosigned.

    Raises ValueError when the text is no receipt at all.
    """
    receipt = Receipt.parse(text)
    head, problems = receipt.head, []
    if head.origin != log.name or not log.signed(head):
        problems.append(f"the head of {head.origin!r} is not signed by the key of {log.name}")
    if not included(receipt.index, head.size, leaf(stored), head.root, receipt.path):
        problems.append(f"the entry's bytes are not entry {receipt.index} of the {head.size} that the head covers")
    seen = {key.name: at for key in witnesses if (at := key.cosigned_at(head)) is not None}
    problems += [
        f"the cosignature of {key.name} is not over this head"
        for key in witnesses
        if key.named_in(head) and key.name not in seen
    ]
    if len(seen) < required:
        problems.append(f"{len(seen)} of the witnesses named cosigned the head; expected {required}")
    return ReceiptReport(receipt.index, head.size, head.origin, tuple(problems), seen)
