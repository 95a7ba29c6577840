# Copyright: (c) 2026, Holdfast contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""`holdfast ledger`: what it says of a ledger, and how it makes, upgrades and moves one."""

from __future__ import annotations

import json
import shutil
import sqlite3
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from ansible_collections.holdfast.hipaa.plugins.plugin_utils.cli.main import main
from ansible_collections.holdfast.hipaa.plugins.plugin_utils.ledger.store import Ledger

from tests.postgres import Server, program, running

FIRST_FORM = Path(__file__).resolve().parents[3] / "cases" / "ledger" / "form-1.sqlite"

Capture = pytest.CaptureFixture[str]


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    """One server for the tests of this file."""
    with running() as one:
        yield one


@pytest.fixture
def site(tmp_path: Path, capsys: Capture) -> Path:
    """A new site, whose ledger holds its trust document."""
    assert main(["init", str(tmp_path / "clinic")]) == 0
    capsys.readouterr()
    return tmp_path / "clinic"


@pytest.fixture
def first(tmp_path: Path) -> Path:
    """A copy of a ledger of the first form."""
    return Path(shutil.copy(FIRST_FORM, tmp_path / "first.sqlite"))


def test_status_of_a_sound_ledger(site: Path, capsys: Capture) -> None:
    assert main(["ledger", "status", "--site", str(site)]) == 0
    out = capsys.readouterr().out
    assert out.endswith("ledger: nothing to mend\n")
    assert main(["ledger", "status", "--site", str(site), "--format", "json"]) == 0
    said = json.loads(capsys.readouterr().out)
    ledger = Ledger(site / "ledger/ledger.sqlite")
    assert said == {
        "place": str(ledger.path),
        "engine": "sqlite",
        "entries": 1,
        "root": ledger.root().hex(),
        "signed": 1,
        "form": 2,
        "newest_form": 2,
        "moved_to": None,
        "journal": "wal",
        "mend": [],
    }


def test_old_form_is_to_be_mended_and_upgraded(first: Path, capsys: Capture) -> None:
    assert main(["ledger", "status", "--at", str(first)]) == 1
    assert "MEND: it is of form 1; run `holdfast ledger upgrade`" in capsys.readouterr().out
    assert main(["ledger", "upgrade", "--at", str(first), "--dry-run"]) == 0
    assert "would go from form 1 to 2; nothing was written" in capsys.readouterr().err
    assert main(["ledger", "status", "--at", str(first)]) == 1
    assert main(["ledger", "upgrade", "--at", str(first)]) == 0
    assert "went from form 1 to 2" in capsys.readouterr().err
    assert main(["ledger", "upgrade", "--at", str(first), "--format", "json"]) == 0
    said = capsys.readouterr()
    assert json.loads(said.out) == {"place": str(first), "before": 2, "form": 2}
    assert "the newest; nothing to do" in said.err
    assert main(["ledger", "status", "--at", str(first)]) == 0


def test_move_to_another_file(site: Path, tmp_path: Path, capsys: Capture) -> None:
    there = tmp_path / "there.sqlite"
    command = ["ledger", "migrate", "--site", str(site), "--to", str(there)]
    assert main([*command, "--dry-run"]) == 0
    assert (
        "1 entries and 1 signed heads would be copied, after an empty ledger was made there" in capsys.readouterr().err
    )
    assert not there.exists()
    assert main([*command, "--format", "json"]) == 0
    said = capsys.readouterr()
    assert f"  ledger: {there}\n" in said.err
    moved = json.loads(said.out)
    assert (moved["from"], moved["to"], moved["entries"]) == (str(site / "ledger/ledger.sqlite"), str(there), 1)
    assert main(["audit", "--ledger", str(there)]) == 0
    assert main(["ledger", "status", "--site", str(site)]) == 1
    assert f"MEND: it was moved to {there}; correct `ledger:` in site.yml" in capsys.readouterr().out
    assert main(command) == 3  # a second time there is nothing to move
    assert "takes no more records" in capsys.readouterr().err


