# Copyright: (c) 2026, Holdfast contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The three-way difference of register, sweeps and facts; what could not be compared is said, and is no agreement."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date, datetime

from ..site.asset import Asset
from ..site.item import Item
from ..site.roster import Entry
from ..site.site import Site
from .difference import Difference, dated
from .discovery import Discovery
from .model import PARTS, Observation
from .speaking import Declared, listening, speaking
from .whereabouts import Facts, places, twins, whereabouts

FIRST_PERSON = 1000  # login.defs(5) UID_MIN; ids below belong to the system
NOBODY = 65534


@dataclass(frozen=True)
class Reconciliation:
    """All differences, and what could not be compared; false when there is a difference."""

    differences: tuple[Difference, ...]
    not_compared: tuple[str, ...]
    first_seen: Mapping[str, datetime]
    """What is to be remembered for the next time, by id."""

    def __bool__(self) -> bool:
        return not self.differences


def reconcile(
    site: Site,
    seen: Mapping[str, Observation],
    why: Mapping[str, str],
    sweeps: tuple[Discovery, ...],
    before: Mapping[str, datetime],
    now: datetime,
) -> Reconciliation:
    """Compare; `seen` are the newest observations by asset, `why` says why others have none; now is aware.

    Observations and sweeps past policy's limit are no facts: what they would show is not compared.
    """
    limit = site.policy.inventory.max_age_hours
    old = {name: reason for name, one in seen.items() if (reason := one.unknown_because(now, limit))}
    fresh = {name: one for name, one in seen.items() if name not in old}
    young = tuple(one for one in sweeps if one.unknown_because(now, limit) is None)
    facts = Facts(seen, fresh, {**why, **old}, young)
    owner = site.policy.inventory.owner
    addresses = {item.id: _addresses(item, fresh.get(item.id)) for item in site.items}
    declared = Declared(site.items, site.data_flows, site.segments, addresses, site.policy.inventory)
    found = [*whereabouts(site.items, facts, owner), *twins(site.assets, facts, owner)]
    for asset in site.assets:
        if asset.id in fresh:
            found += _of_asset(site, asset, fresh[asset.id], declared, now.date())
    differences, first_seen = dated(found, before, now)
    return Reconciliation(differences, tuple(_not_compared(site, facts, sweeps, now)), first_seen)


def _addresses(item: Item, seen: Observation | None) -> set[str]:
    return {*(seen.identity.addresses if seen else ()), *places(item, seen)}


def _of_asset(site: Site, asset: Asset, seen: Observation, declared: Declared, today: date) -> Iterator[Difference]:
    yield from listening(asset, seen, declared)
    yield from speaking(asset, seen, declared)
    yield from versions(asset, seen)
    if site.roster is not None:
        yield from accounts(asset, seen, site.roster, today)


def versions(asset: Asset, seen: Observation) -> Iterator[Difference]:
    """Yield the version of the asset's product where another one is installed, or runs as its distribution."""
    product = asset.product
    if product is None or product.version is None:
        return
    name, system = product.name.lower(), seen.distribution.partition(":")
    there = {one.version for one in seen.packages if one.name.lower() == name}
    if system[0] == name:
        there = {system[2]}
    if there and not any(_same_version(product.version, one) for one in there):
        told = f"{product.name} {', '.join(sorted(there))}"
        do = "correct the register, or find out who changed it"
        yield Difference(
            "version-differs", (asset.id, name), asset.id, asset.owner, told, f"{product.name} {product.version}", do
        )


def _same_version(declared: str, installed: str) -> bool:
    """Whether the register's version is this one, with or without the packager's epoch and revision."""
    upstream = installed.partition(":")[2] or installed
    return declared in (installed, upstream, upstream.rpartition("-")[0] or upstream)


def accounts(asset: Asset, seen: Observation, roster: tuple[Entry, ...], today: date) -> Iterator[Difference]:
    """Yield accounts that nobody of the roster has, and accounts of those who have left (45 CFR 164.308(a)(3)(ii)(C)).

    An account with which nobody can log in is none: no shell, or expired. A locked password is no lock, for SSH keys.
    """
    for one in seen.accounts:
        usable = one.can_log_in and one.state != "expired" and one.uid != NOBODY and one.name != "root"
        if not usable or (one.uid < FIRST_PERSON and one.state != "open" and not one.privileged):
            continue
        rights = " with the rights of root" if one.privileged else ""
        known = [entry for entry in roster if entry.covers(asset.id, one.name)]
        if not known:
            yield Difference(
                "account-without-entry", (asset.id, one.name), asset.id, asset.owner, f"account {one.name}{rights}",
                "somebody of the roster to have it", "close it, or add it to roster.yml",
            )  # fmt: skip
        elif all(entry.gone(today) for entry in known):
            last = max(entry.ends for entry in known if entry.ends)
            ids = ", ".join(entry.id for entry in known)
            yield Difference(
                "leavers-account", (asset.id, one.name), asset.id, asset.owner,
                f"account {one.name}{rights} of {ids}, whose last day was {last.isoformat()}", "no account",
                "close it today (expire it; a locked password leaves SSH keys)",
            )  # fmt: skip


def _not_compared(site: Site, facts: Facts, sweeps: tuple[Discovery, ...], now: datetime) -> Iterator[str]:
    """Say what is not known, so that no difference there means nothing."""
    for name, one in facts.fresh.items():
        yield from (f"{name}: {part}: {one.not_measured[part]}" for part in PARTS if part in one.not_measured)
    covered: dict[str, str] = {}
    limit = site.policy.inventory.max_age_hours
    for swept in sweeps:
        why_old = swept.unknown_because(now, limit)
        for segment in swept.swept:
            reason = why_old or swept.not_swept.get(segment, "")
            covered[segment] = "" if covered.get(segment) == "" else reason
    for name in site.segments:
        reason = covered.get(name, "nobody has swept it; run ansible-playbook holdfast.hipaa.discover")
        if not any(one.segment == name for one in site.policy.inventory.sweep):
            reason = "policy/inventory.yml sweeps it from nowhere, so who else is there is not known"
        if reason:
            yield f"segment {name}: {reason}"
    if site.roster is None:
        yield "accounts: there is no roster.yml, so whose they are is not known"
