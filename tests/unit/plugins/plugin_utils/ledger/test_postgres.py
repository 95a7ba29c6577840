# Copyright: (c) 2026, Holdfast contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""A ledger in PostgreSQL: who may do what, what a server can do wrong, and what an audit sees of its owner."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from ansible_collections.holdfast.hipaa.plugins.plugin_utils.audit import hands
from ansible_collections.holdfast.hipaa.plugins.plugin_utils.edge.locking import hold
from ansible_collections.holdfast.hipaa.plugins.plugin_utils.errors import LedgerError, PolicyError
from ansible_collections.holdfast.hipaa.plugins.plugin_utils.ledger import statements
from ansible_collections.holdfast.hipaa.plugins.plugin_utils.ledger.envelope import Envelope
from ansible_collections.holdfast.hipaa.plugins.plugin_utils.ledger.signers import Signer
from ansible_collections.holdfast.hipaa.plugins.plugin_utils.ledger.store import Ledger, store_at

from tests.ledger_cases import Shop, altered, audit_of, codes
from tests.postgres import Server, running

from .test_store import another


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    """One server for the tests of this file, with a login of each kind."""
    with running() as one:
        Ledger.create(one.database("template"))
        one.sql(
            "CREATE ROLE controller LOGIN PASSWORD 'correct horse' IN ROLE holdfast_writer;"
            "CREATE ROLE auditor LOGIN IN ROLE holdfast_auditor; CREATE ROLE stranger LOGIN"
        )
        yield one


@pytest.fixture
def database(server: Server, request: pytest.FixtureRequest) -> Iterator[str]:
    """The name of a database with an empty ledger."""
    name = f"t{abs(hash(request.node.nodeid))}"
    server.sql(f"CREATE DATABASE {name} TEMPLATE template")
    yield name
    server.sql(f"DROP DATABASE {name} WITH (FORCE)")


@pytest.fixture
def shop(server: Server, database: str, tmp_path: Path, keys: dict[str, Signer]) -> Shop:
    """A shop whose controller writes with the rights of a writer, and no others."""
    return Shop(tmp_path, keys, ledger=Ledger(server.address("controller", database)))


def test_whole_story_is_written_by_a_writer_and_audited_by_an_auditor(told: Shop, server: Server) -> None:
    there = server.address("auditor", "told")
    report = audit_of(there, told.plans)
    assert report, report.findings
    assert (report.entries, report.root) == (told.ledger.size, told.ledger.root().hex())
    assert Ledger(there).head() == told.ledger.head()


