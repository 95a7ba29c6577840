# Copyright: (c) 2026, Holdfast contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""policy/remediation.yml: what is mended without asking, when, and on how many hosts at once."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from .asset import duplicate_ids
from .baseline import SEVERITIES
from .calendar import mappings
from .problems import Fault
from .structure import Either, Fields, Items, Text, Whole, Word, slug

REMEDIATION = Fields(
    "what may be mended without asking",
    required={
        "rules": Items(
            Fields(
                "a rule",
                required={
                    "id": slug("the rule's id"),
                    "when": Fields(
                        "when the rule speaks",
                        required={
                            "ring": Items(slug("a ring's name"), least=1, distinct=True),
                            "severity": Items(Word(SEVERITIES), least=1, distinct=True),
                        },
                        optional={
                            "control": Items(
                                Text("a control's id, * for any part of it", r"[a-z*][a-z0-9*-]{0,54}"),
                                least=1,
                                most=2000,
                                distinct=True,
                            ),
                        },
                    ),
                    "then": Word(("remediate", "window", "ask")),
                },
                optional={"window": slug("one of the windows of policy/calendar.yml")},
            ),
            most=200,
        ),
        "limits": Items(
            Fields(
                "a limit: ring, hosts_per_hour",
                required={
                    "ring": slug("a ring's name"),
                    "hosts_per_hour": Either(
                        'how many hosts may be changed within an hour: a number, or a share "1%" to "100%" of the ring',
                        (Whole("hosts", 0, 100_000), Text("percent", r"([1-9][0-9]?|100)%")),
                    ),
                },
            ),
            most=200,
        ),
    },
)
"""What policy/remediation.yml may hold."""


@dataclass(frozen=True)
class RemediationRule:
    """What is done about drift of these severities in these rings (and of these controls); the first that fits decides.

    `controls` are ids in which * stands for anything; `window` is empty unless `then` is window.
    """

    id: str
    rings: tuple[str, ...]
    severities: tuple[str, ...]
    then: str
    controls: tuple[str, ...] = ("*",)
    window: str = ""

    @classmethod
    def from_dict(cls, data: dict[str, Any]) -> RemediationRule:
        """Read a checked member of `rules`."""
        when = data["when"]
        return cls(
            data["id"],
            tuple(when["ring"]),
            tuple(when["severity"]),
            data["then"],
            tuple(when.get("control", ("*",))),
            data.get("window", ""),
        )

    def to_dict(self) -> dict[str, Any]:
        """Return the rule as remediation.yml writes it."""
        when = {"ring": list(self.rings), "severity": list(self.severities), "control": list(self.controls)}
        return {"id": self.id, "when": when, "then": self.then, **({"window": self.window} if self.window else {})}

    def fits(self, control: str, ring: str | None, severity: str) -> bool:
        """Say whether the rule speaks of this drift."""
        if ring not in self.rings or severity not in self.severities:
            return False
        return any(re.fullmatch(".*".join(map(re.escape, name.split("*"))), control) for name in self.controls)


@dataclass(frozen=True)
class Limit:
    """How many hosts of a ring may be changed within an hour without an approved change."""

    ring: str
    hosts_per_hour: int | str

    @classmethod
    def from_dict(cls, data: dict[str, Any]) -> Limit:
        """Read a checked member of `limits`."""
        return cls(**data)

    def to_dict(self) -> dict[str, Any]:
        """Return the limit as remediation.yml writes it."""
        return {"ring": self.ring, "hosts_per_hour": self.hosts_per_hour}

    def hosts(self, size: int) -> int:
        """Return the number for a ring of `size` hosts; a share is rounded down, but is at least one host."""
        if isinstance(self.hosts_per_hour, int):
            return self.hosts_per_hour
        return max(1, size * int(self.hosts_per_hour.rstrip("%")) // 100)


@dataclass(frozen=True)
class Remediation:
    """The whole file; `rules` are read from the first to the last."""

    rules: tuple[RemediationRule, ...]
    limits: tuple[Limit, ...] = ()

    @classmethod
    def from_dict(cls, data: dict[str, Any]) -> Remediation:
        """Read the checked file."""
        return cls(
            tuple(map(RemediationRule.from_dict, data["rules"])),
            tuple(map(Limit.from_dict, data["limits"])),
        )

    def to_dict(self) -> dict[str, Any]:
        """Return the file's data."""
        return {
            "rules": [one.to_dict() for one in self.rules],
            "limits": [one.to_dict() for one in self.limits],
        }

    def rule_for(self, control: str, ring: str | None, severity: str) -> RemediationRule | None:
        """Return the first rule that fits, None where none does: then somebody is asked."""
        return next((rule for rule in self.rules if rule.fits(control, ring, severity)), None)

    def hosts_per_hour(self, ring: str, size: int) -> int:
        """Return how many hosts of a ring may be changed within an hour; none where no limit names the ring."""
        return next((one.hosts(size) for one in self.limits if one.ring == ring), 0)


def remediation_faults(data: Any) -> Iterator[Fault]:
    """Yield what is wrong with remediation.yml by itself."""
    if isinstance(data, dict) and "windows" in data:
        found = "windows, which stand in policy/calendar.yml"
        yield Fault(("windows",), found, "rules and limits alone", "move them there; rules go on naming them")
        data = {key: value for key, value in data.items() if key != "windows"}
    yield from REMEDIATION.faults(data)
    if not isinstance(data, dict):
        return
    rules, limits = (mappings(data.get(name)) for name in ("rules", "limits"))
    for members, name, key in ((rules, "rule", "id"), (limits, "limit", "ring")):
        yield from duplicate_ids(members, (f"{name}s",), name, key)
    for index, rule in enumerate(rules):
        then, window = rule.get("then"), rule.get("window")
        if then == "window" and window is None:
            do = "add the line `window: ...`"
            yield Fault(("rules", index), "no window", "window: the name of one of windows", do)
        elif then != "window" and window is not None:
            found = f"a window, though the answer is {then}"
            yield Fault(("rules", index, "window"), found, "none", "write then: window")


def unlimited(data: Any, rings: tuple[str, ...]) -> Iterator[Fault]:
    """Yield a fault for each of the site's rings that a rule mends without asking and no limit bounds."""
    rules, limits = (mappings(data.get(name)) if isinstance(data, dict) else [] for name in ("rules", "limits"))
    limited = [limit.get("ring") for limit in limits]
    for index, rule in enumerate(rules):
        when = rule.get("when")
        named = when.get("ring") if isinstance(when, dict) else None
        for place, ring in enumerate(named if isinstance(named, list) else ()):
            if rule.get("then") in ("remediate", "window") and ring in rings and ring not in limited:
                do = f'add to limits, for example: {{ring: {ring}, hosts_per_hour: "25%"}}'
                found = f"{ring}, which is mended without asking and has no limit"
                yield Fault(("rules", index, "when", "ring", place), found, "a ring that limits names", do)
