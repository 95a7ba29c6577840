# Copyright: (c) 2026, Holdfast contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Moving a ledger, and bringing an old one up to date: every byte, index, proof and head stays what it was."""

from __future__ import annotations

import shutil
import sqlite3
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from ansible_collections.holdfast.hipaa.plugins.plugin_utils.errors import LedgerError, TrustError
from ansible_collections.holdfast.hipaa.plugins.plugin_utils.ledger import moving
from ansible_collections.holdfast.hipaa.plugins.plugin_utils.ledger.moving import move, plan_move
from ansible_collections.holdfast.hipaa.plugins.plugin_utils.ledger.signers import Signer
from ansible_collections.holdfast.hipaa.plugins.plugin_utils.ledger.store import Ledger

from tests.ledger_cases import Shop, audit_of, codes, warned
from tests.postgres import Server, running

FIRST_FORM = Path(__file__).resolve().parents[3] / "cases" / "ledger" / "form-1.sqlite"
"""Eighteen records as the first form of the database held them, written by the release that began it."""
ROOT = "7d8d3906eba294872855f4291383906918934c4fc4a7d5ceaf0d172986fe41d8"


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    """One server for the tests of this file."""
    with running() as one:
        yield one


Make = Callable[[], Ledger]


@pytest.fixture(params=["sqlite", "postgresql"])
def make(request: pytest.FixtureRequest, tmp_path: Path) -> Make:
    """What makes empty ledgers of one of the two kinds."""
    made: list[Ledger] = []

    def one() -> Ledger:
        number = len(made)
        if request.param == "sqlite":
            made.append(Ledger.create(tmp_path / f"made-{number}.sqlite"))
        else:
            server: Server = request.getfixturevalue("server")
            made.append(Ledger.create(server.database(f"t{abs(hash(tmp_path))}_{number}")))
        return made[-1]

    return one


def contents(ledger: Ledger) -> tuple[object, ...]:
    """Return everything a reader can ask of a ledger."""
    size = ledger.size
    return (
        list(ledger.entries()),
        ledger.checkpoints(),
        [ledger.head(one) for one in range(size + 1)],
        [ledger.inclusion(one) for one in range(size)],
        [ledger.consistency(one) for one in range(size + 1)],
    )


def test_move_keeps_every_byte_index_proof_and_head(shop: Shop, make: Make) -> None:
    shop.story()
    before = contents(shop.ledger)
    there = make()
    assert plan_move(shop.ledger, there).entries == shop.ledger.size
    assert there.size == 0  # looking writes nothing
    done = move(shop.ledger, there)
    assert (done.entries, done.heads, done.root) == (shop.ledger.size, 2, shop.ledger.root())
    assert contents(there) == before == contents(shop.ledger)
    back = make()
    move(there, back)
    assert contents(back) == before
    report = audit_of(back.path, shop.plans)
    assert report, report.findings
    assert "ledger-moved" in warned(shop.audit())
    assert "ledger-moved" in warned(audit_of(there.path, shop.plans))


def test_moved_ledger_takes_no_more_records(shop: Shop, make: Make) -> None:
    there = make()
    move(shop.ledger, there)
    with pytest.raises(LedgerError, match=r"was moved to .*takes no more records; correct `ledger:`"):
        shop.request()
    assert shop.ledger.size == there.size == 1
    with pytest.raises(LedgerError, match="was moved to"):
        plan_move(shop.ledger, make())
    shop.recorder.ledger = there
    request = shop.request()
    move(there, further := make())
    assert there.append(there.entry(request.index)) == request.index  # what was acknowledged stays so
    with pytest.raises(LedgerError, match=r"was moved to .*takes no more records; correct `ledger:`"):
        shop.request()
    assert further.size == there.size == 2


def test_move_into_another_history_is_refused(shop: Shop, keys: dict[str, Signer], tmp_path: Path, make: Make) -> None:
    (tmp_path / "other").mkdir()
    other = Shop(tmp_path / "other", keys, ledger=make())
    shop.story()
    with pytest.raises(LedgerError, match="holds 1 entries that are not the first of"):
        move(shop.ledger, other.ledger)
    assert shop.request().index == shop.ledger.size - 1  # still in use
    assert other.ledger.size == 1


