# Copyright: (c) 2026, Holdfast contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The recorder: one method a step, which builds the statement, has it signed and appends it to the ledger."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Any

from ..errors import LedgerError, TrustError
from . import canonical, checkpoint, statements
from .bodies import OUTCOMES
from .chain import Chain
from .envelope import Envelope
from .parts import Receipt, about, new_id, split
from .proposal import Proposal, publish
from .reading import OpenRun, chain_after, nonce_digest
from .signers import Signer
from .store import Ledger
from .trust import Trust

UNREPORTED = ("plan", "stage")
"""Kinds of run that prepare, and of which no record tells asset by asset."""


class Recorder:
    """Writes records of one organisation; `clock` gives the aware time now, `trust` is the document in force.

    Every method takes the signer first, and raises TrustError when that key may not play the step's role,
    LedgerError when the body is not of its closed form or nothing could be stored.
    """

    def __init__(
        self,
        ledger: Ledger,
        trust: Trust,
        org: str,
        producer_version: str,
        clock: Callable[[], datetime],
        *,
        chain: Chain | None = None,
        seen: int = 0,
    ) -> None:
        """`chain` is the chain of trust after the first `seen` entries, where it is known; what follows is read."""
        self.ledger = ledger
        self.org = org
        self._given = trust
        self._chain = chain or Chain()
        self._seen = seen
        self._version = producer_version
        self._clock = clock

    @property
    def trust(self) -> Trust:
        """The trust document it was given, or a newer one that it has met since."""
        return self._chain.trust or self._given

    def publish_trust(self, *signers: Signer) -> Receipt:
        """Append the trust document this recorder was given, signed by these; return the last receipt.

        Raises TrustError, and appends nothing, where the signers are not as many roots as it needs.
        """
        proposal = Proposal.of(self.ledger, self.org, self._given)
        return self.publish_signed([proposal.signed(signer, self._clock(), self._version) for signer in signers])

    def publish_signed(self, envelopes: Sequence[bytes]) -> Receipt:
        """Append signed trust records that make the document this recorder was given the one in force."""
        receipts = publish(self.ledger, self._given, envelopes, self.org, self._clock())
        self._chain, self._seen = Chain(self._given), receipts[-1].index + 1
        return receipts[-1]

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

    def checkpoint(self, log_signer: Signer) -> str:
        """Sign the ledger's head as it is now, keep it in the ledger, and return the note.

        Raises TrustError when the key is not the log's.
        """
        size, root = self.ledger.head()
        self._trust_at(size).require(log_signer.public_key.keyid, "log", size - 1)
        note = checkpoint.note(self.org, size, root, log_signer)
        self.ledger.save_checkpoint(note)
        return note

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

    def write(
        self,
        signer: Signer,
        step: str,
        subject: list[dict[str, Any]],
        change_id: str | None,
        body: dict[str, Any],
        roles: Sequence[str] = (),
    ) -> Receipt:
        """Build, sign and append one record; the methods above say what each step takes, keeping.py what others do.

        Without a subject it is about the head that it names. `roles` are those that the signer may sign it in, where
        that is fewer than the step allows.
        """
        head = self.ledger.head()  # last before sealing: the record cannot be older than what it names here
        trust = self._trust_at(head[0])
        role = _role(trust, signer, roles or statements.SIGNED_BY[step])
        record_id = new_id("rec")
        statement = statements.draft(
            step,
            subject or [about("head", head[1].hex())],
            body,
            org=self.org,
            actor=(trust.require(signer.public_key.keyid, role, head[0]), role),
            at=self._clock(),
            head=head,
            trust=(trust.version, trust.sha256),
            producer=self._version,
            record_id=record_id,
            change_id=change_id,
        )
        envelope = statements.seal(statement, signer)
        return Receipt(self.ledger.append(envelope), canonical.digest(envelope), record_id, change_id)

    def _trust_at(self, size: int) -> Trust:
        """Return the trust in force over the first `size` entries.

        A newer version published meanwhile is adopted.
        """
        before = self._chain.trust
        if self._seen < size:
            self._chain = chain_after(self.ledger, self._chain, self._seen, size)
            self._seen = size
        trust = self._chain.trust
        if trust is None:
            raise TrustError(f"{self.ledger.path}: holds no trust document; publish one with `holdfast trust publish`")
        if before is None and trust.sha256 != self._given.sha256:
            raise TrustError(
                f"trust: version {self._given.version} was given, but {trust.version} is in force; "
                "read the ledger's trust anew"
            )
        return trust


def _role(trust: Trust, signer: Signer, roles: Sequence[str]) -> str:
    """Return the first of the roles that the signer's principal has, else the first, which is then refused."""
    keyid = signer.public_key.keyid
    held = trust.roles(trust.principal_of(keyid)) if trust.holds(keyid) else ()
    return next((role for role in roles if role in held), roles[0])
