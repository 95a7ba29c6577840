# Copyright: (c) 2026, Holdfast contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""A record is checked once by who spells it; other bytes than those, by whomever and whenever, are checked anew."""

from __future__ import annotations

import os
import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest
from ansible_collections.holdfast.hipaa.plugins.plugin_utils.errors import LedgerError
from ansible_collections.holdfast.hipaa.plugins.plugin_utils.ledger import statements
from ansible_collections.holdfast.hipaa.plugins.plugin_utils.ledger.envelope import Envelope

from tests.ledger_cases import Shop, deployed

ROOT = Path(__file__).resolve().parents[5]
READING = """
import sys
from pathlib import Path
from ansible_collections.holdfast.hipaa.plugins.plugin_utils.ledger.reading import read_records
from ansible_collections.holdfast.hipaa.plugins.plugin_utils.ledger.store import Ledger

ledger = Ledger(Path(sys.argv[1]))
print(ledger.size, ledger.head()[0], len(read_records(ledger)), len(ledger.inclusion(1)), "sqlalchemy" in sys.modules)
"""


def with_another_word(entry: bytes, word: bytes, other: bytes) -> bytes:
    """Return a stored record in whose payload one word is another, under the old signature."""
    envelope = Envelope.from_bytes(entry)
    assert word in envelope.payload
    return Envelope(envelope.payload.replace(word, other), envelope.keyid, envelope.signature).to_bytes()


def test_what_was_spelt_here_reads_as_anybody_else_reads_it(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    shop.story()
    entries = [Envelope.from_bytes(data) for _index, data in shop.ledger.entries()]
    known = [statements.read(entry) for entry in entries]
    monkeypatch.setattr(statements, "_spelt", set())
    assert [statements.read(entry) for entry in entries] == known


def test_a_record_changed_on_disk_is_refused_when_the_run_is_closed(shop: Shop) -> None:
    run = shop.open(shop.request())
    shop.recorder.deploy(shop.keys["controller"], run, ring="lab", results=[deployed("lab-1")])
    index = shop.ledger.size - 1
    changed = with_another_word(shop.ledger.entry(index), b'"outcome":"changed"', b'"outcome":"perfect"')
    with sqlite3.connect(shop.ledger.path) as plain:
        plain.execute("UPDATE entries SET envelope = ? WHERE idx = ?", (changed, index))
    plain.close()
    with pytest.raises(LedgerError, match="deploy"):
        shop.recorder.close_run(shop.keys["controller"], run, outcome="ok", exit_code=0)


def test_a_record_changed_before_it_is_appended_is_refused(shop: Shop) -> None:
    run = shop.open(shop.request())
    shop.recorder.deploy(shop.keys["controller"], run, ring="lab", results=[deployed("lab-1")])
    size = shop.ledger.size
    changed = with_another_word(shop.ledger.entry(size - 1), b'"outcome":"changed"', b'"outcome":"perfect"')
    with pytest.raises(LedgerError, match="deploy"):
        shop.ledger.append(changed)
    assert shop.ledger.size == size


def test_no_more_of_them_are_remembered_than_are_of_use(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(statements, "SPELT", 3)
    for _number in range(5):
        shop.request()
        assert len(statements._spelt) <= 3


def test_to_read_an_sqlite_ledger_takes_no_sqlalchemy(shop: Shop) -> None:
    shop.story()
    command = [sys.executable, "-c", READING, str(shop.ledger.path)]
    environment = {**os.environ, "PYTHONPATH": str(ROOT / "collections")}
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=True, timeout=60)
    assert done.stdout.split() == ["18", "18", "18", "5", "False"]
