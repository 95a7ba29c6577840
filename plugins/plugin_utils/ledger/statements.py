# Copyright: (c) 2026, Holdfast contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The statements a ledger holds: in-toto Statement v1, one predicate type a step, every body closed.

The table in docs/explanation/ledger.md says what each member means. The audit knows the same forms by its own
code.
"""

from __future__ import annotations

from typing import Any

from ..errors import LedgerError
from . import canonical
from .envelope import Envelope
from .shapes import Shape, fields, items, maybe, refuse, text, time, truth, whole, word
from .signers import Signer

STATEMENT = "https://in-toto.io/Statement/v1"
PREDICATE = "https://holdfast.example/{step}/v1"

ROLES = ("requester", "approver", "implementer", "verifier", "log", "root")
RESULTS = ("pass", "fail", "waived", "not_applicable", "not_measured")
OUTCOMES = ("changed", "unchanged", "failed", "unreachable", "skipped")

SIGNED_BY = {
    "trust": "root",
    "request": "requester",
    "approve": "approver",
    "run-open": "implementer",
    "deploy": "implementer",
    "verify": "verifier",
    "rollback": "implementer",
    "run-close": "implementer",
}
"""The role whose principal signs each step."""

HEX = text(r"[0-9a-f]{64}", "a SHA-256 in lowercase hexadecimal")
SLUG = text(r"[a-z][a-z0-9-]{0,62}", "a short name of lowercase letters, digits and dashes")
RUN = text(r"run_[0-9A-Za-z]{10,40}", "a run id, run_...")
CHANGE = text(r"chg_[0-9A-Za-z]{10,40}", "a change id, chg_...")
RECORD = text(r"rec_[a-z2-7]{26}", "a record id, rec_ and 26 of a-z2-7")
NONCE = text(r"[0-9a-f]{32,128}", "a nonce of 32 to 128 hexadecimal digits")
VERSION = text(r"[0-9A-Za-z][0-9A-Za-z.+:~_-]{0,127}", "a version")
PACKAGE = text(r"[a-z0-9][a-z0-9+.:_-]{0,127}", "a package's name")
CHECK = text(r"[A-Za-z0-9][A-Za-z0-9+.:_-]{0,127}", "the id of a control or a check")
ROLE_NAME = text(r"[a-z][a-z0-9_.-]{0,126}", "a role's name")
KEY = text(r"[A-Za-z0-9+/]{43}=", "a raw Ed25519 public key in base64")

_COUNTS = fields({name: whole() for name in OUTCOMES})
_PRODUCTS = items(fields({"name": PACKAGE, "from": maybe(VERSION), "to": maybe(VERSION)}))
_ASSETS = items(SLUG, distinct=True)

BODIES: dict[str, Shape] = {
    "trust": fields(
        {
            "version": whole(1),
            "previous": maybe(HEX),
            "root_threshold": whole(1, 1),
            "principals": items(
                fields(
                    {
                        "id": SLUG,
                        "roles": items(word(*ROLES), least=1, distinct=True),
                        "keys": items(
                            fields({"keyid": HEX, "keytype": word("ed25519", "ssh-ed25519"), "public": KEY}),
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
            "kind": word("check", "plan", "patch", "remediate"),
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
        }
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
                    }
                ),
                least=1,
            ),
        }
    ),
    "verify": fields(
        {
            "run_id": RUN,
            "kind": word("drift", "version", "health"),
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
                                {"expected_sha256": HEX, "observed_sha256": HEX},
                            )
                        ),
                    }
                ),
                least=1,
            ),
        }
    ),
    "rollback": fields(
        {
            "run_id": RUN,
            "trigger": word("health", "failed"),
            "results": items(
                fields({"asset": SLUG, "result": word("restored", "partial", "failed"), "products": _PRODUCTS}),
                least=1,
            ),
        }
    ),
    "run-close": fields(
        {
            "run_id": RUN,
            "outcome": word("ok", "failed", "denied", "drift"),
            "exit_code": whole(0, 255),
            "missing_assets": _ASSETS,
            "counts": _COUNTS,
            "entries": fields({"first": whole(), "last": whole(), "count": whole(1)}),
        }
    ),
}

_SUBJECT = fields({"name": word("plan", "baseline", "trust", "request"), "digest": fields({"sha256": HEX})})
_FRAME = fields(
    {
        "_type": word(STATEMENT),
        "subject": items(_SUBJECT, least=1),
        "predicateType": word(*(PREDICATE.format(step=step) for step in BODIES)),
        "predicate": fields(
            {
                "record_id": RECORD,
                "change_id": maybe(CHANGE),
                "org": SLUG,
                "actor": fields({"principal": SLUG, "role": word(*ROLES)}),
                "recorded_at": time,
                "ledger_head": fields({"size": whole(), "root": HEX}),
                "trust": fields({"version": whole(1), "sha256": HEX}),
                "producer": fields({"name": word("holdfast"), "version": text(r"[0-9A-Za-z.+-]{1,32}", "a version")}),
                "step": lambda value, place: None,
            }
        ),
    }
)


def step_of(statement: dict[str, Any]) -> str:
    """Return the step a checked statement records, such as `deploy`."""
    return str(statement["predicateType"]).split("/")[-2]


def check(statement: Any) -> None:
    """Raise LedgerError, naming the place, unless the statement is exactly of its step's closed form."""
    _FRAME(statement, "record")
    step, predicate = step_of(statement), statement["predicate"]
    body = predicate["step"]
    BODIES[step](body, f"{step}")
    if predicate["actor"]["role"] != SIGNED_BY[step]:
        refuse("record.actor.role", predicate["actor"]["role"], f"{SIGNED_BY[step]}, who signs {step}")
    _check_subject(step, statement["subject"], body)
    if (predicate["change_id"] is None) != _without_change(step, predicate["change_id"], body):
        refuse(
            "record.change_id",
            predicate["change_id"],
            f"what a record of {step} has: only changes have a change id",
        )
    if step == "verify":
        _check_verdicts(body)


