# Copyright: (c) 2026, Holdfast contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Takes an image of the host: one manifest of everything roles may touch, and its digest."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from typing import Any

from . import live, territory
from .store import Store

SECTIONS = ("sysctl", "units", "tables", "mounts", "packages")


def take(declared: Mapping[str, list[str]], store: Store | None = None) -> tuple[str, dict[str, Any]]:
    """Return (digest, manifest) of the host as it is now.

    `declared` has the lists `paths` and `modes` (territory.scan). With a store, contents and manifest are kept there.
    """
    paths, modes = sorted(set(declared.get("paths", ()))), sorted(set(declared.get("modes", ())))
    manifest: dict[str, Any] = {
        "version": 1,
        "declared": {"paths": paths, "modes": modes},
        "files": territory.scan(paths, modes, store.keep if store else None),
        "sysctl": live.sysctl(),
        "units": live.units(),
        "tables": live.tables(),
        "mounts": live.mounts(),
        "packages": live.packages(),
    }
    text = json.dumps(manifest, sort_keys=True, separators=(",", ":"), ensure_ascii=True)
    digest = hashlib.sha256(text.encode("ascii", "surrogateescape")).hexdigest()
    if store is not None:
        store.save_manifest(digest, manifest)
    return digest, manifest


def difference(before: Mapping[str, Any], after: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
    """Return section -> name -> {before, after} of everything that differs; None stands for what is not there.

    A section that could not be read in one of the two images is no difference.
    """
    found: dict[str, dict[str, Any]] = {}
    for section in ("files", *SECTIONS):
        one, other = before[section], after[section]
        if one is None or other is None:
            one = other = {}
        found[section] = {
            name: {"before": one.get(name), "after": other.get(name)}
            for name in sorted(set(one) | set(other))
            if one.get(name) != other.get(name)
        }
    return found


def names(changed: Mapping[str, Mapping[str, Any]]) -> list[str]:
    """Return what a difference is about, one word each: paths, and "section name" for the rest."""
    rest = [f"{section} {name}" for section in SECTIONS for name in changed.get(section, {})]
    return [*changed.get("files", {}), *rest]
