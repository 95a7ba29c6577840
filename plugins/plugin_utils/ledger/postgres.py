# Copyright: (c) 2026, Holdfast contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""A ledger in a PostgreSQL database: several controllers append to one log, through one function of the server's.

The login needs no right to change anything: sql/postgresql.sql says who may what, and grows the tree. A connection
lives for one operation, so none crosses a fork. While the server restarts, operations wait, as long as they were told
to; an append that lost its answer is asked again, and gives the same index. Why each:
docs/adr/0022-ledger-on-postgresql.md.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cached_property
from types import ModuleType
from typing import TYPE_CHECKING, Any, TypeVar

from ..errors import LedgerError
from ..site.place import passfile_of
from . import schema
from .nodes import Admit, SqlView, View, size_of

if TYPE_CHECKING:
    import psycopg
    from sqlalchemy import Connection, Engine

PAUSE = 0.25
"""Seconds between two attempts to reach a server that is away."""
MOST_WAIT = 10
"""Seconds an attempt to connect may take, unless the address says otherwise."""
AWAY = ("57P01", "57P02", "57P03", "53300", "08")
"""SQLSTATEs of a server that stops, crashed, starts or is crowded, or whose connection broke: it may answer soon."""

REMEDIES = {
    "08": "see that the server runs, and that `ledger:` in site.yml names it",
    "25006": "it can only be read: a standby, or made so; name the primary in `ledger:` of site.yml",
    "28": "write the login's password into the file that passfile= names, mode 0600: host:port:database:login:password",
    "3D000": "create the database, then: holdfast ledger create",
    "3F000": "there is no ledger; make it as the database's owner: holdfast ledger create",
    "42501": "the login may not; a writer needs the role holdfast_writer, an auditor holdfast_auditor",
    "42883": "there is no ledger; make it as the database's owner: holdfast ledger create",
    "42P01": "there is no ledger; make it as the database's owner: holdfast ledger create",
    "53": "the server lacks disk, memory or connections; make room, then run again",
    "55P03": "another process holds the ledger locked; wait for it to end, then run again",
    "57P": "the server is being restarted; wait for it, then run again",
    "58": "the server's disk failed; look at its log",
}

REFUSALS = {
    "authentication failed": "28P01",
    "no password supplied": "28P01",
    "pg_hba.conf": "28000",
    'role "': "28000",
    "permission denied": "42501",
    'database "': "3D000",
    "too many": "53300",
    "remaining connection slots": "53300",
    "certificate": "28000",
}
"""Words with which a server, or TLS, refuses a connection; it would refuse the next one too."""

Result = TypeVar("Result")


