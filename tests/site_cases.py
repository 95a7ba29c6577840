# Copyright: (c) 2026, Holdfast contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The cases of tests/unit/cases/site: a good site, edits that spoil it, and every problem that must be named."""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

FOLDER = Path(__file__).parent / "unit" / "cases" / "site"
GOOD = FOLDER / "good"


@dataclass(frozen=True)
class Case:
    """One way to spoil the good site."""

    name: str
    why: str
    edits: list[dict[str, Any]]
    problems: list[str]

    def lay_out(self, folder: Path) -> Path:
        """Copy the good site to `folder`, spoil it, and return the folder."""
        shutil.copytree(GOOD, folder, dirs_exist_ok=True)
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


def cases() -> list[Case]:
    """Return all cases in the order of their names."""
    loaded = ((path.stem, yaml.safe_load(path.read_text(encoding="utf-8"))) for path in sorted(FOLDER.glob("*.yml")))
    return [Case(name=name, **data) for name, data in loaded]


def case(name: str) -> Case:
    """Return one case by its name."""
    return next(one for one in cases() if one.name == name)
