# Copyright: (c) 2026, Holdfast contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Runs: each is opened before anything is done, says what became of every asset, and is closed."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from .envelopes import Entry
from .exceptions import Exceptions
from .report import Notes
from .steps import LOOKING, OUTCOMES

UNREPORTED = ("plan", "stage")
"""Kinds of run that say nothing of single assets."""
TELLING = ("running", "inventory", "discovery")
"""Kinds of verify records that say what was seen, and neither prove nor disprove a change."""
RETURNED = {"partial": "in part", "failed": "without success"}


@dataclass
class Run:
    """One run: its opening record, what it did, its closing record."""

    opened: Entry
    records: list[Entry] = field(default_factory=list)
    closed: Entry | None = None

    @property
    def id(self) -> str:
        """Its id."""
        return str(self.opened.run)

    @property
    def expected(self) -> list[str]:
        """The assets it set out for."""
        found: list[str] = self.opened.body["expected_assets"]
        return found

    def results(self, step: str) -> Iterable[tuple[Entry, dict[str, Any]]]:
        """Yield each result of a step with the record it stands in."""
        for record in self.records:
            if record.step == step:
                for result in record.body["results"]:
                    yield record, result

    @property
    def changes(self) -> bool:
        """Whether it changed anything, or tried to."""
        return any(map(tried, self.records))


def tried(record: Entry) -> bool:
    """Say whether a record tells of a change that its own run made to a host, or tried to.

    What a host's own guard put back, after an earlier run or after none on record, is only told by the run that
    learns of it.
    """
    if record.step not in ("rollback", "deploy"):
        return False  # and is not read for that
    body = record.body
    if record.step == "rollback":
        return body["trigger"] != "guard" or any(result.get("of") == record.run for result in body["results"])
    return any(result["outcome"] in ("changed", "failed") for result in body["results"])


def gather(entries: Iterable[Entry], notes: Notes) -> list[Run]:
    """Return the runs in the order they were opened, and note records that belong to none as they must."""
    runs: dict[str, Run] = {}
    for entry in entries:
        run_id = entry.run
        if run_id is None:
            continue
        run = runs.get(run_id)
        if entry.step == "run-open":
            if run is not None:
                notes.find("run-twice", entry.index, f"{run_id} was opened already by entry {run.opened.index}")
            else:
                runs[run_id] = Run(entry)
        elif run is None:
            notes.find("run-unknown", entry.index, f"{entry.step} of {run_id}, which no entry before it opened")
        elif run.closed is not None:
            notes.find("run-after-close", entry.index, f"{entry.step}, but entry {run.closed.index} closed {run_id}")
        else:
            _belongs(entry, run, notes)
            if entry.step == "run-close":
                run.closed = entry
            else:
                run.records.append(entry)
    return list(runs.values())


def check_runs(runs: list[Run], excepted: Exceptions, notes: Notes) -> None:
    """Note everything a run should have said or must not have done."""
    last = _last_verdicts(runs)
    by_id = {run.id: run for run in runs}
    undone = {
        (back.get("of", run.id), back["asset"])
        for run in runs
        for _unused, back in run.results("rollback")
        if back["result"] == "restored"
    }
    heirs: dict[str, Run] = {}
    for run in runs:
        for name in run.opened.body["resumes"]:
            earlier = by_id.get(name)
            if (
                earlier is None
                or earlier.opened.index >= run.opened.index
                or earlier.opened.change != run.opened.change
            ):
                notes.find("resume-unknown", run.opened.index, f"{run.id} resumes {name}, no earlier run of its change")
            elif run.closed is not None:
                heirs[name] = run
    for run in runs:
        _check_assets(run, notes)
        _check_verdicts(run, excepted, notes)
        if run.closed is None:
            _never_closed(run, heirs.get(run.id), last, _restored(run, runs), notes)
        else:
            done = _done_before(run, runs) if run.closed.body["missing_assets"] else set()
            _check_close(run, run.closed, done, notes)
        _left_unverified(run, last, undone, notes)


def _belongs(entry: Entry, run: Run, notes: Notes) -> None:
    opened = run.opened
    if entry.subject != opened.subject or entry.change != opened.change:
        notes.find("run-subject", entry.index, f"its change or subject is not that of {run.id}, which it names")
    if entry.step != "verify" and entry.keyid != opened.keyid:
        notes.find("run-signer", entry.index, f"{entry.principal} signed; {opened.principal} opened the run")
    if tried(entry) and (opened.body["mode"] == "check" or opened.body["kind"] in LOOKING):
        notes.find("change-in-check", entry.index, f"{entry.step} in {run.id}, which was only to look")


def _check_assets(run: Run, notes: Notes) -> None:
    for record in run.records:
        strangers = sorted(_named(record) - set(run.expected))
        if strangers:
            notes.find("asset-unexpected", record.index, f"{_some(strangers)}: not among the assets of {run.id}")


