# Copyright: (c) 2026, Holdfast contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a host's own security archives offer, held against what advisories say: neither is believed to know it all.

Advisories come later than the archive, and some updates have none. An offer that no advisory speaks of is a finding
of its own, `pending:PACKAGE`; what an advisory says is fixed, and the archive does not offer yet, says so.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from ..advisories.model import FIXED
from .installed import Host, Ready, comparison
from .matching import Hit

PENDING = "pending:"
"""What opens the name of a finding that speaks of an update of which nobody says what it mends."""
_SHOWN = 5

Hits = Mapping[str, tuple[Hit, ...]]
"""By flaw."""


class Offered:
    """Adds to hits what the hosts' archives offer; equal hits of many hosts stay one in memory."""

    def __init__(self) -> None:
        self._noted: dict[tuple[int, str | None, str], tuple[Hit, Hit]] = {}

    def added(self, found: Hits, host: Host, unknown: str) -> Hits:
        """Return a host's hits with its offers; `unknown` says why these are not to be relied on, empty where they are.

        Old offers are still good for what they offer, never for what they do not.
        """
        if host.ready is None:
            return found
        compare = comparison(host.ecosystem)
        latest: dict[tuple[str, str], str] = {}
        for one in host.ready:
            key = (one.package, one.installed)
            if key not in latest or compare(one.version, latest[key]) > 0:
                latest[key] = one.version
        told: dict[str, tuple[Hit, ...]] = {}
        mended: dict[tuple[str, str], set[str]] = {}
        for name, hits in found.items():
            told[name] = tuple(self._with(hit, latest.get((hit.package, hit.installed)), unknown, host) for hit in hits)
            for hit in hits:
                if hit.fixed is not None:
                    mended.setdefault((hit.package, hit.installed), set()).add(hit.fixed)
        for one in host.ready:
            fixes = mended.get((one.package, one.installed), ())
            if one.security and not any(compare(fixed, one.version) == 0 for fixed in fixes):
                name = f"{PENDING}{one.package}"
                told[name] = (*told.get(name, ()), _pending(one, unknown))
        return told

    def _with(self, hit: Hit, latest: str | None, unknown: str, host: Host) -> Hit:
        if hit.status != FIXED or hit.fixed is None or (latest is None and unknown):
            return hit
        key = (id(hit), latest, unknown)
        if key not in self._noted:
            note = ""
            if latest is None or comparison(host.ecosystem)(latest, hit.fixed) < 0:
                what = f"{latest} only" if latest else "nothing later"
                note = "" if unknown else f"not yet in the host's own archives, which offer {what}"
            new = replace(hit, offered=latest or "", notes=(*hit.notes, *([note] if note else [])))
            # The hit is held, so that nothing else gets its id.
            self._noted[key] = (hit, new)
        return self._noted[key][1]


def is_offered(hit: Hit, ecosystem: str) -> bool:
    """Say whether a host's archives offer what mends a hit."""
    return bool(hit.fixed and hit.offered) and comparison(ecosystem)(hit.offered or "", hit.fixed or "") >= 0


def _pending(one: Ready, unknown: str) -> Hit:
    more = f" and {len(one.brings) - _SHOWN} more" if len(one.brings) > _SHOWN else ""
    notes = [
        f"known from the host's own archives: a security archive offers {', '.join(one.brings[:_SHOWN])}{more}, "
        "and no feed says what that mends"
    ]
    if one.kept:
        notes.append(f"the host would not install it by itself: {one.kept}")
    if unknown:
        notes.append(unknown)
    name = f"{PENDING}{one.package}"
    return Hit(name, one.package, one.installed, one.version, FIXED, (), None, tuple(notes), one.version)
