# Copyright: (c) 2026, Holdfast contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What witnesses saw of the ledger: cosignatures on its heads, and the newest head each says it has seen.

The ledger's own file can be put back, or be rewritten and signed anew, and agree with itself; only who remembers
elsewhere can tell.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from ..errors import LedgerError
from .database import Reader
from .heads import Head, parse
from .notekeys import NoteKey
from .report import Notes
from .tree import Tree


@dataclass(frozen=True)
class Watcher:
    """A witness the auditor believes; `head` is the newest checkpoint it says it has seen.

    Without one, `unasked` says why, and the report that this was not checked.
    """

    key: NoteKey
    head: str | None = None
    unasked: str = "was not asked what it has seen since"


def check_watched(connection: Reader, tree: Tree, watchers: Sequence[Watcher], notes: Notes) -> None:
    """Note what the witnesses saw that this ledger does not hold.

    Raises LedgerError where a head given as a witness's does not bear its cosignature.
    """
    heads = [head for (note,) in connection.execute("SELECT note FROM checkpoints") if (head := _read(note))]
    for watcher in watchers:
        notes.cosigned[watcher.key.name] = _newest(heads, tree, watcher.key, notes)
        if watcher.head is not None:
            _compare(watcher.key, watcher.head, tree, notes)
    sizes = {name: size for name, size in notes.cosigned.items() if size is not None}
    if watchers and not sizes:
        notes.find("cosignature-missing", None, f"no head bears a cosignature of {', '.join(notes.cosigned)}")
    for name, size in sizes.items():
        if size < tree.size:
            notes.warn("cosignature-behind", None, f"{name} has cosigned {size} of {tree.size} entries")


def say_unwatched(watchers: Sequence[Watcher], remembered: bool, notes: Notes) -> None:
    """Say which guarantee of a witness could not be checked."""
    kept = "" if remembered else ", and no head you kept was given (--head FILE)"
    if not watchers:
        notes.could_not_check.append(
            f"a rewrite, or an older state put back, by whoever holds all keys: no witness watched this ledger{kept}"
        )
    for watcher in watchers:
        if watcher.head is None:
            notes.could_not_check.append(
                f"an older state put back, or a rewrite since: {watcher.key.name} {watcher.unasked}{kept}"
            )


def _read(note: object) -> Head | None:
    try:
        return parse(str(note))
    except ValueError:
        return None  # check_signed_heads has said so


def _newest(heads: Sequence[Head], tree: Tree, key: NoteKey, notes: Notes) -> int | None:
    """Return the size of the newest head of this history that the witness cosigned; note false cosignatures."""
    newest = None
    for head in heads:
        if not key.named_in(head):
            continue
        if key.cosigned_at(head) is None:
            notes.find(
                "cosignature", None, f"the head of {head.size} entries bears a cosignature that {key.name} never made"
            )
        elif head.size <= tree.size and tree.root(head.size) == head.root:
            newest = max(newest or 0, head.size)
    return newest


def _compare(key: NoteKey, note: str, tree: Tree, notes: Notes) -> None:
    """Note when the ledger does not continue the newest head that a witness has seen."""
    head = _read(note)
    if head is None or key.cosigned_at(head) is None:
        raise LedgerError(
            f"witness {key.name}: the head given as its newest does not bear its cosignature; ask it again"
        )
    if head.size > tree.size:
        notes.find("rolled-back", None, f"{tree.size} entries; {key.name} has seen {head.size}")
    elif tree.root(head.size) != head.root:
        notes.find(
            "history-rewritten",
            None,
            f"the first {head.size} entries have root {tree.root(head.size).hex()}; {key.name} saw {head.root.hex()}",
        )
