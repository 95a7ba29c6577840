# Copyright: (c) 2026, Holdfast contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""How the page reads the model to people: times, counts, orders. The templates' filters, each a pure function."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from datetime import datetime, timedelta
from typing import Any

from ..audit.report import Finding
from .axis import duration_text
from .changes import Change
from .compliance import (
    COMPLIANT,
    FAIL,
    NON_COMPLIANT,
    NOT_MEASURED,
    NOT_SHOWN,
    WAIVED,
    WAIVED_IN_PART,
    AssetStanding,
    ControlStanding,
    Counts,
    severity_rank,
)  # fmt: skip
from .packages import all_cves
from .waves import Wave
from .words import EXPLAINED, SIGN, TONE, WORDS


def utc(moment: datetime | None) -> str:
    """A time for people: 2026-11-21 22:00:03 UTC."""
    return moment.strftime("%Y-%m-%d %H:%M:%S UTC") if moment else "never"


def day(moment: datetime) -> str:
    """The date of a time."""
    return moment.strftime("%Y-%m-%d")


def clock(moment: datetime) -> str:
    """The time of day, with its zone."""
    return moment.strftime("%H:%M:%S UTC")


def iso(moment: datetime) -> str:
    """A time for machines: 2026-11-21T22:00:03Z."""
    return moment.strftime("%Y-%m-%dT%H:%M:%SZ")


def age(moment: datetime, now: datetime) -> str:
    """How long before `now`, in words."""
    return f"{duration_text(max(now - moment, timedelta()))} before this report"


def short(digest: str | None) -> str:
    """The first twelve digits, enough to tell digests apart by eye."""
    return (digest or "")[:12]


def word(name: str) -> str:
    """The words people read for one of the model's names; an unknown name is shown as it is."""
    if name.startswith("verified:"):
        return f"verified up to {name.removeprefix('verified:')}"
    return WORDS.get(name, name.replace("_", " "))


def sign(name: str) -> str:
    """The sign that stands beside a name."""
    return "dots" if name.startswith("verified:") else SIGN.get(name, "dash")


def tone(name: str) -> str:
    """The style class that colours a name."""
    return "in_part" if name.startswith("verified:") else TONE.get(name, name)


def share(counts: Counts) -> Sequence[tuple[str, float, float]]:
    """The five verdicts as (name, start, length) on a line of 100, leaving out empty ones."""
    total, at, found = counts.registered or 1, 0.0, []
    for name, number in parts(counts):
        if number:
            found.append((name, round(at, 2), round(number * 100 / total, 2)))
            at += number * 100 / total
    return found


def count(number: int, noun: str, many: str = "") -> str:
    """1 finding, 2 findings; `many` where the plural has another form."""
    return f"{number} {noun if number == 1 else many or noun + 's'}"


def parts(counts: Counts) -> Sequence[tuple[str, int]]:
    """The five verdicts and how many controls got each, in their order."""
    return (
        ("pass", counts.passed),
        ("fail", counts.failed),
        ("waived", counts.waived),
        ("not_applicable", counts.not_applicable),
        ("not_measured", counts.not_measured),
    )


def tally(counts: Counts) -> str:
    """The verdicts that occur, in words: 40 pass, 1 fail."""
    return ", ".join(f"{number} {word(name)}" for name, number in parts(counts) if number) or "no control"


def misses(counts: Counts) -> str:
    """What is no pass, in words; empty when all pass."""
    return ", ".join(f"{number} {word(name)}" for name, number in parts(counts)[1:] if number)


def sentence(text: str) -> str:
    """Text with a capital and a full stop, for the audit's notes, which have neither."""
    return f"{text[:1].upper()}{text[1:]}".rstrip(".") + "."


def by_code(found: Iterable[Finding]) -> list[tuple[str, list[Finding]]]:
    """Findings of one code together, in the order the codes are met: one cause can repeat for every entry."""
    groups: dict[str, list[Finding]] = {}
    for one in found:
        groups.setdefault(one.code, []).append(one)
    return list(groups.items())


def worst_first(standings: Iterable[AssetStanding]) -> list[AssetStanding]:
    """Non-compliant before not shown before waived before compliant; the register's order within."""
    order = (NON_COMPLIANT, NOT_SHOWN, WAIVED_IN_PART, COMPLIANT)
    return sorted(standings, key=lambda one: order.index(one.counts.word))


def by_ring(standings: Iterable[AssetStanding], order: Sequence[str]) -> list[tuple[str, list[AssetStanding], Counts]]:
    """The assets and summed verdicts of each ring, in the policy's order."""
    members: dict[str, list[AssetStanding]] = {ring: [] for ring in order}
    for standing in standings:
        members.setdefault(standing.ring, []).append(standing)
    return [(ring, mine, sum((one.counts for one in mine), Counts())) for ring, mine in members.items() if mine]


def findings(
    standings: Iterable[AssetStanding],
) -> list[tuple[str, list[tuple[ControlStanding, list[str]]]]]:
    """Controls that fail, were not measured or are waived: by verdict, worst severity first, with assets."""
    groups: list[tuple[str, list[tuple[ControlStanding, list[str]]]]] = []
    listed = list(standings)
    for verdict in (FAIL, NOT_MEASURED, WAIVED):
        same: dict[tuple[str, str], tuple[ControlStanding, list[str]]] = {}
        for standing in listed:
            for control in standing.with_result(verdict):
                same.setdefault((control.control_id, control.why), (control, []))[1].append(standing.asset)
        if same:
            found = sorted(same.values(), key=lambda one: (severity_rank(one[0].severity), one[0].control_id))
            groups.append((verdict, found))
    return groups


def states(changes: Iterable[Change]) -> list[tuple[str, int]]:
    """How many changes are in which state, in the order the states are met."""
    found: dict[str, int] = {}
    for change in changes:
        found[change.state] = found.get(change.state, 0) + 1
    return list(found.items())


def name(change: Change) -> str:
    """The plan's title; without a plan at hand, the kind of change and what it was about."""
    if change.title:
        return change.title
    assets = [asset for ring in change.rings for asset in ring.planned]
    return f"{word(change.kind).capitalize()} of {count(len(assets), 'asset')}"


def results(change: Change) -> list[str]:
    """The results that occur in a change's waves, for its legend."""
    met = {turn.result for wave in change.waves for turn in wave.turns}
    if any(turn.rollback for wave in change.waves for turn in wave.turns):
        met.add("undone")
    return [result for result in EXPLAINED if result in met]


def in_ring(waves: Iterable[Wave], ring: str) -> int:
    """How many waves a ring had."""
    return sum(wave.ring == ring for wave in waves)


FILTERS: dict[str, Callable[..., Any]] = {
    "age": age,
    "by_code": by_code,
    "by_ring": by_ring,
    "clock": clock,
    "cves": all_cves,
    "day": day,
    "explained": EXPLAINED.__getitem__,
    "findings": findings,
    "in_ring": in_ring,
    "iso": iso,
    "misses": misses,
    "name": name,
    "plural": count,
    "results": results,
    "sentence": sentence,
    "share": share,
    "short": short,
    "sign": sign,
    "states": states,
    "tally": tally,
    "tone": tone,
    "utc": utc,
    "word": word,
    "worst_first": worst_first,
}
