# Copyright: (c) 2026, Holdfast contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The closed form of each step's body, as the auditor knows it; the writer's are other code on purpose.

A form is a pattern (text), a frozenset (one of these words), a range (an integer), bool, a dict (a mapping
with exactly these members; `?` ends the name of one that may be absent), Many (a list), or Null (may be
null).
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

BIG = 2**53


@dataclass(frozen=True)
class Many:
    """A list of a form, of at least so many, each once when `once`."""

    form: Any
    least: int = 0
    once: bool = False


@dataclass(frozen=True)
class Null:
    """Null or a form."""

    form: Any


class Time:
    """A moment in UTC with milliseconds."""


SHA = re.compile("[0-9a-f]{64}")
NAME = re.compile("[a-z][a-z0-9-]{0,62}")
RUN_ID = re.compile("run_[0-9A-Za-z]{10,40}")
ANY = range(BIG)
PACKAGE_VERSION = re.compile("[0-9A-Za-z][0-9A-Za-z.+:~^_-]{0,127}")
VERDICTS = ("pass", "fail", "waived", "not_applicable", "not_measured")
OUTCOMES = ("changed", "unchanged", "failed", "unreachable", "skipped")
CHANGING = ("patch", "rehearse", "remediate", "rollback")
"""Kinds of run that change hosts when they apply."""
LOOKING = ("check", "plan", "observe", "stage")
"""Kinds of run that change none."""
DEEDS = frozenset({"wait", "repair", "stage", "install", "restart", "reboot"})
HINDRANCES = frozenset(
    {
        "lock", "unfinished", "interrupted", "full", "boot_full", "stale_lists", "expired_lists", "expired_key",
        "key_expiring", "unsigned", "no_archive", "held", "pinned", "phased", "conffile", "dependency", "unsupported",
        "clock", "timer", "no_rollback", "versionlock", "broken",
    }
)  # fmt: skip
ROLES = {
    "trust": frozenset({"root"}),
    "request": frozenset({"requester"}),
    "approve": frozenset({"approver"}),
    "assess": frozenset({"approver"}),
    "run-open": frozenset({"implementer"}),
    "deploy": frozenset({"implementer"}),
    "verify": frozenset({"verifier"}),
    "rollback": frozenset({"implementer"}),
    "halt": frozenset({"requester", "approver", "implementer"}),
    "lease": frozenset({"implementer"}),
    "run-close": frozenset({"implementer"}),
    "exception": frozenset({"approver"}),
    "standard": frozenset({"approver"}),
    "policy": frozenset({"approver"}),
    "content": frozenset({"publisher"}),
    "break-glass": frozenset({"implementer"}),
    "review": frozenset({"approver"}),
    "heartbeat": frozenset({"log"}),
    "amend": frozenset({"requester", "approver", "implementer", "verifier", "log", "officer", "publisher"}),
    "evidence": frozenset({"officer", "requester", "approver", "implementer", "verifier"}),
    "hold": frozenset({"officer"}),
    "tombstone": frozenset({"officer"}),
}
"""Who may sign which step."""

_PRODUCTS = Many(
    {
        "name": re.compile("[A-Za-z0-9][A-Za-z0-9+.:_-]{0,127}"),
        "from": Null(PACKAGE_VERSION),
        "to": Null(PACKAGE_VERSION),
    }
)
_IMAGES = {"before": SHA, "after": SHA}
_REBOOT = {"before": SHA, "after": SHA, "ms": ANY, "kernel": PACKAGE_VERSION}
_UNIT = re.compile(r"[A-Za-z0-9][A-Za-z0-9:_.@\\-]{0,254}")
_ROLE_NAME = re.compile("[a-z][a-z0-9_.-]{0,126}")
_GUARD = re.compile("grd_[0-9A-Za-z]{10,40}")
_NUMBER = "(0|[1-9][0-9]{0,8})"
_SEMANTIC = re.compile(rf"{_NUMBER}\.{_NUMBER}\.{_NUMBER}")
KINDS_OF_KEY = frozenset(
    {
        "ed25519", "ecdsa-p256", "ecdsa-p384", "ssh-ed25519", "ecdsa-sha2-nistp256", "ecdsa-sha2-nistp384",
        "sk-ssh-ed25519@openssh.com", "sk-ecdsa-sha2-nistp256@openssh.com",
    }
)  # fmt: skip
"""Algorithm and form of signatures; signatures.py verifies them."""
_KEY = {
    "keyid": SHA,
    "keytype": KINDS_OF_KEY,
    "public": re.compile("[A-Za-z0-9+/]{43}=|[A-Za-z0-9+/]{87}=|[A-Za-z0-9+/]{130}=="),
    "valid_from?": range(1, BIG),
    "revoked_from?": ANY,
    "reason?": frozenset({"rotated", "lost", "stolen", "left"}),
    "distrust_from?": ANY,
    "attested?": Many(ANY, 1, True),
}
ALL_ROLES = frozenset[str]().union(*ROLES.values())
OFFICES = frozenset({"security", "compliance-officer", "privacy-officer", "business-owner", "revenue-cycle"})
"""Who a principal is in the company: an office signs no step."""

