# Copyright: (c) 2026, Holdfast contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the controls that exceptions rest on were last seen to be, by the newest drift check of each asset on record."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from ..ledger.canonical import timestamp
from ..ledger.reading import Record
from ..site.exceptions import Waiver
from ..site.site import Site


@dataclass(frozen=True)
class Answer:
    """What a control was on an asset, and when; `result` is empty where the newest check did not ask for it."""

    result: str
    at: datetime


Answers = Mapping[tuple[str, str], Answer]
"""By control and asset."""


def answers(records: Iterable[Record], controls: Collection[str]) -> Answers:
    """Return the newest answers on record; records whose keys are in doubt say nothing."""
    found: dict[tuple[str, str], Answer] = {}
    for one in records if controls else ():
        if one.step != "verify" or one.gist["kind"] != "drift" or one.doubted:
            continue
        for result in one.body["results"]:
            told = {check["id"]: check["result"] for check in result["checks"]}
            for control in controls:
                found[control, result["asset"]] = Answer(told.get(control, ""), one.recorded_at)
    return found


def shortfall(waiver: Waiver, asset: str, seen: Answers, now: datetime, hours: int) -> str:
    """Return why what an exception rests on is no pass on an asset, '' where it is one, or the exception has none.

    What was seen more than `hours` ago is not known any more, and what is not known is no pass.
    """
    if not waiver.compensating:
        return ""
    answer = seen.get((waiver.compensating, asset))
    if answer is None or not answer.result:
        return f"its compensating control {waiver.compensating} was not measured there; run check_drift"
    if answer.result != "pass":
        word = answer.result.replace("_", " ")
        return f"its compensating control {waiver.compensating} was {word} there at {timestamp(answer.at)}"
    if now - answer.at > timedelta(hours=hours):
        return (
            f"its compensating control {waiver.compensating} was last seen there at {timestamp(answer.at)}, more than "
            f"{hours} hours ago; run check_drift"
        )
    return ""


def uncompensated(waiver: Waiver, site: Site, records: Iterable[Record], now: datetime) -> Iterator[str]:
    """Yield, for each asset on which an exception does not hold for what it rests on, why, in words that follow its id.

    The control that it is about is probed together with the one that it rests on: nothing is missing where nobody has
    looked yet. A flaw is found without a look at that control, so that its own must be known.
    """
    seen = answers(records, {waiver.compensating} if waiver.compensating else ())
    for asset in (one.id for one in site.assets if waiver.scope.covers(one)):
        answer = seen.get((waiver.compensating, asset))
        if waiver.control and (answer is None or answer.result in ("", "pass")):
            continue
        if why := shortfall(waiver, asset, seen, now, site.policy.inventory.max_age_hours):
            yield f"does not hold on {asset}: {why}"
