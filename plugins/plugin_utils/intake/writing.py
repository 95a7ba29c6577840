# Copyright: (c) 2026, Holdfast contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Writing items as a register's YAML: for people to read, and such that reading.py takes each text for what it is."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from ..site.register import COMPLETE, PLUGIN
from .proposal import Proposal, Proposed

_BARE = re.compile(r"[A-Za-z][A-Za-z0-9_/@.-]*(?: [A-Za-z0-9_/@.-]+)*")
_WORDS = frozenset({"true", "false", "null", "yes", "no", "on", "off", "y", "n"})
"""What a reader of YAML 1.1 or 1.2 takes for something else than text."""
_ORDER = (
    "id", "kind", "title", "owner", "ring", "address", "segment", "location", "environment", "exposure", "data_class",
    "tier", "vendor", "product", "baselines", "cluster", "window", "intermittent", "depends_on", "flows", "serves",
    "vars", "health",
)  # fmt: skip


def quoted(text: str) -> str:
    """Return text in double quotes that mean the same to readers of JSON and of YAML."""
    escaped = (
        char if char.isprintable() or ord(char) > 0xFFFF else f"\\u{ord(char):04x}"
        for char in json.dumps(text, ensure_ascii=False)
    )
    return "".join(escaped)


def inline(value: Any) -> str:
    """Return a value on one line."""
    if isinstance(value, str):
        return value if _BARE.fullmatch(value) and value.lower() not in _WORDS else quoted(value)
    if isinstance(value, list):
        return f"[{', '.join(map(inline, value))}]"
    if isinstance(value, dict):
        return "{" + ", ".join(f"{inline(key)}: {inline(member)}" for key, member in value.items()) + "}"
    return json.dumps(value)


def entry(data: Mapping[str, Any]) -> Iterator[str]:
    """Yield the lines of one member of `assets` or `items`, without comments."""
    mark = "-"
    for key, value in sorted(data.items(), key=lambda one: _ORDER.index(one[0])):
        if key == "health" and value:
            yield f"  {mark} {key}:"
            yield from (f"      - {inline(check)}" for check in value)
        else:
            yield f"  {mark} {key}: {inline(value)}"
        mark = " "


def register_text(proposal: Proposal, source: str) -> str:
    """Return a register that holds what is proposed, with a comment for all that a person has still to say."""
    lines = [
        "---",
        f"# Proposed from {_comment(source)}. Nothing of it is in force until it stands in a site's holdfast.yml.",
        f"plugin: {PLUGIN}",
        f"version: {COMPLETE}",
    ]
    for part in ("assets", "items"):
        chosen = [one for one in proposal.new if one.part == part]
        if chosen:
            lines += ["", f"{part}:", *_members(chosen)]
        elif part == "assets":
            lines += ["", "assets: []"]
    return "\n".join(lines) + "\n"


def _members(chosen: Iterable[Proposed]) -> Iterator[str]:
    for one in chosen:
        yield f"  # {_comment(one.where)}"
        yield from (f"  # {_comment(note)}" for note in one.notes)
        if one.missing:
            yield f"  # missing: {', '.join(one.missing)}"
        yield from entry(one.data)


def _comment(text: str) -> str:
    """Return a stranger's text as it may stand in a comment: on one line, printable."""
    return "".join(char if char.isprintable() else "?" for char in text)[:300]
