# Copyright: (c) 2026, Holdfast contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What this installation of the product is: its version, and a digest over the files that decide what it does."""

from __future__ import annotations

import functools
import hashlib
import json
import re
from collections.abc import Iterable
from pathlib import Path

from ..errors import SiteError
from .environment import PRODUCT

CODE = ("baselines", "playbooks", "plugins", "policy", "roles")


@functools.cache
def product_version() -> str:
    """Return the version from galaxy.yml (checkout, wheel) or MANIFEST.json (collection artefact)."""
    galaxy, manifest = PRODUCT / "galaxy.yml", PRODUCT / "MANIFEST.json"
    if galaxy.is_file():
        found = re.search(r"^version: (\S+)$", galaxy.read_text(encoding="utf-8"), re.MULTILINE)
        if found:
            return found[1]
    if manifest.is_file():
        return str(json.loads(manifest.read_text(encoding="utf-8"))["collection_info"]["version"])
    raise SiteError(f"{PRODUCT}: neither galaxy.yml nor MANIFEST.json names a version; install the collection again")


def files_digest(root: Path, parts: Iterable[str]) -> str:
    """Return the SHA-256 over name and content of every file below `parts` of `root`, in the order of their names.

    Byte code and hidden files are left out: they differ between machines and decide nothing.
    """
    digest = hashlib.sha256()
    for part in sorted(parts):
        start = root / part
        files = [start] if start.is_file() else sorted(p for p in start.rglob("*") if p.is_file())
        for path in files:
            name = path.relative_to(root).as_posix()
            if path.suffix != ".pyc" and not any(piece.startswith(".") for piece in name.split("/")):
                content = hashlib.sha256(path.read_bytes()).hexdigest()
                digest.update(f"{name}\0{content}\n".encode())
    return digest.hexdigest()


def code_digest() -> str:
    """Return the digest of the product's own code and data, as recorded in each run-open."""
    return files_digest(PRODUCT, CODE)
