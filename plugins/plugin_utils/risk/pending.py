# Copyright: (c) 2026, Holdfast contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What hosts say that their security archives offer: advisories of its own kind, for what no feed speaks of yet.

A vendor's archive has an update before, and sometimes without, an advisory that a feed brings. That a version mends
something is true of every host of that release, so what one host reports counts for all of them. It is kept with the
scan while any finding rests on it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from ..advisories.debian_changelogs import from_hosts
from ..advisories.model import Advisory
from .matching import Sayings

FEED = "pending"
MOST = 5_000
"""Updates of one host that are read; more is a mistake."""


def reported(state: Mapping[str, Any]) -> dict[str, tuple[str, ...]]:
    """Return what package_state says is pending for security: `package/version` to the CVEs its changelog names.

    The package is named as advisories name it: the source for apt, the package itself for dnf. What is held back, and
    why, makes no difference: it is not installed.
    """
    found: dict[str, tuple[str, ...]] = {}
    cves = _mapping(state.get("cves"))
    installed = _mapping(state.get("installed"))
    by_source = state.get("manager") == "apt"
    for one in [*_rows(state.get("updates")), *_rows(state.get("other_updates"))][:MOST]:
        if not one.get("security") or not one.get("from") or not one.get("to"):
            continue
        package, version = one.get("name"), one["to"]
        if by_source:
            known = _mapping(installed.get(f"{one.get('name')}:{one.get('arch')}"))
            package = one.get("source") or known.get("source") or package
            version = one.get("source_version") or version
        key = f"{package}/{version}"
        named = cves.get(key)
        found[key] = tuple(map(str, named)) if isinstance(named, (list, tuple)) else ()
    return found


def advisories(
    told: Mapping[str, Mapping[str, Sequence[str]]], ecosystems: Mapping[str, str], known: Sayings
) -> tuple[Advisory, ...]:
    """Return what hosts reported as advisories, in order, without what a feed says as well.

    `told` is by asset what `reported` gives, `ecosystems` by asset such as debian:12, `known` what feeds say. A member
    of another form than a package, a version and CVEs have is left out: it comes from a host.
    """
    gathered: dict[str, dict[str, set[str]]] = {}
    for asset, members in told.items():
        release = ecosystems.get(asset)
        for key, cves in members.items() if release else ():
            gathered.setdefault(release or "", {}).setdefault(key, set()).update(cves)
    found: list[Advisory] = []
    for release, named in sorted(gathered.items()):
        found += from_hosts(FEED, release, {key: sorted(cves) for key, cves in named.items()})
    return tuple(one for one in found if one.cves or not _is_told(one, known))


def with_pending(known: Sayings, pending: Iterable[Advisory]) -> Sayings:
    """Return what feeds say and what hosts reported, together."""
    both: dict[tuple[str, str], Sequence[Advisory]] = dict(known)
    for one in pending:
        for affected in one.affected:
            key = (affected.ecosystem, affected.package)
            both[key] = (*both.get(key, ()), one)
    return both


def to_rows(pending: Iterable[Advisory]) -> list[dict[str, Any]]:
    """Return the advisories as plain data."""
    return [
        {"ecosystem": one.affected[0].ecosystem, "package": one.affected[0].package,
         "version": one.affected[0].fixed, "cves": list(one.cves)}
        for one in pending
    ]  # fmt: skip


def of_rows(rows: Iterable[Mapping[str, Any]]) -> tuple[Advisory, ...]:
    """Read what `to_rows` gave; a row of another form is left out."""
    found: list[Advisory] = []
    for row in rows:
        found += from_hosts(FEED, row["ecosystem"], {f"{row['package']}/{row['version']}": row["cves"]})
    return tuple(found)


def _is_told(one: Advisory, known: Sayings) -> bool:
    """Say whether a feed names this very version as a fix."""
    said = one.affected[0]
    return any(
        (affected.ecosystem, affected.package, affected.fixed) == (said.ecosystem, said.package, said.fixed)
        for advisory in known.get((said.ecosystem, said.package), ())
        for affected in advisory.affected
    )


def _rows(value: Any) -> list[Mapping[str, Any]]:
    return [one for one in value if isinstance(one, Mapping)] if isinstance(value, (list, tuple)) else []


def _mapping(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}
