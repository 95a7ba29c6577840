# Copyright: (c) 2026, Holdfast contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The world of the change and decision cases: one site, one plan, and records written in a few words.

A case (tests/unit/cases/decision, waves, plan) is read by people who approve changes; the words it may use are the
methods of Book. Records are made as ledger/reading.py hands them over, after verification.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import yaml
from ansible_collections.holdfast.hipaa.plugins.plugin_utils.change.plan import Package, Plan, PlannedAsset, Rollback
from ansible_collections.holdfast.hipaa.plugins.plugin_utils.change.reading import change_state
from ansible_collections.holdfast.hipaa.plugins.plugin_utils.change.state import ChangeState
from ansible_collections.holdfast.hipaa.plugins.plugin_utils.ledger.canonical import timestamp
from ansible_collections.holdfast.hipaa.plugins.plugin_utils.ledger.reading import Record
from ansible_collections.holdfast.hipaa.plugins.plugin_utils.site.policy import Policy

CASES = Path(__file__).parent / "unit" / "cases"
CHANGE = "chg_november000000"
BASELINE = hashlib.sha256(b"the controls as approved").hexdigest()
REGISTER = {"lab-1": "lab", "pilot-1": "pilot", "prod-1": "production", "prod-2": "production", "prod-3": "production"}
SPARE = {"pilot-2": "pilot"}
"""An asset that only the cases have which plan it by name."""


def when(text: str | datetime) -> datetime:
    """Return `2026-11-21 22:00` as a time in UTC."""
    moment = text if isinstance(text, datetime) else datetime.fromisoformat(text)
    return moment.replace(tzinfo=UTC)


def load(folder: str) -> list[Any]:
    """Return the cases of one folder as pytest parameters named after their files."""
    import pytest

    paths = sorted((CASES / folder).glob("*.yml"))
    assert paths, f"tests/unit/cases/{folder} holds no case"
    return [pytest.param(yaml.safe_load(path.read_text(encoding="utf-8")), id=path.stem) for path in paths]


def policy(rings: Sequence[Mapping[str, Any]] = (), **more: Any) -> Policy:
    """Return the policy of the cases: lab and pilot want one approval, production two; `rings` change single values."""
    base: dict[str, dict[str, Any]] = {
        name: {
            "name": name,
            "waves": [1, "100%"],
            "approvals_required": 2 if name == "production" else 1,
            "approval_max_age_hours": 336,
            "promotion": "none" if name == "lab" else "verified",
        }
        for name in ("lab", "pilot", "production")
    }
    for ring in rings:
        base[ring["name"]].update(ring)
    patching = {"updates": "security", "exclude": [], "lists_max_age_hours": 24, "rollback": "required"}
    patching.update(more.get("patching", {}))
    rules = [
        {"id": "mend-in-lab", "when": {"ring": ["lab"], "severity": ["low", "medium", "high"]}, "then": "remediate"},
        {"id": "ask-elsewhere", "when": {"ring": ["pilot", "production"], "severity": ["high"]}, "then": "ask"},
    ]
    ringed = {"rings": list(base.values()), "promotion_kinds": more.get("promotion_kinds", ["patch"])}
    remediation = {
        "rules": [*more.get("rules", ()), *rules],
        "limits": more.get("limits", [{"ring": "lab", "hosts_per_hour": "50%"}]),
    }
    calendar = {name: more.get(name, []) for name in ("windows", "freezes", "billing")}
    own = {"rules": more.get("site_rules"), "pipeline": more.get("pipeline"), "leadership": more.get("leadership")}
    return Policy.from_files(ringed, patching, remediation, calendar, **own)


