# Copyright: (c) 2026, Holdfast contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Writes the table of variables into each role's README: `python docs/reference/roles.py [ROLE ...]`, without any: all.

A table is made from the role's argument_specs and defaults, and stands between two markers; what stands outside them
is the author's.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import yaml

ROOT = Path(__file__).resolve().parents[2]
BEGIN, END = "<!-- variables -->", "<!-- /variables -->"


def roles(root: Path = ROOT) -> list[str]:
    """Return the names of all roles, sorted."""
    return sorted(path.parent.parent.name for path in root.glob("roles/*/meta/argument_specs.yml"))


def table(specs: dict[str, Any], defaults: dict[str, Any]) -> str:
    """Return the table of an entry point's options (name -> argument spec) with their defaults."""
    rows = ["| variable | type | default | meaning |", "| --- | --- | --- | --- |"]
    for name, option in specs.items():
        words = option.get("description", "")
        meaning = " ".join(words) if isinstance(words, list) else words
        if "choices" in option:
            meaning += f" One of {', '.join(_code(choice) for choice in option['choices'])}."
        kind = option.get("type", "str")
        kind += f" of {option['elements']}" if "elements" in option else ""
        default = _code(defaults[name]) if name in defaults else "required" if option.get("required") else ""
        cells = (f"`{name}`", kind, default, " ".join(meaning.split()))
        rows.append("| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |")
    return "\n".join(rows)


def renewed(readme: str, made: str) -> str:
    """Return the README with `made` between its markers. Raises ValueError when it has not one of each, in order."""
    before, begin, rest = readme.partition(BEGIN)
    _old, end, after = rest.partition(END)
    if not begin or not end or BEGIN in rest or END in after:
        raise ValueError(f"expected the lines {BEGIN} and {END} once each, in this order, where the table belongs")
    return f"{before}{BEGIN}\n{made}\n{END}{after}"


def page(role: str, root: Path = ROOT) -> str:
    """Return a role's README as it should be. Raises ValueError as `renewed` does, OSError for a missing file."""
    folder = root / "roles" / role
    specs = yaml.safe_load((folder / "meta" / "argument_specs.yml").read_text(encoding="utf-8"))
    defaults = yaml.safe_load((folder / "defaults" / "main.yml").read_text(encoding="utf-8")) or {}
    options = specs["argument_specs"]["main"].get("options", {})
    return renewed((folder / "README.md").read_text(encoding="utf-8"), table(options, defaults))


def _code(value: Any) -> str:
    return f"`{value if isinstance(value, (str, int)) and value != '' else json.dumps(value)}`"


def main(names: Sequence[str]) -> int:
    """Renew the READMEs of these roles; exit code 1 when one could not be."""
    code = 0
    for role in names or roles():
        file = ROOT / "roles" / role / "README.md"
        try:
            text = page(role)
        except (OSError, ValueError) as error:
            print(f"{file.relative_to(ROOT)}: {error}", file=sys.stderr)
            code = 1
            continue
        if text != file.read_text(encoding="utf-8"):
            file.write_text(text, encoding="utf-8")
            print(file.relative_to(ROOT))
    return code


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
