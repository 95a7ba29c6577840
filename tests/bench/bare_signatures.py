# Copyright: (c) 2026, Holdfast contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What an audit is held against: signatures verified and nothing else, in processes that stand already."""

from __future__ import annotations

import base64
import json
import multiprocessing
import sqlite3
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from multiprocessing.connection import Connection
from pathlib import Path

from ansible_collections.holdfast.hipaa.plugins.plugin_utils.audit.signatures import VerifyingKey

from tests.bench.timing import BenchError

Signed = tuple[bytes, bytes, bytes]


def verify(part: Sequence[Signed]) -> None:
    """Verify Ed25519 signatures: key, signature, message."""
    keys: dict[bytes, VerifyingKey] = {}
    for raw, signature, message in part:
        key = keys.get(raw) or keys.setdefault(raw, VerifyingKey("ed25519", raw))
        if key.problem(signature, message):
            raise BenchError("a signature does not verify")


def read_and_verify(path: Path, keys: Mapping[str, bytes], start: int, stop: int) -> None:
    """Read records from a ledger's file, as anybody would, and verify their signatures; `keys` are raw, by id."""
    known = {keyid: VerifyingKey("ed25519", raw) for keyid, raw in keys.items()}
    with closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True)) as connection:
        for (stored,) in connection.execute(
            "SELECT envelope FROM entries WHERE idx >= ? AND idx < ? ORDER BY idx", (start, stop)
        ):
            envelope = json.loads(stored)
            payload, (signed,) = base64.b64decode(envelope["payload"]), envelope["signatures"]
            message = b"DSSEv1 28 application/vnd.in-toto+json %d %b" % (len(payload), payload)
            if known[signed["keyid"]].problem(base64.b64decode(signed["sig"]), message):
                raise BenchError("a signature does not verify")


@contextmanager
def standing(acts: Sequence[Callable[[], None]]) -> Iterator[Callable[[], None]]:
    """Give what does each act once in a process of its own, which stands before anything is measured.

    No pool is kept: its threads would make the audit start its processes afresh, which it need not as a command.
    """
    fork = multiprocessing.get_context("fork")
    ends = []
    for act in acts:
        ours, theirs = fork.Pipe()
        process = fork.Process(target=_acting, args=(theirs, act), daemon=True)
        process.start()
        ends.append((ours, process))

    def at_once() -> None:
        for ours, _process in ends:
            ours.send(True)
        for ours, _process in ends:
            ours.recv()  # EOFError where a signature does not verify

    try:
        yield at_once
    finally:
        for ours, process in ends:
            ours.send(False)
            process.join()


def _acting(end: Connection, act: Callable[[], None]) -> None:
    while end.recv():
        act()
        end.send(True)
