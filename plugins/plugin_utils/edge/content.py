# Copyright: (c) 2026, Holdfast contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The content that a run is made of, the site's and the product's, held against what a publisher signed.

It is looked at once, before run-open; what it looked at is remembered by its stamps, so that the gate of each wave and
the start of each task can see cheaply whether it is still the same (docs/adr/0026).
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

from ..content.compare import SHOWN, Difference, Progress, Stamp, compare, listed, moved
from ..content.manifest import LARGEST, Manifest
from ..content.scope import PASSED, SIGNED, Scope
from ..errors import ContentError
from ..ledger.reading import Record
from ..ledger.trust import Trust
from ..policy.publishing import bound_rings, newest, signature_of
from ..site.site import Site
from ..site.sources import unchanged
from .environment import PRODUCT
from .sealing import folder_of

MANIFEST = f"{SIGNED}/sha256sum.txt"
"""The site's manifest, where ansible-sign has it."""
COLLECTION = "holdfast.hipaa"
PRODUCT_MANIFEST = f"content/{COLLECTION}.sha256sum.txt"
"""The product's manifest: a file of the site, so that one signature covers both."""
PRODUCT_PARTS = ("__init__.py", "baselines", "meta", "playbooks", "plugins", "policy", "roles")
"""What Ansible loads of a collection, or Holdfast reads; the same in a checkout, a wheel and an artefact."""
RULE = "content-signed"
"""What this is called among the rules of the gate, though it is asked before the run is on record."""
DECIDING = ("site.yml", "policy/rings.yml")
"""Files that decide whether content must be signed, beside the register."""


def site_scope(site: Site) -> Scope:
    """Return what of a site is signed: all but what runs write, keys, plans (a plan is its digest), and trust.yml."""
    kept = [site.plans_dir, site.reports_dir, site.pool.folder, folder_of(site)]
    files = [site.ledger_path] if isinstance(site.ledger_path, Path) else []
    for path in (*files, *site.key_paths.values()):
        kept.append(path if path.parent == site.root else path.parent)
    if files and files[0].parent == site.root:  # more lies beside the ledger: SQLite's files, and locks of changes
        kept += [*site.root.glob(f"{files[0].name}-*"), *site.root.glob("chg_*.lock")]
    below = {path.relative_to(site.root).as_posix() for path in kept if path.is_relative_to(site.root)}
    proposals = {path.name for path in site.root.glob("trust-v*.proposal*")}
    return Scope(site.root, passed=frozenset({*PASSED, *below, *proposals, "trust.yml"} - {"."}))


def product_scope() -> Scope:
    """Return what of this very installation of the product is signed."""
    return Scope(PRODUCT, PRODUCT_PARTS)


def read_manifest(site: Site, name: str = MANIFEST) -> Manifest:
    """Return one of the site's manifests; raises ContentError where there is none, or it is no manifest."""
    path = site.root / name
    try:
        number = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
        with os.fdopen(number, "rb") as file:
            data = file.read(LARGEST + 1)
    except OSError as error:
        raise ContentError(
            f"{name}: {error.strerror}; expected the manifest of the site's content; have a publisher sign it: "
            "holdfast content sign"
        ) from error
    return Manifest.from_bytes(data, name)


@dataclass(frozen=True)
class Checked:
    """What came of looking at all content: the signed manifest's digest, its record, and every difference."""

    manifest: str
    files: int
    record: Record | None
    unsigned: str
    """Why there is no record that lets it run; empty where there is one."""
    differences: tuple[Difference, ...]
    stamps: Mapping[str, Stamp] = field(repr=False)

    @property
    def problems(self) -> list[str]:
        """Everything that is wrong, one a line, bounded."""
        said = [f"  - {self.unsigned}"] if self.unsigned else []
        return [*said, *(listed([*self.differences]).split("\n") if self.differences else [])]


def look(
    site: Site,
    records: Sequence[Record],
    trust: Trust,
    now: datetime,
    implementer: str | None = None,
    progress: Progress | None = None,
) -> Checked:
    """Hold the site's content and the product's against their manifests, and the manifest against the records.

    Raises ContentError where there is no manifest to hold anything against.
    """
    manifest = read_manifest(site)
    digest = manifest.sha256
    record, unsigned = None, ""
    try:
        record = signature_of(digest, records, trust, now, implementer)
    except ContentError as error:
        unsigned = str(error)
    compared = [compare(manifest, site_scope(site), "", progress)]
    count = len(manifest.digests)
    if PRODUCT_MANIFEST in manifest.digests:
        product = read_manifest(site, PRODUCT_MANIFEST)
        count += len(product.digests)
        compared.append(compare(product, product_scope(), f"{COLLECTION}: ", progress))
    else:
        lacking = Difference(PRODUCT_MANIFEST, "removed", "the product's manifest among the site's", "missing", _SIGN)
        compared[0].differences.append(lacking)
    differences = tuple(one for each in compared for one in each.differences)
    stamps = {path: mark for each in compared for path, mark in each.stamps.items()}
    return Checked(digest, count, record, unsigned, differences, stamps)


_SIGN = "sign it anew: holdfast content sign"