def test_audit_by_several_processes_says_what_one_says(
    told: Shop, server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each of them reads over a connection of its own."""
    there = server.address("auditor", "told")
    alone = audit_of(there, told.plans)
    monkeypatch.setattr(hands, "FEW", 0)
    monkeypatch.setattr(hands, "CHUNK", 3)
    here = []
    verify = hands.VerifyingKey.problem

    def counted(key: hands.VerifyingKey, signature: bytes, message: bytes) -> str | None:
        here.append(key)
        return verify(key, signature, message)

    monkeypatch.setattr(hands.VerifyingKey, "problem", counted)
    together = audit_of(there, told.plans, processes=2)
    assert together.to_dict() == alone.to_dict()
    assert len(here) < alone.entries / 2, "this process did the work of the others"


FORBIDDEN = [
    "INSERT INTO holdfast.entries VALUES (9, 'rec_x', 'x')",
    "UPDATE holdfast.entries SET envelope = 'x'",
    "DELETE FROM holdfast.entries",
    "TRUNCATE holdfast.entries",
    "UPDATE holdfast.head SET size = 0",
    "DELETE FROM holdfast.nodes",
    "DELETE FROM holdfast.checkpoints",
    "INSERT INTO holdfast.moved VALUES (1, 'elsewhere')",
    "DROP TABLE holdfast.entries",
    "ALTER TABLE holdfast.entries ADD COLUMN more text",
    "CREATE TRIGGER quiet BEFORE INSERT ON holdfast.entries EXECUTE FUNCTION suppress_redundant_updates_trigger()",
    "CREATE OR REPLACE FUNCTION holdfast.append_entry(a text, b bytea) RETURNS bigint LANGUAGE sql AS 'SELECT 0'",
    "CREATE TABLE holdfast.more (x int)",
    "SET ROLE holdfast_owner",
]


@pytest.mark.parametrize("login", ["controller", "auditor", "stranger"])
def test_no_login_can_change_or_delete(shop: Shop, server: Server, database: str, login: str) -> None:
    import psycopg

    for statement in FORBIDDEN:
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            server.sql(statement, database, login)
    assert shop.ledger.size == 1
    assert audit_of(shop.ledger.path, shop.plans)


@pytest.mark.parametrize("login", ["auditor", "stranger"])
def test_only_a_writer_appends(shop: Shop, server: Server, database: str, keys: dict[str, Signer], login: str) -> None:
    envelope = another(shop, keys)
    before = shop.ledger.size
    with pytest.raises(LedgerError, match="a writer needs the role holdfast_writer"):
        Ledger(server.address(login, database)).append(envelope)
    with pytest.raises(LedgerError, match="a writer needs the role holdfast_writer"):
        Ledger(server.address(login, database)).save_checkpoint("org\n1\nroot\n\nsignature\n\n")
    assert shop.ledger.size == before


def test_stranger_reads_nothing(shop: Shop, server: Server, database: str) -> None:
    with pytest.raises(LedgerError, match="the login may not"):
        assert Ledger(server.address("stranger", database)).size
    with pytest.raises(LedgerError, match="expected one that the role holdfast_auditor can read"):
        audit_of(server.address("stranger", database), shop.plans)


def test_append_is_idempotent_and_an_id_is_used_once(shop: Shop, keys: dict[str, Signer]) -> None:
    envelope = another(shop, keys)
    index = shop.ledger.append(envelope)
    assert shop.ledger.append(envelope) == index == shop.ledger.size - 1
    other = altered(envelope, keys["operations"], lambda s: s["predicate"]["step"].update(kind="config"))
    with pytest.raises(LedgerError, match=f"is already entry {index} with other bytes; an id is used once$"):
        shop.ledger.append(other)
    assert shop.ledger.size == index + 1


def test_append_taken_back_leaves_no_gap(shop: Shop, server: Server, database: str, keys: dict[str, Signer]) -> None:
    import psycopg

    envelope = another(shop, keys)
    index = shop.ledger.size
    with psycopg.connect(server.address("controller", database)) as connection:
        call = "SELECT holdfast.append_entry('rec_abandoned', 'x')"
        assert connection.execute(call).fetchone() == (index,)
        connection.rollback()
    assert shop.ledger.append(envelope) == index
    shop.seal()
    assert audit_of(shop.ledger.path, shop.plans)


def test_writer_waits_for_another_and_then_says_so(
    shop: Shop, server: Server, database: str, keys: dict[str, Signer]
) -> None:
    import psycopg

    envelope = another(shop, keys)
    before = shop.ledger.size
    with psycopg.connect(server.address("controller", database)) as other:
        other.execute("SELECT holdfast.append_entry('rec_other', 'x')")
        with pytest.raises(LedgerError, match="another process holds the ledger locked"):
            Ledger(server.address("controller", database), patience=0.2).append(envelope)
        assert shop.ledger.size == before  # readers are not locked out
        other.rollback()
    assert shop.ledger.append(envelope) == before


def test_commit_waits_for_the_disk_whatever_the_login_says(shop: Shop, server: Server, database: str) -> None:
    import psycopg

    with psycopg.connect(server.address("controller", database)) as connection:
        connection.execute("SET synchronous_commit = off")
        connection.execute("SELECT holdfast.append_entry('rec_hasty', 'x')")
        assert connection.execute("SHOW synchronous_commit").fetchone() == ("on",)
        connection.rollback()


@pytest.mark.parametrize("mode", ["fast", "immediate"])
def test_server_restarted_in_the_middle_loses_nothing(
    shop: Shop, server: Server, database: str, keys: dict[str, Signer], mode: str
) -> None:
    """`immediate` is what a crash looks like. Two writers go on through it; what they were told holds afterwards."""
    envelopes = [another(shop, keys) for _ in range(60)]
    at_work, back = threading.Event(), threading.Event()
    stored: dict[int, bytes] = {}
    failed: list[LedgerError] = []

    def pause(seconds: float) -> None:
        at_work.set()  # a writer found the server away
        back.wait(timeout=seconds)

    def write(mine: list[bytes]) -> None:
        ledger = Ledger(server.address("controller", database), patience=60, pause=pause)
        try:
            for count, envelope in enumerate(mine):
                stored[ledger.append(envelope)] = envelope
                if count == 3:
                    started.release()
        except LedgerError as error:
            failed.append(error)

    started = threading.Semaphore(0)
    writers = [threading.Thread(target=write, args=(envelopes[half::2],)) for half in (0, 1)]
    for one in writers:
        one.start()
    for _ in writers:
        assert started.acquire(timeout=30)
    server.stop(mode)
    waited = at_work.wait(timeout=30)
    server.start()
    back.set()
    for one in writers:
        one.join(timeout=60)
    assert waited
    assert failed == []
    assert len(stored) == len(envelopes)
    assert {index: envelope for index, envelope in shop.ledger.entries() if index in stored} == stored
    shop.seal()
    report = audit_of(shop.ledger.path, shop.plans)
    assert report, report.findings


def test_server_that_stays_away_stops_the_writer(
    shop: Shop, server: Server, database: str, keys: dict[str, Signer]
) -> None:
    envelope = another(shop, keys)
    before, waits = shop.ledger.size, list[float]()
    server.stop()
    try:
        with pytest.raises(LedgerError, match="see that the server runs"):
            Ledger(server.address("controller", database), patience=1, pause=waits.append).append(envelope)
        with pytest.raises(LedgerError, match="see that the server runs"):
            Ledger(server.address("controller", database)).append(envelope)  # nobody told it to wait
    finally:
        server.start()
    assert waits == [0.25] * 4
    assert shop.ledger.size == before


def test_answer_that_was_lost_is_asked_for_again(
    shop: Shop, server: Server, database: str, keys: dict[str, Signer]
) -> None:
    """The connection breaks after the commit, before the answer: the record is there once, and its index is told."""
    envelope = another(shop, keys)
    index = shop.ledger.size
    ledger = Ledger(server.address("controller", database), patience=10, pause=lambda seconds: None)
    first = ledger.store.add
    calls = []

    def lost(*arguments: object) -> int:
        calls.append(arguments)
        if len(calls) == 1:
            shop.ledger.append(envelope)  # the commit that nobody heard of
            server.sql("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = 'controller'")
        return first(*arguments)  # type: ignore[arg-type]  # handed on as they came

    ledger.store.add = lost  # type: ignore[method-assign,assignment]  # the one place between commit and answer
    assert ledger.append(envelope) == index
    assert len(calls) == 2
    assert shop.ledger.size == index + 1


def test_standby_is_named(shop: Shop, server: Server, database: str, keys: dict[str, Signer]) -> None:
    envelope = another(shop, keys)
    server.sql(f"ALTER DATABASE {database} SET default_transaction_read_only = on")
    with pytest.raises(LedgerError, match="it can only be read: a standby"):
        shop.ledger.append(envelope)


def test_password_comes_from_a_file_of_ones_own(shop: Shop, server: Server, database: str, tmp_path: Path) -> None:
    kept = tmp_path / "pgpass"
    there = f"postgresql://controller@127.0.0.1:{server.port}/{database}?passfile={kept}"
    with pytest.raises(LedgerError, match=f"{kept}: no file, or one that others may read; .* mode 0600"):
        assert Ledger(there).size
    kept.write_text(f"127.0.0.1:{server.port}:*:controller:wrong\n")
    kept.chmod(0o640)
    with pytest.raises(LedgerError, match="one that others may read"):
        assert Ledger(there).size
    kept.chmod(0o600)
    with pytest.raises(LedgerError, match="write the login's password into the file") as caught:
        assert Ledger(there, pause=lambda seconds: pytest.fail("a server that said no is not waited for")).size
    assert "wrong" not in str(caught.value)
    kept.write_text(f"127.0.0.1:{server.port}:*:controller:correct horse\n")
    assert Ledger(there).size == shop.ledger.size
    assert audit_of(there, shop.plans)


def certificate(folder: Path, name: str) -> Path:
    """Make a key and a certificate of its own for this machine's name; return the certificate."""
    command = [
        "openssl",
        "req",
        "-x509",
        "-newkey",
        "ec",
        "-pkeyopt",
        "ec_paramgen_curve:P-256",
        "-nodes",
        "-days",
        "2",
    ]
    command += ["-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost"]
    subprocess.run(
        [*command, "-keyout", f"{folder}/{name}.key", "-out", f"{folder}/{name}.crt"], check=True, capture_output=True
    )
    return folder / f"{name}.crt"


def test_server_with_another_certificate_is_not_talked_to(
    shop: Shop, server: Server, database: str, tmp_path: Path
) -> None:
    own, other = certificate(tmp_path, "server"), certificate(tmp_path, "other")
    for file in (own, own.with_suffix(".key")):
        there = server.data / file.name
        shutil.copy(file, there)
        there.chmod(0o600)
        if server.user:
            shutil.chown(there, server.user)
    server.sql("ALTER SYSTEM SET ssl = on")
    server.stop()
    server.start()
    kept = tmp_path / "pgpass"
    kept.touch(mode=0o600)
    kept.write_text("*:*:*:controller:correct horse\n")
    at = f"postgresql://controller@localhost:{server.port}/{database}?sslmode=verify-full&passfile={kept}"
    assert Ledger(f"{at}&sslrootcert={own}").size == shop.ledger.size
    assert audit_of(f"{at}&sslrootcert={own}", shop.plans)
    with pytest.raises(LedgerError, match="certificate verify failed"):
        assert Ledger(f"{at}&sslrootcert={other}").size
    with pytest.raises(LedgerError, match="certificate verify failed"):
        audit_of(f"{at}&sslrootcert={other}", shop.plans)
    wrong_name = at.replace("@localhost:", "@127.0.0.1:")
    with pytest.raises(LedgerError, match="does not match host name"):
        assert Ledger(f"{wrong_name}&sslrootcert={own}").size


def test_ledger_is_made_once_by_the_databases_owner(server: Server, database: str) -> None:
    with pytest.raises(LedgerError, match="already holds a ledger; a ledger is never overwritten"):
        Ledger.create(server.address("admin", database))
    name = f"{database}_empty"
    server.database(name)
    try:
        assert not store_at(server.address("controller", name)).exists
        with pytest.raises(LedgerError, match="have the database's owner run `holdfast ledger create"):
            Ledger.create(server.address("controller", name))
        with pytest.raises(LedgerError, match="there is no ledger; make it as the database's owner"):
            assert Ledger(server.address("controller", name)).size
        with pytest.raises(LedgerError, match="create the database, then"):
            assert Ledger(server.address("controller", "nowhere")).size
    finally:
        server.sql(f"DROP DATABASE {name} WITH (FORCE)")


def test_owner_who_is_no_superuser_makes_a_ledger_and_keeps_no_right_to_change_it(server: Server) -> None:
    server.sql("CREATE ROLE dba LOGIN CREATEROLE")
    server.sql("CREATE DATABASE theirs OWNER dba")
    try:
        there = server.address("dba", "theirs")
        made = Ledger.create(there)
        with pytest.raises(LedgerError, match="the login may not"):
            assert made.size
        audited = audit_of(server.address("auditor", "theirs"), None)
        assert codes(audited) == {"ledger-empty"}
    finally:
        server.sql("DROP DATABASE theirs WITH (FORCE)")
        server.sql("DROP ROLE dba")


def test_one_run_of_a_change_on_all_controllers(shop: Shop, server: Server, database: str) -> None:
    elsewhere = Ledger(server.address("controller", database))
    lock = hold(shop.ledger, "chg_one")
    with pytest.raises(PolicyError, match="another run of chg_one is alive on one of the controllers"):
        hold(elsewhere, "chg_one")
    hold(elsewhere, "chg_two").close()
    reader, writing = os.pipe()
    child = os.fork()  # a worker: it keeps the change even when its controller is gone
    if not child:
        os.close(writing)
        os.read(reader, 1)
        os._exit(0)
    os.close(reader)
    os.close(lock.fileno())  # type: ignore[attr-defined]  # the controller is killed: nothing says goodbye
    with pytest.raises(PolicyError):
        hold(elsewhere, "chg_one")
    os.close(writing)
    os.waitpid(child, 0)
    for _ in range(100):  # the server notices soon, and asking it is what takes time
        try:
            hold(elsewhere, "chg_one").close()
            break
        except PolicyError:
            server.sql("SELECT 1")
    else:
        pytest.fail("the change is held by nobody, and still taken")


@pytest.fixture(scope="module")
def told(server: Server, tmp_path_factory: pytest.TempPathFactory, keys: dict[str, Signer]) -> Shop:
    """A shop whose story is told; tests work on copies of it."""
    server.sql("CREATE DATABASE told TEMPLATE template")
    shop = Shop(tmp_path_factory.mktemp("told"), keys, ledger=Ledger(server.address("controller", "told")))
    shop.story()
    assert shop.ledger.size == 18
    report = audit_of(server.address("auditor", "told"), shop.plans)
    assert report, report.findings
    return shop


@pytest.mark.parametrize(
    ("deed", "code"),
    [
        ("UPDATE holdfast.entries SET envelope = envelope || ' ' WHERE idx = 3", "envelope-form"),
        ("UPDATE holdfast.entries SET envelope = set_byte(envelope, 90, 70) WHERE idx = 3", "node-differs"),
        ("DELETE FROM holdfast.entries WHERE idx = 3", "entry-missing"),
        ("DELETE FROM holdfast.entries WHERE idx = 17", "tail-cut"),
        ("UPDATE holdfast.entries SET record_id = 'rec_other' WHERE idx = 3", "record-id"),
        ("UPDATE holdfast.nodes SET hash = sha256('x') WHERE level = 1 AND position = 2", "node-differs"),
        ("DELETE FROM holdfast.nodes WHERE level = 2 AND position = 0", "node-differs"),
        ("UPDATE holdfast.head SET size = 4", "size-differs"),
        ("DELETE FROM holdfast.head", "database-form"),
        ("UPDATE holdfast.checkpoints SET note = 'nothing'", "checkpoint-form"),
        ("DELETE FROM holdfast.checkpoints", "checkpoint-missing"),
        ("UPDATE holdfast.form SET version = 1", "database-form"),
        ("ALTER TABLE holdfast.entries ADD COLUMN more text", "database-form"),
        ("ALTER TABLE holdfast.head ALTER COLUMN size TYPE numeric", "database-form"),
        ("CREATE TABLE holdfast.more (x int)", "database-form"),
        ("CREATE FUNCTION holdfast.more() RETURNS int LANGUAGE sql AS 'SELECT 1'", "database-form"),
        (
            "CREATE OR REPLACE FUNCTION holdfast.save_checkpoint(covered bigint, signed text) RETURNS void"
            " LANGUAGE sql AS ''",
            "database-form",
        ),
        ("DROP FUNCTION holdfast.save_checkpoint", "database-form"),
        (
            "CREATE TRIGGER quiet BEFORE UPDATE ON holdfast.entries"
            " FOR EACH ROW EXECUTE FUNCTION suppress_redundant_updates_trigger()",
            "database-form",
        ),
        ("CREATE RULE quiet AS ON INSERT TO holdfast.entries DO INSTEAD NOTHING", "database-form"),
        (
            "ALTER TABLE holdfast.entries RENAME TO hidden;"
            "CREATE VIEW holdfast.entries AS SELECT * FROM holdfast.hidden;"
            "GRANT SELECT ON holdfast.entries TO holdfast_auditor",
            "database-form",
        ),
        (
            "ALTER TABLE holdfast.entries ENABLE ROW LEVEL SECURITY;"
            "CREATE POLICY few ON holdfast.entries FOR SELECT USING (idx < 9)",
            "database-form",
        ),
        ("GRANT UPDATE ON holdfast.entries TO holdfast_writer", "database-rights"),
        ("GRANT INSERT (note) ON holdfast.checkpoints TO holdfast_writer", "database-rights"),
        ("GRANT DELETE ON holdfast.nodes TO PUBLIC", "database-rights"),
        ("GRANT holdfast_owner TO controller", "database-rights"),
    ],
)  # fmt: skip
def test_what_the_servers_owner_does_is_named(server: Server, told: Shop, deed: str, code: str) -> None:
    server.sql("CREATE DATABASE copy TEMPLATE told")
    try:
        server.sql(deed, "copy")
        assert code in codes(audit_of(server.address("auditor", "copy"), told.plans))
    finally:
        server.sql("DROP DATABASE copy WITH (FORCE)")
        server.sql("REVOKE holdfast_owner FROM controller")


def test_server_that_goes_away_is_no_verdict(told: Shop, server: Server) -> None:
    """The audit could not be finished: neither clean nor a finding."""

    def end_it(done: int, total: int) -> None:
        server.sql("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'holdfast audit'")

    with pytest.raises(LedgerError, match="the server cannot read on"):
        audit_of(server.address("auditor", "told"), told.plans, progress=end_it)


def test_missing_driver_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "psycopg", None)
    there = "postgresql://controller@localhost/ledger"
    with pytest.raises(LedgerError, match=r"psycopg is missing; run: pip install 'holdfast\[postgresql\]'"):
        assert Ledger(there).size
    with pytest.raises(LedgerError, match="psycopg is missing"):
        audit_of(there, None)


def test_envelope_larger_than_a_tile_holds_is_refused(shop: Shop) -> None:
    with pytest.raises(LedgerError, match="entries_envelope_check"):
        shop.ledger.store.append("rec_large", b"x" * 65_536, lambda index, between: None)
    assert statements.read(Envelope.from_bytes(shop.ledger.entry(0)))
    assert shop.ledger.size == 1
