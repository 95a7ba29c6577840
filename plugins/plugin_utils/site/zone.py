# Copyright: (c) 2026, Holdfast contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Times of day and zones as policy/calendar.yml writes them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from .problems import Fault
from .structure import Path, Text

CLOCK = r"([01][0-9]|2[0-3]):[0-5][0-9]"
CLOCK_DO = 'write it in quotes, "00:00" to '
ZONE = Text("a zone of the IANA time zone database, such as Europe/Berlin", r"[A-Za-z0-9_+/-]{1,64}")


def zone_faults(zone: Any, path: Path) -> Iterator[Fault]:
    """Yield that this controller knows no zone of that name; one that is no name has been reported."""
    if not isinstance(zone, str) or any(ZONE.faults(zone)):
        return
    try:
        ZoneInfo(zone)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        yield Fault(
            path,
            f'"{zone}", a zone this controller does not know',
            "a name such as Europe/Berlin or UTC",
            "correct it, or install the package tzdata",
        )
