# Copyright: (c) 2026, Holdfast contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Starting a run on record: what it is based on, which change it carries out, and its Journal."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from ansible.release import __version__ as ansible_core

from ..change.reading import change_states
from ..change.state import ChangeState
from ..errors import PolicyError, SiteError
from ..ledger.reading import Record
from ..ledger.trust import Trust
from ..policy.excepting import require_signed
from ..policy.leading import led
from ..policy.standing import standing, weigh_ring
from ..site.site import Site
from .content import require_content
from .duties import require_duties_apart
from .environment import RunContext, utc_now
from .journal import Journal, Signers
from .loading import loads
from .locking import hold
from .opening import open_change, open_recorder, open_site, records_of, stated_baselines
from .product import code_digest, files_digest
from .rereading import keep, read_again
from .signing import site_signer
from .witnessing import cosign

SITE_FILES = (
    "site.yml", "holdfast.yml", "holdfast.yaml", "exceptions.yml", "overlays.yml", "roster.yml", "policy",
    "baselines",
)  # fmt: skip
"""What of a site decides a run; keys, ledger and plans are not part of its digest."""

LOOKING = ("check", "plan", "observe")
"""Kinds of run that change nothing, and carry out no change."""

LONGEST = timedelta(days=1)
"""After how long a check or a plan that never closed counts as left behind by a controller that is gone."""


@dataclass(frozen=True)
class Particulars:
    """What Ansible knows of a run before its first task."""

    kind: str
    check: bool
    hosts: tuple[str, ...]
    change: str | None
    playbook: Path
    forks: int
    limited: bool


def open_journal(root: Path, particulars: Particulars) -> Journal:
    """Append run-open for a run of the site at `root`, and tell this process's children about it.

    Raises SiteError, ContentError, LedgerError, TrustError or PolicyError; then nothing has been changed and nothing
    may be.
    """
    site = open_site(root)
    strangers = sorted(set(particulars.hosts) - {asset.id for asset in site.assets})
    if strangers:
        raise SiteError(
            f"holdfast.yml: assets: {', '.join(strangers)}: not registered; expected every host in the register; "
            "add them, or --limit the run"
        )
    recorder = open_recorder(site)
    records = records_of(site)
    _approvers_known(site, recorder.trust)
    if site.exceptions_signed:
        require_signed(site.exceptions, records, utc_now(), site.policy.exceptions, recorder.trust.officers)
    basis = _basis(site, records, particulars)
    lock = hold(recorder.ledger, basis["change_id"]) if "change_id" in basis else None
    signers = Signers(*(site_signer(site, name) for name in ("implementer", "verifier", "log")))
    waivers = [
        one
        for one in site.exceptions
        if one.in_force(utc_now()) and any(one.scope.covers(site.asset(host)) for host in particulars.hosts)
    ]
    keep(read_again(recorder.ledger, site.root), recorder.ledger, site.root, signers.log)
    require_duties_apart(recorder.trust, signers, records, basis, recorder.ledger.size, waivers)
    content = require_content(
        site,
        records,
        recorder.trust,
        particulars.hosts,
        recorder.trust.principal_of(signers.implementer.public_key.keyid),
        utc_now(),
        lambda: loads(particulars.playbook),
    )
    # Staging changes nothing but Holdfast's own folder, as planning does: see docs/adr/0016.
    reads = particulars.check or particulars.kind in (*LOOKING, "stage")
    journal = Journal(
        recorder,
        signers,
        kind=particulars.kind,
        mode="check" if reads else "apply",
        expected=particulars.hosts,
        lock=lock,
        cosign=lambda note: cosign(recorder.ledger, note, site.witnesses, utc_now()),
    )
    run = journal.open(
        **basis,
        baselines=stated_baselines(site, particulars.hosts),
        materials=_materials(site, particulars.playbook),
        forks=particulars.forks,
        limit=particulars.limited,
        ansible_core=ansible_core,
        content=content.stated() if content else None,
        policy=_stated_policy(site, records),
    )
    RunContext(site=site.root, run_id=run.run_id, nonce=run.nonce).export()
    return journal


def _stated_policy(site: Site, records: Sequence[Record]) -> dict[str, Any] | None:
    """Return what run-open says of the approval of the policy by leaders; None where there is none."""
    record = led(records, site.policy, utc_now()).record
    if record is None:
        return None
    return {"digest": site.policy.digest, "index": record.index, "sha256": record.sha256}


