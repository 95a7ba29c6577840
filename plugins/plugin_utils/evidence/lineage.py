# Copyright: (c) 2026, Holdfast contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Where a control's state on one asset comes from: when it was seen wrong and right, who set it, what changed since.

Computed from records alone. What no record tells of is said to be unknown; it is never guessed.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

from ..ledger.reading import Record
from .compliance import FAIL, NOT_MEASURED, PASS

UNKNOWN = "unknown"
SHOWN = 3
"""How many of the things that changed since are named in one line."""


@dataclass(frozen=True)
class Deed:
    """One recorded change to an asset: a deployment, or a rollback.

    `requested`: whether somebody asked for the change and others could approve it; else policy let it be mended.
    `failed`: it did not end well on this asset, so what it did is not known in full.
    """

    at: datetime
    index: int
    run_id: str
    change_id: str | None
    requested: bool
    roles: tuple[str, ...] = ()
    products: tuple[tuple[str, str | None, str | None], ...] = ()
    back: bool = False
    failed: bool = False

    @property
    def by(self) -> str:
        """The change it belongs to, else its run."""
        return self.change_id or self.run_id

    def to_dict(self) -> dict[str, Any]:
        """Return the deed for machines."""
        return {
            "at": _stamp(self.at),
            "index": self.index,
            "run_id": self.run_id,
            "change_id": self.change_id,
            "requested": self.requested,
            "roles": list(self.roles),
            "products": [{"name": name, "from": old, "to": new} for name, old, new in self.products],
            "rollback": self.back,
            "failed": self.failed,
        }


@dataclass(frozen=True)
class Lineage:
    """One control on one asset. The times of the failure are those of the one that stands, else of the last one.

    `times_seen` is how often that failure was seen, `failures` how many there were; `mended_by` is the change that
    ended the last of them, None where no record tells of one; `since` is what changed after it was last right.
    """

    asset: str
    control_id: str
    result: str
    first_seen: datetime | None = None
    last_seen: datetime | None = None
    times_seen: int = 0
    failures: int = 0
    last_right: datetime | None = None
    last_right_index: int | None = None
    ended_at: datetime | None = None
    mended_by: Deed | None = None
    set_by: Deed | None = None
    since: tuple[Deed, ...] = ()

    @property
    def stands(self) -> bool:
        """Whether the failure stands: seen, and not seen right, waived or out of place since."""
        return self.first_seen is not None and self.ended_at is None

    def to_dict(self) -> dict[str, Any]:
        """Return the lineage for machines."""
        return {
            "asset": self.asset,
            "control": self.control_id,
            "result": self.result,
            "stands": self.stands,
            "first_seen": _stamp(self.first_seen),
            "last_seen": _stamp(self.last_seen),
            "times_seen": self.times_seen,
            "failures": self.failures,
            "last_right": _stamp(self.last_right),
            "ended_at": _stamp(self.ended_at),
            "mended_by": self.mended_by.to_dict() if self.mended_by else None,
            "set_by": self.set_by.to_dict() if self.set_by else None,
            "since": [deed.to_dict() for deed in self.since],
        }


@dataclass
class _Told:
    """What the walk over the records has gathered."""

    requested: dict[str, bool] = field(default_factory=dict)
    deeds: dict[str, list[Deed]] = field(default_factory=dict)
    lines: dict[tuple[str, str], Lineage] = field(default_factory=dict)


def lineages(records: Iterable[Record], roles: Mapping[str, str]) -> dict[tuple[str, str], Lineage]:
    """Return every control ever judged, by (asset, control).

    `records` in the ledger's order; `roles` maps a control's id to the role that makes it true (none: a person does).
    """
    told = _Told()
    for record in records:
        if record.step == "run-open":
            told.requested[str(record.body["run_id"])] = record.body["request"] is not None
        elif record.step in ("deploy", "rollback"):
            _change(told, record)
        elif record.step == "verify" and record.body["kind"] == "drift":
            for result in record.body["results"]:
                for check in result["checks"]:
                    _judge(told, record, str(result["asset"]), str(check["id"]), str(check["result"]), roles)
    return {key: _finished(line, told.deeds.get(key[0], ()), roles.get(key[1], "")) for key, line in told.lines.items()}


def newcomer(known: Mapping[tuple[str, str], Lineage], asset: str, control_id: str) -> Lineage:
    """Return what is known of a control on an asset, which may be nothing yet."""
    return known.get((asset, control_id)) or Lineage(asset, control_id, NOT_MEASURED)


