# Copyright: (c) 2026, Holdfast contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Vendors' advisories (CSAF) held against items of the register, and what VEX statements clear.

No login is needed: an item's `product` says in the vendors' words what runs there. An item whose version is unknown, or
cannot be held against what the vendor wrote, counts as affected, and that is said. Only a VEX statement with its
justification clears a flaw that somebody else reports; what it clears is still shown.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime

from ..advisories.model import AFFECTED, FIXED, NOT_AFFECTED, UNFIXED, CvssVector, VendorAdvisory, VendorFlaw
from ..site.item import Item
from .matching import Hit
from .products import Product, is_in, is_same, matching, purl_key

_AFFECTED = frozenset(("known_affected", "first_affected", "last_affected", "under_investigation"))
_MENDED = frozenset(("fixed", "first_fixed", "known_not_affected"))
LONGEST = 200
"""Characters of a vendor's own words that are shown."""


@dataclass(frozen=True, slots=True)
class VendorHit:
    """A flaw in an item's product: the hit, the vendor's scores for it, and when the vendor told of it."""

    hit: Hit
    cvss: tuple[CvssVector, ...]
    published: datetime


def item_hits(item: Item, advisories: Iterable[VendorAdvisory]) -> tuple[VendorHit, ...]:
    """Return the flaws that vendors name in an item's product, in the order of advisory and flaw."""
    if item.product is None:
        return ()
    said = item.product
    mine = Product(said.vendor, said.name, said.version or "", said.cpe or "", said.purl or "")
    found: list[VendorHit] = []
    for advisory in sorted(advisories, key=lambda one: one.id):
        meant = matching(mine, advisory.products)
        if meant:
            found += _flaws(mine, advisory, meant)
    return tuple(found)


def _flaws(mine: Product, advisory: VendorAdvisory, meant: Mapping[str, bool | None]) -> Iterator[VendorHit]:
    for flaw in advisory.flaws:
        affected = [name for name, fits in meant.items() if fits is not False and flaw.states_of(name) & _AFFECTED]
        cleared = [name for name, fits in meant.items() if fits and flaw.states_of(name) & _MENDED]
        why = dict(flaw.justifications)
        labels = [why[name] for name in cleared if name in why]
        if affected and not cleared:
            yield _hit(mine, advisory, flaw, affected, [meant[name] for name in affected])
        elif advisory.is_vex and labels:
            note = f"{advisory.publisher} says: not affected ({labels[0]})"
            name = flaw.cve or (flaw.ids[0] if flaw.ids else advisory.id)
            hit = Hit(name, _shown(mine), mine.version, None, NOT_AFFECTED, (advisory.id,), None, (note,))
            yield VendorHit(hit, (), advisory.published)


def _hit(
    mine: Product, advisory: VendorAdvisory, flaw: VendorFlaw, products: list[str], fits: list[bool | None]
) -> VendorHit:
    notes = []
    if not mine.version:
        notes.append("no version is registered, so it counts as affected")
    elif True not in fits:
        notes.append(f"version {mine.version} cannot be held against what the vendor wrote; it counts as affected")
    if any("under_investigation" in flaw.states_of(name) for name in products):
        notes.append("the vendor is still looking into it")
    remedies = [one for one in flaw.remediations if not one.products or set(one.products) & set(products)]
    mended = any(one.category == "vendor_fix" for one in remedies)
    for one in remedies[:3]:
        text = " ".join((one.text or "").split())[:LONGEST]
        notes.append(f"vendor, {one.category.replace('_', ' ')}: {text or one.url or 'no words'}")
    never = any(one.category in ("none_available", "no_fix_planned") for one in remedies)
    status = FIXED if mended else UNFIXED if never else AFFECTED
    name = flaw.cve or (flaw.ids[0] if flaw.ids else advisory.id)
    word = advisory.severity_word
    hit = Hit(name, _shown(mine), mine.version or "unknown", None, status, (advisory.id,), word, tuple(notes))
    cvss = tuple(vector for vector, holds in flaw.cvss if not holds or set(holds) & set(products))
    return VendorHit(hit, cvss, advisory.published)


def _shown(mine: Product) -> str:
    return f"{mine.vendor} {mine.name}"


class Clearances:
    """What VEX statements say of packages: by flaw and package URL, with the justification."""

    def __init__(self, advisories: Iterable[VendorAdvisory]) -> None:
        self._said: dict[tuple[str, str], list[tuple[VendorAdvisory, str, str]]] = {}
        for advisory in sorted(advisories, key=lambda one: one.id):
            for flaw in advisory.flaws if advisory.is_vex else ():
                for product, label in flaw.justifications:
                    if flaw.cve and "known_not_affected" in flaw.states_of(product):
                        self._add(advisory, flaw.cve, product, label)

    def _add(self, advisory: VendorAdvisory, cve: str, product: str, label: str) -> None:
        for one in advisory.products:
            if one.id == product:
                for purl in one.purls:
                    self._said.setdefault((cve, purl_key(purl)), []).append((advisory, product, label))

    def clears(self, flaw: str, purl: str, version: str) -> tuple[str, str] | None:
        """Return the advisory and its words that say that a version of a package is not affected; else None."""
        mine = Product(version=version, purl=purl)
        for advisory, product, label in self._said.get((flaw, purl_key(purl)), ()):
            named = next(one for one in advisory.products if one.id == product)
            if is_same(mine, named) and is_in(mine, named):
                return advisory.id, f"{advisory.publisher} says: not affected ({label})"
        return None