def read(envelope: Envelope) -> dict[str, Any]:
    """Return the checked statement of an envelope.

    Raises LedgerError as `check` does. The signature is not looked at.
    """
    statement = canonical.decode(envelope.payload)
    check(statement)
    return dict(statement)


def _check_subject(step: str, subject: list[dict[str, Any]], body: dict[str, Any]) -> None:
    names = [entry["name"] for entry in subject]
    first = ("trust",) if step == "trust" else ("plan", "baseline")
    if names[0] not in first:
        refuse("record.subject[0].name", names[0], " or ".join(first))
    if step in ("trust", "request"):
        allowed: tuple[list[str], ...] = ([],)
    elif step == "approve":
        allowed = (["request"],)
    elif step == "run-open":
        allowed = (["request"] if body["request"] else [],)
    else:
        allowed = (["request"], [])
    if names[1:] not in allowed:
        refuse("record.subject", names, f"{' or '.join(first)}, then the request if there is one")


def _without_change(step: str, change_id: str | None, body: dict[str, Any]) -> bool:
    """Say whether a record must go without a change id; where only the run knows, what is stated is taken."""
    if step == "trust":
        return True
    if step in ("request", "approve"):
        return False
    if step == "run-open":
        if body["request"] or (body["mode"] == "apply" and body["kind"] in ("patch", "remediate")):
            return False
        return change_id is None
    return change_id is None


def _check_verdicts(body: dict[str, Any]) -> None:
    for number, result in enumerate(body["results"]):
        place = f"verify.results[{number}]"
        failed = [entry for entry in result["checks"] if entry["result"] == "fail"]
        if result["verdict"] == "pass" and (failed or result["counts"]["fail"]):
            refuse(f"{place}.verdict", "pass", "fail, for a check failed")
        for entry in result["checks"]:
            if entry["result"] != "fail" and len(entry) > 2:
                raise LedgerError(
                    f"{place}.checks: digests of values are kept for failures only, not for {entry['id']}"
                )


def seal(statement: dict[str, Any], signer: Signer) -> bytes:
    """Return the stored bytes of a statement signed by `signer`.

    Raises LedgerError when the statement is not of its closed form or too large, TrustError when nothing was
    signed.
    """
    check(statement)
    payload = canonical.encode(statement)
    unsigned = Envelope(payload, signer.public_key.keyid, b"")
    unsigned.to_bytes()  # refuses what is too large before anyone is asked to sign it
    return Envelope(payload, unsigned.keyid, signer.sign(unsigned.signed)).to_bytes()
