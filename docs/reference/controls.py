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
    lines = [HEAD]
    for baseline in baselines:
        lines.append(f"\n## {baseline['id']} {baseline['version']}: {baseline['title']}\n")
        for part, controls in baseline["parts"].items():
            lines.append(f"\n### {part}\n\n| id | what holds | severity | value | compare | cites |\n")
            lines.append("| --- | --- | --- | --- | --- | --- |\n")
            lines.extend(row(control) for control in controls)
    return "".join(lines)


def row(control: dict[str, Any]) -> str:
    """Return one control's line of the table."""
    told = [f"{control['title']}. {control['why']}"]
    told += [f"Can break: {control['breaks']}"] if "breaks" in control else []
    told += [f"By a person: {control['manual']}"] if "manual" in control else []
    columns = [
        control["id"],
        " ".join(told),
        control["severity"],
        cell(control["value"]) if "value" in control else f"the register's {control['from_register']}",
        control.get("compare", "equals"),
        ", ".join([*control["hipaa"], *control.get("nist", []), *control.get("rules", [])]),
    ]
    return f"| {' | '.join(columns)} |\n"


def shipped() -> list[dict[str, Any]]:
    """Return the shipped baselines, by name; `parts` holds the controls of each part by its name."""
    found = []
    for path in sorted((ROOT / "baselines").glob("*.yml")):
        baseline = yaml.safe_load(path.read_text(encoding="utf-8"))
        files = {part: path.with_suffix("") / f"{part}.yml" for part in baseline["parts"]}
        parts = {part: yaml.safe_load(file.read_text(encoding="utf-8"))["controls"] for part, file in files.items()}
        found.append({**baseline, "parts": parts})
    return found


if __name__ == "__main__":
    sys.stdout.write(page(shipped()))
