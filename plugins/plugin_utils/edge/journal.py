# Copyright: (c) 2026, Holdfast contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What one run writes down and when: open before anything, deploy before verify, close at the end.

The callback translates Ansible's events into calls on a Journal; the Journal knows nothing of Ansible.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from ..ledger.canonical import timestamp
from ..ledger.reading import OpenRun
from ..ledger.recorder import Recorder
from .environment import utc_now
from .locking import Lock
from .moving import elapsed
from .opening import begin_run, end_run
from .witnessing import Heard

MENDING = ("patch", "rehearse", "remediate")
"""Kinds of run that may change hosts; the other kinds only read, or only put back."""
WAVES = ("patch", "rehearse")
"""Kinds of run that record a host on which they stopped before they changed anything."""
ENDING = (*WAVES, "rollback")
"""Kinds of run that go on past a host that fails, and say at the end how each of these ended."""


@dataclass
class Tally:
    """What happened to one asset since its last deploy record; `began` is its start by the clock that nobody sets."""

    started_at: datetime
    began: float
    changed: int = 0
    failed: int = 0
    unreachable: bool = False
    products: list[dict[str, Any]] = field(default_factory=list)
    roles: set[str] = field(default_factory=set)
    ring: str | None = None
    guards: list[dict[str, Any]] = field(default_factory=list)
    images: dict[str, str] = field(default_factory=dict)
    steps: list[dict[str, Any]] = field(default_factory=list)
    restarted: set[str] = field(default_factory=set)
    reboot: dict[str, Any] = field(default_factory=dict)
    obstacles: list[str] = field(default_factory=list)
    skipped: bool = False

    @property
    def outcome(self) -> str:
        """The worst thing that happened, in the words of the deploy record."""
        if self.unreachable:
            return "unreachable"
        if self.failed:
            return "failed"
        if self.skipped:
            return "skipped"
        return "changed" if self.changed else "unchanged"

    def add(self, contribution: Mapping[str, Any]) -> None:
        """Put what one more task says of the asset to what is known."""
        self.ring = contribution["ring"] or self.ring
        self.products.extend(contribution.get("products", ()))
        self.guards.extend(contribution.get("guards", ()))
        self.images.update(contribution.get("images", {}))
        self.steps.extend(contribution.get("steps", ()))
        self.restarted.update(contribution.get("restarted", ()))
        self.reboot.update(contribution.get("reboot", {}))
        self.obstacles.extend(contribution.get("obstacles", ()))

    def to_result(self, asset: str) -> dict[str, Any]:
        """Return one result of a deploy record, which ends now. Members that have nothing to say are left out."""
        more = {
            "guards": self.guards,
            "images": self.images,
            "steps": self.steps,
            "restarted": sorted(self.restarted),
            "reboot": self.reboot,
            "obstacles": sorted(set(self.obstacles)) if self.skipped else [],
        }
        return {
            "asset": asset,
            "outcome": self.outcome,
            "started_at": timestamp(self.started_at),
            "duration_ms": elapsed(self.began),
            "products": self.products,
            "roles": sorted(self.roles),
            **{name: value for name, value in more.items() if value},
        }


@dataclass
class Signers:
    """The keys a run signs with: the implementer's for deeds, the verifier's for observations, the log's for heads."""

    implementer: Any
    verifier: Any
    log: Any


