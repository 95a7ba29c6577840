# Copyright: (c) 2026, Holdfast contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""A run whose ledger lies in PostgreSQL: its workers read it back, and it waits for the server as the site says."""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from ansible_collections.holdfast.hipaa.plugins.plugin_utils.audit.audit import audit
from ansible_collections.holdfast.hipaa.plugins.plugin_utils.cli.main import main
from ansible_collections.holdfast.hipaa.plugins.plugin_utils.edge.contributions import health_contribution
from ansible_collections.holdfast.hipaa.plugins.plugin_utils.edge.environment import utc_now
from ansible_collections.holdfast.hipaa.plugins.plugin_utils.edge.opening import require_run
from ansible_collections.holdfast.hipaa.plugins.plugin_utils.edge.running import Particulars, open_journal
from ansible_collections.holdfast.hipaa.plugins.plugin_utils.errors import LedgerError
from ansible_collections.holdfast.hipaa.plugins.plugin_utils.ledger.reading import read_records
from ansible_collections.holdfast.hipaa.plugins.plugin_utils.ledger.store import Ledger

from tests.postgres import Server, running

HOST = "host-192-0-2-10"
CHECK = Particulars(
    kind="check", check=False, hosts=(HOST,), change=None, playbook=Path(__file__), forks=5, limited=False
)


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    """One server for the tests of this file, with a login of each kind."""
    with running() as one:
        Ledger.create(one.database("template"))
        one.sql(
            "CREATE ROLE controller LOGIN IN ROLE holdfast_writer; CREATE ROLE auditor LOGIN IN ROLE holdfast_auditor"
        )
        yield one


@pytest.fixture(autouse=True)
def own_environment() -> Iterator[None]:
    """Opening a run writes to the process's environment; put it back."""
    before = dict(os.environ)
    yield
    os.environ.clear()
    os.environ.update(before)


@pytest.fixture
def clinic(root: Path, server: Server) -> Iterator[str]:
    """The database to which the site's ledger was moved."""
    server.sql("CREATE DATABASE clinic TEMPLATE template")
    assert main(["ledger", "migrate", "--site", str(root), "--to", server.address("controller", "clinic")]) == 0
    patience(root, server, 60)
    yield "clinic"
    server.sql("DROP DATABASE clinic WITH (FORCE)")


def patience(root: Path, server: Server, seconds: int) -> None:
    """Write into site.yml where the ledger is, and how long it is waited for."""
    kept = [line for line in (root / "site.yml").read_text().splitlines() if not line.startswith("ledger")]
    address = server.address("controller", "clinic")
    (root / "site.yml").write_text("\n".join([*kept, f'ledger: "{address}"', f"ledger_patience: {seconds}", ""]))


def test_workers_read_the_run_back_and_an_auditor_finds_it_whole(root: Path, server: Server, clinic: str) -> None:
    journal = open_journal(root, CHECK)
    reader, writing = os.pipe()
    child = os.fork()  # as Ansible's workers are
    if not child:
        os.write(writing, require_run().opened.run_id.encode())
        os._exit(0)
    os.waitpid(child, 0)
    os.close(writing)
    with os.fdopen(reader) as pipe:
        assert pipe.read() == journal.run.run_id
    journal.saw(HOST, contribution=health_contribution(HOST, "before", [{"id": "ssh", "result": "pass"}]))
    journal.close(2)
    there = server.address("auditor", clinic)
    assert [record.step for record in read_records(Ledger(there))] == ["trust", "run-open", "verify", "run-close"]
    report = audit(there, now=utc_now())
    assert report, report.findings


def test_run_waits_for_a_server_that_comes_back(root: Path, server: Server, clinic: str) -> None:
    server.stop()
    back = threading.Thread(target=server.start)
    back.start()
    journal = open_journal(root, CHECK)
    back.join()
    assert read_records(Ledger(server.address("auditor", clinic)))[-1].body["run_id"] == journal.run.run_id


def test_run_stops_before_it_begins_when_the_server_stays_away(root: Path, server: Server, clinic: str) -> None:
    patience(root, server, 0)
    server.stop()
    try:
        with pytest.raises(LedgerError, match="see that the server runs"):
            open_journal(root, CHECK)
    finally:
        server.start()
    assert [record.step for record in read_records(Ledger(server.address("auditor", clinic)))] == ["trust"]
