# Copyright: (c) 2026, Holdfast contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Reads a ledger in PostgreSQL for the audit, with the database's own driver: one read-only transaction, one moment.

PostgreSQL keeps the types of columns and the limits of their values itself, so their form is what its catalogue says.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from ..errors import LedgerError
from .report import Notes

if TYPE_CHECKING:
    import psycopg

FORM = 2
COLUMNS = [
    ("checkpoints", "note", "text"),
    ("checkpoints", "size", "bigint"),
    ("entries", "envelope", "bytea"),
    ("entries", "idx", "bigint"),
    ("entries", "record_id", "text"),
    ("form", "version", "integer"),
    ("head", "id", "integer"),
    ("head", "size", "bigint"),
    ("moved", "id", "integer"),
    ("moved", "place", "text"),
    ("nodes", "hash", "bytea"),
    ("nodes", "level", "integer"),
    ("nodes", "position", "bigint"),
]
OWNER = "holdfast_owner"
CODE = {
    "append_entry": "f6e4d8af297dc9c09bb770dd324b51b042277467c168c512c272b193722823a0",
    "save_checkpoint": "03ad8505535d71c1d75a3d4545d190c499b6adb2b13e0c9aa8a044c79261c7c8",
}
"""The SHA-256 of each function's source as it was released: what else ran may have dropped or altered records."""
BATCH = 500
"""Rows fetched together, so that a long ledger does not fill the memory."""


class ServerError(LedgerError):
    """The server stopped answering in the middle of an audit: nothing is known, good or bad."""


class ServerReader:
    """A connection in a transaction; `execute` takes the same queries as SQLite's."""

    def __init__(self, connection: psycopg.Connection[Any]) -> None:
        self._connection = connection
        self._asked = 0

    def execute(self, query: str) -> ServerRows:
        """Return what a query finds, fetched a batch at a time."""
        self._asked += 1
        return ServerRows(self._connection, query, f"audit_{self._asked}")

    def check_form(self, notes: Notes) -> tuple[bool, int]:
        """Note what is not a ledger's; return whether its tables can be read, and its form."""
        columns = self.execute(
            "SELECT relname::text, attname::text, format_type(atttypid, atttypmod) FROM pg_class"
            " JOIN pg_attribute ON attrelid = pg_class.oid AND attnum > 0 AND NOT attisdropped"
            " WHERE relnamespace = 'holdfast'::regnamespace AND relkind <> 'i' ORDER BY 1, 2"
        ).fetchall()
        for table, name, kind in sorted(set(columns) ^ set(COLUMNS)):
            said = "is missing" if (table, name, kind) in COLUMNS else "was found that no ledger has"
            notes.find("database-form", None, f"{table}.{name} of type {kind} {said}")
        usable = columns == COLUMNS
        self._check_rights(notes)
        self._check_code(notes)
        version = 0
        if usable:
            versions = [version for (version,) in self.execute("SELECT version FROM form").fetchall()]
            if versions != [FORM]:
                notes.find("database-form", None, f"the form is {versions}; expected [{FORM}]")
            version = max(versions, default=0)
        return usable, version

    def _check_rights(self, notes: Notes) -> None:
        """Note every role but the owner that may change the tables; superusers always may, and are not listed."""
        rights = self.execute(
            "SELECT given.place, coalesce(nullif(acl.grantee, 0)::regrole::text, 'PUBLIC'), acl.privilege_type::text"
            " FROM (SELECT relname::text AS place, coalesce(relacl, acldefault('r', relowner)) AS rights"
            "         FROM pg_class WHERE relnamespace = 'holdfast'::regnamespace AND relkind <> 'i'"
            "        UNION ALL SELECT relname || '.' || attname, attacl FROM pg_attribute"
            "         JOIN pg_class ON attrelid = pg_class.oid WHERE relnamespace = 'holdfast'::regnamespace) AS given,"
            " aclexplode(given.rights) AS acl"
            " WHERE acl.privilege_type <> 'SELECT' AND acl.grantee <> 'holdfast_owner'::regrole ORDER BY 1, 2, 3"
        )
        for place, role, right in rights:
            notes.find("database-rights", None, f"{role} may {right} {place}; nobody but {OWNER} may")
        owners = self.execute(
            "SELECT rolname::text FROM pg_roles WHERE rolcanlogin AND NOT rolsuper"
            " AND pg_has_role(oid, 'holdfast_owner', 'MEMBER') ORDER BY 1"
        )
        for (role,) in owners:
            notes.find("database-rights", None, f"{role} may become {OWNER}, who may change everything")

    def _check_code(self, notes: Notes) -> None:
        """Note code beside the two functions, or in their place, and what hides rows from this login."""
        functions = self.execute(
            "SELECT proname::text, encode(sha256(convert_to(prosrc, 'UTF8')), 'hex')"
            " FROM pg_proc WHERE pronamespace = 'holdfast'::regnamespace ORDER BY 1"
        ).fetchall()
        for name, digest in functions:
            if CODE.get(name) != digest:
                notes.find("database-form", None, f"the function {name} is not one that was released")
        for name in sorted(set(CODE) - {name for name, _digest in functions}):
            notes.find("database-form", None, f"the function {name} is missing")
        others = self.execute(
            "SELECT 'trigger ' || tgname FROM pg_trigger JOIN pg_class ON pg_class.oid = tgrelid"
            " WHERE relnamespace = 'holdfast'::regnamespace AND NOT tgisinternal"
            " UNION ALL SELECT 'rule ' || rulename FROM pg_rewrite JOIN pg_class ON pg_class.oid = ev_class"
            " WHERE relnamespace = 'holdfast'::regnamespace"
            " UNION ALL SELECT 'row policy on ' || relname FROM pg_class"
            " WHERE relnamespace = 'holdfast'::regnamespace AND relrowsecurity ORDER BY 1"
        )
        for (name,) in others:
            notes.find("database-form", None, f"a {name} was found that no ledger has")


