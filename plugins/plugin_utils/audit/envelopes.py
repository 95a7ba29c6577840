# Copyright: (c) 2026, Holdfast contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Takes an entry's stored bytes apart, refusing every second way of spelling the same thing."""

from __future__ import annotations

import base64
import hashlib
import json
import re
from binascii import Error, a2b_base64, b2a_base64
from datetime import datetime
from functools import lru_cache
from sys import intern
from typing import Any, NamedTuple

from . import forms, quick
from .facts import Facts, facts

PAYLOAD_TYPE = "application/vnd.in-toto+json"
MOST_BYTES = 65_535
MOST_PAYLOAD = 48_000
_HEAD = b'{"payload":"'
_TAIL = re.compile(
    rb'","payloadType":"application/vnd\.in-toto\+json","signatures":\[\{"keyid":"([0-9a-f]{64})","sig":"([^"]*)"\}\]\}'
)
"""What stands around the payload in canonical JSON; what does not look so is read as JSON, to say what is wrong."""
READ = 4096
"""Steps' parts kept as they were read, at 2 kilobytes or so each: in a ledger of that size each is read once, in a
longer one again by each check."""


class MalformedError(Exception):
    """Stored bytes of a form no record has; `code` is the finding's."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code


class Entry(NamedTuple):
    """One record, taken apart; nothing about it is verified yet.

    `sha256` is that of the stored bytes; what stands between it and `signature` are the statement's facts (facts.py).
    `signature` and `payload` are there until the signature is verified: see `settled`.
    """

    index: int  # type: ignore[assignment]  # nobody looks for a value in it, as a tuple's own would
    keyid: str
    sha256: str
    step: str
    principal: str
    role: str
    org: str
    record_id: str
    recorded_at: str
    change: str | None
    run: str | None
    head: tuple[int, str]
    trust: tuple[int, str]
    subject: str
    about: str
    request: str | None
    gist: str
    whole: str | None
    signature: bytes
    payload: bytes

    def settled(self) -> Entry:
        """Return the entry without what only its signature was verified by."""
        return Entry._make(self.proved) if self.payload else self

    @property
    def proved(self) -> tuple[Any, ...]:
        """All fields, those that only its signature is verified by empty."""
        return (*self[:-2], b"", b"")

    @property
    def at(self) -> datetime:
        """When it says it was recorded."""
        return datetime.fromisoformat(self.recorded_at)

    @property
    def body(self) -> dict[str, Any]:
        """What rules read of the step's own part (facts.UNREAD says what they do not); not to be changed."""
        return _read(self.gist)

    @property
    def checked(self) -> list[dict[str, Any]]:
        """The results of a verify record with every check."""
        found: list[dict[str, Any]] = json.loads(self.whole or "{}")["results"]
        return found

    @property
    def message(self) -> bytes:
        """The bytes its signature covers: DSSE's pre-authentication encoding."""
        return encoded(self.payload)


def encoded(payload: bytes) -> bytes:
    """Return DSSE's pre-authentication encoding of a payload: what is signed."""
    return b"DSSEv1 28 application/vnd.in-toto+json %d %b" % (len(payload), payload)


@lru_cache(maxsize=READ)
def _read(gist: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(gist)
    return found


def take_apart(index: int, stored: bytes, *, known: bool = False) -> Entry:
    """Return the entry of stored bytes; raises MalformedError for any form but the one.

    `known` are bytes that an earlier audit found good: their form is not looked at again.
    """
    if len(stored) > MOST_BYTES:
        raise MalformedError("envelope-form", f"{len(stored)} bytes; at most {MOST_BYTES} may be")
    keyid, payload, signature = _at_once(stored) or _outer(stored)
    said = quick.read(payload) or (facts(json.loads(payload)) if known else _slowly(payload))
    return Entry._make((index, intern(keyid), hashlib.sha256(stored).hexdigest(), *said, signature, payload))


def _at_once(stored: bytes) -> tuple[str, bytes, bytes] | None:
    """Return keyid, payload and signature of a good envelope, None where only a slower look can tell."""
    end = stored.find(b'"', len(_HEAD))
    found = _TAIL.fullmatch(stored, end) if end > 0 and stored.startswith(_HEAD) else None
    if found is None:
        return None
    keyid, sig = found.groups()
    payload, signature = of_base64(stored[len(_HEAD) : end]), of_base64(sig)
    if payload is None or signature is None or len(payload) > MOST_PAYLOAD:
        return None
    return str(keyid, "ascii"), payload, signature


def of_base64(text: bytes) -> bytes | None:
    """Return what base64 in the standard's spelling stands for, None for anything else.

    A decoder lets pass what it leaves out and, in the last of each four, bits that no byte needs. Whatever it leaves
    out makes the text longer than as many bytes are; the bits show where the last bytes are written again.
    """
    try:
        data = a2b_base64(text)
    except Error:
        return None
    whole, rest = divmod(len(data), 3)
    last = b2a_base64(data[-(rest or 3) :], newline=False) if data else b""
    return data if len(text) == 4 * (whole + bool(rest)) and text.endswith(last) else None


def _slowly(payload: bytes) -> Facts:
    statement = _json(payload, "statement-form")
    if step := forms.unknown_step(statement):
        raise MalformedError("unknown-step", f"{step!r} is no step this audit knows")
    if wrong := forms.problem_of(statement):
        raise MalformedError("statement-form", wrong)
    return facts(statement)


def _outer(stored: bytes) -> tuple[str, bytes, bytes]:
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
    payload = _base64(outer["payload"], "payload")
    if len(payload) > MOST_PAYLOAD:
        raise MalformedError("envelope-form", f"the payload has {len(payload)} bytes; at most {MOST_PAYLOAD} may be")
    return keyid, payload, _base64(sig, "sig")


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