def test_wrong_words(site: Path, tmp_path: Path, capsys: Capture) -> None:
    there = ["ledger", "migrate", "--site", str(site), "--to"]
    assert main([*there, "postgresql://a:hunter2@localhost/ledger"]) == 2
    said = capsys.readouterr().err
    assert "--to: a password in the address" in said
    assert "hunter2" not in said
    assert main(["ledger", "status", "--site", str(site), "--at", str(tmp_path / "x")]) == 2
    assert "both were given; expected one" in capsys.readouterr().err
    assert main(["ledger", "status", "--at", str(tmp_path / "none")]) == 3
    assert main(["ledger", "create", "--at", str(site / "site.yml")]) == 3
    assert "a ledger is never overwritten" in capsys.readouterr().err
    assert main(["ledger", "create", "--at", str(site / "site.yml"), "--dry-run"]) == 1
    assert main(["ledger", "create", "--at", str(tmp_path / "new.sqlite")]) == 0
    assert Ledger(tmp_path / "new.sqlite").size == 0


def test_printed_sql_makes_the_same_ledger(server: Server, capsys: Capture) -> None:
    assert main(["ledger", "sql"]) == 0
    psql = program("psql")
    if psql is None:
        pytest.skip("needs PostgreSQL's psql")
    there = server.database("printed")
    command = [psql, "--no-psqlrc", "--quiet", "--single-transaction", "--set", "ON_ERROR_STOP=1", there]
    subprocess.run(command, input=capsys.readouterr().out, text=True, check=True)
    assert main(["ledger", "status", "--at", there]) == 1  # the database's owner could change everything
    assert "MEND: login admin may change it (checkpoints DELETE, checkpoints INSERT," in capsys.readouterr().out
    assert main(["ledger", "create", "--at", there]) == 3
    assert "already holds a ledger" in capsys.readouterr().err


def test_site_goes_to_a_server_and_back(server: Server, site: Path, tmp_path: Path, capsys: Capture) -> None:
    """As a person does it: owner makes, writer fills, site.yml names, a new trust document is published, and back."""
    owner = server.database("clinic")
    assert main(["ledger", "create", "--at", owner, "--dry-run"]) == 0
    assert main(["ledger", "create", "--at", owner, "--format", "json"]) == 0
    server.sql("CREATE ROLE clinic LOGIN IN ROLE holdfast_writer")
    there = server.address("clinic", "clinic")
    assert main(["ledger", "migrate", "--site", str(site), "--to", there]) == 0
    settings = site / "site.yml"
    settings.write_text(f'{settings.read_text()}\nledger: "{there}"\nledger_patience: 5\n')
    assert main(["audit", "--site", str(site)]) == 0
    assert main(["ledger", "status", "--site", str(site)]) == 0
    capsys.readouterr()
    trust = site / "trust.yml"
    trust.write_text(trust.read_text().replace("version: 1", "version: 2"))
    assert main(["trust", "publish", "--site", str(site)]) == 0, capsys.readouterr().err
    assert main(["ledger", "migrate", "--site", str(site), "--to", str(tmp_path / "back.sqlite")]) == 3
    assert "the login may not" in capsys.readouterr().err  # a writer cannot close the ledger for all others
    assert Ledger(there).size == 2
    shutil.rmtree(tmp_path / "back.sqlite", ignore_errors=True)
    assert main(["ledger", "migrate", "--at", owner, "--to", str(tmp_path / "back.sqlite")]) == 0
    assert main(["audit", "--ledger", str(tmp_path / "back.sqlite")]) == 0
    assert sqlite3.connect(tmp_path / "back.sqlite").execute("SELECT count(*) FROM entries").fetchone() == (2,)


def test_new_site_begins_in_a_server(server: Server, tmp_path: Path, site: Path, capsys: Capture) -> None:
    """`init --keys-only` founds a ledger that the database's owner has made empty, and refuses any other."""
    for path in (site / "keys", site / "ledger"):
        shutil.rmtree(path)
    (site / "trust.yml").unlink()
    owner = server.database("begins")
    server.sql("CREATE ROLE begins LOGIN")
    settings = site / "site.yml"
    settings.write_text(f'{settings.read_text()}\nledger: "{server.address("begins", "begins")}"\n')
    assert main(["init", str(site), "--keys-only"]) == 2
    assert "expected an empty one; make it with `holdfast ledger create`" in capsys.readouterr().err
    assert main(["ledger", "create", "--at", owner]) == 0
    server.sql("GRANT holdfast_writer TO begins")
    assert main(["init", str(site), "--keys-only"]) == 0, capsys.readouterr().err
    assert main(["audit", "--site", str(site)]) == 0
