# Copyright: (c) 2026, Holdfast contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Telling people of changes: each message once, by mail and webhook; what went out stands in notices/sent.jsonl.

That file is no evidence, only a memory against telling twice. Whoever loses it tells the same again, under the same
Message-ID and Idempotency-Key.
"""

from __future__ import annotations

import fcntl
import json
import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any, TextIO

from ..errors import HoldfastError, UsageError
from ..evidence.messages import FOLDER, Message
from ..ledger.canonical import timestamp
from .mailing import SendingError, deliver, written
from .sending import Channels, post

SENT = "sent.jsonl"
MAIL, WEBHOOK = "mail", "webhook"


class TellingError(HoldfastError):
    """What was told before cannot be read, so nothing is told: it might be told twice."""

    exit_code = 3


@dataclass
class Memory:
    """What was told before: the ways that each message went, and when changes were told to begin."""

    went: dict[str, set[str]] = field(default_factory=dict)
    begins: dict[tuple[str, str, str], datetime] = field(default_factory=dict)
    """By change, audience and party: the beginning that was told last."""
    file: TextIO | None = field(default=None, repr=False)

    def add(self, line: Mapping[str, Any]) -> None:
        """Take up one line of the file."""
        self.went.setdefault(line["id"], set()).add(line["by"])
        if line.get("begins"):
            key = (line["change"], line["audience"], line["party"])
            self.begins[key] = datetime.fromisoformat(line["begins"])

    def announced(self, change: str) -> dict[tuple[str, str], datetime]:
        """Return, by audience and party, the beginning of a change that was told last."""
        return {(audience, party): at for (name, audience, party), at in self.begins.items() if name == change}


@contextmanager
def memory(root: Path, *, write: bool) -> Iterator[Memory]:
    """Give what was told before; to `write` it is held alone until the end. Raises TellingError."""
    path = root / FOLDER / SENT
    file, text = _opened(path, write)
    try:
        found = Memory(file=file)
        for number, line in enumerate(text.splitlines(), 1):
            _take(found, line, path, number)
        yield found
    finally:
        if file is not None:
            file.close()


def _opened(path: Path, write: bool) -> tuple[TextIO | None, str]:
    try:
        if not write:
            return None, path.read_text(encoding="utf-8") if path.exists() else ""
        path.parent.mkdir(exist_ok=True)
        handle = os.open(path, os.O_RDWR | os.O_CREAT | os.O_APPEND | os.O_NOFOLLOW, 0o600)
        file = os.fdopen(handle, "a+", encoding="utf-8")
        fcntl.flock(file, fcntl.LOCK_EX)
        file.seek(0)
        return file, file.read()
    except (OSError, UnicodeDecodeError) as error:
        do = "expected a file of text that this user can write; correct its owner"
        raise TellingError(f"{path}: {error}; {do}") from error


def _take(found: Memory, line: str, path: Path, number: int) -> None:
    try:
        found.add(json.loads(line))
    except (ValueError, KeyError, TypeError) as error:
        do = "repair it, or take it away, and what is due is told again"
        raise TellingError(f"{path}:{number}: no line of ours; expected JSON with id, by and change; {do}") from error


def parties(channels: Channels) -> dict[str, tuple[str, ...]]:
    """Return which clinics, payers and vendors can be told, by their names in notices.yml."""
    return {name: tuple(channels.changes.get(name, ())) for name in ("clinics", "payers", "vendors")}


def ways(channels: Channels, message: Message) -> dict[str, Sequence[str]]:
    """Return the ways a message goes, with the addresses of mail."""
    told = channels.changes.get(message.audience, [])
    to = told.get(message.party, []) if isinstance(told, dict) else told
    mail = {MAIL: to} if to and channels.mail else {}
    return {**mail, **({WEBHOOK: ()} if "webhook" in channels.changes else {})}


def tell(channels: Channels, message: Message, known: Memory, at: datetime) -> tuple[list[str], list[str]]:
    """Send a message by each way that it has not gone yet; return the ways it went now, and sentences on the others.

    `known` is held for writing. Each way is written down as soon as it was taken.
    """
    went, lost = [], []
    for way, to in ways(channels, message).items():
        if way in known.went.get(message.id, ()):
            continue
        try:
            if way == MAIL:
                mail = channels.mail or {}
                text, page = message.text, message.html
                deliver(channels.root, mail, written(mail, to, message.subject, text, html=page, name=message.id))
            else:
                post(channels.root, channels.changes["webhook"], message.to_dict(), message.id)
        except SendingError as error:
            lost.append(str(error))
            continue
        _note(known, message, way, at)
        went.append(way)
    return went, lost


def _note(known: Memory, message: Message, way: str, at: datetime) -> None:
    line = {
        "id": message.id, "by": way, "at": timestamp(at), "change": message.change, "stage": message.stage,
        "audience": message.audience, "party": message.party,
        "begins": message.begins.isoformat() if message.begins else None,
    }  # fmt: skip
    known.add(line)
    if known.file is None:
        raise UsageError("nothing can be told with a memory that was opened for reading")
    known.file.write(json.dumps(line, sort_keys=True) + "\n")
    known.file.flush()
    os.fsync(known.file.fileno())
