# Copyright: (c) 2026, Holdfast contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""How each registered asset stands against its approved baseline; five verdicts kept apart, nothing assumed.

A control counts as measured only by a record that names it. Three things turn an earlier answer into
"not measured": a later full check that does not name the control, an answer older than the limit, and no
answer at all. So a pass on the page is always a pass somebody signed, recently. A failure does not heal by
growing old: it stays a failure until a measurement says otherwise.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from ..ledger.reading import Record
from ..site.asset import Asset
from ..site.baseline import Control

PASS, FAIL, WAIVED, NOT_APPLICABLE, NOT_MEASURED = "pass", "fail", "waived", "not_applicable", "not_measured"
VERDICTS = (PASS, FAIL, WAIVED, NOT_APPLICABLE, NOT_MEASURED)
SEVERITIES = ("critical", "high", "medium", "low")

COMPLIANT, NON_COMPLIANT, WAIVED_IN_PART = "compliant", "non_compliant", "waived_in_part"
NOT_SHOWN = "not_shown"


@dataclass(frozen=True)
class Counts:
    """How many controls got which verdict."""

    passed: int = 0
    failed: int = 0
    waived: int = 0
    not_applicable: int = 0
    not_measured: int = 0

    @classmethod
    def of(cls, results: Iterable[str]) -> Counts:
        """Count verdict words; a word that is none of the five counts as not measured."""
        tally = dict.fromkeys(VERDICTS, 0)
        for result in results:
            tally[result if result in tally else NOT_MEASURED] += 1
        return cls(tally[PASS], tally[FAIL], tally[WAIVED], tally[NOT_APPLICABLE], tally[NOT_MEASURED])

    def __add__(self, other: Counts) -> Counts:
        return Counts(
            self.passed + other.passed,
            self.failed + other.failed,
            self.waived + other.waived,
            self.not_applicable + other.not_applicable,
            self.not_measured + other.not_measured,
        )

    @property
    def registered(self) -> int:
        """All controls that ought to have an answer."""
        return self.passed + self.failed + self.waived + self.not_applicable + self.not_measured

    @property
    def measured(self) -> int:
        """Controls that have one."""
        return self.registered - self.not_measured

    @property
    def coverage(self) -> int:
        """Measured over registered in whole percent, rounded down so that 100 means all; of nothing, 0."""
        return self.measured * 100 // self.registered if self.registered else 0

    @property
    def word(self) -> str:
        """The one-word standing; no control at all, or one without an answer, is never compliant."""
        if self.failed:
            return NON_COMPLIANT
        if self.not_measured or not self.registered:
            return NOT_SHOWN
        return WAIVED_IN_PART if self.waived else COMPLIANT


@dataclass(frozen=True)
class ControlStanding:
    """One control on one asset: its verdict, when it was measured, and, when it has none, why."""

    control_id: str
    title: str
    severity: str
    hipaa: tuple[str, ...]
    expected: str
    result: str
    why: str
    at: datetime | None
    index: int | None


@dataclass(frozen=True)
class AssetStanding:
    """One registered asset and all its controls."""

    asset: str
    owner: str
    ring: str
    environment: str
    data_class: str
    tier: int
    baselines: tuple[str, ...]
    checked_at: datetime | None
    run_id: str | None
    counts: Counts
    controls: tuple[ControlStanding, ...]

    def with_result(self, *results: str) -> tuple[ControlStanding, ...]:
        """The controls that got one of these verdicts, worst severity first."""
        return tuple(sorted((one for one in self.controls if one.result in results), key=_by_severity))


@dataclass(frozen=True)
class _Answer:
    result: str
    at: datetime
    index: int
    run_id: str
    exception: str = ""


def severity_rank(severity: str) -> int:
    """0 for critical, growing as it matters less; an unknown word sorts last."""
    return SEVERITIES.index(severity) if severity in SEVERITIES else len(SEVERITIES)


def _by_severity(control: ControlStanding) -> tuple[int, str]:
    return severity_rank(control.severity), control.control_id


def drift_records(records: Iterable[Record]) -> Iterable[Record]:
    """The records that measured controls."""
    return (record for record in records if record.step == "verify" and record.body.get("kind") == "drift")


