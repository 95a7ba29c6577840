# Copyright: (c) 2026, Holdfast contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Answers from before a change, kept on the host for a later run: digests and the salt they were made with."""

from __future__ import annotations

import json
import os
import stat
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from .checks import Result

_BYTES = 1024 * 1024


def remember(path: Path, results: Iterable[Result], salt: str) -> None:
    """Keep the digests of the answers that held, for root alone; nothing is kept where the folder is not there.

    What an earlier look kept goes, also where there is nothing to keep now.
    """
    digests = {one.id: one.digest for one in results if one.passed and one.digest}
    path.unlink(missing_ok=True)
    if not digests or not path.parent.is_dir():
        return
    waiting = path.with_name(f".{path.name}.holdfast")
    waiting.unlink(missing_ok=True)
    with os.fdopen(os.open(waiting, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o600), "w") as stream:
        json.dump({"salt": salt, "digests": digests}, stream, sort_keys=True)
        stream.flush()
        os.fsync(stream.fileno())
    waiting.rename(path)


def recalled(checks: Iterable[dict[str, Any]], path: Path) -> list[dict[str, Any]]:
    """Return the checks; those that are to be compared and know of no answer get what is kept at `path`, with its salt.

    A file that others could have written, or that is not of the form, is as good as none: then the check fails.
    """
    kept = _read(path)
    digests, salt = kept.get("digests"), kept.get("salt")
    if not isinstance(digests, dict) or not isinstance(salt, str):
        return list(checks)
    return [
        {**one, "before": str(digests[one["id"]]), "salt": salt}
        if one.get("before") == "" and one["id"] in digests
        else one
        for one in checks
    ]


def _read(path: Path) -> dict[str, Any]:
    try:
        with os.fdopen(os.open(path, os.O_RDONLY | os.O_NOFOLLOW), "rb") as stream:
            about = os.fstat(stream.fileno())
            if not stat.S_ISREG(about.st_mode) or about.st_uid != os.geteuid() or about.st_mode & 0o077:
                return {}
            kept = json.loads(stream.read(_BYTES))
    except (OSError, ValueError):
        return {}
    return kept if isinstance(kept, dict) else {}
