# Copyright: (c) 2026, Holdfast contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The whole register as JSON: a register again, that reading.py takes for the very one it was made from."""

from __future__ import annotations

import json
from typing import Any

from ..site.register import PLUGIN
from ..site.site import Site
from .writing import quoted


def register_of(site: Site) -> dict[str, Any]:
    """Return the register of a site as the data its file holds, defaults included."""
    rest = {
        "segments": {name: list(networks) for name, networks in site.segments.items()},
        "clusters": {name: cluster.to_dict() for name, cluster in site.clusters.items()},
        "vendors": {name: vendor.to_dict() for name, vendor in site.vendors.items()},
        "items": [item.to_dict() for item in site.items if not item.managed],
        "data_flows": [flow.to_dict() for flow in site.data_flows],
    }
    return {
        "plugin": PLUGIN,
        "version": site.register_version,
        "assets": [asset.to_dict() for asset in site.assets],
        **{name: value for name, value in rest.items() if value},
    }


def register_json(site: Site) -> str:
    """Return it as JSON, indented, that readers of YAML take for the same."""
    return _laid_out(register_of(site), "") + "\n"


def _laid_out(value: Any, margin: str) -> str:
    inner = margin + "  "
    if isinstance(value, dict) and value:
        members = (f"{inner}{quoted(key)}: {_laid_out(member, inner)}" for key, member in value.items())
        return "{\n" + ",\n".join(members) + f"\n{margin}}}"
    if isinstance(value, list) and value:
        return "[\n" + ",\n".join(inner + _laid_out(member, inner) for member in value) + f"\n{margin}]"
    return quoted(value) if isinstance(value, str) else json.dumps(value)