def _named(record: Entry) -> set[str]:
    """Return the assets that a record of a run tells of: those of its results, or the one of a lease."""
    if record.step == "lease":
        return {record.body["asset"]}
    return {result["asset"] for result in record.body["results"]}


def _check_verdicts(run: Run, excepted: Exceptions, notes: Notes) -> None:
    for record, result in run.results("verify"):
        failed = [check["id"] for check in result.get("checks", ()) if check["result"] == "fail"]
        if result["verdict"] == "pass" and (failed or result["counts"]["fail"]):
            count = max(len(failed), result["counts"]["fail"])
            notes.find("verdict-contradicts", record.index, f"{result['asset']} passes with {count} failed checks")
        excepted.judge(record, result, notes)


def _check_close(run: Run, closed: Entry, done: set[str], notes: Notes) -> None:
    body, opened = closed.body, run.opened
    indices = [opened.index, *(record.index for record in run.records)]
    counted = {"first": indices[0], "last": indices[-1], "count": len(indices)}
    if body["entries"] != counted:
        stated, found = (f"{one['count']} from {one['first']} to {one['last']}" for one in (body["entries"], counted))
        notes.find("run-entries", closed.index, f"{run.id} states {stated} entries; found {found}")
    last = {result["asset"]: result["outcome"] for _unused, result in run.results("deploy")}
    tally = Counter(last.values())
    if body["counts"] != {outcome: tally[outcome] for outcome in OUTCOMES}:
        notes.find("run-counts", closed.index, f"{run.id} counts {body['counts']}; its records say {dict(tally)}")
    if strangers := sorted(set(body["missing_assets"]) - set(run.expected)):
        notes.find("asset-unexpected", closed.index, f"{_some(strangers)}: not among the assets of {run.id}")
    silent = _unreported(run) - set(body["missing_assets"])
    if silent and opened.body["kind"] not in UNREPORTED:
        notes.find("asset-missing", closed.index, f"{_some(silent)}: expected in {run.id}, never heard of again")
    if body["outcome"] == "ok":
        _check_success(run, closed, done, notes)
    elif body["missing_assets"] and body["outcome"] != "denied":
        notes.warn("run-incomplete", closed.index, f"{_some(body['missing_assets'])}: no result in {run.id}")


def _unreported(run: Run) -> set[str]:
    """Return the assets that nothing tells of; one found without drift before the change needed nothing more."""
    heard = {
        result["asset"]
        for record in run.records
        for result in record.body.get("results", ())
        if record.body.get("phase") != "before" or (record.body["kind"], result["verdict"]) == ("drift", "pass")
    }
    return set(run.expected) - heard


def _check_success(run: Run, closed: Entry, done: set[str], notes: Notes) -> None:
    """Note what contradicts a run that says all went well; `done` are assets its change was done with before."""
    body = closed.body
    against = []
    if missing := set(body["missing_assets"]) - done:
        against.append(f"no result for {_some(missing)}")
    if body["exit_code"]:
        against.append(f"exit code {body['exit_code']}")
    if "denied_by" in body:
        against.append(f"denied by {_some(body['denied_by'])}")
    returns = run.opened.body["kind"] == "rollback"
    # A guard that names no run was this run's own only where the run changed anything itself.
    unnamed = run.id if any(result["outcome"] != "unreachable" for _unused, result in run.results("deploy")) else None
    for record, result in run.results("rollback"):
        if returns and result["result"] != "restored":
            against.append(f"{result['asset']} was rolled back {RETURNED[result['result']]}")
        elif _rehearsed(run, record):
            if result["result"] != "restored":
                against.append(f"the way back was rehearsed on {result['asset']} {RETURNED[result['result']]}")
        elif not returns and (tried(record) or result.get("of", unnamed) == run.id):
            against.append(f"{result['asset']} was rolled back")
    outcomes = {result["asset"]: (record, result) for record, result in run.results("deploy")}
    for asset, (_entry, result) in outcomes.items():
        if result["outcome"] in ("failed", "unreachable"):
            against.append(f"{asset} was {result['outcome']}")
    verdicts: dict[tuple[str, str], tuple[int, str]] = {}
    for record, result in run.results("verify"):
        # A host that was taken back has the old drift again: that is what was asked for.
        if record.body["phase"] != "before" and not (returns and record.body["kind"] == "drift"):
            verdicts[result["asset"], record.body["kind"]] = (record.index, result["verdict"])
    for (asset, kind), (index, verdict) in verdicts.items():
        if verdict == "fail" and kind == "running":
            notes.warn("running-old", index, f"{asset} still ran what was replaced when {run.id} closed")
        elif verdict == "fail":
            against.append(f"{asset} failed its {kind} check")
    if against:
        notes.find("outcome-contradicts", closed.index, f"{run.id} closed as ok, but {_some(against)}")
    # Packages are proved by their versions: that a service answers says nothing of which version answers.
    proofs = ("version",) if opened_for_packages(run) else ("drift", "version", "health")
    passed = {(asset, n) for (asset, kind), (n, verdict) in verdicts.items() if verdict == "pass" and kind in proofs}
    for asset, (record, result) in outcomes.items():
        if result["outcome"] == "changed" and not any(asset == name and index > record.index for name, index in passed):
            notes.find("deploy-unverified", record.index, f"{asset} was changed, and no verifier saw it pass after")


