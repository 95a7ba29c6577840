# Copyright: (c) 2026, Holdfast contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The connection that appends keep open: who may use it, when it is closed, and what a killed writer leaves behind."""

from __future__ import annotations

import os
import signal
import sqlite3
import threading
from datetime import timedelta
from pathlib import Path

import pytest
from ansible_collections.holdfast.hipaa.plugins.plugin_utils.errors import LedgerError
from ansible_collections.holdfast.hipaa.plugins.plugin_utils.ledger import canonical
from ansible_collections.holdfast.hipaa.plugins.plugin_utils.ledger.signers import Signer
from ansible_collections.holdfast.hipaa.plugins.plugin_utils.ledger.store import Ledger

from tests.ledger_cases import Shop, audit_of, codes, warned

from .test_store import another, as_another_user, in_child, open_folder, writer

__all__ = ["open_folder"]  # a fixture that these tests share


def handles(folder: Path) -> list[str]:
    """Return which files of a folder this process has open."""
    found = []
    for number in os.listdir("/proc/self/fd"):
        try:
            target = os.readlink(f"/proc/self/fd/{number}")
        except FileNotFoundError:
            continue  # the listing's own
        if target.startswith(str(folder)):
            found.append(Path(target).name)
    return found


def left(folder: Path) -> set[str]:
    """Return the ledger's files in a folder."""
    return {path.name for path in folder.glob("ledger.sqlite*")}


LOG = {"ledger.sqlite", "ledger.sqlite-wal", "ledger.sqlite-shm"}


def test_appends_share_a_connection_that_close_and_the_last_user_end(shop: Shop) -> None:
    first = shop.request()
    opened = sorted(handles(shop.folder))
    shop.request()
    assert sorted(handles(shop.folder)) == opened
    assert left(shop.folder) == LOG
    shop.ledger.close()
    assert (left(shop.folder), handles(shop.folder)) == ({"ledger.sqlite"}, [])
    ledger = Ledger(shop.ledger.path)
    assert ledger.append(shop.ledger.entry(first.index)) == first.index  # stored again, it changes nothing
    assert left(shop.folder) == LOG
    del ledger
    assert (left(shop.folder), handles(shop.folder)) == ({"ledger.sqlite"}, [])


def test_reader_keeps_nothing_open(shop: Shop) -> None:
    shop.request()
    shop.ledger.close()
    reader = Ledger(shop.ledger.path)
    assert reader.size == len([*reader.entries()]) == 2
    assert handles(shop.folder) == []


def test_kept_connection_reads_without_being_able_to_write(shop: Shop) -> None:
    shop.request()

    def write(connection: object) -> None:
        connection.exec_driver_sql("UPDATE head SET size = 0")  # type: ignore[attr-defined]  # it is SQLAlchemy's, whose types this test does without

    with pytest.raises(LedgerError, match="readonly"):
        shop.ledger.store.read(write)
    assert shop.ledger.size == 2
    shop.request()
    assert shop.ledger.size == 3


def test_no_connection_crosses_a_fork(shop: Shop, keys: dict[str, Signer]) -> None:
    shop.request()
    envelopes = [another(shop, keys) for _ in range(2)]
    assert handles(shop.folder)

    def look_and_append() -> str:
        inherited = handles(shop.folder)
        return f"{inherited} {shop.ledger.append(envelopes[0])}"

    before = shop.ledger.size
    assert in_child(look_and_append) == f"[] {before}"
    assert handles(shop.folder) == []
    assert shop.ledger.append(envelopes[1]) == before + 1
    shop.seal()
    assert shop.audit()


