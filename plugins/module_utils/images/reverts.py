# Copyright: (c) 2026, Holdfast contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What guards of this host put back by themselves: read with each check, so that it comes home when nobody was told."""

from __future__ import annotations

import json
import os
import time
from typing import Any

GUARDS = "/var/lib/holdfast/guards"
DAYS = 30
"""For how long a check carries home what a guard put back."""


def reverts(folder: str = GUARDS) -> list[dict[str, Any]]:
    """Return the guards that fired in the last days: ids, words, numbers and digests. Changes nothing.

    Only root can see them; for anybody else there are none.
    """
    found = []
    try:
        names = sorted(os.listdir(folder))
    except (FileNotFoundError, PermissionError):
        return []
    for name in names:
        try:
            with open(os.path.join(folder, name, "outcome.json"), encoding="utf-8") as source:
                one = json.load(source)
        except FileNotFoundError:
            continue  # still armed
        if one["outcome"] == "reverted" and time.time() - one["at"] < DAYS * 86_400:
            words = {key: one[key] for key in ("id", "role", "run", "result", "ms", "images")}
            found.append({**words, "files": {"restored": len(one["restored"]), "kept": len(one["kept"])}})
    return found
