# Copyright: (c) 2026, Holdfast contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Writing the manifests that a publisher signs: the product's into the site, the site's where ansible-sign has it."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from ..content.compare import Progress, manifest_of
from ..content.manifest import Manifest
from ..content.scope import SIGNED, Scope
from ..errors import ContentError
from ..site.site import Site
from .content import MANIFEST, PRODUCT_MANIFEST, product_scope, site_scope

CHOICE = "MANIFEST.in"
"""What ansible-sign takes for a project's files (distlib's directives)."""
SIGNATURE = f"{MANIFEST}.sig"
"""The signature that ansible-sign makes with GPG, for AWX."""


@dataclass(frozen=True)
class Drawn:
    """Manifests as they would be signed: the site's, how many files both name, and what is to be written."""

    manifest: Manifest
    files: int
    writes: Mapping[str, bytes]
    """By path below the site's folder, only what is not there yet as it is."""

    def changes(self, before: Manifest | None) -> list[str]:
        """Return what differs from an earlier manifest, a line for each file, sorted by path."""
        old = before.digests if before else {}
        new = self.manifest.digests
        words = dict.fromkeys(old.keys() - new.keys(), "removed")
        words |= dict.fromkeys(new.keys() - old.keys(), "added")
        words |= {path: "changed" for path in old.keys() & new.keys() if old[path] != new[path]}
        return [f"{word}: {path}" for path, word in sorted(words.items())]


def draw(site: Site, progress: Progress | None = None) -> Drawn:
    """Return the manifests of the site and the product as they are now; nothing is written.

    Raises ContentError for what no manifest can name: links, and names that are not printed.
    """
    scope = site_scope(site)
    product = manifest_of(product_scope(), progress)
    extra = {PRODUCT_MANIFEST: product.to_bytes()}
    if not (site.root / CHOICE).exists():
        extra[CHOICE] = _choice(scope).encode()
    found = dict(manifest_of(scope, progress).digests)
    found |= {name: hashlib.sha256(data).hexdigest() for name, data in extra.items()}
    manifest = Manifest(found)
    writes = {**extra, MANIFEST: manifest.to_bytes()}
    return Drawn(
        manifest,
        len(found) + len(product.digests),
        {name: data for name, data in writes.items() if _present(site.root / name) != data},
    )


def write(site: Site, drawn: Drawn) -> None:
    """Write the manifests, each whole or not at all. Raises ContentError where one cannot be written."""
    for name, data in drawn.writes.items():
        path = site.root / name
        fresh = path.with_name(f".{path.name}.new")
        try:
            path.parent.mkdir(mode=0o755, exist_ok=True)
            fresh.write_bytes(data)
            os.replace(fresh, path)
        except OSError as error:
            fresh.unlink(missing_ok=True)
            raise ContentError(
                f"{name}: {error.strerror}; nothing was signed; expected a folder that this user can write"
            ) from error


def _present(path: Path) -> bytes | None:
    try:
        return None if path.is_symlink() else path.read_bytes()
    except OSError:
        return None


def _choice(scope: Scope) -> str:
    """Return directives by which ansible-sign looks at the files that we look at."""
    kept = sorted(scope.passed - {SIGNED})
    lines = [
        "# What ansible-sign, and so AWX, holds against the manifest. Holdfast decides that by itself (docs: content).",
        "global-include *",
        *(f"{'exclude' if (scope.root / name).is_file() else 'prune'} {name}" for name in kept),
        "global-exclude *.pyc *~ .*.sw[a-z] .#* .DS_Store",
    ]
    return "\n".join(lines) + "\n"