class PostgresStore:
    """The database at the address `place`.

    `patience` is how many seconds an operation waits for another writer or a server that is away; `pause` waits the
    seconds it is given. Without it a server that is away is an error at once.
    """

    def __init__(self, place: str, patience: float, pause: Callable[[float], None] | None) -> None:
        self.place = place
        self._patience = patience
        self._pause = pause

    @property
    def exists(self) -> bool:
        """Whether the database holds a ledger. Raises LedgerError when it cannot be asked."""
        query = "SELECT to_regclass('holdfast.head') IS NOT NULL"
        return self.read(lambda connection: bool(connection.exec_driver_sql(query).scalar_one()))

    def create(self) -> None:
        """Make an empty ledger and its roles, whole or not at all; the login must be the database's owner.

        Raises LedgerError when there is one, or the login may not.
        """
        if self.exists:
            raise LedgerError(f"{self.place}: already holds a ledger; a ledger is never overwritten")
        query = "SELECT has_database_privilege(current_database(), 'CREATE')"
        if not self.read(lambda connection: bool(connection.exec_driver_sql(query).scalar_one())):
            raise LedgerError(
                f"{self.place}: holds no ledger, and this login may not make one; have the database's owner run "
                "`holdfast ledger create --at ADDRESS`, or `holdfast ledger sql` through psql"
            )
        with self.writing() as connection:
            # The driver's own simple protocol: one text of many statements, none of them with parameters.
            connection.connection.driver_connection.execute(schema.sql("postgresql"))  # type: ignore[union-attr]  # SQLAlchemy types no driver

    def append(self, record_id: str, envelope: bytes, admit: Admit) -> int:
        """Store an entry and return its index; the same bytes again return the same index.

        `admit` is asked once the server's function holds the lock and has said which index it is; what it raises takes
        the entry back. It is not asked of one that was there before.
        """
        from sqlalchemy import text

        def once() -> int:
            with self.writing() as connection:
                index = self.add(connection, record_id, envelope)
                if index == size_of(connection) - 1:
                    query = text("SELECT idx, envelope FROM holdfast.entries WHERE idx >= :a AND idx < :b ORDER BY idx")
                    admit(index, lambda start, end: connection.execute(query, {"a": start, "b": end}))
                return index

        return self._again(once)

    def add(self, connection: Connection, record_id: str, envelope: bytes) -> int:
        """Store an entry within a transaction."""
        from sqlalchemy import text

        self.version(connection)
        call = text("SELECT holdfast.append_entry(:record_id, :envelope)")
        return int(connection.execute(call, {"record_id": record_id, "envelope": envelope}).scalar_one())

    def save_checkpoint(self, size: int, note: str) -> None:
        """Keep a signed head; the same again changes nothing."""
        from sqlalchemy import text

        def once() -> None:
            with self.writing() as connection:
                call = text("SELECT holdfast.save_checkpoint(:size, :note)")
                connection.execute(call, {"size": size, "note": note})

        self._again(once)

    def version(self, connection: Connection) -> int:
        """Return the ledger's form; raises LedgerError for one that only a later release knows."""
        version = int(connection.exec_driver_sql("SELECT version FROM holdfast.form").scalar_one())
        if version > schema.VERSION:
            raise schema.unknown_form(self.place, version)
        return version

    def moved(self, connection: Connection) -> str | None:
        """Return where the ledger was moved to, None while it is in use."""
        from sqlalchemy import select

        found = connection.execute(select(schema.tables().moved.c.place)).scalar()
        return None if found is None else str(found)

    def mark_moved(self, connection: Connection, place: str) -> None:
        """Say where the ledger is from now on; only holdfast_owner may."""
        from sqlalchemy import text

        connection.execute(text("INSERT INTO holdfast.moved VALUES (1, :place)"), {"place": place})

    def upgrade(self) -> int:
        """Return the form the ledger has: PostgreSQL began with the newest."""
        return self.read(self.version)

    def close(self) -> None:
        """Nothing is kept open here."""

    def facts(self, connection: Connection) -> dict[str, object]:
        """Return what matters of the server and of the login's rights, for `holdfast ledger status`."""
        row = connection.exec_driver_sql(
            "SELECT current_user, current_setting('server_version'), current_setting('fsync'),"
            " current_setting('full_page_writes'), pg_is_in_recovery(),"
            " has_function_privilege('holdfast.append_entry(text, bytea)', 'EXECUTE'),"
            " (SELECT coalesce(string_agg(relname || ' ' || right_to, ', ' ORDER BY relname, right_to), '')"
            "    FROM pg_class, unnest(ARRAY['INSERT', 'UPDATE', 'DELETE', 'TRUNCATE']) AS right_to"
            "   WHERE relnamespace = 'holdfast'::regnamespace AND relkind = 'r' AND has_table_privilege(oid, right_to))"
        ).one()
        names = ("login", "server", "fsync", "full_page_writes", "standby", "may_append", "may_change")
        return dict(zip(names, row, strict=True))

    @contextmanager
    def writing(self) -> Iterator[Connection]:
        """Give a connection in a transaction; its functions take the lock they need."""
        with self._transaction(self._writer) as connection:
            yield connection

    @contextmanager
    def locking(self) -> Iterator[Connection]:
        """Give a connection in a transaction that holds the head's lock; only holdfast_owner may take it so."""
        with self.writing() as connection:
            connection.exec_driver_sql("SELECT size FROM holdfast.head FOR UPDATE")
            yield connection

    def read(self, act: Callable[[Connection], Result]) -> Result:
        """Return what `act` reads from a connection that sees one moment of the ledger and can write nothing."""

        def once() -> Result:
            with self._transaction(self._reader) as connection:
                return act(connection)

        return self._again(once)

    def view(self, act: Callable[[View], Result]) -> Result:
        """Return what `act` reads of the ledger as it is at one moment."""
        return self.read(lambda connection: act(SqlView(connection)))

    def hold(self, name: str) -> psycopg.Connection[Any] | None:
        """Take the lock of that name for as long as the connection returned is open; None where another holds it.

        Forked children keep the connection open, so the lock ends with the last of them, or with the server.
        """
        connection = self._connect()
        connection.autocommit = True
        query = "SELECT pg_try_advisory_lock(hashtextextended(%s, 0))"
        try:
            if connection.execute(query, (name,)).fetchone() == (True,):
                return connection
        except self._driver().Error as error:
            raise self._failure(error) from error
        connection.close()
        return None

    @cached_property
    def _writer(self) -> Engine:
        return self._engine(isolation_level="READ COMMITTED")

    @cached_property
    def _reader(self) -> Engine:
        return self._engine(isolation_level="REPEATABLE READ", postgresql_readonly=True)

    def _engine(self, **options: object) -> Engine:
        schema.tables()
        self._driver()
        from sqlalchemy import create_engine
        from sqlalchemy.pool import NullPool

        engine = create_engine("postgresql+psycopg://", creator=self._connect, poolclass=NullPool)
        return engine.execution_options(schema_translate_map={None: schema.SCHEMA}, **options)

    def _driver(self) -> ModuleType:
        try:
            import psycopg
        except ImportError as error:
            raise LedgerError(
                f"{self.place}: the Python package psycopg is missing; run: pip install 'holdfast[postgresql]'"
            ) from error
        return psycopg

    def _connect(self) -> psycopg.Connection[Any]:
        driver = self._driver()
        kept = passfile_of(self.place)
        # libpq would pass over such a file, and complain of a missing password instead.
        if kept is not None and (not kept.is_file() or kept.stat().st_mode & 0o077):
            raise LedgerError(
                f"{kept}: no file, or one that others may read; expected the ledger's password in a file of mode 0600"
            )
        patience = f"-c lock_timeout={int(self._patience * 1000)}"
        more: dict[str, Any] = {} if "connect_timeout=" in self.place else {"connect_timeout": MOST_WAIT}
        try:
            made: psycopg.Connection[Any] = driver.connect(
                self.place, options=patience, application_name="holdfast", **more
            )
        except driver.Error as error:
            raise self._failure(error) from error
        return made

    def _again(self, act: Callable[[], Result]) -> Result:
        """Return what `act` returns, tried again while the server is away and patience lasts."""
        left = self._patience
        while True:
            try:
                return act()
            except AwayError:
                if self._pause is None or left <= 0:
                    raise
                self._pause(PAUSE)
                left -= PAUSE

    @contextmanager
    def _transaction(self, engine: Engine) -> Iterator[Connection]:
        from sqlalchemy.exc import SQLAlchemyError

        try:
            with engine.begin() as connection:
                yield connection
        except (SQLAlchemyError, self._driver().Error) as error:
            raise self._failure(error) from error

    def _failure(self, error: Exception) -> LedgerError:
        """Return the error a person can act on for one the driver raised."""
        original = getattr(error, "orig", None) or error
        said = str(original).strip().partition("\n")[0]
        code = str(getattr(original, "sqlstate", None) or _refusal(str(original)))
        if code == "HF001":
            return LedgerError(f"{self.place}: {said}")
        if code == "HF002":
            return schema.moved_to(self.place, said.removeprefix("was moved to "))
        remedy = next((text for start, text in REMEDIES.items() if code.startswith(start)), None)
        text = f"{self.place}: {said}; {remedy or 'run `holdfast audit` before anything else is recorded'}"
        return (AwayError if code.startswith(AWAY) else LedgerError)(text)


def _refusal(said: str) -> str:
    """Return the SQLSTATE of a connection that was not made: libpq hands on the server's words, without it."""
    for words, code in REFUSALS.items():
        if words in said:
            return code
    return "08001"  # it said nothing, or that it stops or starts: it may be on its way


class AwayError(LedgerError):
    """The server cannot be reached, or went away; what was asked may or may not have been done."""
