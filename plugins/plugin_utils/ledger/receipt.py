# Copyright: (c) 2026, Holdfast contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""A receipt: c2sp.org/tlog-proof, which proves offline that the log holds an entry, and who saw the log's head.

It stands on its own beside the entry's bytes. `audit/receipts.py` verifies it, with code of its own.
"""

from __future__ import annotations

import base64

from ..errors import LedgerError
from .store import Ledger

FORM = "c2sp.org/tlog-proof@v1"


def receipt(ledger: Ledger, index: int, note: str) -> str:
    """Return the proof that entry `index` is among those of a signed head; `note` is that head's checkpoint.

    Raises LedgerError when the head does not cover the entry.
    """
    size = int(note.split("\n")[1])
    if index >= size:
        raise LedgerError(
            f"{ledger.path}: entry {index} is newer than the signed head, which covers {size}; sign the head "
            "(every run does when it ends), then ask again"
        )
    path = "".join(base64.b64encode(hashed).decode("ascii") + "\n" for hashed in ledger.inclusion(index, size))
    return f"{FORM}\nindex {index}\n{path}\n{note}"
