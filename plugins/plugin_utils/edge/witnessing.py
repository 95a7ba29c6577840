# Copyright: (c) 2026, Holdfast contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The log's side of c2sp.org/tlog-witness: asks the site's witnesses to cosign a head, and what they last saw.

A witness that is out of reach is said so and costs a run nothing; one that refuses has seen another history, and that
is the one thing that the ledger's own file can never tell.
"""

from __future__ import annotations

import base64
import hashlib
import http.client
import urllib.error
import urllib.request
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from ..audit.heads import Head, parse
from ..audit.notekeys import WITNESS, NoteKey
from ..errors import LedgerError
from ..ledger.recorder import Recorder
from ..ledger.signers import Signer
from ..ledger.store import Ledger
from ..site.witnesses import WitnessSettings
from .no_redirect import OPENER

PATIENCE = 10.0
"""Seconds one witness may take for one answer."""
LARGEST = 64 * 1024
"""Bytes of an answer that are read."""
TRIES = 4
"""Submissions to one witness: its size is asked first, and other controllers may be faster."""
FRESH = timedelta(minutes=10)
"""How far a cosignature made now may be from our own clock."""

COSIGNED, UNREACHABLE, REFUSED = "cosigned", "unreachable", "refused"


@dataclass(frozen=True)
class Heard:
    """What one witness made of a head: cosigned (up to `size`), unreachable, or refused; `message` says more."""

    witness: str
    outcome: str
    message: str
    size: int | None = None
    lines: str = ""

    def to_dict(self) -> dict[str, Any]:
        """Return it for machines."""
        return {"witness": self.witness, "outcome": self.outcome, "message": self.message, "size": self.size}


class NoAnswerError(Exception):
    """A service that is out of reach, or whose answer is none that its document knows."""


def cosign(ledger: Ledger, note: str, witnesses: Iterable[WitnessSettings], now: datetime) -> tuple[Heard, ...]:
    """Have a head of the ledger cosigned by every witness that has an address, and keep what they sign beside it."""
    heard = tuple(_submit(ledger, note, one, now) for one in witnesses if one.url)
    lines = "".join(one.lines for one in heard)
    if lines:
        known = {(name, hint) for name, hint, _data in parse(note).signatures}
        fresh = [line for line in lines.splitlines(keepends=True) if _names(line) not in known]
        if fresh:
            ledger.save_checkpoint(note + "".join(fresh))
    return heard


def seal(recorder: Recorder, log: Signer, witnesses: Iterable[WitnessSettings], now: datetime) -> tuple[str, ...]:
    """Sign the ledger's head and show it to the witnesses; return what those say who did not cosign it.

    Raises TrustError or LedgerError where the head cannot be signed or kept.
    """
    note = recorder.checkpoint(log)
    return tuple(one.message for one in cosign(recorder.ledger, note, witnesses, now) if one.outcome != COSIGNED)


def _submit(ledger: Ledger, note: str, settings: WitnessSettings, now: datetime) -> Heard:
    key = NoteKey.parse(settings.key, WITNESS)
    head, known = parse(note), 0
    try:
        for _attempt in range(TRIES):
            proof = ledger.consistency(known, head.size) if known else []
            status, kind, body = _post(f"{settings.url}/add-checkpoint", submitted(known, proof, note))
            if status == 200:
                return _accepted(key, note, head, body, now)
            if status == 422 or (status == 409 and known == head.size and _size(kind, body) == known):
                return Heard(
                    key.name,
                    REFUSED,
                    f"{key.name} has cosigned another history: its {known} entries are not the first {known} of this "
                    "ledger; the past was rewritten, or another ledger uses this origin; keep both and compare",
                )
            if status != 409:
                raise NoAnswerError(f"it answered {status}: {body[:200].decode('utf-8', 'replace').strip()}")
            known = _size(kind, body)
            if known > ledger.size:
                return Heard(
                    key.name,
                    REFUSED,
                    f"{key.name} has cosigned {known} entries and this ledger has {ledger.size}: it was put back to an "
                    "older state; keep it, find the newer copy, and compare the two",
                )
            if known > head.size:
                return Heard(key.name, COSIGNED, f"{key.name} has cosigned a newer head already", known)
        raise NoAnswerError(f"its newest head changed {TRIES} times meanwhile")
    except NoAnswerError as error:
        return Heard(key.name, UNREACHABLE, f"{key.name} at {settings.url}: {error}; no cosignature was had")


def newest(origin: str, settings: WitnessSettings, now: datetime) -> str:
    """Return the newest head a witness has, with a cosignature it made just now.

    Raises LedgerError where it is out of reach, knows no such log, or where the answer is not its own or is old.
    """
    key = NoteKey.parse(settings.key, WITNESS)
    name = hashlib.sha256(origin.encode()).hexdigest()
    try:
        status, _kind, body = answer_of(urllib.request.Request(f"{settings.url}/{name}/checkpoint"))  # noqa: S310 - as answer_of
        if status != 200:
            raise NoAnswerError(f"it answered {status}: {body[:200].decode('utf-8', 'replace').strip()}")
        note = body.decode("utf-8")
        head = parse(note)
        at = key.cosigned_at(head)
        if head.origin != origin or at is None:
            raise NoAnswerError("its answer is no head of this log that it cosigned")
        if abs(now - at) > FRESH:
            raise NoAnswerError(f"its answer is of {at:%Y-%m-%dT%H:%M:%SZ}; expected one made now")
    except (NoAnswerError, ValueError) as error:
        raise LedgerError(f"{key.name} at {settings.url}: {error}; what it has seen could not be asked") from error
    return note


def _accepted(key: NoteKey, note: str, head: Head, body: bytes, now: datetime) -> Heard:
    """Take the witness's own line out of its answer, and nothing else: others' are not its to give."""
    try:
        lines = [
            line for line in body.decode("utf-8").splitlines(keepends=True) if _names(line) == (key.name, key.hint)
        ]
        at = key.cosigned_at(parse(note.partition("\n\n")[0] + "\n\n" + "".join(lines))) if lines else None
    except ValueError as error:
        raise NoAnswerError(f"its answer is no cosignature: {error}") from error
    if at is None:
        raise NoAnswerError("its answer bears no cosignature of the key in site.yml")
    if abs(now - at) > FRESH:
        raise NoAnswerError(f"its clock says {at:%Y-%m-%dT%H:%M:%SZ}; set it, or ours, by NTP")
    return Heard(key.name, COSIGNED, f"{key.name} cosigned {head.size} entries", head.size, "".join(lines))


def _names(line: str) -> tuple[str, bytes]:
    words = line.rstrip("\n").split(" ")
    return (words[1], base64.b64decode(words[2])[:4]) if len(words) == 3 else ("", b"")


def submitted(old: int, proof: Sequence[bytes], note: str) -> bytes:
    """Return the body of an add-checkpoint request."""
    lines = "".join(base64.b64encode(hashed).decode() + "\n" for hashed in proof)
    return f"old {old}\n{lines}\n{note}".encode()


def _size(kind: str, body: bytes) -> int:
    text = body.decode("ascii", "replace").removesuffix("\n")
    if kind.split(";")[0] != "text/x.tlog.size" or not text.isdecimal() or len(text) > 15:
        raise NoAnswerError("it answered 409 without a size")
    return int(text)


def _post(url: str, data: bytes) -> tuple[int, str, bytes]:
    return answer_of(urllib.request.Request(url, data, {"Content-Type": "text/plain; charset=utf-8"}))  # noqa: S310 - as answer_of


def answer_of(request: urllib.request.Request) -> tuple[int, str, bytes]:
    """Return status, content type and body of an answer; raises NoAnswerError where none is had."""
    try:
        # site.yml lets in no scheme but http and https.
        with OPENER.open(request, timeout=PATIENCE) as answer:
            return answer.status, answer.headers.get("Content-Type", ""), answer.read(LARGEST)
    except urllib.error.HTTPError as error:
        with error:
            return error.code, error.headers.get("Content-Type", ""), error.read(LARGEST)
    except (OSError, http.client.HTTPException) as error:
        raise NoAnswerError(str(getattr(error, "reason", None) or error)) from error
