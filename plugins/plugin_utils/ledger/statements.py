# Copyright: (c) 2026, Holdfast contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The statements a ledger holds: in-toto Statement v1, one predicate type a step, every body closed.

The table in docs/explanation/ledger.md says what each member means. The audit knows the same forms by its own
code.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from ..errors import LedgerError
from . import canonical
from .bodies import BODIES, CHANGE, HEX, LONGEST_REVIEW, RECORD, SIGNING, SLUG
from .envelope import Envelope
from .shapes import fields, items, maybe, refuse, text, time, whole, word
from .signers import Signer

STATEMENT = "https://in-toto.io/Statement/v1"
PREDICATE = "https://holdfast.example/{step}/v1"

CHANGING = ("patch", "rehearse", "remediate", "rollback")
"""Kinds of run that change hosts when they apply; each belongs to a change."""

SIGNED_BY = {
    "trust": ("root",),
    "request": ("requester",),
    "approve": ("approver",),
    "assess": ("approver",),
    "run-open": ("implementer",),
    "deploy": ("implementer",),
    "verify": ("verifier",),
    "rollback": ("implementer",),
    "halt": ("requester", "approver", "implementer"),
    "lease": ("implementer",),
    "run-close": ("implementer",),
    "exception": ("approver",),
    "standard": ("approver",),
    "policy": ("approver",),
    "content": ("publisher",),
    "break-glass": ("implementer",),
    "review": ("approver",),
    "heartbeat": ("log",),
    "amend": ("requester", "approver", "implementer", "verifier", "log", "officer", "publisher"),
    "evidence": ("officer", "requester", "approver", "implementer", "verifier"),
    "hold": ("officer",),
    "tombstone": ("officer",),
}
"""The roles whose principals may sign each step; who has several of them signs as the first."""

FOR_A_REQUEST = ("approve", "assess", "halt", "break-glass", "review")
"""Steps that a person takes towards one request, and names it by."""

_ABOUT = {
    "trust": ("trust",),
    "exception": ("exception",),
    "standard": ("template",),
    "policy": ("policy",),
    "content": ("content",),
    "heartbeat": ("head",),
    "amend": ("entry",),
    "evidence": ("evidence",),
    "hold": ("head",),
    "tombstone": ("evidence",),
}
"""What the first subject of a step is; of all others a plan or a baseline. Of these nothing else follows."""

_SUBJECT = fields(
    {
        "name": word(
            "plan", "baseline", "trust", "request", "head", "entry", "evidence", "exception", "content", "template",
            "policy",
        ),
        "digest": fields({"sha256": HEX}),
    }
)
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
                "actor": fields({"principal": SLUG, "role": word(*SIGNING)}),
                "recorded_at": time,
                "ledger_head": fields({"size": whole(), "root": HEX}),
                "trust": fields({"version": whole(1), "sha256": HEX}),
                "producer": fields({"name": word("holdfast"), "version": text(r"[0-9A-Za-z.+-]{1,32}", "a version")}),
                "step": lambda value, place: None,
            }
        ),
    }
)


def draft(
    step: str,
    subject: Sequence[Mapping[str, Any]],
    body: Mapping[str, Any],
    *,
    org: str,
    actor: tuple[str, str],
    at: datetime,
    head: tuple[int, bytes],
    trust: tuple[int, str],
    producer: str,
    record_id: str,
    change_id: str | None = None,
) -> dict[str, Any]:
    """Return a statement of which nothing is checked yet.

    `actor` is principal and role, `head` size and root of the ledger seen, `trust` version and digest of the document
    in force there, `producer` the version that writes.
    """
    return {
        "_type": STATEMENT,
        "subject": list(subject),
        "predicateType": PREDICATE.format(step=step),
        "predicate": {
            "record_id": record_id,
            "change_id": change_id,
            "org": org,
            "actor": {"principal": actor[0], "role": actor[1]},
            "recorded_at": canonical.timestamp(at),
            "ledger_head": {"size": head[0], "root": head[1].hex()},
            "trust": {"version": trust[0], "sha256": trust[1]},
            "producer": {"name": "holdfast", "version": producer},
            "step": dict(body),
        },
    }