STEPS: dict[str, Any] = {
    "exception": {
        "decision": frozenset({"approve", "review", "withdraw"}),
        "exception": NAME,
        "control": re.compile("[A-Za-z0-9][A-Za-z0-9+.:_-]{0,127}"),
        "expires_at": Time,
        "first_due?": Time,
    },
    "standard": {
        "decision": frozenset({"approve", "withdraw"}),
        "template": NAME,
        "kind": frozenset({"patch", "config"}),
        "rings": Many(NAME, 1, True),
        "assets_most": range(1, BIG),
        "expires_at": Time,
    },
    "policy": {
        "decision": frozenset({"approve", "withdraw"}),
        "version": range(1, BIG),
        "owner": NAME,
        "required": bool,
        "offices": Many(OFFICES, 1, True),
        "expires_at": Time,
    },
    "content": {
        "decision": frozenset({"sign", "withdraw"}),
        "files": range(1, BIG),
        "rings": Many(NAME, once=True),
        "expires_at": Time,
    },
    "break-glass": {
        "reason": frozenset({"outage", "attack", "exploited-flaw", "patient-care", "data-loss"}),
        "rings": Many(NAME, 1, True),
        "review_by": Time,
    },
    "review": {"index": ANY, "sha256": SHA, "verdict": frozenset({"justified", "unjustified"})},
    "heartbeat": {"within_s": range(366 * 24 * 60 * 60 + 1)},
    "amend": {
        "index": ANY,
        "reason": frozenset({"mistaken", "incomplete", "superseded", "explained"}),
        "right?": ANY,
        "file?": SHA,
    },
    "evidence": {
        "kind": frozenset(
            {
                "access-review",
                "contract",
                "log",
                "message",
                "report",
                "restore",
                "scan",
                "screenshot",
                "test",
                "ticket",
                "training",
                "other",
            }
        ),
        "bytes": range(1, BIG),
        "keep_until": Time,
        "done_at?": Time,
    },
    "hold": {"action": frozenset({"place", "lift"}), "hold": NAME, "evidence": Many(SHA, once=True)},
    "tombstone": {"index": ANY, "reason": frozenset({"expired"})},
    "trust": {
        "version": range(1, BIG),
        "previous": Null(SHA),
        "root_threshold": range(1, BIG),
        "principals": Many({"id": NAME, "roles": Many(ALL_ROLES | OFFICES, 1, True), "keys": Many(_KEY, 1)}, 1),
    },
    "request": {
        "kind": frozenset({"patch", "config"}),
        "rings": Many(NAME, 1, True),
        "assets": Many(NAME, 1, True),
        "expires_at": Time,
        "safeguards?": Many(re.compile("164\\.[0-9]{3}(\\([0-9A-Za-z]{1,4}\\)){0,6}"), once=True),
        "case?": {
            "justification": frozenset(
                {"capacity", "contract", "defect", "drift", "improvement", "law", "payer", "security-flaw", "vendor"}
            ),
            "ephi_risk": frozenset({"none", "low", "moderate", "high"}),
            "medical_necessity": Many(frozenset({"claim-edits", "documentation-templates"}), once=True),
            "tests": Many(
                frozenset({"lab", "rehearsal", "health", "regression", "claims", "restore", "failover", "security"}),
                1,
                True,
            ),
            "acceptance": Many(
                frozenset({"as-planned", "healthy", "no-drift", "claims-flow", "users-agree", "no-outage"}), 1, True
            ),
            "backout": frozenset({"rollback", "restore", "rebuild", "disable", "none"}),
        },
        "template?": {"index": ANY, "sha256": SHA},
        "duties?": frozenset({"one-person"}),
    },
    "assess": {
        "office": OFFICES,
        "outcome": frozenset({"clear", "objection"}),
        "request": SHA,
        "plan": SHA,
        "nonce": re.compile("[0-9a-f]{32,128}"),
    },
    "approve": {
        "decision": frozenset({"approve", "reject"}),
        "request": SHA,
        "plan": SHA,
        "rings": Many(NAME, 1, True),
        "not_after": Time,
        "nonce": re.compile("[0-9a-f]{32,128}"),
    },
    "run-open": {
        "run_id": RUN_ID,
        "kind": frozenset({"check", "plan", "observe", "stage", "patch", "rehearse", "remediate", "rollback"}),
        "mode": frozenset({"apply", "check"}),
        "request": Null(SHA),
        "approvals": Many({"index": ANY, "sha256": SHA}, once=True),
        "expected_assets": Many(NAME, 1, True),
        "materials": Many({"name": frozenset({"playbook", "collection", "site"}), "sha256": SHA}, once=True),
        "forks": range(1, 10_001),
        "limit": bool,
        "ansible_core": re.compile("[0-9]+\\.[0-9]+[0-9A-Za-z.]{0,20}"),
        "nonce_sha256": SHA,
        "resumes": Many(RUN_ID, once=True),
        "baselines?": Many({"id": NAME, "version": _SEMANTIC, "sha256": SHA}, once=True),
        "content?": {"manifest": SHA, "index": ANY, "sha256": SHA},
        "policy?": {"digest": SHA, "index": ANY, "sha256": SHA},
    },
    "deploy": {
        "run_id": RUN_ID,
        "ring": Null(NAME),
        "results": Many(
            {
                "asset": NAME,
                "outcome": frozenset(OUTCOMES),
                "started_at": Time,
                "duration_ms": ANY,
                "products": _PRODUCTS,
                "roles": Many(_ROLE_NAME, once=True),
                "images?": _IMAGES,
                "guards?": Many(
                    {"id": _GUARD, "role": _ROLE_NAME, "outcome": frozenset({"confirmed", "reverted"}), "ms": ANY},
                    once=True,
                ),
                "steps?": Many({"step": DEEDS, "ms": ANY}),
                "restarted?": Many(_UNIT, once=True),
                "reboot?": _REBOOT,
                "obstacles?": Many(HINDRANCES, once=True),
            },
            1,
        ),
    },
    "verify": {
        "run_id": RUN_ID,
        "kind": frozenset({"drift", "version", "running", "health", "inventory", "discovery"}),
        "phase": Null(frozenset({"before", "after"})),
        "results": Many(
            {
                "asset": NAME,
                "verdict": frozenset({"pass", "fail"}),
                "counts": dict.fromkeys(VERDICTS, ANY),
                "checks": Many(
                    {
                        "id": re.compile("[A-Za-z0-9][A-Za-z0-9+.:_-]{0,127}"),
                        "result": frozenset(VERDICTS),
                        "expected_sha256?": SHA,
                        "observed_sha256?": SHA,
                        "exception?": NAME,
                    }
                ),
                "detail_sha256?": SHA,
            },
            1,
        ),
    },
    "rollback": {
        "run_id": RUN_ID,
        "trigger": frozenset({"health", "failed", "guard", "request", "rehearsal"}),
        "results": Many(
            {
                "asset": NAME,
                "result": frozenset({"restored", "partial", "failed"}),
                "products": _PRODUCTS,
                "files?": {"restored": ANY, "kept": ANY},
                "guard?": _GUARD,
                "role?": _ROLE_NAME,
                "ms?": ANY,
                "images?": _IMAGES,
                "of?": RUN_ID,
            },
            1,
        ),
    },
    "halt": {"action": frozenset({"stop", "go"}), "rings": Many(NAME, 1, True)},
    "lease": {
        "run_id": RUN_ID,
        "action": frozenset({"take", "release"}),
        "cluster": NAME,
        "asset": NAME,
        "until": Time,
    },
    "run-close": {
        "run_id": RUN_ID,
        "outcome": frozenset({"ok", "failed", "denied", "drift"}),
        "exit_code": range(256),
        "missing_assets": Many(NAME, once=True),
        "counts": dict.fromkeys(OUTCOMES, ANY),
        "entries": {"first": ANY, "last": ANY, "count": range(1, BIG)},
        "denied_by?": Many(re.compile("[A-Za-z0-9][A-Za-z0-9+.:_-]{0,127}"), 1, True),
    },
}
