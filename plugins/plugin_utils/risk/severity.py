# Copyright: (c) 2026, Holdfast contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""How bad a flaw is anywhere: the band of its base score, computed anew from each vector that was published.

FIRST's CVSS 3.0, 3.1 and 4.0 share their bands (CVSS v4.0 specification, section 6). Of several vectors the one with
the highest band counts, whoever gave it: one that names less harm is often only older. Version 2 counts where nothing
newer is there. Without a vector a published score counts, and the vendor's word where that is higher; without any of
these a flaw is taken for high, and that is said.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from ..advisories.model import CvssVector
from .model import TIERS, RiskError

ASSUMED = "high"
WORDS = {
    "critical": "critical", "important": "high", "high": "high", "moderate": "medium", "medium": "medium",
    "low": "low", "none": "low",
}  # fmt: skip
"""Vendors' own words: Red Hat's, AlmaLinux's and GitHub's."""


@dataclass(frozen=True, slots=True)
class Severity:
    """How bad a flaw is. `score` is a decimal such as 9.8, empty where there is none; `vector` as published.

    `source` says who gave it; `assumed` that nobody did. `notes` tell what does not fit together.
    """

    band: str
    score: str
    vector: str
    source: str
    assumed: bool
    notes: tuple[str, ...] = ()

    def to_dict(self) -> dict[str, Any]:
        """Return it as plain data."""
        return {**{name: getattr(self, name) for name in self.__slots__}, "notes": list(self.notes)}

    @property
    def words(self) -> str:
        """What it is and where that comes from, for a person."""
        if self.assumed:
            return f"{self.band}, assumed: nobody has scored it yet"
        if self.vector:
            return f"{self.band}: {self.score} computed from {self.vector} ({self.source})"
        return f"{self.band}: {f'score {self.score}, ' if self.score else ''}{self.source}"


@dataclass(frozen=True, slots=True)
class Computed:
    """What a vector comes to: its base score times ten, and its metrics by their short names."""

    tenths: int
    metrics: tuple[tuple[str, str], ...]

    @property
    def band(self) -> str:
        """The band of the score."""
        return band_of(self.tenths)

    @property
    def automatable(self) -> bool:
        """Whether an attack needs nobody's help and no right: AV:N, AC:L, (AT:N,) PR:N, UI:N."""
        said = dict(self.metrics)
        named = (said.get("AT", "N"), *map(said.get, ("AV", "AC", "PR", "UI")))
        return named == ("N", "N", "L", "N", "N")

    @property
    def total(self) -> bool:
        """Whether it gives everything away: confidentiality, integrity and availability high."""
        said = dict(self.metrics)
        return all(said.get(one, said.get(f"V{one}")) == "H" for one in "CIA")


def band_of(tenths: int) -> str:
    """Return the band of a base score, given times ten; a score of 0.0 counts as low."""
    return "low" if tenths < 40 else "medium" if tenths < 70 else "high" if tenths < 90 else "critical"


@lru_cache(maxsize=65_536)
def computed(vector: str) -> Computed | None:
    """Return what a vector of any version comes to, None for one that is not of its form."""
    try:
        from cvss import CVSS2, CVSS3, CVSS4
        from cvss.exceptions import CVSSError
    except ImportError as error:
        raise RiskError("cvss: this Python package is missing; install it: pip install 'cvss>=3.6'") from error
    if not re.fullmatch(r"[A-Za-z0-9:./]{1,400}", vector):
        return None
    kind = CVSS4 if vector.startswith("CVSS:4") else CVSS3 if vector.startswith("CVSS:3") else CVSS2
    try:
        tenths = round(float(kind(vector).base_score) * 10)
    except (CVSSError, ArithmeticError, TypeError, ValueError):
        return None
    pairs = (part.partition(":") for part in vector.split("/") if not part.startswith("CVSS:"))
    return Computed(tenths, tuple((name, value) for name, _unused, value in pairs))


def severity_of(published: Iterable[CvssVector], vendor_word: str | None) -> Severity:
    """Return how bad a flaw is, from what was published of it and the vendor's word (lower case, or None)."""
    notes: list[str] = []
    told = sorted(published, key=lambda one: (one.version, one.source, one.vector or ""))
    scored: list[tuple[CvssVector, Computed]] = []
    bare: list[tuple[int, CvssVector]] = []
    for one in told:
        found = computed(one.vector) if one.vector else None
        if one.vector and found is None:
            notes.append(f"{one.source} published a vector that is none: {one.vector[:80]!r}")
        if found is not None:
            scored.append((one, found))
            notes += _contradiction(one, found)
        elif one.published_score is not None:
            bare.append((round(one.published_score * 10), one))
    newer = [pair for pair in scored if not _is_second(pair[0])] or scored
    if newer:
        best, found = max(newer, key=lambda pair: pair[1].tenths)
        others = sorted({f"{one.version} gives {it.band}" for one, it in newer if it.band != found.band})
        notes += [f"CVSS {' and '.join(others)}; the higher counts"] if others else []
        return Severity(found.band, _decimal(found.tenths), best.vector or "", best.source, False, tuple(notes))
    word = WORDS.get(vendor_word or "")
    if bare:
        tenths, one = max(bare, key=lambda pair: pair[0])
        band = band_of(tenths)
        notes.append("the score has no vector, so it cannot be computed again")
        if word and TIERS.index(word) > TIERS.index(band):
            return Severity(word, _decimal(tenths), "", f"the vendor's word is {vendor_word}", False, tuple(notes))
        return Severity(band, _decimal(tenths), "", one.source, False, tuple(notes))
    if word:
        return Severity(word, "", "", f"the vendor's word is {vendor_word}", False, tuple(notes))
    return Severity(ASSUMED, "", "", "", True, tuple(notes))


def _contradiction(one: CvssVector, found: Computed) -> list[str]:
    if one.published_score is None or round(one.published_score * 10) == found.tenths:
        return []
    return [f"{one.source} published {one.published_score:.1f}, its vector gives {_decimal(found.tenths)}"]


def _is_second(one: CvssVector) -> bool:
    return not (one.vector or "").startswith("CVSS:")


def _decimal(tenths: int) -> str:
    return f"{tenths // 10}.{tenths % 10}"
