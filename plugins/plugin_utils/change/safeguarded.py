# Copyright: (c) 2026, Holdfast contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which technical safeguards a plan touches: those that its controls are, or whose programs it replaces.

Nobody types that in: it follows from the plan, the register and the baselines (docs/adr/0025).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from datetime import datetime

from ..ledger.reading import Record
from ..site.asset import Asset
from ..site.baseline import Control
from ..site.site import Site
from .plan import Plan
from .standard import agreements
from .state import ChangeState


def touched(plan: Plan, site: Site, now: datetime) -> tuple[str, ...]:
    """Return the paragraphs of 45 CFR 164.312 that a plan touches, sorted.

    A configuration change touches each safeguard that a role makes true on one of its assets. A patch touches those
    whose program it replaces. What is waived at `now` (aware), and what only a person does, no plan touches. An asset
    that is registered no more counts for nothing: the gate refuses it anyway.
    """
    alike: dict[tuple[str, ...], list[tuple[Asset, set[str]]]] = {}
    known = {asset.id: asset for asset in site.assets}
    for planned in plan.assets:
        if (asset := known.get(planned.asset)) is not None:
            alike.setdefault(asset.baselines, []).append((asset, {package.name for package in planned.packages}))
    found: set[str] = set()
    for baselines, assets in alike.items():
        for control in (control for name in baselines for control in site.baselines[name].controls):
            cited = site.safeguards.cited(control)
            if not cited <= found and any(
                (plan.kind == "config" or site.safeguards.replaced(control, names))
                and not _waived(control, asset, site, now)
                for asset, names in assets
            ):
                found |= cited
    return tuple(sorted(found))


def _waived(control: Control, asset: Asset, site: Site, now: datetime) -> bool:
    return any(one.control == control.id and one.in_force(now) and one.scope.covers(asset) for one in site.exceptions)


def informed(
    state: ChangeState,
    plan: Plan | None,
    site: Site,
    officers: Mapping[str, frozenset[str]],
    now: datetime,
    records: Iterable[Record] = (),
) -> ChangeState:
    """Return the state with what its records do not tell: safeguards that its plan touches now, and who holds office.

    Of `records`, all of the ledger, those who agreed to the template that it was made from are among its consents.

    A safeguard that was asked for stays one, whatever the baselines say since.
    """
    derived = touched(plan, site, now) if plan is not None and plan.digest == state.plan else ()
    # Before all others: what somebody says of this very change is their later word.
    consents = (*agreements(state, plan, site.policy.standard, records, now), *state.consents)
    known = tuple(sorted({*state.safeguards, *derived}))
    return replace(state, safeguards=known, officers=officers, consents=consents)
