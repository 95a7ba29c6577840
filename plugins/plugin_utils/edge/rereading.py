# Copyright: (c) 2026, Holdfast contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Reading a ledger again and again: once whole, then what follows, in this process, its forks, and the runs after it.

The shelf (ledger/shelf.py) lies beside an SQLite ledger, and of one on PostgreSQL in the site's `ledger` folder.
"""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path

from ..ledger.shelf import WORTH, Reading, read_on, taken_up, written
from ..ledger.signers import Signer
from ..ledger.store import Ledger
from ..site.place import Place
from .collecting import uncollected

_read: dict[Place, Reading] = {}
"""What this process has read, or the one that it is a fork of, by the ledger's place."""


def shelf_path(root: Path, ledger: Ledger) -> Path:
    """Return where the shelf of a ledger lies; `root` is the site's folder."""
    place = ledger.path
    return place.with_name(f"{place.name}.shelf") if isinstance(place, Path) else root / "ledger" / "server.shelf"


def read_again(ledger: Ledger, root: Path) -> Reading:
    """Return the ledger's verified records as it is now; what was read before is read no more.

    Raises LedgerError or TrustError at the first entry that does not hold.
    """
    with uncollected():
        known = _read.get(ledger.path)
        if known is None:
            known = taken_up(_bytes_of(shelf_path(root, ledger)), ledger)
        reading = _read[ledger.path] = read_on(ledger, known)
    return reading


def keep(reading: Reading, ledger: Ledger, root: Path, log: Signer) -> None:
    """Keep what was read for the runs to come, where enough of it is new; signed with the log's key.

    A shelf that cannot be written makes the next run slower, and nothing else.
    """
    if reading.size - reading.shelved < WORTH:
        return
    path = shelf_path(root, ledger)
    fresh = path.with_name(f".{path.name}.{os.getpid()}")
    with suppress(OSError):
        path.parent.mkdir(parents=True, exist_ok=True)
        try:
            with open(os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
                file.write(written(reading, log))
            fresh.replace(path)
        finally:
            fresh.unlink(missing_ok=True)


def _bytes_of(path: Path) -> bytes:
    """Return what a shelf's file holds; nothing where there is none, or others than its owner could have written it."""
    try:
        with path.open("rb") as file:
            found = os.fstat(file.fileno())
            mine = found.st_uid in (os.getuid(), 0) and not found.st_mode & 0o022
            return file.read() if mine else b""
    except OSError:
        return b""
