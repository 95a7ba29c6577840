# Copyright: (c) 2026, Holdfast contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whether a product that a vendor's advisory names is the one in hand, and whether its version is meant.

Names: package URL without version and qualifiers (purl-spec), vendor and product of a CPE (2.3, or the older URI), or
vendor and product in words, letters and digits alone. Versions: equal, or within a range such as `<= 3.06`,
`vers:generic/>=1|<2`, or `<8/30/2024`. What cannot be decided is neither yes nor no.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from urllib.parse import unquote

from ...module_utils.packages import rpm_versions
from ..advisories.model import Product as Named

_CONSTRAINT = re.compile(r"\s*(<=|>=|<|>|=|!=)?\s*([0-9A-Za-z][0-9A-Za-z./:+~_-]*)\s*")
_DAY = re.compile(r"([0-9]{1,2})/([0-9]{1,2})/([0-9]{4})")


@dataclass(frozen=True, slots=True)
class Product:
    """What is installed or runs: any of its names, and its version, empty where unknown."""

    vendor: str = ""
    name: str = ""
    version: str = ""
    cpe: str = ""
    purl: str = ""


def is_same(mine: Product, named: Named) -> bool:
    """Say whether both name one product, whatever its version."""
    if mine.purl and any(purl_key(one) == purl_key(mine.purl) != "" for one in named.purls):
        return True
    if mine.cpe and named.cpe and cpe_key(mine.cpe) == cpe_key(named.cpe) != ("", ""):
        return True
    if not (mine.vendor and mine.name and named.vendor and named.product):
        return False
    vendor, other = plain(mine.vendor), plain(named.vendor)
    return vendor == other and plain(mine.name).removeprefix(vendor) == plain(named.product).removeprefix(other)


def is_in(mine: Product, named: Named) -> bool | None:
    """Say whether the version is one that is meant; None where that cannot be decided."""
    versions = [named.version, *(purl_version(one) for one in named.purls)]
    exact = [one for one in versions if one]
    ranged = [named.version_range] if named.version_range else []
    if not exact and not ranged:
        return True
    if not mine.version:
        return None
    if any(mine.version == one for one in exact):
        return True
    found = [within(mine.version, one) for one in ranged]
    if True in found:
        return True
    return None if None in found else False


def within(version: str, written: str) -> bool | None:
    """Say whether a version lies in a range as a vendor wrote it; None where it is not to be understood."""
    text = re.sub(r"^vers:[a-z0-9.+-]+/", "", written.strip())
    answers = []
    for part in re.split(r"[|,]", text):
        match = _CONSTRAINT.fullmatch(part)
        order = _ordered(version, match[2]) if match else None
        if match is None or order is None:
            return None
        sign = match[1] or "="
        answers.append(
            {"<": order < 0, "<=": order <= 0, ">": order > 0, ">=": order >= 0, "=": order == 0, "!=": order != 0}[
                sign
            ]
        )
    return all(answers)


def _ordered(one: str, other: str) -> int | None:
    """Order two versions of an unknown scheme; None where one is a day and the other is none, or letters lead."""
    days = [_DAY.fullmatch(text) for text in (one, other)]
    if days[0] and days[1]:
        first, second = ((day[3], day[1].zfill(2), day[2].zfill(2)) for day in days if day)
        return (first > second) - (first < second)
    if any(days) or not (one[:1].isdigit() and other[:1].isdigit()):
        return 0 if one == other else None
    return rpm_versions.compare_part(one, other)


def purl_key(purl: str) -> str:
    """Return type, namespace and name of a package URL, in lower case; empty for what is none."""
    match = re.fullmatch(r"pkg:/*([^?#]+?)(?:@[^/?#]*)?(?:\?[^#]*)?(?:#.*)?", purl)
    return unquote(match[1]).casefold() if match else ""


def purl_version(purl: str) -> str:
    """Return the version of a package URL; empty where it has none."""
    match = re.fullmatch(r"pkg:[^?#]+@([^/?#]+)(?:\?[^#]*)?(?:#.*)?", purl)
    return unquote(match[1]) if match else ""


def cpe_key(cpe: str) -> tuple[str, str]:
    """Return vendor and product of a CPE name, 2.3 or URI; two empty texts for what is none."""
    parts = re.split(r"(?<!\\):", cpe)
    if cpe.startswith("cpe:2.3:") and len(parts) >= 5:
        return parts[3].casefold(), parts[4].casefold()
    if cpe.startswith("cpe:/") and len(parts) >= 4:
        return parts[2].casefold(), parts[3].casefold()
    return "", ""


def plain(name: str) -> str:
    """Return a name's letters and digits, in lower case."""
    return "".join(letter for letter in name.casefold() if letter.isalnum())


def matching(mine: Product, products: Iterable[Named]) -> dict[str, bool | None]:
    """Return the ids of the products that are the one in hand, each with whether its version is meant."""
    return {one.id: is_in(mine, one) for one in products if is_same(mine, one)}
