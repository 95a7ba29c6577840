# Copyright: (c) 2026, Holdfast contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What an earlier audit found good, and need not be verified again: a prefix that still has the root it had then."""

from __future__ import annotations

import re

from ..errors import LedgerError
from .database import Reader
from .tree import Tree, leaf_of


def verified_prefix(connection: Reader, kept: str) -> int:
    """Return how many entries the head kept from an earlier audit covers, 0 where they are not the same any more.

    `kept` is `SIZE ROOT`. Raises LedgerError for anything else, a checkpoint too: the log's signature says that there
    was such a head, and nothing of an audit.
    """
    words = re.fullmatch(r"(0|[1-9][0-9]{0,15}) ([0-9a-f]{64})\s*", kept)
    if words is None:
        raise LedgerError(
            "--resume: expected a head that `holdfast audit --keep FILE` wrote, SIZE ROOT; audit without it"
        )
    size, tree = int(words[1]), Tree()
    # The size is a number; the one form of query that both databases understand has no other place for it.
    for (stored,) in connection.execute(f"SELECT envelope FROM entries WHERE idx < {size} ORDER BY idx"):  # noqa: S608
        tree.add(leaf_of(stored))
    return size if tree.size == size and tree.root(size).hex() == words[2] else 0
