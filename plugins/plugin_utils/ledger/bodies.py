# Copyright: (c) 2026, Holdfast contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What each step of a record may hold: one closed shape a step. docs/explanation/ledger.md says what they mean."""

from __future__ import annotations

from .kinds import KINDS
from .shapes import Shape, fields, items, maybe, text, time, truth, whole, word

SIGNING = ("requester", "approver", "implementer", "verifier", "log", "root", "officer", "publisher")
"""`officer` keeps the evidence: places legal holds, and says what is erased. `publisher` signs the content that runs.

A site may be without either.
"""
OFFICES = ("security", "compliance-officer", "privacy-officer", "business-owner", "revenue-cycle")
"""Who a principal is in the company. An office signs nothing by itself; policy may want it among the approvers."""
ROLES = (*SIGNING, *OFFICES)
REASONS = ("rotated", "lost", "stolen", "left")
"""Why a key is revoked: replaced in turn, lost, perhaps in a stranger's hands, or its principal left."""
RESULTS = ("pass", "fail", "waived", "not_applicable", "not_measured")
OUTCOMES = ("changed", "unchanged", "failed", "unreachable", "skipped")
STEPS = ("wait", "repair", "stage", "install", "restart", "reboot")
"""What a deployment is made of, each timed: waiting for a lock, mending an interrupted dpkg, and so on."""
AMENDING = ("mistaken", "incomplete", "superseded", "explained")
"""Why a record is amended: it says what is not so, too little, what holds no longer, or what the evidence explains."""
EVIDENCE = (
    "access-review", "contract", "log", "message", "report", "restore", "scan", "screenshot", "test", "ticket",
    "training", "other",
)  # fmt: skip
"""What a file of evidence is; its name and its words are in no record."""
JUSTIFICATIONS = (
    "capacity", "contract", "defect", "drift", "improvement", "law", "payer", "security-flaw", "vendor",
)  # fmt: skip
"""Why a change is wanted, in one word; the plan has the reason in a line."""
RISKS = ("none", "low", "moderate", "high")
"""What a change puts at risk of ePHI."""
NECESSITY = ("claim-edits", "documentation-templates")
"""What of a change touches medical necessity; of none of it the list is empty."""
TESTS = ("lab", "rehearsal", "health", "regression", "claims", "restore", "failover", "security")
ACCEPTANCE = ("as-planned", "healthy", "no-drift", "claims-flow", "users-agree", "no-outage")
"""What must be seen before a change counts as done."""
BACKOUTS = ("rollback", "restore", "rebuild", "disable", "none")
ASSESSED = ("clear", "objection")
EMERGENCIES = ("outage", "attack", "exploited-flaw", "patient-care", "data-loss")
"""Why a change goes ahead before enough people approved it."""
LONGEST_REVIEW = 7 * 86_400
"""Seconds after which an emergency must have been reviewed, at most; a ring's policy may want it sooner."""
LONGEST_SILENCE = 366 * 86_400
"""Seconds that a heartbeat may promise at most."""
OBSTACLES = (
    "lock", "unfinished", "interrupted", "full", "boot_full", "stale_lists", "expired_lists", "expired_key",
    "key_expiring", "unsigned", "no_archive", "held", "pinned", "phased", "conffile", "dependency", "unsupported",
    "clock", "timer", "no_rollback", "versionlock", "broken",
)  # fmt: skip
"""Why a host was left as it was: the kinds that package_state names (docs/reference/packages.md)."""

HEX = text(r"[0-9a-f]{64}", "a SHA-256 in lowercase hexadecimal")
SLUG = text(r"[a-z][a-z0-9-]{0,62}", "a short name of lowercase letters, digits and dashes")
RUN = text(r"run_[0-9A-Za-z]{10,40}", "a run id, run_...")
CHANGE = text(r"chg_[0-9A-Za-z]{10,40}", "a change id, chg_...")
RECORD = text(r"rec_[a-z2-7]{26}", "a record id, rec_ and 26 of a-z2-7")
NONCE = text(r"[0-9a-f]{32,128}", "a nonce of 32 to 128 hexadecimal digits")
VERSION = text(r"[0-9A-Za-z][0-9A-Za-z.+:~^_-]{0,127}", "a version")
PACKAGE = text(r"[A-Za-z0-9][A-Za-z0-9+.:_-]{0,127}", "a package's name")
UNIT = text(r"[A-Za-z0-9][A-Za-z0-9:_.@\\-]{0,254}", "the name of a systemd unit")
CHECK = text(r"[A-Za-z0-9][A-Za-z0-9+.:_-]{0,127}", "the id of a control or a check")
RULE = text(r"[A-Za-z0-9][A-Za-z0-9+.:_-]{0,127}", "the id of a rule of the gate")
GUARD = text(r"grd_[0-9A-Za-z]{10,40}", "a guard's id, grd_...")
SEMANTIC = text(r"(0|[1-9][0-9]{0,8})(\.(0|[1-9][0-9]{0,8})){2}", "a semantic version such as 1.0.0")
CITATION = text(r"164\.[0-9]{3}(\([0-9A-Za-z]{1,4}\)){0,6}", "a paragraph of 45 CFR such as 164.312(d)")
ROLE_NAME = text(r"[a-z][a-z0-9_.-]{0,126}", "a role's name")
KEY = text(r"[A-Za-z0-9+/]{43}=|[A-Za-z0-9+/]{87}=|[A-Za-z0-9+/]{130}==", "a raw public key in base64")

