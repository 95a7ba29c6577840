# Copyright: (c) 2026, Holdfast contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Opening things: the site, its ledger, a change in it, a run; and proving, in another process, that a run is open."""

from __future__ import annotations

import time
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from ..change.parts import Part
from ..change.plan import Plan
from ..change.reading import change_state
from ..change.rings import ring_state, ring_verified, stopped_for_good
from ..change.safeguarded import informed
from ..change.state import ChangeState
from ..change.store import load_plan, plan_path
from ..change.waves import Wave, waves
from ..errors import LedgerError, PlanError, PolicyError, TrustError
from ..evidence.baselines import baseline_digest
from ..ledger.reading import OpenRun, Record, find_open_run, officers_of
from ..ledger.recorder import Recorder
from ..ledger.store import Ledger
from ..site.site import Site, load_site
from ..site.sources import unchanged
from .environment import PRODUCT, RunContext, utc_now
from .product import product_version
from .rereading import read_again

_opened: dict[Path, Site] = {}
_begun: dict[str, OpenRun] = {}


def open_site(root: Path) -> Site:
    """Load and validate the site at `root` against the product's own baselines and policy. Raises SiteError.

    A site that this process has loaded is given again while none of its files and folders has changed. Ansible's
    workers are forks: what the inventory read once they need not read again, each for each host.
    """
    root = root.resolve()
    known = _opened.get(root)
    if known is None or not unchanged(known.sources):
        known = _opened[root] = load_site(root, PRODUCT)
    return known


def open_ledger(site: Site) -> Ledger:
    """Return the site's ledger, which waits for another writer and for a server that is away as the site says."""
    return Ledger(site.ledger_path, patience=site.ledger_patience, pause=time.sleep)


def open_recorder(site: Site) -> Recorder:
    """Return what writes records into the site's ledger. Raises LedgerError or TrustError where that is impossible."""
    ledger = open_ledger(site)
    read = read_again(ledger, site.root)
    if read.trust is None:
        raise TrustError(f"{ledger.path}: holds no trust document; publish one with `holdfast trust publish`")
    ledger.remember(read.chain, read.size)
    return Recorder(ledger, read.trust, site.org, product_version(), utc_now, chain=read.chain, seen=read.size)


def records_of(site: Site) -> Sequence[Record]:
    """Return every record of the site's ledger as it is now, verified; what this process knows is read no more."""
    return read_again(open_ledger(site), site.root).records


def stated_baselines(site: Site, assets: Iterable[str]) -> list[dict[str, str]]:
    """Return what a run-open record says of the baselines that bind these assets: id, version, digest."""
    names = sorted({name for asset in assets for name in site.asset(asset).baselines})
    return [
        {"id": name, "version": site.baselines[name].version, "sha256": baseline_digest(site.baselines[name])}
        for name in names
    ]


@dataclass(frozen=True)
class Case:
    """One change: its state from the records, and its plan, checked against the digest that was requested."""

    site: Site
    records: Sequence[Record]
    state: ChangeState
    plan: Plan

    def remaining_waves(self, ring: str | None) -> tuple[Wave, ...]:
        """Return the waves still to run, of all rings or of one, without the assets that are verified already.

        Assets that an earlier run left in between come first, as waves without a number: they go back before anything
        else is tried. Raises PlanError for a ring that the change was not asked for: nothing to do would be the wrong
        answer.
        """
        if ring is not None and ring not in self.state.rings:
            raise PlanError(
                f"ring {ring}: change {self.state.change_id} was not asked for it; "
                f"expected one of {', '.join(self.state.rings)}; correct -e ring=..."
            )
        between = set(self.state.left_between)
        back = [
            Wave(wave.ring, 0, tuple(asset for asset in wave.assets if asset in between))
            for wave in reversed(self.all_waves(ring))
            if between & set(wave.assets)
        ]
        return (*back, *self.all_waves(ring, {*self.state.done(), *self.state.rolled_back, *between}, self._later))

    def waves_to_ask_for(self, ring: str | None) -> tuple[Wave, ...]:
        """Return the waves of a run of patch: those still to run, or where there are none, those that are over.

        A change that was taken back has nobody left to change, and that is no success: the gate is asked for the hosts
        that went back, and says why they get it no more. Where all is done but a run that did it was never closed, the
        last wave is looked at again, so that there is a run that takes it over. Empty only where the work is done.
        """
        waiting = self.remaining_waves(ring)
        if waiting:
            return waiting
        stopped = any(stopped_for_good(self.state, self.plan, self.site.policy))
        rings = {one.name: one for one in self.site.policy.rings}
        over = tuple(
            wave
            for wave in self.all_waves(ring, self.state.done())
            if stopped or not ring_verified(self.state, self.plan, rings[wave.ring])
        )
        return over or (self.all_waves(ring)[-1:] if self.state.open_runs else ())

    def rehearsal_waves(self) -> tuple[Wave, ...]:
        """Return all waves of the first ring the change was asked for, in which its way back is rehearsed."""
        first = next(ring.name for ring in self.site.policy.rings if ring.name in self.state.rings)
        return self.all_waves(first)

    def all_waves(
        self, ring: str | None = None, done: Collection[str] = (), later: Collection[str] = ()
    ) -> tuple[Wave, ...]:
        """Return the waves of the rings asked for, or of one of them, without those that are `done`.

        Those that are tried again `later` come after the others of their ring.
        """
        asked = waves(
            self.plan,
            self.site.policy,
            done,
            ring,
            clusters=self.site.clusters,
            intermittent=self.state.intermittent,
            later=later,
        )
        return tuple(wave for wave in asked if wave.ring in self.state.rings)

    @property
    def _later(self) -> frozenset[str]:
        """The assets that failed or were unreachable in rings that endure it: the others go first, then these again.

        In a ring that does not endure it nothing else may go before they were tried again.
        """
        rings = (ring_state(self.state, self.plan, ring) for ring in self.site.policy.rings)
        return frozenset(one for ring in rings if not any(ring.overspent()) for one in ring.of("failed", "unreachable"))