def test_fork_waits_for_the_append_of_another_thread(shop: Shop, keys: dict[str, Signer]) -> None:
    envelopes = [another(shop, keys) for _ in range(3)]
    shop.ledger.append(envelopes[0])
    within, go_on = threading.Event(), threading.Event()
    indices: list[int] = []

    def write() -> None:
        with shop.ledger.store.writing() as connection:
            within.set()
            assert go_on.wait(timeout=60)
            indices.append(shop.ledger.store.add(connection, "rec_" + "a" * 26, envelopes[1]))

    thread = threading.Thread(target=write)
    thread.start()
    assert within.wait(timeout=60)
    os.register_at_fork(before=go_on.set)  # what was registered last is called first: the fork has begun, and waits
    assert in_child(lambda: str(handles(shop.folder))) == "[]"
    thread.join(timeout=60)
    assert indices == [shop.ledger.size - 1]
    assert shop.ledger.append(envelopes[2]) == indices[0] + 1


def test_thread_that_finds_the_connection_in_use_takes_one_of_its_own(shop: Shop, keys: dict[str, Signer]) -> None:
    shop.request()
    patient = Ledger(shop.ledger.path, patience=0.1)
    envelope = another(shop, keys)
    patient.append(shop.ledger.entry(1))
    with patient.store.writing():
        assert patient.size == shop.ledger.size  # reading goes on beside a writer
        with pytest.raises(LedgerError, match="another process holds the ledger locked"):
            patient.append(envelope)
    assert patient.append(envelope) == patient.size - 1


def test_nothing_is_appended_to_a_file_that_was_moved_away(shop: Shop, keys: dict[str, Signer]) -> None:
    shop.request()
    envelope = another(shop, keys)
    kept = shop.folder / "kept.sqlite"
    with sqlite3.connect(shop.ledger.path) as source, sqlite3.connect(kept) as copy:
        source.backup(copy)
    source.close()
    copy.close()
    size = shop.ledger.size
    shop.ledger.path.rename(shop.folder / "away.sqlite")
    kept.rename(shop.ledger.path)
    for suffix in ("-wal", "-shm"):
        (shop.folder / f"ledger.sqlite{suffix}").unlink()
    assert shop.ledger.append(envelope) == size
    assert Ledger(shop.ledger.path).entry(size) == envelope
    shop.ledger.path.unlink()
    with pytest.raises(LedgerError, match="unable to open"):
        shop.ledger.append(envelope)


@pytest.fixture
def killed(open_folder: Path, keys: dict[str, Signer]) -> tuple[Shop, list[list[str]]]:
    """A ledger whose only writer was killed at work, and what that writer had been told."""
    shop = Shop(open_folder, keys)
    shop.ledger.close()
    process = writer(shop, keys, 10_000)
    assert process.stdout is not None
    said = [process.stdout.readline() for _ in range(5)]
    process.send_signal(signal.SIGKILL)
    said += process.communicate(timeout=60)[0].splitlines()
    return shop, [words for words in map(str.split, said) if len(words) == 2 and len(words[1]) == 64]


def test_log_of_a_killed_writer_is_read_by_whoever_can_only_read(
    killed: tuple[Shop, list[list[str]]], open_folder: Path
) -> None:
    shop, told = killed
    assert (open_folder / "ledger.sqlite-wal").stat().st_size > 10_000  # nobody wrote it back
    for path in open_folder.glob("ledger.sqlite*"):
        path.chmod(0o444)
    open_folder.chmod(0o555)

    def read() -> str:
        stored = {str(index): canonical.digest(envelope) for index, envelope in Ledger(shop.ledger.path).entries()}
        report = audit_of(shop.ledger.path, None)
        missing = [index for index, sha256 in told if stored.get(index) != sha256]
        return f"{missing} {codes(report)} {'read-as-copy' in warned(report)} {report.entries == len(stored)}"

    assert as_another_user(read) == "[] set() False True"
    open_folder.chmod(0o755)
    assert left(open_folder) == LOG  # and it is still there for the next writer


def test_next_writer_goes_on_after_a_killed_one(killed: tuple[Shop, list[list[str]]]) -> None:
    shop, told = killed
    stored = {str(index): canonical.digest(envelope) for index, envelope in shop.ledger.entries()}
    assert all(stored[index] == sha256 for index, sha256 in told)
    shop.now += timedelta(hours=2)  # the writer's clock was ahead
    shop.request()
    shop.seal()
    report = shop.audit()
    assert report, report.findings
