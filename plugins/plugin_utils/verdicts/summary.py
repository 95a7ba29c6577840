# Copyright: (c) 2026, Holdfast contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a person reads of a host's verdicts: counts that add up, and a line for everything that is no pass."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from typing import Any, Protocol

from .verdict import RESULTS, Verdict

LONGEST_LIST = 6  # members that a line still shows one by one
SHOWN = ("fail", "waived", "not_measured")


class Titled(Protocol):
    """What a line says of a control besides its verdict."""

    @property
    def id(self) -> str: ...
    @property
    def title(self) -> str: ...


def summary(verdicts: Iterable[Verdict]) -> dict[str, int]:
    """Return how many verdicts there are of each of the five kinds; every kind is there, zero or not."""
    counts = dict.fromkeys(RESULTS, 0)
    for verdict in verdicts:
        counts[verdict.result] += 1
    return counts


def shown(value: Any) -> str:
    """Return a value as a reader tells text, number, list and nothing apart; a long list by its length."""
    if isinstance(value, list) and len(value) > LONGEST_LIST:
        return f"{len(value)} values"
    return "nothing" if value is None else json.dumps(value, ensure_ascii=False)


def line(title: str, verdict: Verdict) -> str:
    """Return one verdict in one line: `ssh-02 fail expected "no", actual "yes" (title)`."""
    if verdict.result in ("not_applicable", "not_measured"):
        return f"{verdict.control_id} {verdict.result} {verdict.why} ({title})"
    told = f", {verdict.why}" if verdict.why else ""
    difference = f"expected {shown(verdict.expected)}, actual {shown(verdict.actual)}{told}"
    return f"{verdict.control_id} {verdict.result} {difference} ({title})"


def lines(
    host: str, controls: Iterable[Titled], verdicts: Iterable[Verdict], notes: Mapping[str, str] | None = None
) -> list[str]:
    """Return the counts of a host, then a line for each verdict that somebody must look at.

    `notes`, by control id, stand indented beneath the line of their control.
    """
    titles = {control.id: control.title for control in controls}
    judged = list(verdicts)
    counts = ", ".join(f"{number} {kind.replace('_', ' ')}" for kind, number in summary(judged).items())
    said = [f"{host}: {counts}"]
    for verdict in (v for kind in SHOWN for v in judged if v.result == kind):
        said.append(f"  {line(titles[verdict.control_id], verdict)}")
        if note := (notes or {}).get(verdict.control_id):
            said.append(f"    {note}")
    return said
