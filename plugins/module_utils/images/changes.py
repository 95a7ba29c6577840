# Copyright: (c) 2026, Holdfast contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Differences of changes: an image before and one after a run, what lies between them, and the way back."""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import Any

from . import image
from .errors import ImageError
from .restore import Return
from .store import Store

SECTIONS = ("files", *image.SECTIONS)


def before(store: Store, change: str, run: str, declared: Mapping[str, list[str]]) -> dict[str, Any]:
    """Take the image before a run and remember whose it is.

    A run that ended without its second image (its controller died) is closed first, with the host as it is now.
    """
    digest, manifest = image.take(declared, store)
    for one in store.differences():
        if not one["after"]:
            _close(store, one, digest, manifest)
    store.save(
        store.difference_path(change, run),
        {
            "change": change,
            "run": run,
            "at": time.time(),
            "before": digest,
            "after": "",
            "declared": manifest["declared"],
        },
    )
    return {"before": digest}


def after(store: Store, change: str, run: str) -> dict[str, Any]:
    """Take the image after a run, keep the difference, drop what nothing needs any more."""
    one = store.load(store.difference_path(change, run))
    if one is None:
        raise ImageError(f"{run}: no image was taken before this run; take one first (state: before)")
    if one["after"]:
        raise ImageError(f"{run}: its second image was taken already")
    digest, manifest = image.take(one["declared"], store)
    changed = _close(store, one, digest, manifest)
    store.prune(digest)
    return {"before": one["before"], "after": digest, "changed": image.names(changed)}


def _close(store: Store, one: dict[str, Any], digest: str, manifest: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
    changed = image.difference(store.manifest(one["before"]), manifest)
    store.save(store.difference_path(one["change"], one["run"]), {**one, "after": digest, **changed})
    return changed


def roll_back(store: Store, change: str) -> list[dict[str, Any]]:
    """Put the host back to before each run of a change, newest run first; return one result a run.

    A result has before and after (digests of the host around this step), wanted (the digest before the run),
    restored, kept and differs (names, see image.names), moved (packages), troubles. Raises ImageError when the host
    keeps nothing of the change.
    """
    mine = [one for one in store.differences() if one["change"] == change]
    if not mine:
        raise ImageError(
            f"{change}: this host keeps no image of it; it never ran here, or more than the kept number ran since"
        )
    results = []
    for one in reversed(mine):
        digest, present = image.take(one["declared"], store)
        if not one["after"]:  # its controller died: what happened since cannot be told from the run's own work
            one = {**one, "after": digest, **_close(store, one, digest, present)}
        way = Return(store, {section: one[section] for section in SECTIONS}, conflicts=True, packages=True)
        way.go()
        reached, manifest = image.take(one["declared"])
        differs = [] if reached == one["before"] else _still_differs(one, manifest)
        moved = {
            name: {"from": present["packages"].get(name), "to": manifest["packages"].get(name)}
            for name in sorted(set(present["packages"]) | set(manifest["packages"]))
            if present["packages"].get(name) != manifest["packages"].get(name)
        }
        results.append(
            {
                "run": one["run"],
                "wanted": one["before"],
                "before": digest,
                "after": reached,
                "restored": way.restored,
                "kept": way.kept,
                "differs": differs,
                "moved": moved,
                "troubles": way.troubles,
            }
        )
    return results


def _still_differs(one: Mapping[str, Any], manifest: Mapping[str, Any]) -> list[str]:
    """Return what the run changed and is not as before now; the digest may differ by what others did since, too."""
    return [
        name if section == "files" else f"{section} {name}"
        for section in SECTIONS
        for name, change in one[section].items()
        if (manifest[section] or {}).get(name) != change["before"]
    ]
