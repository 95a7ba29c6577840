# Copyright: (c) 2026, Holdfast contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The facts that a site's rules may ask for: a closed list, each of one kind, and what each means."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from .calendar import DAYS
from .problems import Fault, shown
from .quorum import OFFICES

TEXT, NUMBER, TRUTH, TEXTS, NUMBERS = "text", "number", "truth", "texts", "numbers"
"""The kinds of value; a fact is never `numbers`, which only a list written out is."""

CHANGING = ("stage", "patch", "rehearse", "remediate", "rollback")
"""The kinds of run that a rule may be about."""


@dataclass(frozen=True)
class Fact:
    """One fact. `choices` are all values of a text that has few, `low` and `high` the bounds of a number."""

    kind: str
    words: str
    always: bool = True
    """Whether every run that changes something has it; another is undefined where it makes no sense."""
    choices: tuple[str, ...] = ()
    low: int = 0
    high: int = 2**53 - 1
    consent: bool = False
    """Whether it grows with people's consent or with evidence: a rule may want more of it, never less."""

    def fault(self, value: Any) -> str:
        """Return what this fact's value would have to be where it is another; '' where it may be that."""
        if self.kind == TEXT:
            fits = isinstance(value, str) and (not self.choices or value in self.choices)
            return "" if fits else f"one of {', '.join(self.choices)}" if self.choices else "text"
        if self.kind == NUMBER:
            fits = isinstance(value, int) and not isinstance(value, bool) and self.low <= value <= self.high
            return "" if fits else f"a whole number, {self.low} to {self.high}"
        if self.kind == TRUTH:
            return "" if isinstance(value, bool) else "true or false"
        fits = isinstance(value, list) and all(isinstance(one, str) for one in value)
        fits = fits and (not self.choices or set(value) <= set(self.choices))
        return "" if fits else f"a list of {', '.join(self.choices) or 'texts'}"


FACTS: dict[str, Fact] = {
    "kind": Fact(TEXT, "what is about to run", choices=CHANGING),
    "ring": Fact(TEXT, "the ring that is asked about", always=False),
    "wave": Fact(NUMBER, "the wave's number in its ring; a ring as a whole has none", always=False),
    "hosts": Fact(TEXTS, "the hosts that are asked about"),
    "ring_hosts": Fact(NUMBER, "how many hosts of the register are in the ring", always=False),
    "implementer": Fact(TEXT, "who carries it out", always=False),
    "date": Fact(TEXT, "today, as 2026-11-22, by the clocks of `zone`"),
    "weekday": Fact(TEXT, "the day of the week, by the clocks of `zone`", choices=DAYS),
    "hour": Fact(NUMBER, "the hour of the day, by the clocks of `zone`", high=23),
    "day": Fact(NUMBER, "the day of the month, by the clocks of `zone`", low=1, high=31),
    "days_left": Fact(NUMBER, "days until the month's last day, which has 0", high=30),
    "month": Fact(NUMBER, "the month, by the clocks of `zone`", low=1, high=12),
    "change": Fact(TEXT, "the change's id", always=False),
    "change_kind": Fact(TEXT, "the change's kind", always=False, choices=("patch", "config")),
    "requester": Fact(TEXT, "who asked for it", always=False),
    "request_hours": Fact(NUMBER, "whole hours since it was asked for", always=False),
    "rings_asked": Fact(TEXTS, "the rings it was asked for", always=False),
    "approvals": Fact(NUMBER, "how many approvals count for this ring now", always=False, consent=True),
    "approvers": Fact(TEXTS, "whose approvals count for this ring now", always=False, consent=True),
    "offices": Fact(TEXTS, "the offices they hold", always=False, choices=OFFICES, consent=True),
    "emergency": Fact(TRUTH, "whether the glass is broken for this ring", always=False),
    "safeguards": Fact(TEXTS, "the technical safeguards it touches, as 164.312(d)", always=False),
    "open_runs": Fact(NUMBER, "how many runs of it are open", always=False),
    "plan_hours": Fact(NUMBER, "whole hours since the plan was made", always=False),
    "plan_hosts": Fact(NUMBER, "how many hosts the plan has, in all rings", always=False),
    "packages": Fact(TEXTS, "the packages it installs on the hosts asked about", always=False),
    "cves": Fact(TEXTS, "the flaws it mends on them", always=False),
    "without_way_back": Fact(TEXTS, "those of the packages that have no way back", always=False),
    "security_only": Fact(TRUTH, "whether all of these come from security archives", always=False),
    "failing": Fact(TEXTS, "the controls that would be mended without a change", always=False),
    "hosts_unwell": Fact(NUMBER, "members of clusters whose last word on record is bad"),
    "rehearsed": Fact(NUMBER, "on how many hosts this plan was rolled back and forward", consent=True),
}
"""Every fact, by its name."""


def facts_faults(value: Any, path: tuple[str | int, ...]) -> Iterator[Fault]:
    """Yield what is wrong with facts that a case of `holdfast policy test` states."""
    if not isinstance(value, dict):
        yield Fault(path, shown(value), "facts by their names", "write `name: value` lines")
        return
    for name, said in value.items():
        if name not in FACTS:
            yield Fault((*path, name), "an unknown fact", "one of those in docs/reference/rules.md", "correct it")
        elif expected := FACTS[name].fault(said):
            yield Fault((*path, name), shown(said), expected, "correct it")
