# Copyright: (c) 2026, Holdfast contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What `holdfast change` works on: a site, its verified records, and the moment it was opened."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cached_property
from pathlib import Path
from typing import Any, TextIO

from ..change.plan import Plan
from ..change.reading import change_states
from ..change.safeguarded import informed
from ..change.state import ChangeState
from ..change.store import load_plan, plan_path
from ..edge.environment import find_site, utc_now
from ..edge.opening import open_ledger, open_recorder, open_site
from ..edge.signing import ask, site_signer
from ..edge.witnessing import seal
from ..errors import HoldfastError, LedgerError, PlanError, UsageError
from ..ledger.reading import Record, read_records, trust_in_force
from ..ledger.recorder import Recorder
from ..ledger.signers import Signer
from ..ledger.trust import Trust
from ..ledger.unlock import open_signer
from ..policy.standing import standing
from ..site.keyref import KeyRef
from ..site.site import Site
from .change_report import Report, report

LATE = timedelta(minutes=5)
"""How far ahead of ours the clock of an approver's machine may be."""


@dataclass(frozen=True)
class Desk:
    """One look at a site; what is appended afterwards needs a new one."""

    site: Site
    records: Sequence[Record]
    trust: Trust
    now: datetime

    @classmethod
    def open(cls, named: Path | None) -> Desk:
        """Open the site in the folder named (else found); raises SiteError, LedgerError or TrustError."""
        site = open_site(find_site(named))
        ledger = open_ledger(site)
        return cls(site, read_records(ledger), trust_in_force(ledger), utc_now())

    @cached_property
    def recorder(self) -> Recorder:
        """What appends."""
        return open_recorder(self.site)

    @cached_property
    def states(self) -> tuple[ChangeState, ...]:
        """Every change on record, the oldest request first."""
        states = change_states(self.records, **self.site.traits)
        officers = self.trust.officers
        agreed = [one for one in self.records if one.step == "standard"]
        return tuple(informed(one, self.plan_of(one)[0], self.site, officers, self.now, agreed) for one in states)

    def change(self, named: str) -> ChangeState:
        """Return the change of that id, or of the one id that starts so; raises UsageError."""
        found = [one for one in self.states if one.change_id == named]
        found = found or [one for one in self.states if len(named) > 4 and one.change_id.startswith(named)]
        if len(found) != 1:
            what = f"{len(found)} changes start so" if found else "no request of that id is in the ledger"
            raise UsageError(f"change {named}: {what}; expected one; see `holdfast change list`")
        return found[0]

    def plan_of(self, change: ChangeState) -> tuple[Plan | None, str]:
        """Return the plan a change was asked for, or None and why it is not at hand."""
        try:
            return load_plan(plan_path(self.site.plans_dir, change.plan)), ""
        except PlanError as error:
            return None, str(error)

    def standing(self, change: ChangeState) -> str:
        """Return the change's state in one word."""
        return standing(change, self.plan_of(change)[0], self.site.policy, self.now)

    def report(self, change: ChangeState) -> Report:
        """Return all there is to say of a change."""
        plan, problem = self.plan_of(change)
        return report(change, plan, problem, self.site, self.now, self.implementer_of(change), self.records)

    def implementer_of(self, change: ChangeState) -> str | None:
        """Return who would carry the next ring out: who did so far, else the first who may and did not ask for it."""
        able = sorted(one.id for one in self.trust.principals if "implementer" in one.roles)
        return next((one for one in able if one in change.implementers), None) or next(
            (one for one in able if one != change.requester), None
        )

    def check_register(self, plan: Plan) -> None:
        """Raise UsageError unless the plan is this site's, and its assets are registered in the rings it says."""
        if plan.site != self.site.name:
            raise UsageError(
                f"plan {plan.digest[:12]}: was made for site {plan.site}, this is {self.site.name}; plan here"
            )
        rings = {asset.id: asset.ring for asset in self.site.assets}
        moved = [a.asset for a in plan.assets if rings.get(a.asset) != a.ring]
        if moved:
            raise UsageError(
                f"plan {plan.digest[:12]}: {', '.join(moved)}: not registered in the ring planned; expected the "
                "register as it was; plan again"
            )

    def root_at(self, size: int) -> str:
        """Return the ledger's root, in hex, when it had `size` entries; raises LedgerError where it has fewer."""
        if size > self.recorder.ledger.size:
            raise LedgerError(
                f"{self.site.ledger_path}: has {self.recorder.ledger.size} entries, and the approver saw {size}; "
                "this is not the ledger that was approved against; run `holdfast audit`"
            )
        return self.recorder.ledger.root(size).hex()

    def sign_head(self) -> None:
        """Sign the new head where the log's key is at hand; elsewhere the next run does."""
        log = self.site.keys["log"]
        if log.path is None or log.path.exists():
            try:
                for message in seal(self.recorder, site_signer(self.site, "log"), self.site.witnesses, utc_now()):
                    print(f"holdfast: {message}", file=sys.stderr)
            except HoldfastError as error:
                print(f"holdfast: the record is kept, its head is not signed: {error}", file=sys.stderr)


def signer_of(args: argparse.Namespace, default: KeyRef | None, action: str) -> Signer:
    """Return who signs, by --ssh-key, --key or the default; raises UsageError where none of them is there."""
    ref = args.ssh_key or args.key or default
    if ref is None:
        elsewhere = ", or sign elsewhere (show --for-signing)" if action == "approve" else ""
        raise UsageError(f"{action}: no key; add --ssh-key PATH or --key KEY{elsewhere}")
    return open_signer(ref, ask)


def rings_of(asked: Sequence[str] | None, known: list[str], whose: str) -> list[str]:
    """Return the rings asked for in order of promotion, else all known; raises UsageError for a ring not among them."""
    strange = [ring for ring in asked or () if ring not in known]
    if strange:
        raise UsageError(f"--ring {strange[0]}: {whose} {', '.join(known)}; name one of these")
    return [ring for ring in known if not asked or ring in asked]


def tell(args: argparse.Namespace, text: str, facts: Mapping[str, Any], out: TextIO | None = None) -> int:
    """Say what came of it, in words (on stdout, unless `out`) or as JSON, and return the exit code for it."""
    if args.format == "json":
        print(json.dumps(facts))
    else:
        print(text, file=out)
    return 0


def deny(reasons: Sequence[object]) -> int:
    """Say why not on stderr, and return the exit code for it."""
    for reason in reasons:
        print(f"holdfast: denied: {reason}", file=sys.stderr)
    return 1