def _change(told: _Told, record: Record) -> None:
    run_id = str(record.body["run_id"])
    for result in record.body["results"]:
        back = record.step == "rollback"
        if not back and result["outcome"] not in ("changed", "failed"):
            continue
        role = result.get("role")
        told.deeds.setdefault(str(result["asset"]), []).append(
            Deed(
                at=record.recorded_at,
                index=record.index,
                run_id=run_id,
                change_id=record.change_id,
                requested=told.requested.get(run_id, False),
                roles=tuple(result.get("roles", [role] if role else [])),
                products=tuple((one["name"], one["from"], one["to"]) for one in result["products"]),
                back=back,
                failed=not back and result["outcome"] == "failed",
            )
        )


def _judge(told: _Told, record: Record, asset: str, control_id: str, result: str, roles: Mapping[str, str]) -> None:
    at, key = record.recorded_at, (asset, control_id)
    line = replace(told.lines.get(key) or Lineage(asset, control_id, result), result=result)
    if result == FAIL:
        again = line.stands
        line = replace(
            line,
            first_seen=line.first_seen if again else at,
            last_seen=at,
            times_seen=line.times_seen + 1 if again else 1,
            failures=line.failures if again else line.failures + 1,
            ended_at=None,
            mended_by=None,
        )
    elif line.stands and result != NOT_MEASURED:
        mended = _mender(told.deeds.get(asset, ()), line, roles.get(control_id, "")) if result == PASS else None
        line = replace(line, ended_at=at, mended_by=mended)
    if result == PASS:
        line = replace(line, last_right=at, last_right_index=record.index)
    told.lines[key] = line


def _mender(deeds: Sequence[Deed], line: Lineage, role: str) -> Deed | None:
    """Return the last change between first sight of a failure and its end: of the control's role, else any."""
    between = [deed for deed in deeds if line.first_seen is not None and deed.at >= line.first_seen]
    of_role = [deed for deed in between if role in deed.roles and not deed.back]
    found = of_role or between
    return found[-1] if found else None


def _finished(line: Lineage, deeds: Sequence[Deed], role: str) -> Lineage:
    right = line.last_right_index
    # A deed that failed on the asset set the control only if it was seen right afterwards.
    setters = [
        deed
        for deed in deeds
        if role and role in deed.roles and (not deed.failed or (right is not None and right > deed.index))
    ]
    since = tuple(deed for deed in deeds if right is not None and deed.index > right)
    return replace(line, set_by=setters[-1] if setters else None, since=since)


def told_briefly(line: Lineage) -> str:
    """Return one line: last right, set by what, and what changed since; short where nothing is known."""
    if line.last_right is None and line.set_by is None:
        return "never seen right"
    right = f"last right {clock(line.last_right)}" if line.last_right else "never seen right"
    setter = f"set by {line.set_by.by}" if line.set_by else "set by no recorded change"
    return f"{right}, {setter}, since then: {_changes(line)}"


def seen_words(line: Lineage) -> str:
    """Return how often and since when a failure is known: `wrong since ..., seen 3 times`."""
    if line.first_seen is None or line.last_seen is None:
        return "never seen wrong"
    times = "once" if line.times_seen == 1 else f"{line.times_seen} times"
    since = f"since {clock(line.first_seen)}, seen {times}"
    if line.times_seen > 1:
        since += f", last {clock(line.last_seen)}"
    if line.failures > 1:
        since += f"; failure {line.failures} of this control here"
    return f"wrong {since}"


def ended_words(line: Lineage) -> str:
    """Return how a failure ended: by which change, or by none on record."""
    if line.ended_at is None:
        return "stands"
    if line.result not in (PASS, FAIL):
        return f"{line.result.replace('_', ' ')} since {clock(line.ended_at)}"
    by = f"mended by {line.mended_by.by} ({line.mended_by.run_id})" if line.mended_by else "by no recorded change"
    return f"right again {clock(line.ended_at)}, {by}"


def _changes(line: Lineage) -> str:
    """Return what changed since the control was last right, the newest first; unknown where nothing is on record."""
    if line.last_right is None:
        return UNKNOWN
    said: dict[str, None] = {}
    for deed in reversed(line.since):
        verb = "rolled back" if deed.back else "applied"
        words = [f"{name} {old or '(none)'} -> {new or '(removed)'}" for name, old, new in deed.products]
        words += [f"role {role} {verb}" for role in deed.roles] or ([] if words or not deed.back else ["rolled back"])
        said.update(dict.fromkeys(f"{word} ({deed.by})" for word in words))
    listed = list(said)
    more = f" and {len(listed) - SHOWN} more" if len(listed) > SHOWN else ""
    return ", ".join(listed[:SHOWN]) + more if listed else UNKNOWN


def clock(moment: datetime) -> str:
    """A time for people."""
    return moment.strftime("%Y-%m-%d %H:%M:%S UTC")


def _stamp(moment: datetime | None) -> str | None:
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z") if moment else None
