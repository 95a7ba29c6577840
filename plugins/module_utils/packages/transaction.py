# Copyright: (c) 2026, Holdfast contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What apt would do: its simulation read into installs and removals, and compared with what a plan says."""

from __future__ import annotations

import re
from dataclasses import dataclass

from .commands import Done, run
from .errors import PackageError, Refusal

_INST = re.compile(r"^Inst (\S+) (?:\[([^\]]*)\] )?\((\S+) (?:.* )?\[([^\]\s]+)\]\)")
_REMV = re.compile(r"^(?:Remv|Purg) (\S+)(?: \[([^\]]*)\])?")
_PHASED = "The following upgrades have been deferred due to phasing:"


class NoSolutionError(PackageError):
    """apt can bring about what was asked in no way."""


@dataclass(frozen=True)
class Change:
    """One package apt would put on the host; before is None when it is not there yet."""

    name: str
    arch: str
    before: str | None
    version: str

    @property
    def key(self) -> tuple[str, str]:
        """Name and architecture."""
        return self.name, self.arch


@dataclass(frozen=True)
class Removal:
    """One package apt would take off the host; arch is None where apt does not say it (the native one)."""

    name: str
    arch: str | None
    version: str | None


@dataclass(frozen=True)
class Transaction:
    """Everything apt would change; phased names the upgrades the archive holds back from this host for now."""

    changes: tuple[Change, ...]
    removals: tuple[Removal, ...]
    phased: tuple[str, ...] = ()


def simulate(argv: list[str]) -> Transaction:
    """Run apt-get with these arguments (which must contain --simulate) and return what it would do.

    Raises NoSolutionError with apt's words when there is none.
    """
    answer = run(argv)
    if answer.code != 0:
        raise NoSolutionError(f"apt finds no solution: {_unmet(answer)}")
    return parse(answer.out)


def parse(text: str) -> Transaction:
    """Read apt-get --simulate."""
    changes, removals, phased = [], [], []
    in_phased = False
    for line in text.splitlines():
        inst, remv = _INST.match(line), _REMV.match(line)
        if inst:
            name = inst.group(1).partition(":")[0]
            changes.append(Change(name, inst.group(4), inst.group(2), inst.group(3)))
        elif line.startswith("Inst "):
            raise PackageError(f"apt said {line[:160]!r}, which Holdfast cannot read; report it")
        elif remv:
            name, _colon, arch = remv.group(1).partition(":")
            removals.append(Removal(name, arch or None, remv.group(2)))
        in_phased = line == _PHASED or (in_phased and line.startswith("  "))
        if in_phased and line.startswith("  "):
            phased.extend(line.split())
    return Transaction(tuple(changes), tuple(removals), tuple(phased))


def differences(
    would: Transaction,
    installs: dict[tuple[str, str], str],
    removes: set[str],
) -> tuple[Refusal, ...]:
    """Compare what apt would do with what was planned; installs maps (name, arch) to the version, removes has names.

    Names are apt's: bare for the native architecture, else with :arch.

    Each difference is one refusal: a package too many, one missing, another version, a removal nobody approved.
    """
    refused = []
    again = "make the plan again on this host as it is now"
    seen = {change.key: change for change in would.changes}
    for key, change in sorted(seen.items()):
        expected = installs.get(key)
        if expected != change.version:
            planned = "no change" if expected is None else f"{expected}"
            refused.append(Refusal(f"{key[0]} ({key[1]})", f"a change to {change.version}", planned, again))
    for key, version in sorted(installs.items()):
        if key not in seen:
            refused.append(Refusal(f"{key[0]} ({key[1]})", "no change", f"a change to {version}", again))
    removed = {removal.name + (f":{removal.arch}" if removal.arch else "") for removal in would.removals}
    refused.extend(Refusal(name, "a removal", "none", again) for name in sorted(removed - removes))
    refused.extend(Refusal(name, "no removal", "a removal", again) for name in sorted(removes - removed))
    return tuple(refused)


def _unmet(answer: Done) -> str:
    """Return apt's explanation: the lines on unmet dependencies when it gives them, then its errors."""
    lines = answer.out.splitlines()
    start = next((at for at, line in enumerate(lines) if "unmet dependencies" in line), None)
    unmet = "" if start is None else " ".join(line.strip() for line in lines[start + 1 :] if line.startswith(" "))
    return " | ".join(part for part in (unmet[:1000], answer.complaint()) if part)
