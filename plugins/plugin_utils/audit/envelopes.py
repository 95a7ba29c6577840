# Copyright: (c) 2026, Holdfast contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Takes an entry's stored bytes apart, refusing every second way of spelling the same thing."""

from __future__ import annotations

import base64
import hashlib
import json
import re
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from . import forms

PAYLOAD_TYPE = "application/vnd.in-toto+json"
MOST_BYTES = 65_535
MOST_PAYLOAD = 48_000


class MalformedError(Exception):
    """Stored bytes of a form no record has; `code` is the finding's."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code


@dataclass(frozen=True)
class Entry:
    """One record, taken apart; nothing about it is verified yet."""

    index: int
    sha256: str
    keyid: str
    signature: bytes
    payload: bytes
    statement: dict[str, Any]

    @property
    def step(self) -> str:
        """The step it records."""
        return str(self.statement["predicateType"].rsplit("/", 2)[1])

    @property
    def predicate(self) -> dict[str, Any]:
        """Its predicate."""
        found: dict[str, Any] = self.statement["predicate"]
        return found

    @property
    def body(self) -> dict[str, Any]:
        """The step's own part."""
        found: dict[str, Any] = self.predicate["step"]
        return found

    @property
    def principal(self) -> str:
        """Who it says signed it."""
        return str(self.predicate["actor"]["principal"])

    @property
    def change(self) -> str | None:
        """The change it belongs to."""
        found: str | None = self.predicate["change_id"]
        return found

    @property
    def about(self) -> str:
        """The digest of its first subject: a plan, a baseline, or a trust document."""
        return str(self.statement["subject"][0]["digest"]["sha256"])

    @property
    def request(self) -> str | None:
        """The digest of the request among its subjects."""
        subjects = self.statement["subject"]
        return str(subjects[1]["digest"]["sha256"]) if len(subjects) > 1 else None

    @property
    def at(self) -> datetime:
        """When it says it was recorded."""
        return datetime.fromisoformat(self.predicate["recorded_at"])

    @property
    def head(self) -> tuple[int, str]:
        """Size and root of the ledger its signer saw."""
        seen = self.predicate["ledger_head"]
        return seen["size"], seen["root"]

    @property
    def message(self) -> bytes:
        """The bytes its signature covers: DSSE's pre-authentication encoding."""
        kind = PAYLOAD_TYPE.encode()
        return b" ".join([b"DSSEv1", str(len(kind)).encode(), kind, str(len(self.payload)).encode(), self.payload])


def take_apart(index: int, stored: bytes) -> Entry:
    """Return the entry of stored bytes; raises MalformedError for any form but the one."""
    if len(stored) > MOST_BYTES:
        raise MalformedError("envelope-form", f"{len(stored)} bytes; at most {MOST_BYTES} may be")
    outer = _json(stored, "envelope-form")
    if not isinstance(outer, dict) or sorted(outer) != ["payload", "payloadType", "signatures"]:
        raise MalformedError("envelope-form", "expected payload, payloadType and signatures, and nothing else")
    if outer["payloadType"] != PAYLOAD_TYPE:
        raise MalformedError("envelope-form", f"payloadType is {outer['payloadType']!r}; expected {PAYLOAD_TYPE!r}")
    match outer["signatures"]:
        case [{"keyid": str(keyid), "sig": str(sig), **rest}] if not rest and re.fullmatch("[0-9a-f]{64}", keyid):
            pass
        case _:
            raise MalformedError("envelope-form", "expected exactly one signature of keyid and sig, and nothing else")
    payload = _base64(outer["payload"], "payload")
    if len(payload) > MOST_PAYLOAD:
        raise MalformedError("envelope-form", f"the payload has {len(payload)} bytes; at most {MOST_PAYLOAD} may be")
    statement = _json(payload, "statement-form")
    if step := forms.unknown_step(statement):
        raise MalformedError("unknown-step", f"{step!r} is no step this audit knows")
    if wrong := forms.problem_of(statement):
        raise MalformedError("statement-form", wrong)
    return Entry(index, hashlib.sha256(stored).hexdigest(), keyid, _base64(sig, "sig"), payload, statement)


def _json(data: bytes, code: str) -> Any:
    def once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        members = dict(pairs)
        if len(members) < len(pairs):
            raise MalformedError(code, f"a member is named twice among {sorted(members)}")
        return members

    def never(text: str) -> Any:
        raise MalformedError(code, f"the number {text} is no integer")

    try:
        value = json.loads(str(data, "utf-8"), object_pairs_hook=once, parse_float=never, parse_constant=never)
        again = json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()
    except (ValueError, RecursionError) as error:
        raise MalformedError(code, f"no JSON: {error}") from error
    if again != data:
        raise MalformedError(code, "the JSON is not canonical: writing it again gives other bytes")
    return value


def _base64(text: Any, name: str) -> bytes:
    try:
        data = base64.b64decode(text if isinstance(text, str) else "!", validate=True)
    except ValueError as error:
        raise MalformedError("envelope-form", f"{name} is no base64") from error
    if base64.b64encode(data).decode() != text:
        raise MalformedError("envelope-form", f"{name} is base64 in another spelling than the standard's")
    return data