class Journal:
    """The records of one run, in an order that an auditor can rely on."""

    def __init__(
        self,
        recorder: Recorder,
        signers: Signers,
        *,
        kind: str,
        mode: str,
        expected: Iterable[str],
        lock: Lock | None = None,
        cosign: Callable[[str], tuple[Heard, ...]] | None = None,
    ) -> None:
        self.recorder, self.signers = recorder, signers
        self._cosign = cosign
        self.heard: tuple[Heard, ...] = ()
        """What the witnesses made of the head signed at the end."""
        self._lock = lock  # kept open: the change belongs to this run until the process ends
        self.kind, self.mode, self.expected = kind, mode, tuple(expected)
        self.run: OpenRun | None = None
        self.denied = self.drift = False
        self._denied_by: dict[str, None] = {}
        self._judged: set[str] = set()
        self._felt: set[str] = set()
        self._began: dict[str, tuple[datetime, float]] = {}
        self._tallies: dict[str, Tally] = {}
        self._prepared: dict[str, Tally] = {}
        self._stopped: set[str] = set()
        self._told: set[str] = set()
        self.ends: dict[str, str] = {}
        """Assets that are not where the run was to bring them, and how each ended."""
        self._pending: list[Mapping[str, Any]] = []

    def open(self, **particulars: Any) -> OpenRun:
        """Append run-open; nothing may change before this returns. Raises LedgerError where it cannot be recorded."""
        self.run = self.recorder.open_run(
            self.signers.implementer, kind=self.kind, mode=self.mode, expected_assets=self.expected, **particulars
        )
        begin_run(self.run)
        return self.run

    def begins(self, asset: str) -> None:
        """Note that a task starts on an asset: a deployment lasts from the start of its first task."""
        self._began[asset] = (utc_now(), time.monotonic())

    def saw(
        self,
        asset: str,
        *,
        changed: bool = False,
        failed: bool = False,
        unreachable: bool = False,
        stopped: bool = False,
        role: str | None = None,
        contribution: Mapping[str, Any] | None = None,
    ) -> None:
        """Take one task's result for one asset. `stopped`: the task failed, which says nothing of a change yet."""
        if stopped:
            self._stopped.add(asset)
            self._ended(asset, "failed")
        if contribution is not None and contribution["step"] == "prepare":
            self._prepared.setdefault(asset, self._tally(asset)).add(contribution)
            contribution = None
        if contribution is not None and contribution["step"] != "deploy":
            self._pending.append(contribution)
            self._drifted(contribution)
        applies = self.kind in MENDING and self.mode == "apply"
        deploys = contribution is not None and contribution["step"] == "deploy"
        # A failure counts where something was done: in a role, in a deployment, or after a change. A play that only
        # says that it stops has deployed nothing.
        counts = changed or deploys or (failed and (role is not None or asset in self._tallies))
        if unreachable or (applies and counts):
            tally = self._tally_of(asset)
            tally.changed += changed
            tally.failed += failed
            tally.unreachable |= unreachable
            if role:
                tally.roles.add(role)
            if contribution is not None and deploys:
                tally.add(contribution)

    def _tally_of(self, asset: str) -> Tally:
        """Return what is known of an asset since its last deploy record; the first takes up what was prepared."""
        known = self._tallies.get(asset)
        if known is None:
            known = self._prepared.pop(asset, None) or self._tally(asset)
            self._tallies[asset] = known
        return known

    def _tally(self, asset: str) -> Tally:
        """Return a tally that begins with the asset's last task."""
        return Tally(*(self._began.get(asset) or (utc_now(), time.monotonic())))

    def deny(self, rules: Iterable[str] = ()) -> None:
        """Note that the gate said no, by these rules; none where it could not decide."""
        self.denied = True
        self._denied_by.update(dict.fromkeys(rules))

    def flush(self, *, final: bool = False) -> None:
        """Append what has gathered: deploy records first, so that what was done precedes what was seen."""
        if self.run is None:
            return
        if final:
            self._skip()
        if (self._pending or final) and self._tallies:
            self._flush_deploys(self.run)
        for step, group, results in _grouped(self._pending):
            if step == "verify":
                self.recorder.verify(self.signers.verifier, self.run, results=results, **group)
            else:
                self.recorder.rollback(self.signers.implementer, self.run, results=results, **group)
                for result in results:
                    self._told.add(result["asset"])
                    if result["result"] != "restored":
                        self._ended(result["asset"], f"way back {result['result']}")
                    elif group["trigger"] in ("health", "failed"):
                        self._ended(result["asset"], "rolled back")
        self._pending.clear()

    def _skip(self) -> None:
        """Note each asset on which the run stopped before it changed anything: that is an end too, and on record."""
        applies = self.kind in WAVES and self.mode == "apply"
        for asset in sorted(self._stopped - self._told - set(self._tallies)) if applies else ():
            self._tally_of(asset).skipped = True
        self._stopped.clear()
        self._prepared.clear()

    def close(self, exit_code: int) -> None:
        """Append run-close and a signed head; the recorder names the expected assets that left no trace as missing."""
        if self.run is None:
            return
        self.flush(final=True)
        self.recorder.close_run(
            self.signers.implementer,
            self.run,
            outcome=self._verdict(exit_code),
            exit_code=exit_code,
            denied_by=tuple(self._denied_by),
        )
        note = self.recorder.checkpoint(self.signers.log)
        end_run(self.run)
        self.run = None
        if self._cosign is not None:
            self.heard = self._cosign(note)

    def _ended(self, asset: str, word: str) -> None:
        """Note how an asset ended that is not where the run was to bring it; what came of it later says more."""
        if self.kind in ENDING:
            self.ends[asset] = word

    @property
    def exit_code(self) -> int:
        """What the run leaves with for its hosts, as Ansible's codes: 2 where one failed, 4 where one was out of reach.

        A host whose failure a wave dealt with counts for Ansible as well, so the run has to say it.
        """
        lost = [word == "unreachable" for word in self.ends.values()]
        return (4 if any(lost) else 0) | (0 if all(lost) else 2)

    def _verdict(self, exit_code: int) -> str:
        if self.denied and not self.ends:
            return "denied"
        if exit_code:
            return "failed"
        return "drift" if self.drift and self.kind == "check" else "ok"

    def _drifted(self, contribution: Mapping[str, Any]) -> None:
        if contribution["step"] == "verify" and contribution["kind"] == "drift":
            self._judged.add(contribution["result"]["asset"])
            self.drift |= contribution["result"]["verdict"] == "fail"
        elif contribution["step"] == "verify" and contribution["kind"] == "health" and contribution["phase"] == "after":
            self._felt.add(contribution["result"]["asset"])
            self.drift |= contribution["result"]["verdict"] == "fail"  # a check that found it ill is no success

    @property
    def unasked(self) -> bool:
        """The run changes hosts and carries out no approved change: a request would be the second thing it is about."""
        applies = self.kind == "remediate" and self.mode == "apply"
        return applies and self.run is not None and len(self.run.subject) == 1

    @property
    def silent(self) -> tuple[str, ...]:
        """The expected assets of which the run has reported nothing, where it should report on each.

        A check must, on the controls of each, or where it asks for no controls, on the health of each; so must a
        remediation that has reported on one. A run that the gate denied has not looked.
        """
        must = self.kind == "check" or (self.kind == "remediate" and self._judged)
        seen = self._felt if self.feels else self._judged
        return tuple(sorted(set(self.expected) - seen)) if must and not self.denied else ()

    @property
    def feels(self) -> bool:
        """The run is a check that has asked for health, and for no control."""
        return self.kind == "check" and bool(self._felt) and not self._judged

    def _flush_deploys(self, run: OpenRun) -> None:
        by_ring: dict[str | None, list[dict[str, Any]]] = {}
        for asset, tally in sorted(self._tallies.items()):
            by_ring.setdefault(tally.ring, []).append(tally.to_result(asset))
            if tally.outcome in ("failed", "unreachable", "skipped"):
                self._ended(asset, tally.outcome)
        for ring, results in by_ring.items():
            self.recorder.deploy(self.signers.implementer, run, ring=ring, results=results)
        self._told.update(self._tallies)
        self._tallies.clear()


def _grouped(contributions: Iterable[Mapping[str, Any]]) -> list[tuple[str, dict[str, Any], list[Any]]]:
    """Put results that share step and particulars (kind, phase, trigger) into one record, in order of first sight."""
    groups: dict[str, tuple[str, dict[str, Any], list[Any]]] = {}
    for contribution in contributions:
        particulars = {k: v for k, v in contribution.items() if k not in ("step", "result")}
        key = json.dumps([contribution["step"], particulars], sort_keys=True)
        groups.setdefault(key, (contribution["step"], particulars, []))[2].append(contribution["result"])
    return list(groups.values())