def package(name: str = "nginx", to: str = "1.22.1-9+deb12u1", before: str | None = "1.22.1-9", **more: Any) -> Package:
    """Return one line of a plan; its digest follows from its name and version unless given."""
    back = None
    if before is not None:
        back = Rollback(before, digest(f"{name} {before}"), 1000, f"{name}_{before.replace(':', '%3a')}_amd64.deb")
    values: dict[str, Any] = {
        "name": name,
        "arch": "amd64",
        "from_version": before,
        "to": to,
        "sha256": digest(f"{name} {to}"),
        "size": 2000,
        "file": f"{name}_{to.replace(':', '%3a')}_amd64.deb",
        "origin": "Debian",
        "suite": "stable-security",
        "security": True,
        "source": name,
        "cves": ("CVE-2026-1234",),
        "rollback": back,
    }
    return Package(**{**values, **more})


def plan(kind: str = "patch", hosts: Iterable[str] = tuple(REGISTER), **more: Any) -> Plan:
    """Return the plan of the cases: nginx on every host, or the approved controls where it is of kind config."""

    def planned(host: str) -> PlannedAsset:
        if kind == "config":
            return PlannedAsset(host, {**REGISTER, **SPARE}[host])
        return PlannedAsset(host, {**REGISTER, **SPARE}[host], "bookworm", "amd64", (package(),), "apt")

    values: dict[str, Any] = {
        "kind": kind,
        "title": "November security updates",
        "reason": "DSA-0000 asks for it",
        "created_at": when("2026-11-20 09:00"),
        "site": "demo",
        "assets": tuple(map(planned, sorted(hosts))),
        "baseline": BASELINE if kind == "config" else None,
    }
    return Plan(**{**values, **more})


def digest(text: str) -> str:
    """Return the SHA-256 of a text."""
    return hashlib.sha256(text.encode()).hexdigest()


