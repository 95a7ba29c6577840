# Copyright: (c) 2026, Holdfast contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which controls answer to a paragraph of the Security Rule, by the baselines of a site as they are now."""

from __future__ import annotations

from ..site.site import Site


def controls_citing(site: Site, citation: str) -> frozenset[str]:
    """Return the ids of the controls that cite a paragraph, or one beneath it: 164.312(a) has 164.312(a)(1) within."""
    return frozenset(
        control.id
        for baseline in site.baselines.values()
        for control in baseline.controls
        if any(one == citation or one.startswith(f"{citation}(") for one in control.hipaa)
    )
