# Copyright: (c) 2026, Holdfast contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The world of the ledger's and the audit's tests: eight principals with real keys, a ledger, a clock that ticks.

`Shop.story` writes a small ledger in which every kind of record occurs and nothing is wrong. `Forger` is the
attacker: whoever can write the file, knows the format, and lacks keys.
"""

from __future__ import annotations

import base64
import json
import shutil
import sqlite3
import subprocess
from collections.abc import Callable, Iterable
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from pathlib import Path
from typing import Any

from ansible_collections.holdfast.hipaa.plugins.plugin_utils.audit.audit import audit
from ansible_collections.holdfast.hipaa.plugins.plugin_utils.audit.report import AuditReport
from ansible_collections.holdfast.hipaa.plugins.plugin_utils.ledger import canonical, keeping, merkle
from ansible_collections.holdfast.hipaa.plugins.plugin_utils.ledger.envelope import Envelope, pae
from ansible_collections.holdfast.hipaa.plugins.plugin_utils.ledger.parts import Receipt
from ansible_collections.holdfast.hipaa.plugins.plugin_utils.ledger.reading import OpenRun, read_records
from ansible_collections.holdfast.hipaa.plugins.plugin_utils.ledger.recorder import Recorder
from ansible_collections.holdfast.hipaa.plugins.plugin_utils.ledger.signers import FileSigner, Signer, SshSigner
from ansible_collections.holdfast.hipaa.plugins.plugin_utils.ledger.store import Ledger
from ansible_collections.holdfast.hipaa.plugins.plugin_utils.ledger.trust import Principal, Term, Trust
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

ORG = "org-demo"
ROLES = {
    "root": ("root",),
    "log": ("log",),
    "operations": ("requester",),
    "security": ("approver", "security"),
    "revenue-cycle": ("approver",),
    "controller": ("implementer",),
    "scanner": ("verifier",),
    "records": ("officer",),
    "release": ("publisher",),
}
APPROVERS = ("security", "revenue-cycle")
CASE = {
    "justification": "security-flaw",
    "ephi_risk": "low",
    "medical_necessity": ["claim-edits"],
    "tests": ["lab", "health"],
    "acceptance": ["as-planned"],
    "backout": "rollback",
}
START = datetime(2026, 11, 21, 22, 0, tzinfo=UTC)
PASSED = {"pass": 1, "fail": 0, "waived": 0, "not_applicable": 0, "not_measured": 0}
FAILED = {**PASSED, "pass": 0, "fail": 1}
REQUIRED = {"lab": 1, "production": 2}
BASELINE = sha256(b"controls").hexdigest()
NEWER = {"name": "nginx", "from": "1.22.1-9", "to": "1.22.1-9+deb12u1"}
OLDER = {"name": "nginx", "from": "1.22.1-9+deb12u1", "to": "1.22.1-9"}
MANIFEST = sha256(b"manifest").hexdigest()
HARDENED = {"id": "debian-server", "version": "1.2.0", "sha256": BASELINE}
IMAGES = {"before": "a" * 64, "after": "b" * 64}
BACK = {"before": "b" * 64, "after": "a" * 64}
STEPS = [{"step": "wait", "ms": 900}, {"step": "install", "ms": 8_100}, {"step": "reboot", "ms": 31_000}]
REBOOT = {"before": "c" * 64, "after": "d" * 64, "ms": 31_000, "kernel": "6.1.0-32-amd64"}
CONFIRMED, FIRED = "grd_confirmed00", "grd_fired000000"
PLAN = {
    "schema": "holdfast/plan/v1",
    "assets": [
        {
            "asset": "lab-1",
            "ring": "lab",
            "packages": [{"name": "nginx", "from": "1.22.1-9", "to": "1.22.1-9+deb12u1"}],
        },
        {
            "asset": "prod-1",
            "ring": "production",
            "packages": [{"name": "nginx", "from": "1.22.1-9", "to": "1.22.1-9+deb12u1"}],
        },
    ],
}
PLAN_BYTES = canonical.encode(PLAN)
PLAN_DIGEST = canonical.digest(PLAN_BYTES)


def ssh_key(path: Path) -> SshSigner:
    """Make an SSH key as a person does, and return who signs with it."""
    command = ["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", "demo", "-f", str(path)]
    subprocess.run(command, check=True, timeout=30, stdin=subprocess.DEVNULL)
    return SshSigner(path)


def make_keys(folder: Path) -> dict[str, Signer]:
    """Return a signer for each principal; approvers sign with SSH keys."""
    return {
        name: ssh_key(folder / name) if name in APPROVERS else FileSigner(Ed25519PrivateKey.generate())
        for name in ROLES
    }


def trust_of(keys: dict[str, Signer], roles: dict[str, tuple[str, ...]] | None = None) -> Trust:
    """Return the first trust document for these keys."""
    held = {**ROLES, **(roles or {})}
    return Trust(1, None, tuple(Principal(name, held[name], (key.public_key,)) for name, key in keys.items()))


def deployed(asset: str, outcome: str = "changed", products: Iterable[dict[str, Any]] = (NEWER,)) -> dict[str, Any]:
    """Return one result of a deploy record."""
    return {
        "asset": asset,
        "outcome": outcome,
        "started_at": canonical.timestamp(START),
        "duration_ms": 1200,
        "products": list(products),
        "roles": [],
    }


def seen(asset: str, verdict: str = "pass", check: str = "web") -> dict[str, Any]:
    """Return one result of a verify record."""
    entry: dict[str, Any] = {"id": check, "result": verdict}
    if verdict == "fail":
        entry |= {"expected_sha256": "0" * 64, "observed_sha256": "1" * 64}
    return {"asset": asset, "verdict": verdict, "counts": PASSED if verdict == "pass" else FAILED, "checks": [entry]}


def guarded(asset: str, guard: str, outcome: str, **more: Any) -> dict[str, Any]:
    """Return one result of a deploy record of a role that ran under a guard."""
    ended = {"id": guard, "role": "ssh", "outcome": outcome, "ms": 830}
    return {**deployed(asset, products=()), "roles": ["ssh"], "images": IMAGES, "guards": [ended], **more}


def returned(asset: str, **more: Any) -> dict[str, Any]:
    """Return one result of a rollback record of files."""
    return {
        "asset": asset, "result": "restored", "products": [], "files": {"restored": 3, "kept": 0}, "images": BACK,
        **more,
    }  # fmt: skip


def waived(asset: str) -> dict[str, Any]:
    """Return one result of a verify record: one control passes, one is waived."""
    checks = [
        {"id": "ssh-01", "result": "pass"},
        {"id": "ssh-02", "result": "waived", "exception": "legacy-scanner"},
    ]
    counts = {**PASSED, "waived": 1}
    return {"asset": asset, "verdict": "pass", "counts": counts, "checks": checks, "detail_sha256": "c" * 64}


def signed_by(record: Receipt, manifest: str = MANIFEST) -> dict[str, Any]:
    """Return what run-open says of the record in which its content was signed."""
    return {"manifest": manifest, "index": record.index, "sha256": record.sha256}


class Shop:
    """A ledger in `folder` with its keys; the clock moves one second at each look."""

    def __init__(
        self,
        folder: Path,
        keys: dict[str, Signer],
        roles: dict[str, tuple[str, ...]] | None = None,
        ledger: Ledger | None = None,
    ) -> None:
        self.folder, self.keys = folder, keys
        self.now = START
        self.ledger = ledger or Ledger.create(folder / "ledger.sqlite")
        self.plans = folder / "plans"
        self.plans.mkdir()
        (self.plans / f"{PLAN_DIGEST}.json").write_bytes(PLAN_BYTES)
        self.trust = trust_of(keys, roles)
        self.recorder = Recorder(self.ledger, self.trust, ORG, "0.1.0", self.tick)
        self.recorder.publish_trust(keys["root"])
        self.last_request: Receipt | None = None

    def tick(self) -> datetime:
        """Return the time, one second later than before."""
        self.now += timedelta(seconds=1)
        return self.now

    def request(self, by: str = "operations", plan: str = PLAN_DIGEST, **more: Any) -> Receipt:
        """Ask for the plan in both rings."""
        particulars = {
            "kind": "patch",
            "rings": ["lab", "production"],
            "assets": ["lab-1", "prod-1"],
            "expires_at": self.now + timedelta(days=7),
            **more,
        }
        self.last_request = self.recorder.request(self.keys[by], plan=plan, **particulars)
        return self.last_request

    def approve(self, by: str, request: Receipt, plan: str = PLAN_DIGEST, **more: Any) -> Receipt:
        """Approve a request in all its rings."""
        particulars = {"rings": ["lab", "production"], "not_after": self.now + timedelta(days=2), **more}
        return self.recorder.approve(
            self.keys[by], change_id=str(request.change_id), plan=plan, request=request.sha256, **particulars
        )

    def open(
        self, request: Receipt | None, cited: Iterable[Receipt] = (), *, by: str = "controller", **more: Any
    ) -> OpenRun:
        """Open a patch run over the lab's asset, unless told otherwise."""
        particulars: dict[str, Any] = {
            "kind": "patch",
            "mode": "apply",
            "expected_assets": ["lab-1"],
            "ansible_core": "2.19.14",
            "plan": PLAN_DIGEST,
            "change_id": request.change_id if request else None,
            "request": request.sha256 if request else None,
            "approvals": [{"index": one.index, "sha256": one.sha256} for one in cited],
            **more,
        }
        return self.recorder.open_run(self.keys[by], **particulars)

    def look(self, outcome: str = "ok", **content: Any) -> OpenRun:
        """Write a whole drift check."""
        more = {"kind": "check", "mode": "check", "plan": None, "baseline": BASELINE, **content}
        run = self.open(None, (), expected_assets=["lab-1", "prod-1"], **more)
        self.recorder.verify(
            self.keys["scanner"], run, kind="drift", phase=None, results=[seen("lab-1"), seen("prod-1")]
        )
        self.close(run, outcome)
        return run

    def work(self, run: OpenRun, asset: str = "lab-1", ring: str = "lab") -> None:
        """Deploy to one asset and see it pass."""
        self.recorder.deploy(self.keys["controller"], run, ring=ring, results=[deployed(asset)])
        self.recorder.verify(self.keys["scanner"], run, kind="version", phase="after", results=[seen(asset)])
        self.recorder.verify(self.keys["scanner"], run, kind="health", phase="after", results=[seen(asset)])

    def close(self, run: OpenRun, outcome: str = "ok", **more: Any) -> Receipt:
        """Close a run."""
        code = 0 if outcome in ("ok", "drift") else 2
        return self.recorder.close_run(self.keys["controller"], run, outcome=outcome, exit_code=code, **more)

    def story(self) -> None:
        """Write a ledger in which every kind of record occurs: a check, a good ring, a ring rolled back."""
        self.look()
        request = self.request()
        approvals = [self.approve(name, request) for name in APPROVERS]
        run = self.open(request, approvals)
        self.recorder.verify(self.keys["scanner"], run, kind="health", phase="before", results=[seen("lab-1")])
        self.work(run)
        self.close(run)
        self.seal()
        run = self.open(request, approvals, expected_assets=["prod-1"])
        self.recorder.deploy(self.keys["controller"], run, ring="production", results=[deployed("prod-1")])
        failed = [seen("prod-1", "fail")]
        self.recorder.verify(self.keys["scanner"], run, kind="health", phase="after", results=failed)
        back = [{"asset": "prod-1", "result": "restored", "products": [OLDER]}]
        self.recorder.rollback(self.keys["controller"], run, trigger="health", results=back)
        self.close(run, "failed")
        self.seal()

    def mend(self, asset: str = "lab-1", **more: Any) -> OpenRun:
        """Open a remediation that policy lets go on without a request."""
        basis = {"kind": "remediate", "plan": None, "baseline": BASELINE, "baselines": [HARDENED]}
        return self.open(None, expected_assets=[asset], **{**basis, **more})

    def way_back(self) -> tuple[OpenRun, OpenRun, OpenRun]:
        """Write a guarded remediation, its rollback on request, and one that the host itself undid; return the runs."""
        controller, scanner = self.keys["controller"], self.keys["scanner"]
        done = self.mend()
        self.recorder.deploy(controller, done, ring=None, results=[guarded("lab-1", CONFIRMED, "confirmed")])
        self.recorder.verify(scanner, done, kind="drift", phase=None, results=[waived("lab-1")])
        self.close(done)
        undo = self.mend(kind="rollback", change_id=done.change_id)
        back = returned("lab-1", of=done.run_id)
        self.recorder.rollback(controller, undo, trigger="request", results=[back])
        self.recorder.verify(scanner, undo, kind="drift", phase=None, results=[seen("lab-1", "fail", "ssh-01")])
        self.close(undo)
        locked = self.mend("prod-1")
        self.recorder.deploy(controller, locked, ring=None, results=[guarded("prod-1", FIRED, "reverted")])
        back = returned("prod-1", guard=FIRED, role="ssh", ms=61_000)
        self.recorder.rollback(controller, locked, trigger="guard", results=[back])
        self.close(locked, "failed")
        self.seal()
        return done, undo, locked

    def rekey(self, stolen: str = "security") -> None:
        """Publish a version that says all that can be said of a key: a stolen one's and operations' terms."""
        terms = {
            stolen: Term(revoked_from=self.ledger.size, reason="stolen", distrust_from=1, attested=(1, 2)),
            "operations": Term(valid_from=1),
        }
        people = tuple(
            Principal(one.id, one.roles, one.keys, {key.keyid: terms[one.id] for key in one.keys if one.id in terms})
            for one in self.trust.principals
        )
        self.trust = Trust(2, self.trust.sha256, people)
        self.recorder = Recorder(self.ledger, self.trust, ORG, "0.1.0", self.tick)
        self.recorder.publish_trust(self.keys["root"])

    def waves(self) -> tuple[OpenRun, OpenRun]:
        """Write a stopped and released change, a wave with everything a deploy can say, and a rehearsal."""
        controller, scanner = self.keys["controller"], self.keys["scanner"]
        request = self.request()
        approvals = [self.approve(name, request) for name in APPROVERS]
        for name, action in (("security", "stop"), ("operations", "go")):
            self.halt(name, request, action)
        run = self.open(request, approvals)
        self.lease(run, "take")
        everything = {**deployed("lab-1"), "steps": STEPS, "restarted": ["nginx.service"], "reboot": REBOOT}
        self.recorder.deploy(controller, run, ring="lab", results=[everything])
        self.recorder.verify(scanner, run, kind="version", phase=None, results=[seen("lab-1")])
        self.recorder.verify(scanner, run, kind="running", phase=None, results=[seen("lab-1", check="kernel")])
        self.lease(run, "release")
        self.close(run)
        rehearsal = self.open(request, approvals, kind="rehearse")
        self.rehearse(rehearsal)
        self.close(rehearsal)
        late = self.open(request, approvals, expected_assets=["prod-1"])
        skipped = {**deployed("prod-1", "skipped", ()), "obstacles": ["full", "lock"]}
        self.recorder.deploy(controller, late, ring="production", results=[skipped])
        self.close(late, "failed")
        self.seal()
        return run, rehearsal

    def rehearse(self, run: OpenRun, asset: str = "lab-1") -> None:
        """Take one asset back, see it, take it forward, see it."""
        controller, scanner = self.keys["controller"], self.keys["scanner"]
        back = {"asset": asset, "result": "restored", "products": [OLDER], "ms": 4_200}
        self.recorder.rollback(controller, run, trigger="rehearsal", results=[back])
        self.recorder.verify(scanner, run, kind="version", phase="before", results=[seen(asset)])
        self.recorder.deploy(controller, run, ring="lab", results=[deployed(asset)])
        self.recorder.verify(scanner, run, kind="version", phase=None, results=[seen(asset)])

    def assess(
        self, by: str, request: Receipt, office: str = "security", outcome: str = "clear", **more: Any
    ) -> Receipt:
        """Assess a request in an office."""
        of = {"change_id": str(request.change_id), "plan": PLAN_DIGEST, "request": request.sha256, **more}
        return self.recorder.assess(self.keys[by], office=office, outcome=outcome, **of)

    def halt(self, by: str, request: Receipt, action: str = "stop", **more: Any) -> Receipt:
        """Order a change to stop or to go on, in both rings unless told otherwise."""
        of = {"change_id": str(request.change_id), "plan": PLAN_DIGEST, "request": request.sha256}
        return self.recorder.halt(self.keys[by], action=action, **{**of, "rings": ["lab", "production"], **more})

    def lease(self, run: OpenRun, action: str, asset: str = "lab-1") -> Receipt:
        """Take a member of a cluster, or release it."""
        until = self.now + timedelta(minutes=20)
        return self.recorder.lease(
            self.keys["controller"], run, action=action, cluster="claims-db", asset=asset, until=until
        )

    def evidence(self, of: str = "1" * 64, *, by: str = "records", days: int = 6 * 366, **more: Any) -> Receipt:
        """Commit to a sealed file, kept for so many days."""
        particulars: dict[str, Any] = {"kind": "scan", "size": 100, "keep_until": self.now + timedelta(days=days)}
        return keeping.evidence(self.recorder, self.keys[by], sha256=of, **{**particulars, **more})

    def hold(self, name: str, *of: str, action: str = "place") -> Receipt:
        """Place or lift a legal hold."""
        return keeping.hold(self.recorder, self.keys["records"], action=action, name=name, evidence=of)

    def erase(self, sealed: Receipt, of: str = "1" * 64) -> Receipt:
        """Put a tombstone on record."""
        return keeping.tombstone(self.recorder, self.keys["records"], sha256=of, index=sealed.index)

    def beat(self, hours: int = 24) -> Receipt:
        """Promise the next record within so many hours."""
        return keeping.heartbeat(self.recorder, self.keys["log"], timedelta(hours=hours))

    def amend(self, target: Receipt, *, by: str = "operations", reason: str = "mistaken", **more: Any) -> Receipt:
        """Amend a record."""
        record = next(one for one in read_records(self.ledger) if one.index == target.index)
        return keeping.amend(self.recorder, self.keys[by], record, reason, **more)

    def sign_exception(self, decision: str = "approve", *, days: int = 30, **more: Any) -> Receipt:
        """Sign the exception that `waived` names, or withdraw it."""
        of: dict[str, Any] = {"name": "legacy-scanner", "control": "ssh-02", "sha256": "3" * 64, **more}
        until = self.now + timedelta(days=days)
        return keeping.exception(self.recorder, self.keys["security"], decision=decision, expires_at=until, **of)

    def standardise(self, decision: str = "approve", *, by: str = "security", **more: Any) -> Receipt:
        """Agree to a template of changes, or withdraw that."""
        of: dict[str, Any] = {
            "template": "monthly", "sha256": "4" * 64, "kind": "patch", "rings": ["lab", "production"],
            "assets_most": 5, "expires_at": self.now + timedelta(days=365), **more,
        }  # fmt: skip
        return keeping.standard(self.recorder, self.keys[by], decision=decision, **of)

    def lead(self, decision: str = "approve", *, days: int = 100, by: str = "security", **more: Any) -> dict[str, Any]:
        """Approve a policy, or withdraw that; return what a run says of it."""
        of: dict[str, Any] = {"version": 1, "owner": "it-operations", "required": True, "offices": ["security"], **more}
        until = self.now + timedelta(days=days)
        made = keeping.policy(
            self.recorder, self.keys[by], decision=decision, digest="5" * 64, expires_at=until, **of
        )
        return {"digest": "5" * 64, "index": made.index, "sha256": made.sha256}

    def sign_content(self, decision: str = "sign", *rings: str, days: int = 30, by: str = "release") -> Receipt:
        """Sign the content that runs are made of, or withdraw it."""
        return keeping.content(
            self.recorder, self.keys[by], decision=decision, manifest=MANIFEST, files=812, rings=rings,
            expires_at=self.now + timedelta(days=days),
        )  # fmt: skip

    def break_glass(self, request: Receipt, *rings: str, by: str = "controller", hours: int = 24) -> Receipt:
        """Let a change go ahead before enough people approved it, in both rings unless told otherwise."""
        return keeping.break_glass(
            self.recorder, self.keys[by], change_id=str(request.change_id), plan=PLAN_DIGEST, request=request.sha256,
            reason="outage", rings=rings or ("lab", "production"), review_by=self.now + timedelta(hours=hours),
        )  # fmt: skip

    def review(
        self, request: Receipt, glass: Receipt, by: str = "security", verdict: str = "justified", **more: Any
    ) -> Receipt:
        """Review an emergency."""
        of = {"index": glass.index, "sha256": glass.sha256, "change_id": str(request.change_id), **more}
        return keeping.review(
            self.recorder, self.keys[by], plan=PLAN_DIGEST, request=request.sha256, verdict=verdict, **of
        )

    def annals(self) -> None:
        """Write everything that no run writes: a corrected request, evidence held, released, and erased in time."""
        self.beat()
        self.sign_exception(first_due=self.now)
        standard = self.standardise()
        self.look(content=signed_by(self.sign_content()), policy=self.lead(required=False))
        wrong = self.request()
        self.review(wrong, self.break_glass(wrong))
        self.assess("security", wrong)
        made_from = {"index": standard.index, "sha256": standard.sha256}
        right = self.request(change_id=wrong.change_id, case=CASE, template=made_from, duties="one-person")
        sealed = self.evidence(change_id=wrong.change_id, done_at=self.now - timedelta(days=1))
        self.amend(wrong, right=right.index, file="1" * 64)
        self.hold("audit-2026", "1" * 64)
        self.hold("audit-2026", action="lift")
        self.beat(hours=0)
        self.now += timedelta(days=6 * 366 + 1)
        self.erase(sealed)

    def seal(self) -> str:
        """Sign the head."""
        return self.recorder.checkpoint(self.keys["log"])

    def audit(self, **more: Any) -> AuditReport:
        """Audit the ledger as it is now."""
        return audit_of(self.ledger.path, self.plans, **more)