@dataclass(frozen=True)
class Covered:
    """The content of an open run: every file that was as signed, by its path without links, and its stamp then."""

    manifest: str
    record: Record
    stamps: Mapping[str, Stamp] = field(repr=False)
    outside: tuple[str, ...]
    """Folders that nobody signs and that may be loaded from all the same: Ansible's own, and what site.yml names."""

    def stated(self) -> dict[str, Any]:
        """Return what run-open says of it."""
        return {"manifest": self.manifest, "index": self.record.index, "sha256": self.record.sha256}

    def flaw(self, path: str) -> str | None:
        """Return why a file may not be run from now, None where it may."""
        real = os.path.realpath(path)
        before = self.stamps.get(real)
        if before is None:
            return None if within(real, self.outside) else f"{path}: is not covered by the signed manifest"
        if moved({real: before}):
            return f"{path}: was changed after the run was opened"
        return None

    def require_unmoved(self) -> None:
        """Raise ContentError where any file is not what it was when the run was opened."""
        found = sorted(moved(self.stamps))
        if found:
            more = f", and {len(found) - SHOWN} more" if len(found) > SHOWN else ""
            raise ContentError(
                f"content was changed after the run was opened: {', '.join(found[:SHOWN])}{more}; expected what "
                f"{self.record.principal} signed in record {self.record.index}; restore it, and run again"
            )


_covered: dict[str, Covered] = {}
"""The content of the one run of this process, by its manifest; Ansible's workers are its forks."""


def covered() -> Covered | None:
    """Return the content that this process's run was checked against, or that of the process it is a fork of."""
    return next(iter(_covered.values()), None)


def require_content(
    site: Site,
    records: Sequence[Record],
    trust: Trust,
    hosts: Iterable[str],
    implementer: str,
    now: datetime,
    loads: Callable[[], Loads],
) -> Covered | None:
    """Return the content of the run that is about to be opened, all of it as signed; None where nothing wants that.

    Nothing is read where no ring's policy and no record wants signed content. Raises ContentError, with a reason for
    each file, where one is not as signed, or where Ansible would load from a place that nobody signed.
    """
    _covered.clear()
    bound = bound_rings(records, site.policy)
    if not bound or not (bound & {site.asset(host).ring for host in hosts} or _decided_elsewhere(site, records)):
        return None
    try:
        checked = look(site, records, trust, now, implementer)
    except ContentError as error:
        raise ContentError(f"{RULE}: {error}") from error
    if not unchanged(site.sources):
        raise ContentError(f"{site.root}: its files changed while they were looked at; nothing was run; run again")
    ways = loads()
    outside = (ways.core, *(os.path.realpath(path) for path in site.content_outside))
    strange = strangers(ways, (site_scope(site), product_scope()), checked.stamps, outside)
    problems = [*checked.problems, *(listed(strange).split("\n") if strange else [])]
    if problems or checked.record is None:
        rings = ", ".join(sorted(bound))
        raise ContentError(
            f"{RULE}: the content is not what was signed, so nothing was run (rings that want it signed: {rings}):\n"
            + "\n".join(problems)
        )
    _covered[checked.manifest] = Covered(checked.manifest, checked.record, checked.stamps, outside)
    return _covered[checked.manifest]


def _decided_elsewhere(site: Site, records: Sequence[Record]) -> bool:
    """Say whether the files that decide whose content must be signed are others than the newest signature covers.

    Only asked where no host of the run is in a bound ring: by the register and policy of today.
    """
    signed = newest(records)
    if signed is None or not signed.body["rings"]:
        return False
    try:
        manifest = read_manifest(site)
    except ContentError:
        return True
    register = {path.name for path in site.root.glob("holdfast.y*ml")}
    names = {*DECIDING, *register}
    known = {name: digest for name, digest in manifest.digests.items() if name in names}
    if manifest.sha256 != signed.subject_sha256 or not register <= known.keys():
        return True
    present = Scope(site.root, tuple(sorted(names)))
    return bool(compare(Manifest(known), present).differences)


@dataclass(frozen=True)
class Loads:
    """From where Ansible loads: see edge/loading.py. `places` are (what, path), each a file or a folder."""

    core: str
    places: tuple[tuple[str, str], ...]
    collections: tuple[str, ...]
    """Every folder on the collections path that holds this collection, the first one first."""


def strangers(
    loads: Loads, scopes: Sequence[Scope], stamps: Mapping[str, Stamp], outside: Sequence[str]
) -> list[Difference]:
    """Return the places outside of what is signed from which Ansible would load code, variables or settings."""
    found = []
    for what, place in loads.places:
        real = os.path.realpath(place)
        if within(real, outside) or not os.path.lexists(real):
            continue
        if os.path.isdir(real):
            inside = any(scope.names(Path(real) / "x") is not None for scope in scopes)
            first = None if inside else _first_file(real)
        else:
            first = None if real in stamps else place
        if first is not None:
            do = f"take it away, or name only signed folders for {what}; content_outside of site.yml allows others"
            said = f"not covered, and Ansible takes {what} from there"
            found.append(Difference(first, "added", "no file there", said, do))
    if loads.collections and os.path.realpath(f"{loads.collections[0]}/plugins") != str(PRODUCT / "plugins"):
        do = "take one of the two away"
        first = loads.collections[0]
        found.append(Difference(first, "added", f"the collection of {PRODUCT}", "another one, which comes first", do))
    return found


def within(path: str, folders: Iterable[str]) -> bool:
    """Say whether a path without links is one of the folders, or below one."""
    return any(path == folder or path.startswith(f"{folder.rstrip('/')}/") for folder in folders)


def _first_file(folder: str) -> str | None:
    for place, folders, files in os.walk(folder):
        folders.sort()
        if files:
            return os.path.join(place, min(files))
    return None
