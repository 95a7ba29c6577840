# Copyright: (c) 2026, Holdfast contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Counts the drills: what was broken where, what was detected, and what nobody drilled.

Each place (a release in containers, the virtual machine) leaves one file in build/drills/; `python -m tests.tally`
prints them.
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Collection, Iterable
from dataclasses import asdict, dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
FOLDER = ROOT / "build" / "drills"
MACHINE = "vm"


@dataclass(frozen=True)
class Tally:
    """What came of one place's drills. `place` is container or vm; `asked` and `detected` are ids of controls."""

    name: str
    place: str
    release: str
    asked: tuple[str, ...]
    detected: tuple[str, ...]


def forget(name: str = "*", folder: Path = FOLDER) -> None:
    """Remove what an earlier run left, lest it count for one that never ends."""
    for file in folder.glob(f"{name}.json"):
        file.unlink()


def write(tally: Tally, folder: Path = FOLDER) -> None:
    """Keep a place's result."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / f"{tally.name}.json").write_text(json.dumps(asdict(tally), indent=1), encoding="utf-8")


def read(folder: Path = FOLDER) -> list[Tally]:
    """Return the results that are there, by name."""
    found = []
    for file in sorted(folder.glob("*.json")):
        told = json.loads(file.read_text(encoding="utf-8"))
        found.append(Tally(**{**told, "asked": tuple(told["asked"]), "detected": tuple(told["detected"])}))
    return found


def subsystem(control: str) -> str:
    """Return the subsystem of a control's id: ssh for ssh-01."""
    return control.rpartition("-")[0]


def by_place(tallies: Iterable[Tally]) -> list[str]:
    """Return what each place detected, in all and of each subsystem; what it did not is named."""
    told = []
    for tally in tallies:
        where = "in the virtual machine" if tally.place == MACHINE else "in a container"
        told.append(f"{tally.release} {where}: Detected {len(tally.detected)} of {len(tally.asked)}")
        for name in sorted({subsystem(control) for control in tally.asked}):
            asked = [control for control in tally.asked if subsystem(control) == name]
            missed = [control for control in asked if control not in tally.detected]
            note = f" (not: {', '.join(missed)})" if missed else ""
            told.append(f"  {name}: Detected {len(asked) - len(missed)} of {len(asked)}{note}")
    return told


@dataclass(frozen=True)
class Total:
    """What containers of one release and the virtual machine detected together; falsy when something is missing."""

    release: str
    in_containers: frozenset[str]
    in_machine: frozenset[str]
    missing: frozenset[str]

    def __bool__(self) -> bool:
        return not self.missing

    def __str__(self) -> str:
        detected = len(self.in_containers | self.in_machine)
        line = f"{self.release}: Detected {detected} of {detected + len(self.missing)}"
        line += f" ({len(self.in_containers)} in containers"
        line += f", {len(self.in_machine - self.in_containers)} in the virtual machine)"
        return line + (f"; missing: {', '.join(sorted(self.missing))}" if self.missing else "")


def totals(tallies: Iterable[Tally], remediable: Collection[str]) -> list[Total]:
    """Return one total for each release drilled in containers; `remediable` are all ids that must be detected."""
    tallies = list(tallies)
    machine = frozenset(control for tally in tallies if tally.place == MACHINE for control in tally.detected)
    found = []
    for release in dict.fromkeys(tally.release for tally in tallies if tally.place != MACHINE):
        here = [tally for tally in tallies if tally.release == release and tally.place != MACHINE]
        inside = frozenset(control for tally in here for control in tally.detected)
        found.append(Total(release, inside, machine, frozenset(remediable) - inside - machine))
    return found


def main() -> int:
    """Print the report; exit code 1 when a remediable control was not detected, or nothing was drilled.

    Where there is no virtual machine its drills are not asked for, unless LAB_REQUIRED is set.
    """
    # They need the collection on the path, which reading results does not.
    from tests.drilling import controls, drills

    tallies = read()
    remediable = {control.id for control in controls() if control.role}
    lines = by_place(tallies)
    if not any(tally.place == MACHINE for tally in tallies) and not os.environ.get("LAB_REQUIRED"):
        left_out = {drill.control for some in drills().values() for drill in some if drill.place == MACHINE}
        remediable -= left_out
        lines.append(f"without the virtual machine: {len(left_out)} controls are left out")
    whole = totals(tallies, remediable)
    for line in [*lines, *map(str, whole)] if whole else ["nothing was drilled"]:
        print(line)
    return 0 if whole and all(whole) else 1


if __name__ == "__main__":
    sys.exit(main())