def step_of(statement: dict[str, Any]) -> str:
    """Return the step a checked statement records, such as `deploy`."""
    return str(statement["predicateType"]).split("/")[-2]


def check(statement: Any) -> None:
    """Raise LedgerError, naming the place, unless the statement is exactly of its step's closed form."""
    _FRAME(statement, "record")
    step, predicate = step_of(statement), statement["predicate"]
    body = predicate["step"]
    BODIES[step](body, f"{step}")
    if predicate["actor"]["role"] not in SIGNED_BY[step]:
        refuse("record.actor.role", predicate["actor"]["role"], f"{' or '.join(SIGNED_BY[step])}, who signs {step}")
    _check_subject(step, statement["subject"], body)
    if (predicate["change_id"] is None) != _without_change(step, predicate["change_id"], body):
        refuse(
            "record.change_id",
            predicate["change_id"],
            f"what a record of {step} has: only changes have a change id",
        )
    if step == "verify":
        _check_verdicts(body)
    if step == "rollback":
        _check_way_back(body)
    if step == "deploy":
        _check_deeds(body)
    if step in ("heartbeat", "hold"):
        _check_head(statement)
    if step == "break-glass":
        _check_deadline(predicate, body)
    if step == "evidence" and "done_at" in body:
        _check_done(predicate, body)


_spelt: set[str] = set()
"""The SHA-256 of the newest payloads that `seal` made here."""
SPELT = 1000
"""How many of them are known at most."""


def read(envelope: Envelope) -> dict[str, Any]:
    """Return the checked statement of an envelope.

    Raises LedgerError as `check` does. The signature is not looked at.

    Bytes that this process itself has spelt, from a statement it had checked, are not checked again when they are
    appended and when a run is closed over them: they are known by their SHA-256, so that one bit of difference, be it
    made on disk in between, has them looked at like anybody's.
    """
    if canonical.digest(envelope.payload) in _spelt:
        return dict(json.loads(envelope.payload))
    statement = canonical.decode(envelope.payload)
    check(statement)
    return dict(statement)


def _check_subject(step: str, subject: list[dict[str, Any]], body: dict[str, Any]) -> None:
    names = [entry["name"] for entry in subject]
    first = _ABOUT.get(step, ("plan", "baseline"))
    if names[0] not in first:
        refuse("record.subject[0].name", names[0], " or ".join(first))
    if step in _ABOUT or step == "request":
        allowed: tuple[list[str], ...] = ([],)
    elif step in FOR_A_REQUEST:
        allowed = (["request"],)
    elif step == "run-open":
        allowed = (["request"] if body["request"] else [],)
    else:
        allowed = (["request"], [])
    if names[1:] not in allowed:
        refuse("record.subject", names, f"{' or '.join(first)}, then the request if there is one")


def _without_change(step: str, change_id: str | None, body: dict[str, Any]) -> bool:
    """Say whether a record must go without a change id; where only the run knows, what is stated is taken."""
    if step in ("trust", "exception", "standard", "policy", "content", "heartbeat", "hold", "tombstone"):
        return True
    if step == "request" or step in FOR_A_REQUEST:
        return False
    if step == "run-open":
        if body["request"] or (body["mode"] == "apply" and body["kind"] in CHANGING):
            return False
        return change_id is None
    return change_id is None


def _check_head(statement: dict[str, Any]) -> None:
    """Refuse a word about the ledger itself that is about another head than its signer saw."""
    about, seen = statement["subject"][0]["digest"]["sha256"], statement["predicate"]["ledger_head"]["root"]
    if about != seen:
        refuse("record.subject[0].digest.sha256", about, f"{seen}, the root of the head that the record names")


