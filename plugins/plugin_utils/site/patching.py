# Copyright: (c) 2026, Holdfast contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""policy/patching.yml: what a patch plan takes up, and what happens to files, services and hosts around it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from typing import Any

from .structure import Fields, Items, Pairs, Text, Whole, Word, slug

DECISIONS = ("keep", "replace", "stop")

PATCHING = Fields(
    "what is patched",
    required={
        "updates": Word(("security", "all")),
        "exclude": Items(
            Text("a package's name, * for any part of it", r"[A-Za-z0-9*][A-Za-z0-9+._*-]*", 200),
            most=500,
            distinct=True,
        ),
        "lists_max_age_hours": Whole("hours, 1 to 720", 1, 720),
        "rollback": Word(("required", "optional")),
    },
    optional={
        "conffiles": Fields(
            "what becomes of settings that were changed on the host: default, paths",
            optional={
                "default": Word(DECISIONS),
                "paths": Pairs(
                    "paths, * for any part, and what becomes of each",
                    Text("an absolute path, * for any part of it", r"/[^\x00-\x1f\x7f]*", 500),
                    Word(DECISIONS),
                ),
            },
        ),
        "restarts": Fields(
            "what becomes of services that run on replaced files: default, protected, windows",
            optional={
                "default": Word(("restart", "list")),
                "protected": Items(
                    Text("a systemd unit's name, * for any part of it", r"[A-Za-z0-9@._:\\*-]{1,255}"),
                    most=200,
                    distinct=True,
                ),
                "windows": Items(slug("one of the windows of policy/calendar.yml"), most=50, distinct=True),
            },
        ),
        "reboots": Fields(
            "what becomes of hosts that need a reboot: when, minutes",
            optional={"when": Word(("needed", "never")), "minutes": Whole("minutes, 1 to 240", 1, 240)},
        ),
        "obstacles": Fields(
            "from when on something is called an obstacle: min_free_percent, key_days",
            optional={
                "min_free_percent": Whole("percent, 0 to 50", 0, 50),
                "key_days": Whole("days, 0 to 3650", 0, 3650),
            },
        ),
        "install_minutes": Whole("minutes, 1 to 240", 1, 240),
        "lock_minutes": Whole("minutes, 1 to 240", 1, 240),
    },
)


@dataclass(frozen=True)
class Conffiles:
    """What becomes of a package's settings that were changed on the host: keep, replace, or stop the asset's update.

    `paths` are patterns in their order; the first that fits a path decides.
    """

    default: str = "keep"
    paths: Mapping[str, str] = field(default_factory=dict)

    def decision(self, path: str) -> str:
        """Return keep, replace or stop for an absolute path; * in a pattern stands for anything, slashes too."""
        return next((what for glob, what in self.paths.items() if fnmatchcase(path, glob)), self.default)

    def to_dict(self) -> dict[str, Any]:
        """Return the decisions as patching.yml writes them."""
        return {"default": self.default, "paths": dict(self.paths)}


@dataclass(frozen=True)
class Restarts:
    """What becomes of services on replaced files; a protected one is restarted inside its windows alone, else listed.

    With no windows a protected service is never restarted, but listed.
    """

    default: str = "restart"
    protected: tuple[str, ...] = ()
    windows: tuple[str, ...] = ()

    def is_protected(self, unit: str) -> bool:
        """Say whether the unit is protected, with or without `.service` at its end."""
        names = {unit, unit.removesuffix(".service")}
        return any(fnmatchcase(name, glob) for name in names for glob in self.protected)

    def to_dict(self) -> dict[str, Any]:
        """Return the settings as patching.yml writes them."""
        return {"default": self.default, "protected": list(self.protected), "windows": list(self.windows)}


@dataclass(frozen=True)
class Reboots:
    """Whether a host that needs it is rebooted, and for how many minutes it may stay away."""

    when: str = "needed"
    minutes: int = 10

    def to_dict(self) -> dict[str, Any]:
        """Return the settings as patching.yml writes them."""
        return {"when": self.when, "minutes": self.minutes}


@dataclass(frozen=True)
class Thresholds:
    """From when on something is an obstacle: less free space, in percent; a key that ends within so many days."""

    min_free_percent: int = 5
    key_days: int = 30

    def to_dict(self) -> dict[str, Any]:
        """Return the thresholds as patching.yml writes them."""
        return {"min_free_percent": self.min_free_percent, "key_days": self.key_days}


@dataclass(frozen=True)
class Patching:
    """What a patch plan takes up: which updates, never which packages, how old (hours) the lists may be; and how."""

    updates: str
    exclude: tuple[str, ...]
    lists_max_age_hours: int
    rollback: str
    conffiles: Conffiles = field(default_factory=Conffiles)
    restarts: Restarts = field(default_factory=Restarts)
    reboots: Reboots = field(default_factory=Reboots)
    obstacles: Thresholds = field(default_factory=Thresholds)
    install_minutes: int = 30
    """How long one host's transaction may take before it is called hung."""
    lock_minutes: int = 5
    """How long a host's package lock is waited for, which somebody else's apt or dnf holds."""

    @classmethod
    def from_dict(cls, data: dict[str, Any]) -> Patching:
        """Read a checked patching.yml."""
        restarts = data.get("restarts", {})
        return cls(
            **{
                **data,
                "exclude": tuple(data["exclude"]),
                "conffiles": Conffiles(**data.get("conffiles", {})),
                "restarts": Restarts(
                    restarts.get("default", "restart"),
                    tuple(restarts.get("protected", ())),
                    tuple(restarts.get("windows", ())),
                ),
                "reboots": Reboots(**data.get("reboots", {})),
                "obstacles": Thresholds(**data.get("obstacles", {})),
            }
        )

    def to_dict(self) -> dict[str, Any]:
        """Return the settings as patching.yml writes them, defaults included."""
        return {
            "updates": self.updates,
            "exclude": list(self.exclude),
            "lists_max_age_hours": self.lists_max_age_hours,
            "rollback": self.rollback,
            "conffiles": self.conffiles.to_dict(),
            "restarts": self.restarts.to_dict(),
            "reboots": self.reboots.to_dict(),
            "obstacles": self.obstacles.to_dict(),
            "install_minutes": self.install_minutes,
            "lock_minutes": self.lock_minutes,
        }
