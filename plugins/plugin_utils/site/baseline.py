# Copyright: (c) 2026, Holdfast contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Baselines: versioned sets of controls, each with the value that must hold and the probe that reads it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from .asset import duplicate_ids
from .exceptions import Waiver
from .overlays import Overlay
from .problems import Fault
from .structure import SETTING, Fields, Items, Pairs, Text, Word, slug

SEVERITIES = ("low", "medium", "high", "critical")

CITATION = r"164\.(306|308|310|312|314|316)(\([a-z]\))(\([1-9]\)(\([ivx]+\)(\([A-Z]\))?)?)?"
"""A paragraph of 45 CFR 164.306 to 164.316, the Security Rule, as it writes them: 164.308(a)(1)(ii)(B)."""

FROM_REGISTER = ("flows",)
"""What of an asset's entry in the register may stand for a control's value."""

_NAME = r"[a-z][a-z0-9_]{0,80}"

CONTROLS = Items(
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
            "probe": Pairs(
                "exactly one kind of probe and what to ask it",
                Text("a kind of probe", _NAME),
                SETTING,
                1,
                1,
            ),
        },
        optional={
            "nist": Items(
                Text(
                    "a control of NIST SP 800-53", r"[A-Z]{2}-[0-9]{1,2}(\([0-9]{1,2}\))?", do="write it like AC-17(2)"
                ),
                most=20,
                distinct=True,
            ),
            "rules": Items(
                Text(
                    "a public rule's source and identifier",
                    r"[a-z0-9-]+:[A-Za-z0-9._-]+",
                    do="write it like ssg:sshd_disable_root_login",
                ),
                most=20,
                distinct=True,
            ),
            "breaks": Text("what this can break, in one line"),
            "role": Text("the role that makes it true", _NAME),
            "variable": Text("the role variable that carries the value", _NAME),
            "manual": Text("what a person must do, where no role can make it true"),
            "compare": Text("how expected and observed are compared", _NAME),
        },
        one_of={
            "value": SETTING,
            "from_register": Word(FROM_REGISTER),
        },
    ),
    least=1,
    most=2000,
)

PART = Fields("a part of a baseline", required={"controls": CONTROLS})
"""What baselines/<id>/<part>.yml may hold."""

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
    },
    one_of={
        "controls": CONTROLS,
        "parts": Items(slug("a part: a file in the folder of the baseline's name"), least=1, most=100, distinct=True),
    },
)
"""What baselines/<id>.yml may hold: its controls, or the names of the files that hold them."""


@dataclass(frozen=True)
class Control:
    """One requirement that can be checked on an asset; `id` is stable and never used again for another."""

    id: str
    title: str
    why: str
    severity: str
    hipaa: tuple[str, ...]
    probe: dict[str, Any]
    value: Any = None
    compare: str = "equals"
    role: str = ""
    variable: str = ""
    """The role and its variable that make the control true; empty where only a person can."""
    manual: str = ""
    """What a person must do; empty where a role does it."""
    nist: tuple[str, ...] = ()
    rules: tuple[str, ...] = ()
    breaks: str = ""
    from_register: str = ""
    """What of the asset's entry in the register is the value; empty where the baseline says the value."""
    exception: Waiver | None = None
    """Resolved for an asset: the exception that waives it now."""
    lapsed: Waiver | None = None
    """Resolved for an asset: the exception that waived it until it ended."""
    overlay: Overlay | None = None
    """Resolved for an asset: the site's overlay; while that is in force `value` is its value."""

    @classmethod
    def from_dict(cls, data: dict[str, Any]) -> Control:
        """Read a checked member of a baseline's `controls`."""
        lists = {name: tuple(data.get(name, ())) for name in ("hipaa", "nist", "rules")}
        return cls(**{**data, **lists})

    def to_dict(self) -> dict[str, Any]:
        """Return the control as plain data, defaults included; this is what digests are taken over."""
        resolved = ("exception", "lapsed", "overlay")
        plain = {name: getattr(self, name) for name in self.__dataclass_fields__ if name not in resolved}
        lists = {name: list(plain[name]) for name in ("hipaa", "nist", "rules")}
        waived = {"exception": self.exception.id} if self.exception else {}
        return {**plain, **lists, "probe": dict(self.probe), **waived}


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
    yield from _controls_faults(data.get("controls"))


def part_faults(data: Any) -> Iterator[Fault]:
    """Yield what is wrong with one part of a baseline by itself."""
    yield from PART.faults(data)
    if isinstance(data, dict):
        yield from _controls_faults(data.get("controls"))


def _controls_faults(controls: Any) -> Iterator[Fault]:
    if not isinstance(controls, list):
        return
    yield from duplicate_ids(controls, ("controls",), "control")
    carried: dict[str, int] = {}
    for index, control in enumerate(controls):
        if not isinstance(control, dict):
            continue
        path = ("controls", index)
        wanting = [key for key in ("role", "variable") if key not in control]
        if "manual" not in control and wanting:
            expected = "the role and the variable that make it true, or manual: what a person must do"
            yield Fault(path, f"no {' and no '.join(wanting)}", expected, "add the one or the other")
        elif "manual" in control and len(wanting) < 2:
            yield Fault((*path, "manual"), "a role beside it", "a role, or work for a person", "keep one of the two")
        role, variable = control.get("role"), control.get("variable")
        if not isinstance(role, str) or not isinstance(variable, str):
            continue
        if not variable.startswith(f"{role}_"):
            yield Fault(
                (*path, "variable"),
                f'the text "{variable}"',
                f"a variable of the role {role}: {role}_...",
                "name the variable that the role declares",
            )
        if variable in carried:
            do = "give each control its own variable, for one value cannot hold two"
            yield Fault(
                (*path, "variable"),
                f'"{variable}" a second time (the other is controls[{carried[variable]}])',
                "each variable once",
                do,
            )
        carried.setdefault(variable, index)
