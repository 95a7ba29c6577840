# Copyright: (c) 2026, Holdfast contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Signed heads (C2SP checkpoints) and a head the auditor remembers, each against the recomputed tree."""

from __future__ import annotations

import base64
import hashlib
import re
from collections.abc import Callable
from dataclasses import dataclass

from ..errors import LedgerError
from .database import Reader
from .report import Notes
from .signatures import VerifyingKey
from .tree import Tree

_LINE = re.compile("\u2014 (?P<name>[^ +\n]+) (?P<data>[A-Za-z0-9+/]+={0,2})")


@dataclass(frozen=True)
class Head:
    """A head as a note states it; `signatures` are name, key hash and signature of each line."""

    origin: str
    size: int
    root: bytes
    text: bytes
    signatures: tuple[tuple[str, bytes, bytes], ...]


def parse(note: str) -> Head:
    """Return the head of a C2SP checkpoint; raises ValueError saying what is not of the form."""
    text, gap, below = note.partition("\n\n")
    lines = text.split("\n")
    if not gap or len(lines) < 3:
        raise ValueError("expected origin, size and root, an empty line, and signatures")
    origin, size, root = lines[:3]
    if not re.fullmatch("0|[1-9][0-9]{0,15}", size):
        raise ValueError(f"the size is {size[:20]!r}; expected a decimal number")
    hashed = base64.b64decode(root, validate=True)
    if len(hashed) != 32 or base64.b64encode(hashed).decode() != root:
        raise ValueError("the root is not 32 bytes in base64")
    signatures = []
    for line in below.removesuffix("\n").split("\n"):
        found = _LINE.fullmatch(line)
        if not found:
            raise ValueError(f"{line[:40]!r} is no signature line")
        data = base64.b64decode(found["data"], validate=True)
        if base64.b64encode(data).decode() != found["data"]:
            # Base64 has bits at its end that no byte needs; a note with others there would be a second spelling.
            raise ValueError(f"{line[:40]!r} ends in bits that mean nothing")
        signatures.append((found["name"], data[:4], data[4:]))
    return Head(origin, int(size), hashed, f"{text}\n".encode(), tuple(signatures))


def check_signed_heads(
    connection: Reader, tree: Tree, org: str | None, keys: Callable[[int], list[VerifyingKey]], notes: Notes
) -> int | None:
    """Note every stored head that is not the log's or not of these entries.

    Return the newest good one's size.
    """
    newest = None
    for size, note in connection.execute("SELECT size, note FROM checkpoints ORDER BY size"):
        try:
            head = parse(str(note))
        except ValueError as error:
            notes.find("checkpoint-form", None, f"the head stored for size {size}: {error}")
            continue
        if head.size != size or (org is not None and head.origin != org):
            stated = f"origin {head.origin!r} and size {head.size}"
            notes.find("checkpoint-form", None, f"the head stored for size {size} states {stated}; expected {org!r}")
            continue
        if not any(_signed(head, key) for key in keys(size)):
            notes.find("checkpoint-signature", None, f"the head of size {size} bears no signature of the log's key")
            continue
        if size > tree.size:
            notes.find(
                "tail-cut",
                None,
                f"{tree.size} entries, but the log signed a head of {size}; {size - tree.size} are gone",
            )
        elif tree.root(size) != head.root:
            notes.find(
                "root-differs",
                None,
                f"the first {size} entries have root {tree.root(size).hex()}; the log signed {head.root.hex()}",
            )
        else:
            newest = size
    return newest


def check_remembered(text: str, tree: Tree, notes: Notes) -> None:
    """Note when the ledger does not continue a head the auditor kept.

    A checkpoint, or `SIZE ROOT` in hexadecimal.

    Raises LedgerError when the text is neither. Its signature is not asked for: the auditor kept it.
    """
    words = text.split()
    if len(words) == 2 and words[0].isdecimal() and re.fullmatch("[0-9a-f]{64}", words[1]):
        size, root = int(words[0]), bytes.fromhex(words[1])
    else:
        try:
            head = parse(text)
        except ValueError as error:
            raise LedgerError(
                f"remembered head: {error}; expected what `holdfast audit --keep FILE` wrote, or a checkpoint"
            ) from error
        size, root = head.size, head.root
    if size > tree.size:
        notes.find("rolled-back", None, f"{tree.size} entries; the remembered head has {size}")
    elif tree.root(size) != root:
        notes.find(
            "history-rewritten",
            None,
            f"the first {size} entries have root {tree.root(size).hex()}; remembered is {root.hex()}",
        )


def _signed(head: Head, key: VerifyingKey) -> bool:
    """Say whether a key signed a head: c2sp.org/signed-note, signature type 0x01."""
    hint = hashlib.sha256(head.origin.encode() + b"\n\x01" + key.raw).digest()[:4]
    return key.kind == "ed25519" and any(
        name == head.origin and named == hint and key.problem(signature, head.text) is None
        for name, named, signature in head.signatures
    )