_COUNTS = fields({name: whole() for name in OUTCOMES})
_PRODUCTS = items(fields({"name": PACKAGE, "from": maybe(VERSION), "to": maybe(VERSION)}))
_ASSETS = items(SLUG, distinct=True)
_IMAGES = fields({"before": HEX, "after": HEX})
_TERM = {
    "valid_from": whole(1),
    "revoked_from": whole(),
    "reason": word(*REASONS),
    "distrust_from": whole(),
    "attested": items(whole(), least=1, distinct=True),
}
_REBOOT = fields({"before": HEX, "after": HEX, "ms": whole(), "kernel": VERSION})

BODIES: dict[str, Shape] = {
    "trust": fields(
        {
            "version": whole(1),
            "previous": maybe(HEX),
            "root_threshold": whole(1),
            "principals": items(
                fields(
                    {
                        "id": SLUG,
                        "roles": items(word(*ROLES), least=1, distinct=True),
                        "keys": items(
                            fields({"keyid": HEX, "keytype": word(*KINDS), "public": KEY}, _TERM),
                            least=1,
                        ),
                    }
                ),
                least=1,
            ),
        }
    ),
    "request": fields(
        {
            "kind": word("patch", "config"),
            "rings": items(SLUG, least=1, distinct=True),
            "assets": items(SLUG, least=1, distinct=True),
            "expires_at": time,
        },
        {
            "safeguards": items(CITATION, distinct=True),
            "case": fields(
                {
                    "justification": word(*JUSTIFICATIONS),
                    "ephi_risk": word(*RISKS),
                    "medical_necessity": items(word(*NECESSITY), distinct=True),
                    "tests": items(word(*TESTS), least=1, distinct=True),
                    "acceptance": items(word(*ACCEPTANCE), least=1, distinct=True),
                    "backout": word(*BACKOUTS),
                }
            ),
            "template": fields({"index": whole(), "sha256": HEX}),
            "duties": word("one-person"),
        },
    ),
    "assess": fields(
        {
            "office": word(*OFFICES),
            "outcome": word(*ASSESSED),
            "request": HEX,
            "plan": HEX,
            "nonce": NONCE,
        }
    ),
    "approve": fields(
        {
            "decision": word("approve", "reject"),
            "request": HEX,
            "plan": HEX,
            "rings": items(SLUG, least=1, distinct=True),
            "not_after": time,
            "nonce": NONCE,
        }
    ),
    "run-open": fields(
        {
            "run_id": RUN,
            "kind": word("check", "plan", "observe", "stage", "patch", "rehearse", "remediate", "rollback"),
            "mode": word("apply", "check"),
            "request": maybe(HEX),
            "approvals": items(fields({"index": whole(), "sha256": HEX}), distinct=True),
            "expected_assets": items(SLUG, least=1, distinct=True),
            "materials": items(fields({"name": word("playbook", "collection", "site"), "sha256": HEX}), distinct=True),
            "forks": whole(1, 10_000),
            "limit": truth,
            "ansible_core": text(r"[0-9]+\.[0-9]+[0-9A-Za-z.]{0,20}", "a version of ansible-core"),
            "nonce_sha256": HEX,
            "resumes": items(RUN, distinct=True),
        },
        {
            "baselines": items(fields({"id": SLUG, "version": SEMANTIC, "sha256": HEX}), distinct=True),
            "content": fields({"manifest": HEX, "index": whole(), "sha256": HEX}),
            "policy": fields({"digest": HEX, "index": whole(), "sha256": HEX}),
        },
    ),
    "deploy": fields(
        {
            "run_id": RUN,
            "ring": maybe(SLUG),
            "results": items(
                fields(
                    {
                        "asset": SLUG,
                        "outcome": word(*OUTCOMES),
                        "started_at": time,
                        "duration_ms": whole(),
                        "products": _PRODUCTS,
                        "roles": items(ROLE_NAME, distinct=True),
                    },
                    {
                        "images": _IMAGES,
                        "guards": items(
                            fields(
                                {
                                    "id": GUARD,
                                    "role": ROLE_NAME,
                                    "outcome": word("confirmed", "reverted"),
                                    "ms": whole(),
                                }
                            ),
                            distinct=True,
                        ),
                        "steps": items(fields({"step": word(*STEPS), "ms": whole()})),
                        "restarted": items(UNIT, distinct=True),
                        "reboot": _REBOOT,
                        "obstacles": items(word(*OBSTACLES), distinct=True),
                    },
                ),
                least=1,
            ),
        }
    ),
    "verify": fields(
        {
            "run_id": RUN,
            "kind": word("drift", "version", "running", "health", "inventory", "discovery"),
            "phase": maybe(word("before", "after")),
            "results": items(
                fields(
                    {
                        "asset": SLUG,
                        "verdict": word("pass", "fail"),
                        "counts": fields({name: whole() for name in RESULTS}),
                        "checks": items(
                            fields(
                                {"id": CHECK, "result": word(*RESULTS)},
                                {"expected_sha256": HEX, "observed_sha256": HEX, "exception": SLUG},
                            )
                        ),
                    },
                    {"detail_sha256": HEX},
                ),
                least=1,
            ),
        }
    ),
    "rollback": fields(
        {
            "run_id": RUN,
            "trigger": word("health", "failed", "guard", "request", "rehearsal"),
            "results": items(
                fields(
                    {"asset": SLUG, "result": word("restored", "partial", "failed"), "products": _PRODUCTS},
                    {
                        "files": fields({"restored": whole(), "kept": whole()}),
                        "guard": GUARD,
                        "role": ROLE_NAME,
                        "ms": whole(),
                        "images": _IMAGES,
                        "of": RUN,
                    },
                ),
                least=1,
            ),
        }
    ),
    "exception": fields(
        {"decision": word("approve", "review", "withdraw"), "exception": SLUG, "control": CHECK, "expires_at": time},
        {"first_due": time},
    ),
    "standard": fields(
        {
            "decision": word("approve", "withdraw"),
            "template": SLUG,
            "kind": word("patch", "config"),
            "rings": items(SLUG, least=1, distinct=True),
            "assets_most": whole(1),
            "expires_at": time,
        }
    ),
    "policy": fields(
        {
            "decision": word("approve", "withdraw"),
            "version": whole(1),
            "owner": SLUG,
            "required": truth,
            "offices": items(word(*OFFICES), least=1, distinct=True),
            "expires_at": time,
        }
    ),
    "content": fields(
        {
            "decision": word("sign", "withdraw"),
            "files": whole(1),
            "rings": items(SLUG, distinct=True),
            "expires_at": time,
        }
    ),
    "break-glass": fields(
        {"reason": word(*EMERGENCIES), "rings": items(SLUG, least=1, distinct=True), "review_by": time}
    ),
    "review": fields({"index": whole(), "sha256": HEX, "verdict": word("justified", "unjustified")}),
    "heartbeat": fields({"within_s": whole(0, LONGEST_SILENCE)}),
    "amend": fields({"index": whole(), "reason": word(*AMENDING)}, {"right": whole(), "file": HEX}),
    "evidence": fields({"kind": word(*EVIDENCE), "bytes": whole(1), "keep_until": time}, {"done_at": time}),
    "hold": fields({"action": word("place", "lift"), "hold": SLUG, "evidence": items(HEX, distinct=True)}),
    "tombstone": fields({"index": whole(), "reason": word("expired")}),
    "halt": fields({"action": word("stop", "go"), "rings": items(SLUG, least=1, distinct=True)}),
    "lease": fields({"run_id": RUN, "action": word("take", "release"), "cluster": SLUG, "asset": SLUG, "until": time}),
    "run-close": fields(
        {
            "run_id": RUN,
            "outcome": word("ok", "failed", "denied", "drift"),
            "exit_code": whole(0, 255),
            "missing_assets": _ASSETS,
            "counts": _COUNTS,
            "entries": fields({"first": whole(), "last": whole(), "count": whole(1)}),
        },
        {"denied_by": items(RULE, least=1, distinct=True)},
    ),
}
