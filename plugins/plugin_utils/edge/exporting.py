# Copyright: (c) 2026, Holdfast contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Writes a ledger into a folder as c2sp.org/tlog-tiles: what an auditor takes away, or any web server hands out."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

from ..audit.heads import parse
from ..errors import LedgerError
from ..ledger.store import Ledger
from ..ledger.tiles import tiles

CHECKPOINT, KEYS = "checkpoint", "log.vkey"


@dataclass(frozen=True)
class Exported:
    """What an export wrote: how many entries it covers, and how many files are there, and are new."""

    size: int
    files: int
    written: int


def export(ledger: Ledger, note: str, keys: str, folder: Path) -> Exported:
    """Write the entries that a signed head covers, the tree above them, the head itself and the log's keys.

    The head comes last: until it is there, readers see the export before. Raises LedgerError when the entries are not
    those the head was signed over, when the folder holds another history, or when it cannot be written.
    """
    head = parse(note)
    if ledger.root(head.size) != head.root:
        raise LedgerError(
            f"{ledger.path}: the first {head.size} entries are not those whose head was signed; nothing was exported; "
            "run `holdfast audit`"
        )
    entries = (stored for index, stored in ledger.entries() if index < head.size)
    files = written = 0
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for path, data in tiles(entries):
            written += _keep(folder / path, data)
            files += 1
        for name, text in ((KEYS, keys), (CHECKPOINT, note)):
            _replace(folder / name, text.encode("utf-8"))
    except OSError as error:
        raise LedgerError(f"{folder}: {error.strerror}; expected a folder that this user can write") from error
    return Exported(head.size, files + 2, written)


def _keep(path: Path, data: bytes) -> bool:
    """Write a file that never changes; say whether it is new. Raises LedgerError where it says something else."""
    if path.exists():
        if path.read_bytes() == data:
            return False
        raise LedgerError(
            f"{path}: holds another history than the ledger; keep both and compare them: what was once exported "
            "never changes"
        )
    path.parent.mkdir(parents=True, exist_ok=True)
    _replace(path, data)
    return True


def _replace(path: Path, data: bytes) -> None:
    fresh = path.with_name(f".{path.name}.{os.getpid()}.new")
    with fresh.open("wb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())
    fresh.replace(path)
