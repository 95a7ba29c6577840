# Copyright: (c) 2026, Holdfast contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What dnf's own history says of the last transaction: one that was begun and never ended was killed at it."""

from __future__ import annotations

import contextlib
import sqlite3
from dataclasses import dataclass
from pathlib import Path

from .dnf_ask import HOME

DATABASE = Path("/var/lib/dnf/history.sqlite")
MENDED = HOME / "mended"
"""Holds the number of the last transaction that was mended: its record in dnf's history stays unfinished for ever."""

_BEGUN = 0  # libdnf's TransactionState: 1 is done, 2 one that failed and was written down as such
_INSTALL = 1  # libdnf's TransactionItemAction


@dataclass(frozen=True)
class Killed:
    """A transaction that was begun and never ended: its number and the packages it was about, by name and arch.

    brought_in are those that were not there before: they show no second version, whatever was missed of their scripts.
    """

    number: int
    packages: tuple[tuple[str, str], ...]
    brought_in: frozenset[tuple[str, str]] = frozenset()


def killed(database: Path = DATABASE, mended: Path = MENDED) -> Killed | None:
    """Return the last transaction when it was killed and nobody has mended it since; None otherwise."""
    try:
        with contextlib.closing(sqlite3.connect(f"file:{database}?mode=ro", uri=True, timeout=5)) as history:
            last = history.execute("select id, state from trans order by id desc limit 1").fetchone()
            if last is None or last[1] != _BEGUN or str(last[0]) == _read(mended):
                return None
            rows = history.execute(
                "select rpm.name, rpm.arch, trans_item.action from trans_item"
                " join rpm on rpm.item_id = trans_item.item_id where trans_item.trans_id = ?",
                (last[0],),
            ).fetchall()
    except sqlite3.Error:
        return None
    brought_in = frozenset((name, arch) for name, arch, action in rows if action == _INSTALL)
    return Killed(last[0], tuple(sorted({(name, arch) for name, arch, _action in rows})), brought_in)


def forget(found: Killed, mended: Path = MENDED) -> None:
    """Note that what this transaction left behind is mended."""
    mended.write_text(str(found.number), encoding="ascii")


def _read(path: Path) -> str:
    try:
        return path.read_text(encoding="ascii").strip()
    except FileNotFoundError:
        return ""
