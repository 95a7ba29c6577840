# Copyright: (c) 2026, Holdfast contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The controls of one asset at one moment: the one list that probe, roles and digests read.

Baseline, register, overlays and exceptions meet here and nowhere else, so that what is waived for the probe is waived
for the role.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from datetime import datetime
from typing import Any

from .asset import Asset
from .baseline import Control
from .exceptions import Waiver
from .network import ANYWHERE
from .overlays import Overlay


def resolve(
    asset: Asset,
    controls: Iterable[Control],
    segments: Mapping[str, tuple[str, ...]],
    exceptions: Iterable[Waiver],
    overlays: Iterable[Overlay],
    now: datetime,
) -> Iterator[Control]:
    """Yield the controls as they bind the asset at `now` (aware), in their order.

    Each has its value for this asset, and the exception or the overlay that concerns it; one that has ended changes
    nothing, but is named as lapsed.
    """
    waivers = {one.control: one for one in exceptions if one.control and one.scope.covers(asset)}
    overlaid = {one.control: one for one in overlays if one.scope.covers(asset)}
    for control in controls:
        changes: dict[str, Any] = {}
        if control.from_register:
            changes["value"] = flows(asset, segments)
        if control.id in overlaid:
            overlay = overlaid[control.id]
            changes.update({"value": overlay.value} if overlay.in_force(now) else {}, overlay=overlay)
        if control.id in waivers:
            waiver = waivers[control.id]
            changes["exception" if waiver.in_force(now) else "lapsed"] = waiver
        yield replace(control, **changes) if changes else control


def role_values(controls: Iterable[Control]) -> dict[str, Any]:
    """Return the role variables of resolved controls; None, for "leave it alone", where one is waived."""
    return {c.variable: None if c.exception else c.value for c in controls if c.role}


def flows(asset: Asset, segments: Mapping[str, tuple[str, ...]]) -> list[str]:
    """Return what an asset accepts, one `tcp/22 from 192.0.2.0/24` a port and network."""
    return sorted(
        {
            f"{flow.protocol}/{flow.port} from {network}"
            for flow in asset.flows
            for segment in flow.segments
            for network in ([ANYWHERE] if segment == ANYWHERE else segments[segment])
        }
    )
