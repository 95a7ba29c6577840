# Copyright: (c) 2026, Holdfast contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Small parts that scans are made from: the model, a register's items, what was read, what feeds say."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

from ansible_collections.holdfast.hipaa.plugins.plugin_utils.advisories.model import (
    Advisory,
    Affected,
    CvssVector,
    Epss,
    Kev,
    Vulnerability,
)
from ansible_collections.holdfast.hipaa.plugins.plugin_utils.observed.model import Observation
from ansible_collections.holdfast.hipaa.plugins.plugin_utils.observed.parts import Package
from ansible_collections.holdfast.hipaa.plugins.plugin_utils.risk.installed import host_of
from ansible_collections.holdfast.hipaa.plugins.plugin_utils.risk.model import FILES, read_model
from ansible_collections.holdfast.hipaa.plugins.plugin_utils.risk.scan import Before, Feed, Inputs
from ansible_collections.holdfast.hipaa.plugins.plugin_utils.site.asset import Asset
from ansible_collections.holdfast.hipaa.plugins.plugin_utils.site.item import Item
from ansible_collections.holdfast.hipaa.plugins.plugin_utils.site.risk import RiskPolicy

ROOT = Path(__file__).resolve().parents[5]
MODEL = read_model({name: (ROOT / "policy" / "risk" / name).read_bytes() for name in FILES})
NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)
WORST = "CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:H/A:H"
HIGH = "CVSS:3.1/AV:N/AC:L/PR:L/UI:N/S:U/C:H/I:H/A:H"
MEDIUM = "CVSS:3.1/AV:N/AC:L/PR:N/UI:R/S:C/C:L/I:L/A:N"


def asset(name: str, **said: Any) -> Asset:
    """Return a host of the register, an internal one without ePHI unless said otherwise."""
    plain = {
        "id": name, "kind": "server", "owner": "platform", "environment": "production", "data_class": "none",
        "tier": 3, "ring": "production", "address": "192.0.2.1", "baselines": ["debian-server"],
        "exposure": "internal", "location": "here",
    }  # fmt: skip
    return Asset.from_dict({**plain, **said})


def item(name: str, **said: Any) -> Item:
    """Return an item that no play reaches."""
    plain = {
        "id": name, "kind": "application", "owner": "platform", "environment": "production", "data_class": "ephi",
        "tier": 2, "exposure": "internet", "location": "vendor",
    }  # fmt: skip
    return Item.from_dict({**plain, **said})


def observation(
    name: str, *packages: tuple[str, str], read_at: datetime = NOW, distribution: str = "debian:12", **said: Any
) -> Observation:
    """Return what was read of a host: (package, version), the source being the package itself."""
    found = tuple(Package(one, version, "amd64", one, version) for one, version in packages)
    manager = "dpkg" if distribution.startswith("debian") else "rpm"
    return Observation(name, read_at, distribution, manager=manager, packages=found, **said)


def advisory(name: str, package: str, fixed: str | None, *cves: str, **said: Any) -> Advisory:
    """Return an advisory for one package of Debian 12."""
    status = said.pop("status", "fixed" if fixed else "unfixed")
    ecosystem = said.pop("ecosystem", "debian:12")
    note = said.pop("note", None)
    return Advisory(name, "debian", cves, (Affected(ecosystem, package, status, fixed, note=note),), **said)


def flaw(cve: str, vector: str | None = WORST, percentile: float | None = 0.5, **said: Any) -> Vulnerability:
    """Return what is known of a CVE: a score, an EPSS percentile, and more as said."""
    cvss = (CvssVector(vector[5:8], vector, None, "cna"),) if vector else ()
    epss = Epss(0.1, percentile, None, date(2026, 11, 22)) if percentile is not None else None
    return Vulnerability(cve, cvss, epss, **said)


def kev(due: date | None = None, added: date = date(2026, 11, 20)) -> Kev:
    """Return an entry of CISA's catalogue."""
    return Kev(added, due, False, False)


def inputs(
    items: Iterable[Item],
    observations: Iterable[Observation],
    advisories: Iterable[Advisory],
    flaws: Iterable[Vulnerability] = (),
    before: Before | None = None,
    **said: Any,
) -> Inputs:
    """Return what a scan is made from."""
    known: Mapping[str, Vulnerability] = {one.cve: one for one in flaws}
    plain = {"data_flows": (), "vendors": {}, "policy": RiskPolicy(), "supports": (), "vendor_advisories": ()}
    return Inputs(
        site="demo",
        items=tuple(items),
        model=MODEL,
        advisories=by_package(advisories),
        flaws=lambda cve: known.get(cve) or Vulnerability(cve),
        feeds=(Feed("debian", "0" * 64, "2026-11-22"),),
        hosts={one.asset: host_of(one) for one in observations},
        limit_hours=48,
        before=before or Before(),
        **{**plain, **said},
    )


def by_package(advisories: Iterable[Advisory]) -> dict[tuple[str, str], tuple[Advisory, ...]]:
    """Return advisories as a library has them."""
    found: dict[tuple[str, str], tuple[Advisory, ...]] = {}
    for one in advisories:
        for affected in one.affected:
            key = (affected.ecosystem, affected.package)
            found[key] = (*found.get(key, ()), one)
    return found


def hours(count: float) -> timedelta:
    """Return a length of time."""
    return timedelta(hours=count)