def open_change(site: Site, records: Sequence[Record], change_id: str) -> Case:
    """Return a change of the ledger. Raises PlanError where there is none, or its plan is not the one requested."""
    state = change_state(records, change_id, **site.traits)
    if state is None:
        raise PlanError(f"change {change_id}: no request of that id is in the ledger; see `holdfast change list`")
    plan = load_plan(plan_path(site.plans_dir, state.plan))
    return Case(site, records, informed(state, plan, site, officers_of(records), utc_now(), records), plan)


def open_case(root: Path, change_id: str) -> Case:
    """Return a change of the site at `root`, read from its ledger now."""
    site = open_site(root)
    return open_change(site, records_of(site), change_id)


@dataclass(frozen=True)
class Run:
    """The run this process belongs to, read back from the ledger."""

    site: Site
    opened: OpenRun

    @property
    def kind(self) -> str:
        """What it was opened for: check, plan, stage, patch, rehearse, remediate or rollback."""
        return self.opened.kind

    @cached_property
    def records(self) -> Sequence[Record]:
        """Every record of the ledger as it is now, verified."""
        return records_of(self.site)

    @cached_property
    def record(self) -> Record:
        """The run-open record itself."""
        return self.records[self.opened.index]

    @cached_property
    def case(self) -> Case | None:
        """The change this run carries out; None for a run that only reads, or that mends what policy lets it mend."""
        if self.opened.change_id is None or self.record.request is None:
            return None
        return open_change(self.site, self.records, self.opened.change_id)

    def part_of(self, plan_digest: str, asset: str) -> Part:
        """Return an asset's part of the plan this run was opened for. Raises PlanError for any other plan."""
        if self.case is None or plan_digest != self.case.plan.digest:
            raise PlanError(
                f"plan {plan_digest[:12]}: run {self.opened.run_id} was not opened for it; "
                "expected the plan of the run's change; start patch with -e change=chg_..."
            )
        return Part.of(self.case.plan, asset)

    def require_go(self, asset: str) -> None:
        """Raise PolicyError where somebody has stopped the run's change in the asset's ring since its wave began."""
        if self.case is None or asset not in self.case.plan.by_asset:
            return
        ring = self.case.plan.by_asset[asset].ring
        halt = self.case.state.stopped(ring)
        if halt is not None:
            raise PolicyError(
                f"{self.case.state.change_id} was stopped in ring {ring} by {halt.principal} ({halt.role}) in record "
                f"{halt.index}; nothing was changed on {asset}; `holdfast change go` lets it go on"
            )


def begin_run(opened: OpenRun) -> None:
    """Remember the run that this process has just put on record; Ansible's workers, its forks, know it too."""
    _begun[opened.run_id] = opened


def end_run(opened: OpenRun) -> None:
    """Forget a run that this process has closed."""
    _begun.pop(opened.run_id, None)


def require_run() -> Run:
    """Return the open run of this process.

    A process that opened it, or is a fork of that one, knows it. Any other is told the run's id and a nonce whose
    digest stands in run-open: there the ledger is asked, so an environment made up by hand opens nothing. Raises
    LedgerError where there is no such open run.
    """
    context = RunContext.from_environment()
    if context is None:
        raise LedgerError(
            "no run is on record: the recorder is not active in this process; "
            "put callbacks_enabled = holdfast.hipaa.recorder into ansible.cfg and run again"
        )
    site = open_site(context.site)
    begun = _begun.get(context.run_id)
    if begun is not None and begun.nonce == context.nonce:
        return Run(site, begun)
    return Run(site, find_open_run(open_ledger(site), context.run_id, context.nonce))
