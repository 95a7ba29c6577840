# Copyright: (c) 2026, Holdfast contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The time line's axis: which place a time has when idle time is cut out, and how lengths of time are said."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

_SHORTEST_BREAK = timedelta(seconds=20)


@dataclass(frozen=True)
class Stretch:
    """A stretch of work: its times, and where it lies."""

    start: datetime
    end: datetime
    x: float
    width: float


class Axis:
    """Maps a time to a place: stretches of work at one scale, each at least a few pixels, and breaks."""

    def __init__(self, spans: Iterable[tuple[datetime, datetime]], left: float, width: float, gap: float) -> None:
        merged = _merge(sorted(spans))
        work = sum(((end - start).total_seconds() for start, end in merged), 0.0)
        gap = min(gap, width * 0.4 / max(1, len(merged) - 1))
        free = width - gap * (len(merged) - 1)
        least = min(24.0, free / (2 * len(merged)))
        scale = (free - least * len(merged)) / work if work else 0.0
        stretches, x = [], left
        for start, end in merged:
            wide = least + (end - start).total_seconds() * scale
            stretches.append(Stretch(start, end, x, wide))
            x += wide + gap
        self.stretches = tuple(stretches)
        self.gap = gap

    def x(self, moment: datetime) -> float:
        """Return the place of a time; one outside every stretch sits at the nearest edge."""
        for stretch in self.stretches:
            if moment <= stretch.end:
                length = (stretch.end - stretch.start).total_seconds()
                done = max(0.0, (moment - stretch.start).total_seconds())
                return round(stretch.x + (stretch.width * done / length if length else 0.0), 1)
        return round(self.stretches[-1].x + self.stretches[-1].width, 1)


def _merge(spans: Sequence[tuple[datetime, datetime]]) -> list[tuple[datetime, datetime]]:
    """Join spans whose gap is short beside the work, so that only real idle time is cut out."""
    work = sum(((end - start) for start, end in spans), timedelta())
    longest = max(_SHORTEST_BREAK, work / 4)
    merged = [spans[0]]
    for start, end in spans[1:]:
        if start - merged[-1][1] <= longest:
            merged[-1] = (merged[-1][0], max(merged[-1][1], end))
        else:
            merged.append((start, end))
    return merged


def duration_text(length: timedelta) -> str:
    """A length of time as people say it, two units at most: 45 s, 3 min 5 s, 2 h 10 min, 3 d 4 h."""
    seconds = max(0, round(length.total_seconds()))
    units = (("d", 86400), ("h", 3600), ("min", 60), ("s", 1))
    for place, (name, size) in enumerate(units):
        if seconds >= size or size == 1:
            text = f"{seconds // size} {name}"
            rest = seconds % size
            if place + 1 < len(units):
                smaller, per = units[place + 1]
                if rest >= per:
                    text += f" {rest // per} {smaller}"
            return text
    return "0 s"
