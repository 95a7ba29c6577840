# Copyright: (c) 2026, Holdfast contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The rules about the run and its plan: on record, for known assets, from the plan that was asked for, as it is still.

Each rule takes a question and yields its objections. A citation stands where the paragraph asks for what the rule
guards; docs/reference/decision.md has the table. Who agreed, and what came before: agreement.py.
"""

from __future__ import annotations

from collections.abc import Iterator

from ..ledger.canonical import timestamp
from .question import Question, Reason

AUDIT_CONTROLS = "164.312(b)"
RISK_MANAGEMENT = "164.308(a)(1)(ii)(B)"
AUTHORIZATION = "164.308(a)(3)(ii)(A)"
WRITTEN_RECORD = "164.316(b)(1)(ii)"

CHANGE_KIND = {"stage": "patch", "patch": "patch", "rehearse": "patch", "remediate": "config"}
"""Which kind of change a kind of run carries out."""


def run_on_record(q: Question) -> Iterator[Reason]:
    """Nothing runs before it is on record."""
    if not q.on_record:
        yield Reason(
            "run-on-record",
            "this run has no run-open record in the ledger",
            AUDIT_CONTROLS,
            "enable the callback holdfast.hipaa.recorder in ansible.cfg and see that the ledger can be written",
        )


def implementer_known(q: Question) -> Iterator[Reason]:
    """Whoever changes hosts is a principal of the trust document."""
    if q.implementer is None:
        yield Reason(
            "implementer-known",
            "the key this run signs with belongs to no principal",
            AUTHORIZATION,
            "add its public key to trust.yml and record the new trust document, or set keys.implementer in site.yml",
        )


def assets_known(q: Question) -> Iterator[Reason]:
    """Only registered assets are touched, and a question about none is no question."""
    if not q.assets:
        yield Reason("asset-named", "no asset is named", "", "name at least one; see that --limit matches something")
    unknown = sorted(q.assets - set(q.register))
    if unknown:
        yield Reason(
            "asset-known",
            f"not in the register: {', '.join(unknown)}",
            RISK_MANAGEMENT,
            "add them to holdfast.yml with an owner and a ring, or leave them out",
        )


def change_exists(q: Question) -> Iterator[Reason]:
    """Hosts are changed only for a change that was asked for, of the kind that the run carries out."""
    if q.change is None:
        yield Reason(
            "change-exists",
            "no request for this change is in the ledger",
            WRITTEN_RECORD,
            "ask for it: holdfast change request --plan plans/<digest>.json",
        )
    elif q.change.kind != CHANGE_KIND.get(q.kind):
        yield Reason(
            "change-kind",
            f"{q.change.change_id} is a {q.change.kind} change, this is a {q.kind} run",
            "",
            f"ask for a change of kind {CHANGE_KIND.get(q.kind)}",
        )


def plan_agreed(q: Question) -> Iterator[Reason]:
    """The plan at hand is the one that was asked for, to the byte."""
    if q.plan is None:
        yield Reason(
            "plan-agreed",
            "the plan's file is not at hand",
            RISK_MANAGEMENT,
            "copy it into the site's plans/ folder",
        )
    elif q.change is not None and q.plan.digest != q.change.plan:
        yield Reason(
            "plan-agreed",
            f"the plan at hand is {q.plan.digest[:12]}..., the one asked for is {q.change.plan[:12]}...",
            RISK_MANAGEMENT,
            "run the plan that was asked for, or ask for this one as a new change",
        )


def assets_planned(q: Question) -> Iterator[Reason]:
    """Every asset stands in the plan, in the ring asked about, and in that ring of the register today."""
    if q.ring is None or all(ring.name != q.ring for ring in q.policy.rings):
        yield Reason(
            "ring-known",
            f"ring {q.ring!r} is in no policy",
            "",
            f"use one of {', '.join(r.name for r in q.policy.rings)}",
        )
    if q.change is not None and q.ring not in q.change.rings:
        yield Reason(
            "ring-asked",
            f"the change was asked for {', '.join(q.change.rings)}, not for {q.ring}",
            "",
            "ask for a new change",
        )
    if q.plan is None:
        return
    for asset in sorted(q.assets):
        planned = q.plan.by_asset.get(asset)
        asked = q.change is None or asset in q.change.assets
        if planned is None or not asked:
            yield Reason(
                "asset-planned",
                f"{asset} is not in the plan asked for",
                RISK_MANAGEMENT,
                "leave it out, or plan again with it",
            )
        elif planned.ring != q.ring:
            yield Reason(
                "asset-ring",
                f"{asset} was planned in ring {planned.ring}, not {q.ring}",
                "",
                f"run it with ring {planned.ring}",
            )
        elif q.register.get(asset, q.ring) != q.ring:
            yield Reason(
                "asset-ring",
                f"{asset} is now registered in ring {q.register[asset]}, not {q.ring}",
                "",
                "plan again, so that it is approved for the ring it is in",
            )


def no_other_run(q: Question) -> Iterator[Reason]:
    """One run of a change at a time; a dead one is taken over by name."""
    for run in q.change.open_runs if q.change else ():
        if run.run_id != q.run_id and run.run_id not in q.resumes:
            yield Reason(
                "run-alone",
                f"{run.run_id} of this change is open since {timestamp(run.opened_at)}",
                AUDIT_CONTROLS,
                "wait for it; if it died, run the same playbook again, which takes it over",
            )


def baseline_as_planned(q: Question) -> Iterator[Reason]:
    """A configuration change makes true the controls that were approved, not those written since."""
    if q.plan is not None and q.plan.baseline is not None and q.plan.baseline != q.baseline:
        found = f"{q.baseline[:12]}..." if q.baseline else "not known"
        ended = "".join(f"; exception {one.id} has lapsed since, at {one.expires.isoformat()}" for one in q.lapsed)
        yield Reason(
            "baseline-as-planned",
            f"the controls now are {found}, those asked for are {q.plan.baseline[:12]}...{ended}",
            RISK_MANAGEMENT,
            "ask for a new change of kind config",
        )


def change_ran(q: Question) -> Iterator[Reason]:
    """Only a change that ran on an asset can be taken back there."""
    strangers = sorted(q.assets - q.deployed)
    if strangers:
        yield Reason(
            "change-ran",
            f"the change never ran on {', '.join(strangers)}",
            "",
            "name the change that did, or --limit to the hosts where it ran",
        )


def rehearsed_in_first_ring(q: Question) -> Iterator[Reason]:
    """A rehearsal takes hosts back and forward on purpose: only where a change begins, never nearer to patients."""
    asked = [ring.name for ring in q.policy.rings if q.change is not None and ring.name in q.change.rings]
    if asked and q.ring != asked[0]:
        yield Reason(
            "rehearsal-ring",
            f"a way back is rehearsed in {asked[0]}, the first ring of this change, not in {q.ring}",
            RISK_MANAGEMENT,
            f"rehearse on hosts of {asked[0]}",
        )