class ServerRows:
    """What a query found, read once."""

    def __init__(self, connection: psycopg.Connection[Any], query: str, name: str) -> None:
        self._rows = self._read(connection, query, name)

    def __iter__(self) -> Iterator[Any]:
        return self._rows

    def fetchone(self) -> Any:
        """Return the next row, None after the last."""
        return next(self._rows, None)

    def fetchall(self) -> list[Any]:
        """Return the rows that are left."""
        return list(self._rows)

    @staticmethod
    def _read(connection: psycopg.Connection[Any], query: str, name: str) -> Iterator[Any]:
        import psycopg

        try:
            with connection.cursor(name) as cursor:  # a name makes it the server's own, fetched a batch at a time
                cursor.itersize = BATCH
                cursor.execute(query.encode())
                yield from cursor
        except psycopg.Error as error:
            said = str(error).strip().partition("\n")[0]
            raise ServerError(f"ledger: the server cannot read on: {said}; see its log, then audit again") from error


@contextmanager
def server_opened(address: str) -> Iterator[ServerReader]:
    """Give a reader of the ledger at a PostgreSQL address. Raises LedgerError when it cannot be read."""
    try:
        import psycopg
    except ImportError as error:
        raise LedgerError(
            f"{address}: the Python package psycopg is missing; run: pip install 'holdfast[postgresql]'"
        ) from error
    try:
        connection = psycopg.connect(address, application_name="holdfast audit", options="-c search_path=holdfast")
    except psycopg.Error as error:
        raise _refused(address, error) from error
    with connection:
        connection.isolation_level = psycopg.IsolationLevel.REPEATABLE_READ
        connection.read_only = True
        try:
            query = (
                "SELECT count(*) FROM pg_class WHERE relnamespace = to_regnamespace('holdfast') AND relname = 'entries'"
                " AND has_table_privilege(oid, 'SELECT')"
            )
            (found,) = connection.execute(query).fetchone() or (0,)
        except psycopg.Error as error:
            raise _refused(address, error) from error
        if not found:
            raise LedgerError(
                f"{address}: holds no ledger, or this login may not see it; expected one that the role "
                "holdfast_auditor can read; correct the address, or grant the role"
            )
        yield ServerReader(connection)


def _refused(address: str, error: Exception) -> LedgerError:
    said = str(error).strip().partition("\n")[0]
    return LedgerError(
        f"{address}: cannot be read: {said}; expected a database that this login can read; correct the address, the "
        "file that passfile= names (mode 0600), or the login's roles"
    )