def standings(
    assets: Sequence[Asset],
    controls: Mapping[str, Sequence[Control]],
    records: Iterable[Record],
    now: datetime,
    max_age: timedelta,
) -> tuple[AssetStanding, ...]:
    """Return one standing per registered asset, in the register's order.

    `controls` maps an asset's id to its resolved controls; `max_age` is how old an answer may be.
    """
    answers: dict[str, dict[str, _Answer]] = {}
    newest: dict[str, str] = {}
    for record in drift_records(records):
        run_id = str(record.body["run_id"])
        for result in record.body["results"]:
            asset = str(result["asset"])
            named = {
                str(check["id"]): _Answer(
                    str(check["result"]), record.recorded_at, record.index, run_id, str(check.get("exception", ""))
                )
                for check in result["checks"]
            }
            # A check (no phase) asks every control, in one record or several; a look before or after a repair
            # may ask only some, so it adds to what is known.
            afresh = record.body["phase"] is None and newest.get(asset) != run_id
            answers[asset] = named if afresh else {**answers.get(asset, {}), **named}
            newest[asset] = run_id
    return tuple(_standing(asset, controls[asset.id], answers.get(asset.id, {}), now, max_age) for asset in assets)


def _standing(
    asset: Asset,
    controls: Sequence[Control],
    answers: Mapping[str, _Answer],
    now: datetime,
    max_age: timedelta,
) -> AssetStanding:
    lines = tuple(_control(control, answers.get(control.id), bool(answers), now, max_age) for control in controls)
    newest = max(answers.values(), key=lambda answer: answer.index, default=None)
    return AssetStanding(
        asset=asset.id,
        owner=asset.owner,
        ring=asset.ring,
        environment=asset.environment,
        data_class=asset.data_class,
        tier=asset.tier,
        baselines=tuple(asset.baselines),
        checked_at=newest.at if newest else None,
        run_id=newest.run_id if newest else None,
        counts=Counts.of(line.result for line in lines),
        controls=lines,
    )


def _control(
    control: Control, answer: _Answer | None, checked: bool, now: datetime, max_age: timedelta
) -> ControlStanding:
    result, why = (NOT_MEASURED, "never checked") if answer is None else (answer.result, "")
    if answer is None and checked:
        why = "the last check does not name it"
    elif answer is not None and answer.result != FAIL and now - answer.at > max_age:
        result, why = NOT_MEASURED, "the last answer is too old"
    elif answer is not None and answer.result == NOT_MEASURED:
        why = "the host could not answer"
    elif answer is not None and answer.result == WAIVED:
        result, why = _waived(control, answer.exception, now)
    return ControlStanding(
        control_id=control.id,
        title=control.title,
        severity=control.severity,
        hipaa=tuple(control.hipaa),
        expected=expected_text(control),
        result=result,
        why=why,
        at=answer.at if answer else None,
        index=answer.index if answer else None,
    )


def _waived(control: Control, name: str, now: datetime) -> tuple[str, str]:
    """Return verdict and reason of what was waived when it was measured: without its exception it is a failure."""
    held, lapsed = control.exception, control.lapsed
    if held is not None and held.id == name:
        beside = f"{held.compensating} compensates" if held.compensating else "nothing compensates"
        return WAIVED, f"exception {name}: {held.reason}; {beside}; approved by {held.approver}, {held.term(now)}"
    if lapsed is not None and lapsed.id == name:
        return FAIL, f"exception {name} {lapsed.term(now)}"
    return WAIVED, f"exception {name}, which was in force then and is no longer in the site"


_COMPARED = {
    "at_least": "at least ",
    "at_least_mask": "at least the mask ",
    "contains_none": "none of ",
    "only": "only ",
    "positive_at_most": "1 to ",
    "within_mode": "no wider than ",
}


def expected_text(control: Control) -> str:
    """What the baseline wants, with the comparison where it is not plain equality."""
    plain = control.compare == "equals" or (control.compare == "positive_at_most" and control.value == 1)
    how = "" if plain else _COMPARED.get(control.compare, f"{control.compare} ")
    return how + value_text(control.value)


def value_text(value: object) -> str:
    """A baseline's value as a person reads it: yes and no for truth, members joined by commas."""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, (list, tuple)):
        return ", ".join(value_text(member) for member in value) or "(empty)"
    if isinstance(value, Mapping):
        return ", ".join(f"{key}: {value_text(member)}" for key, member in value.items()) or "(empty)"
    return "(empty)" if value is None or value == "" else str(value)
