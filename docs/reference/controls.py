# Copyright: (c) 2026, Holdfast contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Writes controls.md from the shipped baselines: `python docs/reference/controls.py >docs/reference/controls.md`."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import yaml

ROOT = Path(__file__).resolve().parents[2]
HEAD = """# Controls of the shipped baselines

Made from `baselines/` by `docs/reference/controls.py`; a test says so when it is out of date.
Each control supports the paragraphs of 45 CFR Part 164 that it cites.
Whether the rule is met is not for a program to say.
"""


def cell(value: Any) -> str:
    """Return a value as it stands in a table: as YAML would write it in one line."""
    return f"`{value if isinstance(value, (str, int)) else json.dumps(value)}`".replace("|", "\\|")


def page(baselines: list[dict[str, Any]]) -> str:
    """Return the whole page."""
    parts = [HEAD]
    for baseline in baselines:
        parts.append(f"\n## {baseline['id']} {baseline['version']}: {baseline['title']}\n")
        role = ""
        for control in baseline["controls"]:
            if control["role"] != role:
                role = control["role"]
                parts.append(f"\n### {role}\n\n| id | what holds | severity | value | compare | cites |\n")
                parts.append("| --- | --- | --- | --- | --- | --- |\n")
            columns = [
                control["id"],
                f"{control['title']}. {control['why']}",
                control["severity"],
                cell(control["value"]),
                control.get("compare", "equals"),
                ", ".join(control["hipaa"]),
            ]
            parts.append(f"| {' | '.join(columns)} |\n")
    return "".join(parts)


def shipped() -> list[dict[str, Any]]:
    """Return the shipped baselines, by name."""
    paths = sorted((ROOT / "baselines").glob("*.yml"))
    return [yaml.safe_load(path.read_text(encoding="utf-8")) for path in paths]


if __name__ == "__main__":
    sys.stdout.write(page(shipped()))