def _check_deadline(predicate: dict[str, Any], body: dict[str, Any]) -> None:
    """Refuse an emergency that is to be reviewed in the past, or so late that nobody remembers."""
    allowed = canonical.moment(body["review_by"]) - canonical.moment(predicate["recorded_at"])
    if not timedelta(0) < allowed <= timedelta(seconds=LONGEST_REVIEW):
        refuse("break-glass.review_by", body["review_by"], f"a time within {LONGEST_REVIEW} s of the record's own")


def _check_done(predicate: dict[str, Any], body: dict[str, Any]) -> None:
    """Refuse evidence of what was done after it was sealed: nothing makes a proof fresher than its record."""
    if canonical.moment(body["done_at"]) > canonical.moment(predicate["recorded_at"]):
        refuse("evidence.done_at", body["done_at"], f"a time up to the record's own, {predicate['recorded_at']}")


def _check_verdicts(body: dict[str, Any]) -> None:
    for number, result in enumerate(body["results"]):
        place = f"verify.results[{number}]"
        failed = [entry for entry in result["checks"] if entry["result"] == "fail"]
        if result["verdict"] == "pass" and (failed or result["counts"]["fail"]):
            refuse(f"{place}.verdict", "pass", "fail, for a check failed")
        for entry in result["checks"]:
            if entry["result"] != "fail" and {"expected_sha256", "observed_sha256"} & set(entry):
                raise LedgerError(
                    f"{place}.checks: digests of values are kept for failures only, not for {entry['id']}"
                )
            if ("exception" in entry) != (entry["result"] == "waived"):
                raise LedgerError(
                    f"{place}.checks: {entry['id']} is {entry['result']}; expected the exception's id "
                    "where a result is waived, and nowhere else"
                )


def _check_way_back(body: dict[str, Any]) -> None:
    """Refuse a return that does not say what sent it back: the guard that fired, or the run that was undone."""
    for number, result in enumerate(body["results"]):
        place = f"rollback.results[{number}]"
        if ("guard" in result) != (body["trigger"] == "guard"):
            expected = "the guard's id where a guard fired, and nowhere else"
            refuse(f"{place}.guard", result.get("guard"), expected)
        if body["trigger"] == "request" and "of" not in result:
            refuse(f"{place}.of", None, "the run that a requested rollback undoes")
        if body["trigger"] == "rehearsal" and "ms" not in result:
            refuse(f"{place}.ms", None, "how long the rehearsed way back took, in milliseconds")


def _check_deeds(body: dict[str, Any]) -> None:
    """Refuse a reboot that moved no boot marker, and packages on a host that was skipped."""
    for number, result in enumerate(body["results"]):
        place = f"deploy.results[{number}]"
        reboot = result.get("reboot")
        if reboot is not None and reboot["before"] == reboot["after"]:
            refuse(f"{place}.reboot.after", reboot["after"], "another boot marker than before; else it was no reboot")
        if result["outcome"] == "skipped" and result["products"]:
            refuse(f"{place}.products", result["products"], "none, for the host was skipped")


def message(statement: dict[str, Any]) -> bytes:
    """Return the bytes under the signature of a statement, for another tool to sign; raises LedgerError as `seal`."""
    check(statement)
    return Envelope(canonical.encode(statement), "0" * 64, b"").signed


def seal(statement: dict[str, Any], signer: Signer) -> bytes:
    """Return the stored bytes of a statement signed by `signer`.

    Raises LedgerError when the statement is not of its closed form or too large, TrustError when nothing was
    signed.
    """
    check(statement)
    payload = canonical.encode(statement)
    if len(_spelt) >= SPELT:
        _spelt.clear()
    _spelt.add(canonical.digest(payload))
    unsigned = Envelope(payload, signer.public_key.keyid, b"")
    unsigned.to_bytes()  # refuses what is too large before anyone is asked to sign it
    return Envelope(payload, unsigned.keyid, signer.sign(unsigned.signed)).to_bytes()
