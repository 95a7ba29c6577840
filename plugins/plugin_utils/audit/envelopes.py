# Copyright: (c) 2026, Holdfast contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Takes an entry's stored bytes apart, refusing every second way of spelling the same thing."""

from __future__ import annotations

import base64
import hashlib
import json
import re
import sys
import zlib
from dataclasses import dataclass, fields
from datetime import datetime
from functools import lru_cache
from operator import attrgetter
from typing import Any

from . import forms, quick

PAYLOAD_TYPE = "application/vnd.in-toto+json"
MOST_BYTES = 65_535
MOST_PAYLOAD = 48_000
_STORED = re.compile(
    rb'\{"payload":"(?P<payload>[A-Za-z0-9+/]*={0,2})","payloadType":"application/vnd\.in-toto\+json",'
    rb'"signatures":\[\{"keyid":"(?P<keyid>[0-9a-f]{64})","sig":"(?P<sig>[A-Za-z0-9+/]*={0,2})"\}\]\}'
)
"""An envelope as canonical JSON has it; what does not look so is read as JSON, to say what is wrong with it."""
_BEFORE, _BEHIND = b',"step":', b',"trust":{"sha256":"'
READ = 4096
"""Steps' parts kept as they were read, at 4 kilobytes or so each: in a ledger of that size each is read once, in a
longer one again by each check."""


class MalformedError(Exception):
    """Stored bytes of a form no record has; `code` is the finding's."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code

    def __reduce__(self) -> tuple[Any, ...]:
        """Travel between processes whole."""
        return MalformedError, (self.code, str(self))


@dataclass(frozen=True, slots=True)
class Entry:
    """One record, taken apart; nothing about it is verified yet.

    What every check looks at stands here; the rest is read again from `packed` when it is asked for, so that a hundred
    thousand records fit into memory. `at` is when it says it was recorded, `head` size and root its signer saw, `run`
    what run it says it belongs to, `subject` all its subjects in one text, `trust` the version and digest it names.
    """

    index: int
    sha256: str
    keyid: str
    signature: bytes
    packed: bytes
    step: str
    principal: str
    change: str | None
    about: str
    request: str | None
    at: datetime
    head: tuple[int, str]
    run: str | None
    subject: str
    role: str
    org: str
    trust: tuple[int, str]
    record_id: str

    @classmethod
    def of(cls, index: int, stored: bytes, keyid: str, signature: bytes, payload: bytes, statement: Any) -> Entry:
        """Return the entry of a statement whose form is good.

        `about` is the digest of its first subject: a plan, a baseline, or a trust document; `request` that of the
        request among its subjects.
        """
        predicate, subjects = statement["predicate"], statement["subject"]
        seen, named = predicate["ledger_head"], predicate["trust"]
        return cls(
            index=index,
            sha256=hashlib.sha256(stored).hexdigest(),
            keyid=keyid,
            signature=signature,
            packed=zlib.compress(payload, 1),
            step=statement["predicateType"].rsplit("/", 2)[1],
            principal=predicate["actor"]["principal"],
            change=predicate["change_id"],
            about=subjects[0]["digest"]["sha256"],
            request=subjects[1]["digest"]["sha256"] if len(subjects) > 1 else None,
            at=datetime.fromisoformat(predicate["recorded_at"]),
            head=(seen["size"], seen["root"]),
            run=predicate["step"].get("run_id"),
            subject=" ".join(f"{one['name']}:{one['digest']['sha256']}" for one in subjects),
            role=predicate["actor"]["role"],
            org=predicate["org"],
            trust=(named["version"], named["sha256"]),
            record_id=predicate["record_id"],
        )

    def settled(self) -> Entry:
        """Return the entry, the texts that many have in common with it held once."""
        for name in _SHARED:
            text = getattr(self, name)
            if text is not None:
                object.__setattr__(self, name, sys.intern(text))
        object.__setattr__(self, "trust", _same(self.trust))
        return self

    def __reduce__(self) -> tuple[Any, ...]:
        """Travel between processes as the bare fields."""
        return Entry, _fields(self)

    @property
    def payload(self) -> bytes:
        """The bytes that were signed, without what DSSE puts before them."""
        return zlib.decompress(self.packed)

    @property
    def statement(self) -> dict[str, Any]:
        """What it states; not to be changed."""
        return _statement(self.packed)

    @property
    def predicate(self) -> dict[str, Any]:
        """Its predicate."""
        found: dict[str, Any] = self.statement["predicate"]
        return found

    @property
    def body(self) -> dict[str, Any]:
        """The step's own part."""
        return _body(self.packed)

    @property
    def message(self) -> bytes:
        """The bytes its signature covers: DSSE's pre-authentication encoding."""
        return encoded(self.payload)


def encoded(payload: bytes) -> bytes:
    """Return DSSE's pre-authentication encoding of a payload: what is signed."""
    return b"DSSEv1 %d %b %d %b" % (len(PAYLOAD_TYPE), PAYLOAD_TYPE.encode("ascii"), len(payload), payload)


_fields = attrgetter(*(field.name for field in fields(Entry)))
_SHARED = ("keyid", "step", "principal", "change", "about", "request", "run", "subject", "role", "org")


@lru_cache(maxsize=64)
def _same(named: tuple[int, str]) -> tuple[int, str]:
    """Return the one tuple that stands for all that are equal."""
    return named


@lru_cache(maxsize=64)
def _statement(packed: bytes) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(zlib.decompress(packed))
    return found


@lru_cache(maxsize=READ)
def _body(packed: bytes) -> dict[str, Any]:
    """Read the step's part alone: canonical JSON has it between these two, and within a text no quote stands bare."""
    payload = zlib.decompress(packed)
    found: dict[str, Any] = json.loads(payload[payload.index(_BEFORE) + len(_BEFORE) : payload.rindex(_BEHIND)])
    return found


def take_apart(index: int, stored: bytes, *, known: bool = False) -> Entry:
    """Return the entry of stored bytes; raises MalformedError for any form but the one.

    `known` are bytes that an earlier audit found good: their form is not looked at again.
    """
    if len(stored) > MOST_BYTES:
        raise MalformedError("envelope-form", f"{len(stored)} bytes; at most {MOST_BYTES} may be")
    found = _STORED.fullmatch(stored)
    if found:
        keyid, body, sig = (str(found[name], "ascii") for name in ("keyid", "payload", "sig"))
    else:
        keyid, body, sig = _outer(stored)
    payload = _base64(body, "payload")
    if len(payload) > MOST_PAYLOAD:
        raise MalformedError("envelope-form", f"the payload has {len(payload)} bytes; at most {MOST_PAYLOAD} may be")
    signature = _base64(sig, "sig")
    if known:
        return Entry.of(index, stored, keyid, signature, payload, json.loads(payload))
    statement = quick.read(payload)
    if statement is not None:
        return Entry.of(index, stored, keyid, signature, payload, statement)
    statement = _json(payload, "statement-form")
    if step := forms.unknown_step(statement):
        raise MalformedError("unknown-step", f"{step!r} is no step this audit knows")
    if wrong := forms.problem_of(statement):
        raise MalformedError("statement-form", wrong)
    return Entry.of(index, stored, keyid, signature, payload, statement)


def _outer(stored: bytes) -> tuple[str, Any, str]:
    """Return keyid, payload and signature of an envelope, or raise MalformedError saying what is not of the form."""
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
    return keyid, outer["payload"], sig


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
