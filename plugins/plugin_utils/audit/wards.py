# Copyright: (c) 2026, Holdfast contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What guards a wave: stop orders that are kept, leases that are given back, reboots and rehearsals that took place."""

from __future__ import annotations

from collections import defaultdict
from datetime import datetime, timedelta

from .envelopes import Entry
from .report import Notes
from .runs import Run, opened_for_packages, tried

SKEW = timedelta(minutes=5)
"""How far the clocks of who stopped a change and of who carries it out may differ."""


def check_wards(entries: list[Entry], runs: list[Run], notes: Notes) -> None:
    """Note stop orders passed over, leases kept, reboots without a new boot, rehearsals on paper, changes forced."""
    _check_halts(entries, runs, notes)
    for run in runs:
        _check_reboots(run, notes)
        _check_leases(run, notes)
        if run.opened.body["kind"] == "rehearse":
            _check_rehearsal(run, notes)
        else:
            for record, result in run.results("rollback"):
                if record.body["trigger"] == "rehearsal":
                    what = f"{result['asset']}: a rehearsal in {run.id}, which was opened for none"
                    notes.find("rehearsal-unproved", record.index, what)
    _check_tried_again(runs, notes)


def _check_halts(entries: list[Entry], runs: list[Run], notes: Notes) -> None:
    requests = {entry.sha256: entry for entry in entries if entry.step == "request"}
    halts: dict[str | None, list[Entry]] = defaultdict(list)
    for entry in entries:
        if entry.step != "halt":
            continue
        request = requests.get(str(entry.request))
        if request is None or (request.change, request.about) != (entry.change, entry.about):
            notes.find("halt-unknown", entry.index, f"{entry.principal} stops {entry.change}, which nobody requested")
        elif extra := sorted(set(entry.body["rings"]) - set(request.body["rings"])):
            notes.find("halt-unknown", entry.index, f"{entry.principal} stops {', '.join(extra)}: not requested")
        else:
            halts[entry.change].append(entry)
    for run in runs:
        for record, result in run.results("deploy") if opened_for_packages(run) else ():
            ring = record.body["ring"]
            stop = _in_force(halts[run.opened.change], ring, record.index)
            if stop is None or not tried(record) or result["outcome"] not in ("changed", "failed"):
                continue
            # A host whose turn had begun is finished; a run opened after the order has no such excuse.
            began = datetime.fromisoformat(result["started_at"])
            if run.opened.index > stop.index or began > stop.at + SKEW:
                where = f"{result['asset']} in ring {ring}"
                notes.find("halt-ignored", record.index, f"{where}: {stop.principal} had stopped it in {stop.index}")


def _in_force(halts: list[Entry], ring: str | None, before: int) -> Entry | None:
    """Return the stop order in force for a ring at an index, None where there is none or it was lifted."""
    last = [halt for halt in halts if halt.index < before and ring in halt.body["rings"]]
    return last[-1] if last and last[-1].body["action"] == "stop" else None


def _check_reboots(run: Run, notes: Notes) -> None:
    for record, result in run.results("deploy"):
        reboot = result.get("reboot")
        if reboot is not None and reboot["before"] == reboot["after"]:
            what = f"{result['asset']} was rebooted, it says, and its boot marker is what it was"
            notes.find("reboot-unproved", record.index, what)


def _check_leases(run: Run, notes: Notes) -> None:
    """Note leases released but never taken, taken twice, or kept though the run closed.

    Kept may be the lease of a host that ended badly: to give it back would let the next member be taken as well.
    """
    held: dict[tuple[str, str], Entry] = {}
    for record in run.records:
        if record.step != "lease":
            continue
        body = record.body
        name = (body["cluster"], body["asset"])
        where = f"{body['asset']} of {body['cluster']} in {run.id}"
        if body["action"] == "take":
            if name in held:
                notes.find("lease-unknown", record.index, f"{where}: taken already in entry {held[name].index}")
            held[name] = record
        elif held.pop(name, None) is None:
            notes.find("lease-unknown", record.index, f"{where}: released, and never taken")
    if run.closed is None:
        return
    for (cluster, asset), taken in held.items():
        if asset not in _ended_badly(run):
            what = f"{asset} of {cluster}: {run.id} took it and closed without giving it back"
            notes.find("lease-unreleased", taken.index, what)


def _ended_badly(run: Run) -> set[str]:
    """Return the assets whose last word in a run is a failure: out of reach, not put back, or seen to be bad."""
    last: dict[str, bool] = {}
    for record in run.records:
        for result in record.body.get("results", ()):
            if record.step == "deploy":
                last[result["asset"]] = result["outcome"] in ("failed", "unreachable")
            elif record.step == "rollback":
                last[result["asset"]] = result["result"] != "restored"
            elif record.body["phase"] != "before" and result["verdict"] == "fail":
                last[result["asset"]] = True
    return {asset for asset, bad in last.items() if bad}


def _check_rehearsal(run: Run, notes: Notes) -> None:
    """Note assets that were taken back in a rehearsal that closed as ok, and did not go forward again after it."""
    if run.closed is None or run.closed.body["outcome"] != "ok":
        return
    back = {result["asset"]: record for record, result in run.results("rollback")}
    if not back and run.changes:
        notes.find("rehearsal-unproved", run.closed.index, f"{run.id} closed as ok, and took nothing back")
    for asset, record in back.items():
        # A restart on the way is a deployment without packages.
        forward = [
            one.index
            for one, result in run.results("deploy")
            if result["asset"] == asset and result["products"] and one.index > record.index
        ]
        seen = [
            one.index
            for one, result in run.results("verify")
            if (result["asset"], result["verdict"], one.body["kind"]) == (asset, "pass", "version")
            and one.body["phase"] != "before"
        ]
        if not forward or max(seen, default=-1) < forward[0]:
            what = f"{asset} was taken back in {run.id}, which closed as ok, and was not seen at the plan again"
            notes.find("rehearsal-unproved", record.index, what)


def _check_tried_again(runs: list[Run], notes: Notes) -> None:
    """Note packages installed on an asset on which the same change had been taken back."""
    back: dict[tuple[str | None, str], Entry] = {}
    for run in runs:
        change = run.opened.change
        for record in run.records:
            if record.step not in ("rollback", "deploy"):
                continue  # and is not read for that
            for result in record.body["results"]:
                name = (change, result["asset"])
                if record.step == "rollback" and record.body["trigger"] not in ("rehearsal", "guard"):
                    back.setdefault(name, record)
                elif record.step == "deploy" and opened_for_packages(run) and name in back and result["products"]:
                    what = f"{result['asset']} was taken back in entry {back[name].index} of the same change"
                    notes.find("rolled-back-again", record.index, what)