def audit_of(path: Path | str, plans: Path | None, **more: Any) -> AuditReport:
    """Audit a file, a day after the story."""
    particulars = {"now": START + timedelta(days=1), "approvals_required": REQUIRED, "plans_dir": plans, **more}
    return audit(path, **particulars)


def codes(report: AuditReport) -> set[str]:
    """Return the codes of what was found."""
    return {finding.code for finding in report.findings}


def warned(report: AuditReport) -> set[str]:
    """Return the codes of what was warned of."""
    return {warning.code for warning in report.warnings}


class Forger:
    """Copies a ledger and rewrites it: nodes and size always fit, signatures of others are out of reach."""

    def __init__(self, ledger: Ledger, folder: Path) -> None:
        self.path = folder / "forged.sqlite"
        with sqlite3.connect(ledger.path) as source, sqlite3.connect(self.path) as copy:
            source.backup(copy)
            self._heads = copy.execute("SELECT size, note FROM checkpoints").fetchall()
        source.close()
        copy.close()
        self.entries = [bytes(envelope) for _, envelope in ledger.entries()]

    def write(self, entries: Iterable[bytes], *, keep_heads: bool = True) -> Path:
        """Replace all entries, and make everything beneath them fit."""
        nodes: dict[tuple[int, int], bytes] = {}
        rows: list[tuple[int, str, bytes]] = []
        for index, envelope in enumerate(entries):
            for level, position, hashed in merkle.grown(index, envelope, lambda *at: nodes[at]):
                nodes[level, position] = hashed
            name = record_id(envelope, index)
            # The file's own rule that an id is unique does not stop one who writes the file.
            rows.append((index, f"{name}-{index}" if any(row[1] == name for row in rows) else name, envelope))
        with sqlite3.connect(self.path) as connection:
            connection.execute("PRAGMA synchronous=OFF")  # a forged copy need not outlive a power cut
            connection.executescript("DELETE FROM entries; DELETE FROM nodes; DELETE FROM checkpoints")
            connection.executemany("INSERT INTO checkpoints VALUES (?, ?)", self._heads if keep_heads else [])
            connection.executemany("INSERT INTO entries VALUES (?, ?, ?)", rows)
            connection.executemany(
                "INSERT INTO nodes VALUES (?, ?, ?)", [(*at, hashed) for at, hashed in nodes.items()]
            )
            connection.execute("UPDATE head SET size = ?", (len(rows),))
        connection.close()
        return self.path

    def sql(self, statement: str, *values: object) -> Path:
        """Change the file by hand."""
        with sqlite3.connect(self.path) as connection:
            connection.execute(statement, values)
        connection.close()
        return self.path


