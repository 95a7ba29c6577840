# Copyright: (c) 2026, Holdfast contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whether package files are signed by a key of RPM's own keyring, asked of rpmkeys."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from .commands import run
from .errors import Refusal
from .lines import Deb

_UNSIGNED = "have the repository's owner sign it, or exclude the package"
_UNKNOWN = "bring the right key to the host with rpmkeys --import, in a way you trust, or find out who made the file"
_BATCH = 200


def unproved(files: Mapping[Path, Deb]) -> tuple[Refusal, ...]:
    """Return a refusal for each file without a good signature, whatever its repository's settings say.

    A file may come from elsewhere than from the repository that vouches for it, so only its own signature counts.
    """
    paths = list(files)
    refused = []
    for start in range(0, len(paths), _BATCH):
        batch = paths[start : start + _BATCH]
        said = run(["rpmkeys", "--checksig", *map(str, batch)])
        words = read(said.out)
        for path in batch:
            told = words.get(str(path), said.complaint() or "no answer from rpmkeys")
            if not told.endswith("signatures OK"):
                deb = files[path]
                do = _UNSIGNED if told.endswith("digests OK") else _UNKNOWN
                found = "no signature" if told.endswith("digests OK") else told
                refused.append(Refusal(f"{deb.name} ({deb.arch})", found, "a signature by a key RPM knows", do))
    return tuple(refused)


def read(text: str) -> dict[str, str]:
    """Read rpmkeys --checksig, by file: "digests signatures OK", "digests OK" or "digests SIGNATURES NOT OK"."""
    found = {}
    for line in text.splitlines():
        path, colon, words = line.rpartition(": ")
        if colon and path.startswith("/"):
            found[path] = words.strip()
    return found
