# Copyright: (c) 2026, Holdfast contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Where changes stand, computed from verified records each time; kept nowhere else (docs/adr/0007).

First what the change's own records say (steps.py), then what verifiers saw of its assets since, in other runs.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Collection, Iterable
from dataclasses import replace

from ..ledger.reading import Record
from .state import ChangeState
from .steps import requested, told
from .traces import Sighting

WATCHED = ("health", "drift")
"""What verifiers see outside a change that may say how the change did."""

_Sightings = dict[str, list[tuple[str | None, Sighting]]]


def change_state(
    records: Iterable[Record],
    change_id: str,
    *,
    health_required: Collection[str] = (),
    intermittent: Collection[str] = (),
) -> ChangeState | None:
    """Compute where a change stands from verified records in ledger order; None where no request is.

    `health_required` are the assets whose register names health checks: without a passing `health`
    observation they do not count as verified. `intermittent` are those that a ring does not wait for.
    """
    listed = list(records)
    mine = [record for record in listed if record.change_id == change_id]
    state = _computed(mine, change_id, frozenset(health_required), frozenset(intermittent))
    return None if state is None else _looked_at(state, _sightings(listed, [state]))


def change_states(
    records: Iterable[Record], *, health_required: Collection[str] = (), intermittent: Collection[str] = ()
) -> tuple[ChangeState, ...]:
    """Compute every change that has a request on record, in order of the requests."""
    listed = list(records)
    of_change: dict[str, list[Record]] = {}
    asked: dict[str, None] = {}
    for record in listed:
        if record.change_id is not None:
            of_change.setdefault(record.change_id, []).append(record)
            if record.step == "request":
                asked.setdefault(record.change_id)
    traits = frozenset(health_required), frozenset(intermittent)
    computed = (_computed(of_change[one], one, *traits) for one in asked)
    states = [state for state in computed if state is not None]
    seen = _sightings(listed, states)
    return tuple(_looked_at(state, seen) for state in states)


def _computed(
    records: Iterable[Record], change_id: str, health_required: frozenset[str], intermittent: frozenset[str]
) -> ChangeState | None:
    state: ChangeState | None = None
    for record in records:
        if record.step == "request":
            # Approvals name the request by digest, so a second request under the same id cannot inherit them.
            state = state or requested(record, change_id, health_required, intermittent)
        elif state is not None:
            state = told(state, record)
    return state


def _sightings(records: Iterable[Record], states: Iterable[ChangeState]) -> _Sightings:
    """Return, by asset that a change reached, what verifiers saw since of its health and its drift, and in whose run.

    What was seen before the first of these changes left its last record on any of them says nothing of them.
    """
    reached = [known for state in states for known in state.progress.values()]
    assets = {known.asset for known in reached}
    since = min((known.index for known in reached), default=0)
    found: dict[str, list[tuple[str | None, Sighting]]] = {asset: [] for asset in assets}
    for record in records if assets else ():
        if record.index <= since or record.step != "verify" or record.gist["kind"] not in WATCHED:
            continue
        if record.body["phase"] == "before":
            continue
        for result in record.body["results"]:
            if result["asset"] in found:
                seen = Sighting(record.index, record.recorded_at, record.body["kind"], result["verdict"])
                found[result["asset"]].append((record.change_id, seen))
    return found


def _looked_at(state: ChangeState, seen: _Sightings) -> ChangeState:
    """Return the state with what was seen of each asset after its newest record, in runs that are none of its own."""
    progress = dict(state.progress)
    for asset, known in state.progress.items():
        of_asset = seen.get(asset, [])
        begin = bisect_right(of_asset, known.index, key=lambda one: one[1].index)
        later = tuple(one for change, one in of_asset[begin:] if change != state.change_id)
        if later:
            progress[asset] = replace(known, later=later)
    return replace(state, progress=progress)