def _never_closed(
    run: Run, heir: Run | None, last: dict[str, tuple[int, str]], restored: dict[str, int], notes: Notes
) -> None:
    """Note a run without an end, unless a later one took it up, closed, and every asset passed or was put back since.

    `restored` is the newest rollback of its change that put an asset wholly back, by asset.
    """
    index, kind = run.opened.index, run.opened.body["kind"]
    if heir is None:
        notes.find(
            "run-never-closed", index, f"{run.id} ({kind}) was opened by {run.opened.principal} and never closed"
        )
        return
    only_looked = kind in LOOKING or run.opened.body["mode"] == "check"
    settled = {asset for asset, at in restored.items() if at > index}
    left = [asset for asset in run.expected if asset not in settled and not _passed_since(asset, index, last)]
    unproved = [] if only_looked else left
    if unproved:
        notes.find(
            "run-never-closed",
            index,
            f"{run.id} never closed; {heir.id} resumed it, but {_some(unproved)} never passed a verifier since",
        )
        return
    notes.warn("run-resumed", index, f"{run.id} never closed; {heir.id} resumed it and closed")


def _left_unverified(run: Run, last: dict[str, tuple[int, str]], undone: set[tuple[str, str]], notes: Notes) -> None:
    """Warn of assets that a run changed, where no verifier saw them pass later and nothing was put back."""
    if run.closed is not None and run.closed.body["outcome"] == "ok":
        return  # there it is a finding
    restored = {asset for name, asset in undone if name == run.id}
    for record, result in run.results("deploy"):
        asset = result["asset"]
        if result["outcome"] == "changed" and asset not in restored and not _passed_since(asset, record.index, last):
            notes.warn("left-unverified", record.index, f"{asset} was changed and has not passed a verifier since")


def _done_before(run: Run, runs: list[Run]) -> set[str]:
    """Return the assets that passed, last of all, in earlier runs of the same change; a later run leaves them be.

    One that was taken back after it was deployed to is healthy perhaps, but the change is not done there.
    """
    change = run.opened.change
    same = [one for one in runs if change is not None and one.opened.change == change and one is not run]
    back = _taken_back(same)
    return {
        asset
        for asset, (index, verdict) in _last_verdicts(same).items()
        if verdict == "pass" and index < run.opened.index and asset not in back
    }


def _restored(run: Run, runs: list[Run]) -> dict[str, int]:
    """Return where each asset was last put wholly back, in runs of the same change."""
    return {
        result["asset"]: record.index
        for one in runs
        if one.opened.change == run.opened.change
        for record, result in one.results("rollback")
        if result["result"] == "restored" and record.body["trigger"] != "rehearsal"
    }


def _taken_back(runs: list[Run]) -> set[str]:
    """Return the assets that packages or files were put back on after the last deployment to them.

    A restart or a reboot on the way back is a deployment without packages, and brings nothing forward.
    """
    last: dict[str, tuple[int, str]] = {}
    for run in runs:
        for step in ("deploy", "rollback"):
            for record, result in run.results(step):
                if step == "deploy" and opened_for_packages(run) and not result["products"]:
                    continue
                if record.index > last.get(result["asset"], (-1, ""))[0]:
                    last[result["asset"]] = (record.index, step)
    return {asset for asset, (_unused, step) in last.items() if step == "rollback"}


def opened_for_packages(run: Run) -> bool:
    """Say whether a run installs packages."""
    return run.opened.body["kind"] in ("patch", "rehearse")


def _rehearsed(run: Run, record: Entry) -> bool:
    """Say whether a rollback is the rehearsal that its run was opened for."""
    return bool(run.opened.body["kind"] == "rehearse" and record.body["trigger"] == "rehearsal")


def _last_verdicts(runs: list[Run]) -> dict[str, tuple[int, str]]:
    """Return index and verdict of each asset's newest check, checks before a change aside.

    What still runs replaced files waits for its window, and what is installed or found is no verdict: these are told,
    and neither prove nor disprove the change.
    """
    last: dict[str, tuple[int, str]] = {}
    for run in runs:
        for record, result in run.results("verify"):
            if record.body["kind"] in TELLING or record.body["phase"] == "before":
                continue
            if record.index > last.get(result["asset"], (-1, ""))[0]:
                last[result["asset"]] = (record.index, result["verdict"])
    return last


def _passed_since(asset: str, index: int, last: dict[str, tuple[int, str]]) -> bool:
    newest, verdict = last.get(asset, (-1, ""))
    return newest > index and verdict == "pass"


def _some(names: Iterable[str]) -> str:
    """Return a few names and how many more there are."""
    listed = sorted(names)
    more = f" and {len(listed) - 5} more" if len(listed) > 5 else ""
    return ", ".join(listed[:5]) + more
