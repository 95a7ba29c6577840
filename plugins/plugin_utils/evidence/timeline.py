# Copyright: (c) 2026, Holdfast contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The geometry of a change's time line: rings as rows, assets beneath, each turn a bar; numbers, no markup.

Waves last minutes and lie hours or days apart, so a true scale would show dots. Idle time between waves is
cut out, and each cut is drawn as a break that says how long it was; within a stretch of work the scale is true,
and the same for all stretches. Lengths are CSS pixels.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

from .axis import Axis, duration_text
from .waves import UNCHANGED, VERIFIED, Turn, Wave

CROWD = 6
"""A wave of more assets than this is drawn as one bar, with rows only for those that did not go well."""

_GOOD = (VERIFIED, UNCHANGED)


@dataclass(frozen=True)
class Style:
    """Measures of one drawing: `left` is where time begins; `stacked` sets labels above their bars, as on a phone."""

    width: int
    left: int
    row: int
    thickness: int
    top: int = 34
    right: int = 20
    gap: int = 26
    letter: float = 6.7
    stacked: bool = False

    @property
    def indent(self) -> int:
        """Where an asset's label begins."""
        return self.left if self.stacked else 12

    @property
    def label_room(self) -> float:
        """How many letters an asset's label may have."""
        return (self.width if self.stacked else self.left - 20) / self.letter


WIDE = Style(width=760, left=168, row=24, thickness=14)
NARROW = Style(width=328, left=4, row=36, thickness=14, gap=18, stacked=True)


@dataclass(frozen=True)
class Row:
    """One line of the drawing: a ring's heading, an asset, or the crowd of a wave."""

    kind: str
    label: str
    full: str
    x: float
    y: float
    height: float


@dataclass(frozen=True)
class Bar:
    """One stretch of one row; `kind` is what became of it, `mark_x` where its sign goes (None: no sign)."""

    kind: str
    x: float
    y: float
    width: float
    height: float
    title: str
    mark_x: float | None


@dataclass(frozen=True)
class Band:
    """The ground under one wave of one ring."""

    label: str
    x: float
    y: float
    width: float
    height: float
    label_y: float


@dataclass(frozen=True)
class Tick:
    """A time under which work began; `day` is empty where the day is that of the tick before."""

    x: float
    day: str
    time: str


@dataclass(frozen=True)
class Break:
    """Idle time cut out; `label` says how long, and is empty where there is no room for it."""

    x: float
    label: str
    title: str


@dataclass(frozen=True)
class Drawing:
    """Everything to draw, in drawing order."""

    width: int
    height: float
    left: float
    top: float
    bands: tuple[Band, ...]
    rows: tuple[Row, ...]
    bars: tuple[Bar, ...]
    ticks: tuple[Tick, ...]
    breaks: tuple[Break, ...]


def draw(waves: Sequence[Wave], style: Style, ring_order: Sequence[str] = ()) -> Drawing | None:
    """Return the drawing of one change's waves, or None where no asset had a turn yet."""
    if not waves:
        return None
    spans = [(wave.started_at, wave.until) for wave in waves]
    axis = Axis(spans, style.left, style.width - style.left - style.right, style.gap)
    rings = list(dict.fromkeys(wave.ring for wave in sorted(waves, key=lambda one: _rank(one.ring, ring_order))))
    bands: list[Band] = []
    rows: list[Row] = []
    bars: list[Bar] = []
    y = float(style.top)
    for ring in rings:
        y = _ring(ring, [wave for wave in waves if wave.ring == ring], axis, style, y, (bands, rows, bars))
    breaks = _breaks(axis, style)
    return Drawing(
        width=style.width,
        height=round(y + (16 if any(one.label for one in breaks) else 0), 1),
        left=style.left,
        top=style.top,
        bands=tuple(bands),
        rows=tuple(rows),
        bars=tuple(bars),
        ticks=_ticks(axis, style),
        breaks=breaks,
    )


def _rank(ring: str, order: Sequence[str]) -> int:
    return order.index(ring) if ring in order else len(order)


