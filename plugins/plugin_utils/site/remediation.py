# Copyright: (c) 2026, Holdfast contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""policy/remediation.yml: what is mended without asking, when, and on how many hosts at once."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import time
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from .asset import duplicate_ids
from .baseline import SEVERITIES
from .problems import Fault
from .structure import Either, Fields, Items, Text, Whole, Word, slug

DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")

_CLOCK = r"([01][0-9]|2[0-3]):[0-5][0-9]"
_HOW = 'write it in quotes, "00:00" to '
_ZONE = Text("a zone of the IANA time zone database, such as Europe/Berlin", r"[A-Za-z0-9_+/-]{1,64}")

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
                optional={"window": slug("one of the windows below")},
            ),
            most=200,
        ),
        "windows": Items(
            Fields(
                "a window: name, days, from, to, zone",
                required={
                    "name": slug("the window's name"),
                    "days": Items(Word(DAYS), least=1, distinct=True),
                    "from": Text("a time of day", _CLOCK, do=f'{_HOW}"23:59"'),
                    "to": Text("a time of day", f"{_CLOCK}|24:00", do=f'{_HOW}"24:00"'),
                    "zone": _ZONE,
                },
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
class Window:
    """When drift may be mended: from `opens` to `closes` by the clocks of `zone`, on the days it opens on.

    A window that closes at or before the time it opens does so on the next day. `closes` is None for the day's end.
    """

    name: str
    days: tuple[str, ...]
    opens: time
    closes: time | None
    zone: ZoneInfo

    @classmethod
    def from_dict(cls, data: dict[str, Any]) -> Window:
        """Read a checked member of `windows`."""
        closes = None if data["to"] == "24:00" else time.fromisoformat(data["to"])
        return cls(data["name"], tuple(data["days"]), time.fromisoformat(data["from"]), closes, ZoneInfo(data["zone"]))

    def to_dict(self) -> dict[str, Any]:
        """Return the window as remediation.yml writes it."""
        closes = "24:00" if self.closes is None else f"{self.closes:%H:%M}"
        return {
            "name": self.name,
            "days": list(self.days),
            "from": f"{self.opens:%H:%M}",
            "to": closes,
            "zone": self.zone.key,
        }


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
    windows: tuple[Window, ...] = ()
    limits: tuple[Limit, ...] = ()

    @classmethod
    def from_dict(cls, data: dict[str, Any]) -> Remediation:
        """Read the checked file."""
        return cls(
            tuple(map(RemediationRule.from_dict, data["rules"])),
            tuple(map(Window.from_dict, data["windows"])),
            tuple(map(Limit.from_dict, data["limits"])),
        )

    def to_dict(self) -> dict[str, Any]:
        """Return the file's data."""
        return {
            "rules": [one.to_dict() for one in self.rules],
            "windows": [one.to_dict() for one in self.windows],
            "limits": [one.to_dict() for one in self.limits],
        }

    def rule_for(self, control: str, ring: str | None, severity: str) -> RemediationRule | None:
        """Return the first rule that fits, None where none does: then somebody is asked."""
        return next((rule for rule in self.rules if rule.fits(control, ring, severity)), None)

    def window(self, name: str) -> Window:
        """Return the window of that name; KeyError where there is none."""
        return {one.name: one for one in self.windows}[name]

    def hosts_per_hour(self, ring: str, size: int) -> int:
        """Return how many hosts of a ring may be changed within an hour; none where no limit names the ring."""
        return next((one.hosts(size) for one in self.limits if one.ring == ring), 0)


def remediation_faults(data: Any) -> Iterator[Fault]:
    """Yield what is wrong with remediation.yml by itself."""
    yield from REMEDIATION.faults(data)
    if not isinstance(data, dict):
        return
    rules, windows, limits = (_mappings(data.get(name)) for name in ("rules", "windows", "limits"))
    for members, name, key in ((rules, "rule", "id"), (windows, "window", "name"), (limits, "limit", "ring")):
        yield from duplicate_ids(members, (f"{name}s",), name, key)
    named = [window.get("name") for window in windows if isinstance(window.get("name"), str)]
    for index, rule in enumerate(rules):
        yield from _window_faults(rule, ("rules", index), named)
    for index, window in enumerate(windows):
        yield from _clock_faults(window, ("windows", index))


def _mappings(value: Any) -> list[dict[str, Any]]:
    return [one if isinstance(one, dict) else {} for one in value] if isinstance(value, list) else []


def _window_faults(rule: dict[str, Any], path: tuple[str | int, ...], named: list[Any]) -> Iterator[Fault]:
    then, window = rule.get("then"), rule.get("window")
    if then == "window" and window is None:
        yield Fault(path, "no window", "window: the name of one of windows", "add the line `window: ...`")
    elif then != "window" and window is not None:
        yield Fault((*path, "window"), f"a window, though the answer is {then}", "none", "write then: window")
    elif isinstance(window, str) and window not in named:
        listed = ", ".join(named) or "windows, which is empty"
        yield Fault((*path, "window"), f'the unknown window "{window}"', f"one of {listed}", "add it to windows")


def _clock_faults(window: dict[str, Any], path: tuple[str | int, ...]) -> Iterator[Fault]:
    opens, closes, zone = (window.get(name) for name in ("from", "to", "zone"))
    if isinstance(opens, str) and opens == closes:
        do = 'write "00:00" to "24:00" for a whole day'
        yield Fault((*path, "to"), f'"{closes}", when the window opens', "another time of day", do)
    if isinstance(zone, str) and not any(_ZONE.faults(zone)):
        try:
            ZoneInfo(zone)
        except (ZoneInfoNotFoundError, ValueError, OSError):
            yield Fault(
                (*path, "zone"),
                f'"{zone}", a zone this controller does not know',
                "a name such as Europe/Berlin or UTC",
                "correct it, or install the package tzdata",
            )


def unlimited(data: Any, rings: tuple[str, ...]) -> Iterator[Fault]:
    """Yield a fault for each of the site's rings that a rule mends without asking and no limit bounds."""
    rules, limits = (_mappings(data.get(name)) if isinstance(data, dict) else [] for name in ("rules", "limits"))
    limited = [limit.get("ring") for limit in limits]
    for index, rule in enumerate(rules):
        when = rule.get("when")
        named = when.get("ring") if isinstance(when, dict) else None
        for place, ring in enumerate(named if isinstance(named, list) else ()):
            if rule.get("then") in ("remediate", "window") and ring in rings and ring not in limited:
                do = f'add to limits, for example: {{ring: {ring}, hosts_per_hour: "25%"}}'
                found = f"{ring}, which is mended without asking and has no limit"
                yield Fault(("rules", index, "when", "ring", place), found, "a ring that limits names", do)