def test_move_that_broke_off_goes_on(shop: Shop, make: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    shop.story()
    there = make()
    monkeypatch.setattr(moving, "PAGE", 4)

    def stop(done: int, total: int) -> None:
        if done >= 8:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        move(shop.ledger, there, stop)
    assert there.size == 8
    more = shop.request()  # the source is in use all the while
    assert plan_move(shop.ledger, there).already == 8
    move(shop.ledger, there)
    assert there.size == more.index + 1
    assert contents(there) == contents(shop.ledger)


def test_record_appended_while_the_move_copies_is_moved_too(shop: Shop, make: Make) -> None:
    shop.story()
    there = make()
    late: list[int] = []

    def append(done: int, total: int) -> None:
        late.append(shop.request().index)

    move(shop.ledger, there, append)
    assert late
    assert there.size == late[-1] + 1 == shop.ledger.size


@pytest.fixture
def first(tmp_path: Path) -> Ledger:
    """A copy of a ledger of the first form."""
    return Ledger(Path(shutil.copy(FIRST_FORM, tmp_path / "first.sqlite")))


def audited(ledger: Ledger, folder: Path) -> set[str]:
    """Return what an audit finds besides the plans, which are not kept with the file."""
    return codes(audit_of(ledger.path, None))


def test_first_form_is_read_audited_and_written_as_it_is(first: Ledger, shop: Shop, tmp_path: Path) -> None:
    assert (first.size, first.root().hex()) == (18, ROOT)
    assert audited(first, tmp_path) == set()
    envelope = shop.ledger.entry(shop.request().index)
    with pytest.raises(TrustError, match="entry 18 was not stored: trust: nobody in version 1 holds key"):
        first.append(envelope)
    with first.store.writing() as connection:
        assert first.store.add(connection, "rec_" + "a" * 26, envelope) == 18
    assert (first.size, first.entry(18)) == (19, envelope)
    with sqlite3.connect(first.path) as plain:
        assert plain.execute("PRAGMA user_version").fetchone() == (1,)
    plain.close()
    with pytest.raises(LedgerError, match=r"of form 1, .*run `holdfast ledger upgrade` first"):
        plan_move(first, None)


def test_first_form_upgraded_is_a_new_ledgers_form(first: Ledger, tmp_path: Path) -> None:
    before = contents(first)
    assert first.store.upgrade() == 1
    assert first.store.upgrade() == 2  # once more changes nothing
    assert contents(first) == before
    assert audited(first, tmp_path) == set()
    fresh = Ledger.create(tmp_path / "fresh.sqlite")
    assert schema_of(first) == schema_of(fresh)
    move(first, fresh)
    assert contents(fresh) == before


def schema_of(ledger: Ledger) -> list[tuple[str, str]]:
    """Return a file's tables as SQLite keeps them."""
    with sqlite3.connect(ledger.path) as plain:
        found = plain.execute("SELECT name, sql FROM sqlite_schema WHERE sql IS NOT NULL ORDER BY name").fetchall()
        found.append(("form", plain.execute("PRAGMA user_version").fetchone()[0]))
    plain.close()
    return found


def test_upgrade_that_fails_changes_nothing(first: Ledger) -> None:
    with sqlite3.connect(first.path) as plain:
        plain.execute("CREATE TABLE moved (x)")
    plain.close()
    with pytest.raises(LedgerError, match="already exists"):
        first.store.upgrade()
    assert first.store.read(first.store.version) == 1


def test_form_of_a_later_release_is_refused(first: Ledger, shop: Shop) -> None:
    with sqlite3.connect(first.path) as plain:
        plain.execute("PRAGMA user_version = 3")
    plain.close()
    with pytest.raises(LedgerError, match=r"is of form 3; expected at most 2; .*update Holdfast"):
        first.append(shop.ledger.entry(shop.request().index))
    assert first.size == 18