def _ring(
    ring: str,
    waves: Sequence[Wave],
    axis: Axis,
    style: Style,
    y: float,
    into: tuple[list[Band], list[Row], list[Bar]],
) -> float:
    """Add one ring's heading, wave grounds and rows; return where the next ring begins."""
    bands, rows, bars = into
    head = 24.0 if not style.stacked else 40.0
    top = y
    rows.append(Row("ring", ring, ring, style.left if style.stacked else 0, y, head))
    y += head
    places: dict[str, float] = {}
    spans: list[tuple[float, float]] = []
    for wave in waves:
        before = len(bars)
        crowd = [turn for turn in wave.turns if len(wave.turns) > CROWD and turn.result in _GOOD]
        if crowd:
            label = f"{len(crowd)} assets"
            rows.append(Row("crowd", label, ", ".join(turn.asset for turn in crowd), style.indent, y, style.row))
            bars.append(_crowd_bar(crowd, axis, style, y))
            y += style.row
        for turn in wave.turns:
            if turn in crowd:
                continue
            if turn.asset not in places:
                places[turn.asset] = y
                label = _fit(turn.asset, style.label_room)
                rows.append(Row("asset", label, turn.asset, style.indent, y, style.row))
                y += style.row
            bars.extend(_turn_bars(turn, axis, style, places[turn.asset]))
        mine = bars[before:]
        spans.append((min(one.x for one in mine), max(one.x + one.width for one in mine)))
    nexts = [*(start for start, _unused in spans[1:]), float(style.width)]
    for wave, (start, end), after in zip(waves, spans, nexts, strict=True):
        # A wave's name may run a little past its ground, but not into the next wave or a break.
        label = _wave_label(wave, len(waves), (min(after, end + style.gap / 2) - start) / style.letter)
        bands.append(Band(label, start - 2, top, round(end - start + 4, 1), round(y - top, 1), top + head - 8))
    return y + 8


def _wave_label(wave: Wave, waves: int, letters: float) -> str:
    """The longest of the wave's names that fits before the next wave's."""
    canary = waves > 1 and wave.number == 1
    names = [f"wave {wave.number}, canary", "canary"] if canary else [f"wave {wave.number}"]
    names.insert(0, f"{names[0]}, {duration_text(wave.until - wave.started_at)}")
    return next((name for name in [*names, str(wave.number)] if len(name) <= letters), "")


def _fit(text: str, letters: float) -> str:
    most = max(4, int(letters))
    return text if len(text) <= most else f"{text[: most - 1]}…"


def _bar_y(style: Style, y: float) -> float:
    return y + (style.row - style.thickness - 4 if style.stacked else (style.row - style.thickness) / 2)


def _bar(kind: str, start: float, end: float, style: Style, y: float, title: str, mark: bool) -> Bar:
    width = max(5.0, round(end - start, 1))
    # The sign stands in the bar where there is room, else just right of it.
    place = start + width / 2 if width >= 18 else start + width + 9
    return Bar(kind, start, _bar_y(style, y), width, style.thickness, title, round(place, 1) if mark else None)


def _turn_bars(turn: Turn, axis: Axis, style: Style, y: float) -> list[Bar]:
    start, end = axis.x(turn.started_at), axis.x(turn.ended_at)
    title = f"{turn.asset}: {turn.result.replace('_', ' ')}"
    if turn.rolled_back_at is None:
        return [_bar(turn.result, start, end, style, y, title, mark=True)]
    first = _bar("undone", start, end, style, y, f"{turn.asset}: {turn.outcome}, then undone", mark=False)
    back_from = max(first.x + first.width, axis.x(turn.back_from or turn.ended_at))
    back_to = max(axis.x(turn.until), back_from + 18)
    return [first, _bar(turn.result, back_from, back_to, style, y, title, mark=True)]


def _crowd_bar(turns: Sequence[Turn], axis: Axis, style: Style, y: float) -> Bar:
    kind = VERIFIED if all(turn.result == VERIFIED for turn in turns) else UNCHANGED
    start, end = min(turn.started_at for turn in turns), max(turn.until for turn in turns)
    title = f"{len(turns)} assets: {kind}"
    return _bar(kind, axis.x(start), axis.x(end), style, y, title, mark=True)


def _ticks(axis: Axis, style: Style) -> tuple[Tick, ...]:
    """One time per stretch, left out where it would run into the one before."""
    ticks: list[Tick] = []
    day = ""
    for stretch in axis.stretches:
        today = stretch.start.strftime("%Y-%m-%d")
        room = 0.0 if not ticks else ticks[-1].x + (72 if ticks[-1].day else 56)
        x = min(stretch.x, style.width - 58.0)
        if x >= room:
            ticks.append(Tick(round(x, 1), today if today != day else "", stretch.start.strftime("%H:%M:%S")))
            day = today
    return tuple(ticks)


def _breaks(axis: Axis, style: Style) -> tuple[Break, ...]:
    """Each cut with its length, written where it does not run into the one before or off the edge."""
    breaks: list[Break] = []
    free = 0.0
    for before, after in pairwise(axis.stretches):
        x = round(before.x + before.width + axis.gap / 2, 1)
        length = duration_text(after.start - before.end)
        half = (len(length) + 6) * style.letter / 2
        fits = x - half >= free and x + half <= style.width
        free = x + half if fits else free
        breaks.append(Break(x, f"{length} later" if fits else "", f"{length} with no wave"))
    return tuple(breaks)