class Book:
    """Records of one change in the order they are written. Unless told otherwise everything is in order:

    `ops` asks, `controller` carries out, `checker` verifies, each event a minute after the one before it.
    """

    def __init__(self, plan: Plan) -> None:
        self.plan = plan
        self.records: list[Record] = []
        self.request_sha256 = digest("request")
        self.now = when("2026-11-21 08:00")

    def write(self, events: Iterable[Mapping[str, Any]]) -> Book:
        """Write each event, `{method: arguments}`."""
        for event in events:
            ((word, arguments),) = event.items()
            getattr(self, word)(**(arguments or {}))
        return self

    def request(self, by: str = "ops", until: str = "2026-12-20 00:00", rings: Sequence[str] = (), **more: Any) -> None:
        """Someone asks for the change."""
        body = {
            "kind": self.plan.kind,
            "rings": list(rings or ("lab", "pilot", "production")),
            "assets": more.pop("assets", [a.asset for a in self.plan.assets]),
            "expires_at": timestamp(when(until)),
            **{name: more.pop(name) for name in ("safeguards", "case", "template", "duties") if name in more},
        }
        record = self._add("request", by, "requester", body, **more)
        self.request_sha256 = record.sha256

    def approve(self, by: str, rings: Sequence[str] = ("lab", "pilot", "production"), **more: Any) -> None:
        """Someone approves; `plan` or `request` name another digest than this change's."""
        body = {
            "decision": more.pop("decision", "approve"),
            "request": digest(more.pop("request")) if "request" in more else self.request_sha256,
            "plan": digest(more.pop("plan")) if "plan" in more else self.plan.digest,
            "rings": list(rings),
            "not_after": timestamp(when(more.pop("until", "2026-12-20 00:00"))),
            "nonce": "00" * 16,
        }
        self._add("approve", by, "approver", body, **more)

    def assess(self, by: str, office: str, outcome: str = "clear", **more: Any) -> None:
        """A holder of an office says what it thinks of the change."""
        body = {
            "office": office,
            "outcome": outcome,
            "request": digest(more.pop("request")) if "request" in more else self.request_sha256,
            "plan": digest(more.pop("plan")) if "plan" in more else self.plan.digest,
            "nonce": "00" * 16,
        }
        self._add("assess", by, "approver", body, **more)

    def lead(
        self, by: str, policy: str, decision: str = "approve", until: str = "2027-11-01 00:00", **more: Any
    ) -> None:
        """A leader approves a policy, by its digest, or withdraws that."""
        body = {
            "decision": decision,
            "version": more.pop("version", 1),
            "owner": "it-operations",
            "required": more.pop("required", True),
            "offices": list(more.pop("offices", ("compliance-officer",))),
            "expires_at": timestamp(when(until)),
        }
        self._add("policy", by, "approver", body, about=("policy", policy), **more)

    def prove(self, by: str, kind: str, done: str | None = None, file: str = "", **more: Any) -> None:
        """Someone seals a file of evidence; `done` is when its work was done."""
        body = {"kind": kind, "bytes": 100, "keep_until": "2033-01-01T00:00:00.000Z"}
        body |= {"done_at": timestamp(when(done))} if done else {}
        self._add("evidence", by, "officer", body, about=("evidence", digest(file or f"file {kind}")), **more)

    def check(self, run: str, assets: Sequence[str], results: Mapping[str, str] | None = None, **more: Any) -> None:
        """A check of drift, without a change: what each control answered on each of the assets."""
        checks = [{"id": control, "result": result} for control, result in (results or {}).items()]
        verdict = "fail" if "fail" in (results or {}).values() else "pass"
        told = [{"asset": a, "verdict": verdict, "counts": {}, "checks": checks} for a in assets]
        body = {"run_id": run, "kind": more.pop("kind", "drift"), "phase": None, "results": told}
        self._add("verify", more.pop("by", "checker"), "verifier", body, about=("baseline", BASELINE), **more)

    def reject(self, by: str, **more: Any) -> None:
        """Someone rejects."""
        self.approve(by, decision="reject", **more)

    def open(
        self, run: str, by: str = "controller", resumes: Sequence[str] = (), mode: str = "apply", **more: Any
    ) -> None:
        """A run is put on record."""
        kind = more.pop("kind", "patch" if self.plan.kind == "patch" else "remediate")
        self._add(
            "run-open", by, "implementer", {"run_id": run, "kind": kind, "mode": mode, "resumes": list(resumes)}, **more
        )

    def deploy(
        self, run: str, assets: Sequence[str], outcome: str = "changed", by: str = "controller", **more: Any
    ) -> None:
        """Assets are changed."""
        began = timestamp(when(more.pop("began")) if "began" in more else self._next(more.get("at")))
        known = {"outcome": outcome, "started_at": began, "duration_ms": 0, "products": [], "roles": []}
        results = [{"asset": a, **known} for a in assets]
        ring = {**REGISTER, **SPARE}.get(assets[0])
        self._add("deploy", by, "implementer", {"run_id": run, "ring": ring, "results": results}, **more)

    def see(self, run: str, kind: str, assets: Sequence[str], verdict: str = "pass", **more: Any) -> None:
        """The verifier looks."""
        results = [{"asset": a, "verdict": verdict, "counts": {}, "checks": []} for a in assets]
        body = {"run_id": run, "kind": kind, "phase": more.pop("phase", "after"), "results": results}
        self._add("verify", more.pop("by", "checker"), "verifier", body, **more)

    def roll_back(self, run: str, assets: Sequence[str], result: str = "restored", **more: Any) -> None:
        """Assets are taken back."""
        results = [{"asset": a, "result": result, "products": []} for a in assets]
        body = {"run_id": run, "trigger": more.pop("trigger", "health"), "results": results}
        self._add("rollback", "controller", "implementer", body, **more)

    def halt(self, by: str, action: str = "stop", rings: Sequence[str] = ("production",), **more: Any) -> None:
        """Someone stops the change, or lets it go on."""
        self._add("halt", by, more.pop("role", "approver"), {"action": action, "rings": list(rings)}, **more)

    def break_glass(
        self, by: str = "controller", rings: Sequence[str] = ("production",), hours: int = 24, **more: Any
    ) -> None:
        """An implementer lets the change go ahead without its approvals."""
        until = self._next(more.get("at")) + timedelta(hours=hours)
        body = {"reason": "outage", "rings": list(rings), "review_by": timestamp(until)}
        self._add("break-glass", by, "implementer", body, **more)

    def review(self, by: str, verdict: str = "justified", **more: Any) -> None:
        """Someone reviews the newest emergency."""
        glass = next(one for one in reversed(self.records) if one.step == "break-glass")
        body = {"index": glass.index, "sha256": glass.sha256, "verdict": verdict}
        self._add("review", by, "approver", body, **more)

    def lease(self, run: str, asset: str, until: str, cluster: str = "claims-db", action: str = "take") -> None:
        """A run takes or releases the leave to have a member of a cluster out of service."""
        body = {"run_id": run, "action": action, "cluster": cluster, "asset": asset, "until": timestamp(when(until))}
        self._add("lease", "controller", "implementer", body)

    def rehearse(
        self, run: str, asset: str, verdict: str = "pass", begins: Mapping[str, Any] | None = None, **more: Any
    ) -> None:
        """A whole rehearsal on one asset: forward, back, forward, and seen to be as planned."""
        self.open(run, kind="rehearse", **(begins or {}))
        self.deploy(run, [asset])
        self.roll_back(run, [asset], trigger="rehearsal", **more)
        self.deploy(run, [asset])
        for kind in ("version", "health"):
            self.see(run, kind, [asset], verdict)
        self.close(run)

    def close(self, run: str, outcome: str = "ok", **more: Any) -> None:
        """A run ends."""
        self._add("run-close", "controller", "implementer", {"run_id": run, "outcome": outcome}, **more)

    def done(self, *, run: str, assets: Sequence[str]) -> None:
        """A whole run that went well: opened, deployed, seen as planned and healthy, closed."""
        self.open(run)
        self.deploy(run, assets)
        for kind in ("version", "health") if self.plan.kind == "patch" else ("drift",):
            self.see(run, kind, assets)
        self.close(run)

    def state(
        self, offices: Mapping[str, Sequence[str]] | None = None, touches: Sequence[str] = (), **more: Any
    ) -> ChangeState | None:
        """Return the change's state from all records so far; `offices` are the approvers' own, `touches` the plan's."""
        state = change_state(self.records, CHANGE, **more)
        if state is None:
            return None
        held = {who: frozenset(those) for who, those in (offices or {}).items()}
        return replace(state, officers=held, safeguards=tuple(sorted({*state.safeguards, *touches})))

    def _next(self, at: str | None = None) -> datetime:
        """Return when the next record is written."""
        index = len(self.records)
        return when(at) if at else self.now.replace(hour=8 + index // 60, minute=index % 60)

    def _add(
        self,
        step: str,
        by: str,
        role: str,
        body: dict[str, Any],
        at: str | None = None,
        change: str = CHANGE,
        about: tuple[str, str] | None = None,
    ) -> Record:
        """Write a record of the change, or one `about` something else, which belongs to none."""
        index = len(self.records)
        name, sha256 = about or ("plan", self.plan.digest)
        # What was read from a ledger is equal to what code has, and never the same object.
        sha256, body = sha256[:1] + sha256[1:], json.loads(json.dumps(body))
        subject = [{"name": name, "digest": {"sha256": sha256}}]
        if step != "request" and about is None:
            subject.append({"name": "request", "digest": {"sha256": self.request_sha256}})
        record = Record(
            index=index,
            sha256=digest(f"record {index}"),
            step=step,
            predicate={},
            subject=tuple(subject),
            principal=by,
            role=role,
            recorded_at=self._next(at),
            change_id=change if about is None else None,
            body=body,
        )
        self.records.append(record)
        return record
