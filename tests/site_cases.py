# Copyright: (c) 2026, Holdfast contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Cases of spoiled sites: a good site, edits that spoil it, and every problem that must be named.

Those of tests/unit/cases/site spoil the small good site beside them, those of tests/unit/cases/register the register of
inventories/example.
"""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

CASES = Path(__file__).parent / "unit" / "cases"
FOLDER = CASES / "site"
GOOD = FOLDER / "good"
REGISTER = CASES / "register"
EXAMPLE = Path(__file__).parents[1] / "inventories" / "example"
"""Only a checkout has it: the built collection carries its tests, but no inventories."""


@dataclass(frozen=True)
class Case:
    """One way to spoil the good site."""

    name: str
    why: str
    edits: list[dict[str, Any]]
    problems: list[str]
    good: Path = GOOD

    def lay_out(self, folder: Path) -> Path:
        """Copy the good site to `folder`, spoil it, and return the folder."""
        shutil.copytree(self.good, folder, dirs_exist_ok=True)
        for edit in self.edits:
            path = folder / edit["file"]
            path.parent.mkdir(exist_ok=True)
            if "put" not in edit:
                path.unlink()
            elif "find" not in edit:
                path.write_text(edit["put"], encoding="utf-8")
            else:
                text = path.read_text(encoding="utf-8")
                assert edit["find"] in text, f"{self.name}: {edit['file']} has no {edit['find']!r} to replace"
                path.write_text(text.replace(edit["find"], edit["put"], 1), encoding="utf-8")
        return folder


def cases(folder: Path = FOLDER, good: Path = GOOD) -> list[Case]:
    """Return all cases of a folder in the order of their names."""
    loaded = ((path.stem, yaml.safe_load(path.read_text(encoding="utf-8"))) for path in sorted(folder.glob("*.yml")))
    return [Case(name=name, **data, good=good) for name, data in loaded]


def register_cases() -> list[Case]:
    """Return the cases of damaged registers; none where there is no example to damage."""
    return cases(REGISTER, EXAMPLE) if EXAMPLE.is_dir() else []


def case(name: str) -> Case:
    """Return one case by its name."""
    return next(one for one in cases() if one.name == name)
