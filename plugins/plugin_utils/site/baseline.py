# Copyright: (c) 2026, Holdfast contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Baselines: versioned sets of controls, each with the value that must hold and the probe that reads it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from .asset import duplicate_ids
from .problems import Fault
from .structure import SETTING, Fields, Items, Pairs, Text, Word, slug

SEVERITIES = ("low", "medium", "high", "critical")

CITATION = r"164\.(306|308|310|312|314|316)(\([a-z]\))(\([1-9]\)(\([ivx]+\)(\([A-Z]\))?)?)?"
"""A paragraph of 45 CFR 164.306 to 164.316, the Security Rule, as it writes them: 164.308(a)(1)(ii)(B)."""

_NAME = r"[a-z][a-z0-9_]{0,80}"

BASELINE = Fields(
    "a baseline",
    required={
        "id": slug("the baseline's id, which is its file's name"),
        "title": Text("what kind of asset it is for, in one line", most=200),
        "version": Text(
            "a semantic version such as 1.0.0, in quotes",
            r"(0|[1-9][0-9]*)\.(0|[1-9][0-9]*)\.(0|[1-9][0-9]*)",
            40,
        ),
        "controls": Items(
            Fields(
                "a control",
                required={
                    "id": Text(
                        "a stable id: subsystem, dash, number",
                        r"[a-z][a-z0-9-]{0,50}-[0-9]{2,4}",
                        do="write it like ssh-01",
                    ),
                    "title": Text("what must hold, in one line", most=200),
                    "why": Text("why it must hold, in one line"),
                    "severity": Word(SEVERITIES),
                    "hipaa": Items(
                        Text(
                            "a paragraph of the Security Rule, 164.306 to 164.316",
                            CITATION,
                            do="write it like 164.312(a)(2)(i)",
                        ),
                        least=1,
                        most=20,
                        distinct=True,
                    ),
                    "role": Text("the role that makes it true", _NAME),
                    "variable": Text("the role variable that carries the value", _NAME),
                    "value": SETTING,
                    "probe": Pairs(
                        "exactly one kind of probe and what to ask it",
                        Text("a kind of probe", _NAME),
                        SETTING,
                        1,
                        1,
                    ),
                },
                optional={
                    "compare": Text("how expected and observed are compared", _NAME),
                },
            ),
            least=1,
            most=2000,
        ),
    },
)
"""What baselines/<id>.yml may hold."""


@dataclass(frozen=True)
class Control:
    """One requirement that can be checked on an asset; `id` is stable and never used again for another."""

    id: str
    title: str
    why: str
    severity: str
    hipaa: tuple[str, ...]
    role: str
    variable: str
    value: Any
    probe: dict[str, Any]
    compare: str = "equals"

    @classmethod
    def from_dict(cls, data: dict[str, Any]) -> Control:
        """Read a checked member of a baseline's `controls`."""
        return cls(**{**data, "hipaa": tuple(data["hipaa"])})

    def to_dict(self) -> dict[str, Any]:
        """Return the control as plain data, defaults included; this is what digests are taken over."""
        return {
            "id": self.id,
            "title": self.title,
            "why": self.why,
            "severity": self.severity,
            "hipaa": list(self.hipaa),
            "role": self.role,
            "variable": self.variable,
            "value": self.value,
            "probe": dict(self.probe),
            "compare": self.compare,
        }


@dataclass(frozen=True)
class Baseline:
    """A versioned set of controls for one kind of asset."""

    id: str
    title: str
    version: str
    controls: tuple[Control, ...]

    @classmethod
    def from_dict(cls, data: dict[str, Any]) -> Baseline:
        """Read a checked baseline file."""
        return cls(data["id"], data["title"], data["version"], tuple(map(Control.from_dict, data["controls"])))

    def to_dict(self) -> dict[str, Any]:
        """Return the baseline as its file writes it, defaults included."""
        controls = [control.to_dict() for control in self.controls]
        return {"id": self.id, "title": self.title, "version": self.version, "controls": controls}


def baseline_faults(data: Any, name: str) -> Iterator[Fault]:
    """Yield what is wrong with a baseline by itself; `name` is its file's name without the ending."""
    yield from BASELINE.faults(data)
    if not isinstance(data, dict):
        return
    if isinstance(data.get("id"), str) and data["id"] != name:
        yield Fault(("id",), f'the text "{data["id"]}"', f'"{name}", the file\'s name', "rename the one or the other")
    controls = data.get("controls")
    if not isinstance(controls, list):
        return
    yield from duplicate_ids(controls, ("controls",), "control")
    carried: dict[str, int] = {}
    for index, control in enumerate(controls):
        role, variable = (control.get("role"), control.get("variable")) if isinstance(control, dict) else (None, None)
        if not isinstance(role, str) or not isinstance(variable, str):
            continue
        path = ("controls", index, "variable")
        if not variable.startswith(f"{role}_"):
            yield Fault(
                path,
                f'the text "{variable}"',
                f"a variable of the role {role}: {role}_...",
                "name the variable that the role declares",
            )
        if variable in carried:
            do = "give each control its own variable, for one value cannot hold two"
            yield Fault(
                path,
                f'"{variable}" a second time (the other is controls[{carried[variable]}])',
                "each variable once",
                do,
            )
        carried.setdefault(variable, index)
