# Copyright: (c) 2026, Holdfast contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""A PostgreSQL server of the tests' own: made in a fresh folder, reached over a socket there and on the loopback."""

from __future__ import annotations

import os
import pwd
import shutil
import socket
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

WHERE_DEBIAN_PUTS_THEM = sorted(Path("/usr/lib/postgresql").glob("*/bin"), reverse=True)


def program(name: str) -> str | None:
    """Return one of the server's programs; Debian keeps them off PATH."""
    return shutil.which(name, path=os.pathsep.join([*map(str, WHERE_DEBIAN_PUTS_THEM), os.environ.get("PATH", "")]))


class Server:
    """A server in `folder`, run as a user who is not root."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.data = folder / "data"
        # The server refuses to be root's; Debian's package makes a user for it.
        self.user = next((name for name in ("postgres", "nobody") if os.geteuid() == 0 and _exists(name)), None)
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port = int(free.getsockname()[1])
        folder.chmod(0o755)
        if self.user:
            shutil.chown(folder, self.user)
        self._run("initdb", "-D", str(self.data), "-U", "admin", "-A", "trust", "-E", "UTF8", "--locale=C", "-N")
        rules = "local all all trust\nhost all all 127.0.0.1/32 scram-sha-256\n"
        (self.data / "pg_hba.conf").write_text(rules)
        with (self.data / "postgresql.conf").open("a") as settings:
            settings.write(f"port = {self.port}\nlisten_addresses = '127.0.0.1'\n")
            settings.write(f"unix_socket_directories = '{folder}'\nmax_connections = 40\nshared_buffers = 16MB\n")

    def start(self) -> None:
        """Start it, and wait until it answers."""
        self._run("pg_ctl", "-D", str(self.data), "-l", str(self.folder / "log"), "-w", "start")

    def stop(self, mode: str = "fast") -> None:
        """Stop it: `fast` ends all sessions, `immediate` is as good as a crash."""
        self._run("pg_ctl", "-D", str(self.data), "-m", mode, "-w", "stop")

    def address(self, login: str, database: str) -> str:
        """Return an address over the socket, where every login is believed."""
        return f"postgresql://{login}@/{database}?host={self.folder}&port={self.port}"

    def database(self, name: str) -> str:
        """Make a database, and return its address for the login that owns everything."""
        self.sql(f'CREATE DATABASE "{name}"')
        return self.address("admin", name)

    def sql(self, text: str, database: str = "postgres", login: str = "admin") -> list[tuple[object, ...]]:
        """Run SQL, statement by statement as it is, and return the rows of the last one."""
        import psycopg

        with psycopg.connect(self.address(login, database), autocommit=True) as connection:
            cursor = connection.execute(text.encode())
            return cursor.fetchall() if cursor.description else []

    def _run(self, name: str, *arguments: str) -> None:
        path = program(name)
        assert path is not None
        # A pipe would be held open by the server that pg_ctl starts, and never end.
        with tempfile.TemporaryFile() as said:
            done = subprocess.run(
                [path, *arguments],
                check=False,
                stdin=subprocess.DEVNULL,
                stdout=said,
                stderr=subprocess.STDOUT,
                user=self.user,
                group=pwd.getpwnam(self.user).pw_gid if self.user else None,
                extra_groups=[] if self.user else None,
                cwd=self.folder,
            )
            said.seek(0)
            assert done.returncode == 0, said.read().decode(errors="replace")


def _exists(user: str) -> bool:
    try:
        pwd.getpwnam(user)
    except KeyError:
        return False
    return True


@contextmanager
def running() -> Iterator[Server]:
    """Give a server that runs; skips where PostgreSQL is not installed."""
    pytest.importorskip("psycopg", reason="needs the Python package psycopg")
    if program("initdb") is None:
        pytest.skip("needs PostgreSQL's initdb and pg_ctl (Debian: postgresql)")
    folder = Path(tempfile.mkdtemp(prefix="pg"))
    try:
        server = Server(folder)
        server.start()
        try:
            yield server
        finally:
            server.stop("immediate")
    finally:
        shutil.rmtree(folder, ignore_errors=True)
