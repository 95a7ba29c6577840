# Copyright: (c) 2026, Holdfast contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is wrong with a file of the site: where, what was found, what was expected, and what to do."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from ..errors import SiteError

Key = str | int
"""One step into a file: a mapping's key, or a place in a list (from 0)."""


@dataclass(frozen=True)
class Fault:
    """One thing wrong at one place of a piece of data; which file it came from is not yet known."""

    path: tuple[Key, ...]
    found: str
    expected: str
    do: str

    @property
    def where(self) -> str:
        """The path as a person writes it: `assets[3].owner`."""
        text = ""
        for key in self.path:
            text += f"[{key}]" if isinstance(key, int) else f".{key}" if text else key
        return text


@dataclass(frozen=True)
class Problem:
    """A fault, and the file and line (from 1) it stands on."""

    file: str
    line: int
    fault: Fault

    def __str__(self) -> str:
        fault = self.fault
        where = f"{fault.where}: " if fault.path else ""
        return f"{self.file}:{self.line}: {where}{fault.found}; expected {fault.expected}; {fault.do}"

    def to_dict(self) -> dict[str, Any]:
        """Return the problem as plain data, for `--format json`."""
        fault = self.fault
        return {
            "file": self.file,
            "line": self.line,
            "path": fault.where,
            "found": fault.found,
            "expected": fault.expected,
            "do": fault.do,
        }


SHOWN = 20
"""How many problems an error's text shows; one mistake in a large register can repeat for every asset."""


class SiteFilesError(SiteError):
    """A site that is refused. `problems` holds all that were found; the text shows the first, one a line."""

    def __init__(self, problems: Iterable[Problem]) -> None:
        self.problems = tuple(sorted(problems, key=lambda problem: (problem.file, problem.line, problem.fault.where)))
        more = len(self.problems) - SHOWN
        rest = [f"... and {more} more; `holdfast check` lists them all"] if more > 0 else []
        super().__init__("\n".join([*map(str, self.problems[:SHOWN]), *rest]))


def shown(value: Any) -> str:
    """Return a value as an error message shows it: its kind, and as much of it as fits."""
    if value is None:
        return "nothing"
    if isinstance(value, bool):
        return f"the truth value {str(value).lower()}"
    if isinstance(value, (int, float)):
        return f"the number {value}"
    if isinstance(value, str):
        # As JSON, so that a control character shows as what it is.
        return f"the text {json.dumps(value if len(value) <= 60 else value[:57] + '...', ensure_ascii=False)}"
    if isinstance(value, list):
        return "a list" if value else "an empty list"
    return "a mapping" if value else "an empty mapping"
