# Copyright: (c) 2026, Holdfast contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The recorder: what changes and their runs put on record, one method a step, which builds the statement's body."""

from __future__ import annotations

import secrets
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from ..errors import LedgerError
from . import canonical, statements
from .bodies import OUTCOMES
from .envelope import Envelope
from .parts import Receipt, about, new_id, split
from .reading import OpenRun, nonce_digest
from .signers import Signer
from .writer import Writer

UNREPORTED = ("plan", "stage")
"""Kinds of run that prepare, and of which no record tells asset by asset."""


class Recorder(Writer):
    """Records what is asked for, agreed to, ordered and done; each method takes the signer first.

    They raise TrustError when that key may not play the step's role, LedgerError when the body is not of its closed
    form or nothing could be stored. How a record is signed and appended stands in writer.py.
    """

    def request(
        self,
        signer: Signer,
        *,
        plan: str,
        kind: str,
        rings: Sequence[str],
        assets: Sequence[str],
        expires_at: datetime,
        change_id: str | None = None,
        safeguards: Sequence[str] | None = None,
        case: Mapping[str, Any] | None = None,
        template: Mapping[str, Any] | None = None,
        duties: str | None = None,
    ) -> Receipt:
        """Ask for a change.

        `plan` is its digest, `kind` patch or config; `safeguards` are the technical ones it touches, as paragraphs of
        45 CFR, None where nobody looked. `case` is what was stated of it, `template` {index, sha256} of the record that
        agreed to the template it is made from, `duties` one-person where one person is all there is. Without a change
        id a new one is made.
        """
        body = {
            "kind": kind,
            "rings": list(rings),
            "assets": list(assets),
            "expires_at": canonical.timestamp(expires_at),
            **({} if safeguards is None else {"safeguards": list(safeguards)}),
            **({"case": dict(case)} if case else {}),
            **({"template": dict(template)} if template else {}),
            **({"duties": duties} if duties else {}),
        }
        return self.write(signer, "request", [about("plan", plan)], change_id or new_id("chg"), body)

    def approve(
        self,
        signer: Signer,
        *,
        change_id: str,
        plan: str,
        request: str,
        rings: Sequence[str],
        not_after: datetime,
        decision: str = "approve",
        nonce: str | None = None,
    ) -> Receipt:
        """Consent to, or `reject`, exactly this plan and request, both named by digest, in these rings."""
        body = {
            "decision": decision,
            "request": request,
            "plan": plan,
            "rings": list(rings),
            "not_after": canonical.timestamp(not_after),
            "nonce": nonce or secrets.token_hex(16),
        }
        subject = [about("plan", plan), about("request", request)]
        return self.write(signer, "approve", subject, change_id, body)

    def assess(
        self,
        signer: Signer,
        *,
        change_id: str,
        plan: str,
        request: str,
        office: str,
        outcome: str,
        nonce: str | None = None,
    ) -> Receipt:
        """Say, in an office, that nothing speaks against exactly this plan and request (`clear`), or that it does."""
        body = {
            "office": office,
            "outcome": outcome,
            "request": request,
            "plan": plan,
            "nonce": nonce or secrets.token_hex(16),
        }
        return self.write(signer, "assess", [about("plan", plan), about("request", request)], change_id, body)

    def halt(
        self,
        signer: Signer,
        *,
        change_id: str,
        plan: str,
        request: str,
        action: str,
        rings: Sequence[str],
    ) -> Receipt:
        """Order a change to `stop` in these rings, or to `go` on there; `plan` and `request` are its digests.

        Whoever asked for, approves or carries out changes may; the record says in which of these roles.
        """
        subject = [about("plan", plan), about("request", request)]
        return self.write(signer, "halt", subject, change_id, {"action": action, "rings": list(rings)})

    def open_run(
        self,
        signer: Signer,
        *,
        kind: str,
        mode: str,
        expected_assets: Sequence[str],
        ansible_core: str,
        plan: str | None = None,
        baseline: str | None = None,
        change_id: str | None = None,
        request: str | None = None,
        approvals: Sequence[Mapping[str, Any]] = (),
        materials: Sequence[Mapping[str, Any]] = (),
        forks: int = 5,
        limit: bool = False,
        resumes: Sequence[str] = (),
        baselines: Sequence[Mapping[str, Any]] = (),
        content: Mapping[str, Any] | None = None,
        policy: Mapping[str, Any] | None = None,
        nonce: str | None = None,
    ) -> OpenRun:
        """Put a run on record before it changes anything.

        Exactly one of `plan` and `baseline` is the digest of what the run is about. `approvals` are {index,
        sha256}, `materials` {name, sha256}, `baselines` {id, version, sha256} of what the assets are held against;
        `content` {manifest, index, sha256} of the record in which somebody signed the files that the run is made of;
        `policy` {digest, index, sha256} of the record in which leaders approved the policy that lets it run;
        `resumes` are ids of earlier runs of the change that were never closed. A run that applies a change without
        a request gets a change id of its own; a rollback has that of the change it takes back.
        """
        if (plan is None) == (baseline is None):
            raise LedgerError("run-open: name the plan or the baseline by its digest, one of the two")
        if change_id is None and mode == "apply" and kind in ("patch", "rehearse", "remediate"):
            change_id = new_id("chg")
        run_id, nonce = new_id("run"), nonce or secrets.token_hex(32)
        body = {
            "run_id": run_id,
            "kind": kind,
            "mode": mode,
            "request": request,
            "approvals": [dict(approval) for approval in approvals],
            "expected_assets": list(expected_assets),
            "materials": [dict(material) for material in materials],
            "forks": forks,
            "limit": limit,
            "ansible_core": ansible_core,
            "nonce_sha256": nonce_digest(nonce),
            "resumes": list(resumes),
            **({"baselines": [dict(baseline) for baseline in baselines]} if baselines else {}),
            **({"content": dict(content)} if content else {}),
            **({"policy": dict(policy)} if policy else {}),
        }
        subject = [about("plan", plan) if plan else about("baseline", str(baseline))]
        subject += [about("request", request)] if request else []
        receipt = self.write(signer, "run-open", subject, change_id, body)
        assets = tuple(expected_assets)
        return OpenRun(run_id, nonce, receipt.index, receipt.sha256, change_id, tuple(subject), kind, mode, assets)

    def deploy(
        self, signer: Signer, run: OpenRun, *, ring: str | None, results: Sequence[Mapping[str, Any]]
    ) -> tuple[Receipt, ...]:
        """Record what was done to assets of one ring; long results become several records."""
        return self._shards(signer, "deploy", run, {"ring": ring}, results, "products")

    def verify(
        self,
        signer: Signer,
        run: OpenRun,
        *,
        kind: str,
        phase: str | None,
        results: Sequence[Mapping[str, Any]],
    ) -> tuple[Receipt, ...]:
        """Record what the verifier saw: `kind` drift, version, running or health; `phase` before, after, or None."""
        return self._shards(signer, "verify", run, {"kind": kind, "phase": phase}, results, "checks")

    def rollback(
        self, signer: Signer, run: OpenRun, *, trigger: str, results: Sequence[Mapping[str, Any]]
    ) -> tuple[Receipt, ...]:
        """Record what was put back.

        `trigger` is what sent it back: health, failed, guard (the host itself), request (a person), rehearsal (to
        prove that there is a way back; the host goes forward again).
        """
        return self._shards(signer, "rollback", run, {"trigger": trigger}, results, "products")

    def lease(self, signer: Signer, run: OpenRun, *, action: str, cluster: str, asset: str, until: datetime) -> Receipt:
        """Record that a run takes, or releases, the leave to have this asset of a cluster out of service."""
        body = {
            "run_id": run.run_id,
            "action": action,
            "cluster": cluster,
            "asset": asset,
            "until": canonical.timestamp(until),
        }
        return self.write(signer, "lease", list(run.subject), run.change_id, body)

    def close_run(
        self,
        signer: Signer,
        run: OpenRun,
        *,
        outcome: str,
        exit_code: int,
        missing_assets: Sequence[str] | None = None,
        denied_by: Sequence[str] = (),
    ) -> Receipt:
        """Close a run.

        Counts and entries are taken from the ledger itself, so that they cannot differ from it.

        `entries` are the run's records, the opening one included, this one not. `missing_assets`, unless
        given, are the expected assets that no deploy, rollback or verify names; a verify before the change
        counts only where it found no drift, so that nothing was to be done. A run that plans or stages misses none.
        `denied_by` are the rules with which the gate stopped it.
        """
        entries, seen, outcomes = [run.index], set[str](), dict[str, str]()
        for index, data in self.ledger.entries(run.index + 1):
            statement = statements.read(Envelope.from_bytes(data))
            body = statement["predicate"]["step"]
            if body.get("run_id") != run.run_id:
                continue
            entries.append(index)
            for result in body.get("results", ()):
                if body.get("phase") != "before" or (body["kind"] == "drift" and result["verdict"] == "pass"):
                    seen.add(result["asset"])
                if statements.step_of(statement) == "deploy":
                    outcomes[result["asset"]] = result["outcome"]
        if missing_assets is None:
            missing_assets = [
                asset for asset in run.expected_assets if asset not in seen and run.kind not in UNREPORTED
            ]
        body = {
            "run_id": run.run_id,
            "outcome": outcome,
            "exit_code": exit_code,
            "missing_assets": list(missing_assets),
            "counts": {name: list(outcomes.values()).count(name) for name in OUTCOMES},
            "entries": {"first": entries[0], "last": entries[-1], "count": len(entries)},
            **({"denied_by": list(denied_by)} if denied_by else {}),
        }
        return self.write(signer, "run-close", list(run.subject), run.change_id, body)

    def _shards(
        self,
        signer: Signer,
        step: str,
        run: OpenRun,
        body: dict[str, Any],
        results: Sequence[Mapping[str, Any]],
        inner: str,
    ) -> tuple[Receipt, ...]:
        return tuple(
            self.write(
                signer,
                step,
                list(run.subject),
                run.change_id,
                {"run_id": run.run_id, **body, "results": part},
            )
            for part in split([dict(result) for result in results], inner)
        )
