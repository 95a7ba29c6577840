# Copyright: (c) 2026, Holdfast contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The fault matrix: what was injected when, what the next run did, and how it ended; one file for each fault.

`python -m tests.faults.matrix` prints it, and ends with 1 when a fault did not end whole or none was injected;
`--write` also puts it into docs/explanation/faults.md.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
FOLDER = ROOT / "build" / "faults"
PAGE = ROOT / "docs" / "explanation" / "faults.md"
BEGIN, END = "<!-- matrix -->", "<!-- /matrix -->"
HEAD = ("fault", "when", "its run ended", "the next run", "hosts", "audit", "seconds")


@dataclass(frozen=True)
class Row:
    """What came of one fault. `hosts` says of each where it is: on the plan, back, or what else was found."""

    order: int
    fault: str
    when: str
    first: str
    then: str
    hosts: dict[str, str]
    audit: str
    seconds: float
    whole: bool

    def cells(self) -> tuple[str, ...]:
        """Return the row's cells."""
        states = sorted(set(self.hosts.values()))
        hosts = states[0] if len(states) == 1 else ", ".join(f"{name} {state}" for name, state in self.hosts.items())
        return (self.fault, self.when, self.first, self.then, hosts, self.audit, f"{self.seconds:.0f}")


def forget(folder: Path = FOLDER) -> None:
    """Remove the rows of an earlier run, lest they count for faults that are not injected any more."""
    for file in folder.glob("*.json"):
        file.unlink()


def keep(name: str, row: Row, folder: Path = FOLDER) -> None:
    """Keep a fault's row."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / f"{name}.json").write_text(json.dumps(asdict(row), indent=1), encoding="utf-8")


def read(folder: Path = FOLDER) -> list[Row]:
    """Return the rows that are there, in the order of the tests."""
    rows = [Row(**json.loads(file.read_text(encoding="utf-8"))) for file in folder.glob("*.json")]
    return sorted(rows, key=lambda row: (row.order, row.fault, row.when))


def verdict(rows: Sequence[Row]) -> str:
    """Return the last line: how many faults ended whole."""
    return f"{sum(row.whole for row in rows)} of {len(rows)} faults ended whole"


def plain(rows: Sequence[Row]) -> list[str]:
    """Return the matrix for a terminal."""
    cells = [HEAD, *(row.cells() for row in rows)]
    widths = [max(len(row[column]) for row in cells) for column in range(len(HEAD))]
    return ["  ".join(word.ljust(width) for word, width in zip(row, widths, strict=True)).rstrip() for row in cells]


def marked(rows: Sequence[Row]) -> list[str]:
    """Return the matrix for a page."""
    cells = [HEAD, ("---",) * len(HEAD), *(row.cells() for row in rows)]
    return [f"| {' | '.join(cell.replace('|', '/') for cell in row)} |" for row in cells]


def renewed(page: str, rows: Sequence[Row], day: str) -> str:
    """Return the page with this matrix. Raises ValueError when it has not one of each marker, in order."""
    before, begin, rest = page.partition(BEGIN)
    _old, end, after = rest.partition(END)
    if not begin or not end:
        raise ValueError(f"expected the lines {BEGIN} and {END}, in this order, where the matrix belongs")
    told = "\n".join([f"As printed on {day}: {verdict(rows)}.", "", *marked(rows)])
    return f"{before}{BEGIN}\n{told}\n{END}{after}"


def main(words: Sequence[str]) -> int:
    """Print the matrix; write it too, where asked."""
    rows = read()
    print("\n".join([*plain(rows), verdict(rows)] if rows else ["no fault was injected"]))
    if rows and "--write" in words:
        page = renewed(PAGE.read_text(encoding="utf-8"), rows, datetime.now(UTC).date().isoformat())
        PAGE.write_text(page, encoding="utf-8")
    return 0 if rows and all(row.whole for row in rows) else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