def record_id(envelope: bytes, index: int) -> str:
    """Return the record id inside an envelope, or a made-up one where it is too damaged to have one."""
    try:
        return str(json.loads(base64.b64decode(json.loads(envelope)["payload"]))["predicate"]["record_id"])
    except (ValueError, KeyError, TypeError, RecursionError):
        return f"lost-{index}"


def stored(ledger: Ledger, envelope: bytes) -> int:
    """Store an entry without asking whether its key may sign it, as a writer would who does not ask."""
    with ledger.store.writing() as connection:
        return ledger.store.add(connection, record_id(envelope, -1), envelope)


def statement_of(envelope: bytes) -> dict[str, Any]:
    """Return the statement inside an envelope."""
    found: dict[str, Any] = json.loads(Envelope.from_bytes(envelope).payload)
    return found


def signed(statement: dict[str, Any], signer: Signer) -> bytes:
    """Return an envelope over any statement, whatever the writer's own checks would say to it."""
    payload = json.dumps(statement, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()
    return Envelope(payload, signer.public_key.keyid, signer.sign(pae(payload))).to_bytes()


def altered(envelope: bytes, signer: Signer, change: Callable[[dict[str, Any]], object]) -> bytes:
    """Return a record with its statement changed and signed anew by `signer`."""
    statement = statement_of(envelope)
    change(statement)
    return signed(statement, signer)


def copy_of(path: Path, folder: Path) -> Path:
    """Return a copy of a ledger's file and its log."""
    target = folder / "copy.sqlite"
    for suffix in ("", "-wal"):
        if Path(f"{path}{suffix}").exists():
            shutil.copy(f"{path}{suffix}", f"{target}{suffix}")
    return target
