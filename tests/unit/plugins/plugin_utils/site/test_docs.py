# Copyright: (c) 2026, Holdfast contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The reference pages name every key that a file may have."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from ansible_collections.holdfast.hipaa.plugins.plugin_utils.cli.check import SHAPES

REFERENCE = Path(__file__).resolve().parents[5] / "docs" / "reference"
PAGES = {
    "baseline": "site.md",
    "calendar": "policy.md",
    "excepting": "policy.md",
    "exceptions": "site.md",
    "feeds": "feeds.md",
    "holdfast": "register.md",
    "inventory": "policy.md",
    "leadership": "policy.md",
    "notices": "../howto/check-on-schedule.md",
    "overlays": "site.md",
    "part": "site.md",
    "patching": "policy.md",
    "pipeline": "policy.md",
    "remediation": "policy.md",
    "rings": "policy.md",
    "roster": "site.md",
    "rule_cases": "rules.md",
    "rules": "rules.md",
    "risk": "policy.md",
    "site": "site.md",
    "standard": "policy.md",
    "trust": "trust.md",
}


def keys(schema: Any) -> set[str]:
    """Return every key named anywhere in a JSON Schema's `properties`."""
    if isinstance(schema, list):
        return set().union(*map(keys, schema)) if schema else set()
    if not isinstance(schema, dict):
        return set()
    named = set(schema.get("properties", {}))
    return named.union(*(keys(member) for member in schema.values()))


@pytest.mark.skipif(not REFERENCE.is_dir(), reason="the built collection carries its tests, but not docs/")
@pytest.mark.parametrize("name", PAGES)
def test_every_key_is_in_the_reference(name: str) -> None:
    page = (REFERENCE / PAGES[name]).read_text(encoding="utf-8")
    assert sorted(key for key in keys(SHAPES[name].schema()) if f"`{key}`" not in page) == []