def _basis(site: Site, records: Sequence[Record], particulars: Particulars) -> dict[str, Any]:
    """Return the change a run carries out, with plan, approvals and resumed runs; or the baseline it reads against."""
    if particulars.kind in LOOKING:
        now = utc_now()
        return {"baseline": site.controls_digest(particulars.hosts, now), "resumes": left_behind(records, now)}
    change_id = particulars.change
    if particulars.kind == "patch" and change_id is None:
        raise PolicyError("patch: no change was named; expected -e change=chg_...; see `holdfast change list`")
    if particulars.kind == "stage" and change_id is None:
        raise PolicyError("stage_patches: no change was named; expected -e change=chg_...; see `holdfast change list`")
    if particulars.kind == "rehearse" and change_id is None:
        raise PolicyError("rehearse: no change was named; expected -e change=chg_...; see `holdfast change list`")
    if particulars.kind == "rollback" and change_id is None:
        raise PolicyError("roll_back: no change was named; expected -e change=chg_...; see `holdfast change list`")
    if particulars.kind == "rollback" and not any(r.step == "request" and r.change_id == change_id for r in records):
        # A remediation that policy let happen without a request has a change id of its own.
        return {"change_id": change_id, "baseline": site.controls_digest(particulars.hosts, utc_now())}
    if particulars.kind == "remediate" and change_id is None:
        change_id = _open_baseline_change(site, records, particulars.hosts)
    if change_id is None:
        return {"baseline": site.controls_digest(particulars.hosts, utc_now())}
    state = open_change(site, records, change_id).state
    return {
        "change_id": change_id,
        "plan": state.plan,
        "request": state.request,
        "approvals": _approvals(site, state),
        # The change's lock is held, so whoever opened these runs on this controller is gone.
        # Staging ends only what staged: it does not do the work that another run left undone.
        "resumes": [run.run_id for run in state.open_runs if particulars.kind != "stage" or run.kind == "stage"],
    }


def left_behind(records: Sequence[Record], now: datetime) -> list[str]:
    """Return the runs that only look, were opened longer ago than they take, and never closed.

    A check that was cut short harms nobody; the next one says that it knows of it, and the audit calls it no finding.
    """
    begun: dict[str, datetime] = {}
    for record in records:
        if record.step == "run-open":
            for earlier in record.gist["resumes"]:
                begun.pop(earlier, None)
            if record.gist["kind"] in LOOKING and record.change_id is None:
                begun[record.gist["run_id"]] = record.recorded_at
        elif record.step == "run-close":
            begun.pop(record.gist["run_id"], None)
    return [run_id for run_id, at in begun.items() if now - at > LONGEST]


def _approvers_known(site: Site, trust: Trust) -> None:
    """Raise SiteError where an exception or an overlay was approved by nobody whom the trust in force lets approve."""
    entries = [(f"exceptions.yml: exceptions[{n}]", one.approver) for n, one in enumerate(site.exceptions)]
    entries += [(f"overlays.yml: overlays[{n}]", one.approver) for n, one in enumerate(site.overlays)]
    for where, name in entries:
        if "approver" not in trust.roles(name):
            raise SiteError(
                f'{where}.approver: "{name}", who may approve nothing under trust version {trust.version}; expected a '
                "principal with the role approver; name who approved it, or publish trust.yml with that person"
            )


def _approvals(site: Site, state: ChangeState) -> list[dict[str, Any]]:
    """Return the approvals that count for any ring of the change now, in the ledger's order."""
    counted = {c.index: c for ring in state.rings for c in weigh_ring(state, ring, site.policy, utc_now()).counted}
    return [{"index": index, "sha256": counted[index].sha256} for index in sorted(counted)]


def _open_baseline_change(site: Site, records: Sequence[Record], hosts: Sequence[str]) -> str | None:
    """Return the newest approved, unfinished configuration change for the present baseline that covers the hosts."""
    config = {one.change_id for one in records if one.step == "request" and one.gist["kind"] == "config"}
    about = [one for one in records if one.change_id is None or one.change_id in config] if config else []
    for state in reversed(change_states(about, **site.traits)):
        if state.kind != "config" or not set(hosts) <= set(state.assets):
            continue
        case = open_change(site, records, state.change_id)
        plan = case.plan
        word = standing(case.state, plan, site.policy, utc_now())
        current = plan.baseline == site.controls_digest([asset.asset for asset in plan.assets], utc_now())
        living = word in ("approved", "running", "interrupted", "failed", "reopened") or word.startswith("verified:")
        if current and living:
            return state.change_id
    return None


def _materials(site: Site, playbook: Path) -> list[dict[str, str]]:
    """Return the digests of what this run is made of: playbook, collection, site."""
    return [
        {"name": "playbook", "sha256": hashlib.sha256(playbook.read_bytes()).hexdigest()},
        {"name": "collection", "sha256": code_digest()},
        {"name": "site", "sha256": files_digest(site.root, [n for n in SITE_FILES if (site.root / n).exists()])},
    ]
