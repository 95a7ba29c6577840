# Copyright: (c) 2026, Holdfast contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The database server after its role, by its own tools and by trying to get in: no probe of ours is asked."""

from __future__ import annotations

import pytest


def sql(host, query):
    """The answer to a query asked as postgres."""
    return host.check_output("runuser -u postgres -- env -C / psql -XtA -c %s", query)


@pytest.fixture
def account(host):
    """An account with a password, for as long as a test takes."""
    sql(host, "CREATE ROLE drill_clerk LOGIN PASSWORD 'drill'")
    yield "drill_clerk"
    sql(host, "DROP ROLE drill_clerk")


def enter(host, how, word="drill"):
    """Try to get in over the network address of the host itself."""
    return host.run(
        "env PGPASSWORD=%s psql -XtA -c 'SELECT current_user' %s", word, f"dbname=postgres host=127.0.0.1 {how}"
    )


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("password_encryption", "scram-sha-256"),
        ("ssl", "on"),
        ("ssl_min_protocol_version", "TLSv1.2"),
        ("log_connections", "on"),
        ("log_disconnections", "on"),
        ("log_statement", "ddl"),
        ("log_parameter_max_length", "0"),
        ("statement_timeout", "1h"),
        ("idle_in_transaction_session_timeout", "10min"),
        ("authentication_timeout", "1min"),
        ("listen_addresses", "localhost"),
        ("fsync", "on"),
    ],
)
def test_setting(host, name, value):
    assert sql(host, f"SHOW {name}") == value


def test_a_password_opens_the_door_over_tls_and_a_wrong_one_does_not(host, account):
    assert enter(host, f"user={account} sslmode=require").stdout.strip() == account
    assert "password authentication failed" in enter(host, f"user={account} sslmode=require", "wrong").stderr


def test_a_new_password_is_stored_as_scram(host, account):
    shadow = "SELECT left(passwd, 13) FROM pg_shadow WHERE usename = 'drill_clerk'"
    assert sql(host, shadow) == "SCRAM-SHA-256"


def test_nobody_gets_in_over_the_socket_under_another_name(host, account):
    said = host.run("env -C / psql -XtA -d postgres -U %s -c 'SELECT 1'", account)
    assert said.rc != 0
    assert "Peer authentication failed" in said.stderr


def test_everybody_is_kept_from_the_public_schema(host, account):
    said = enter(host, f"user={account}")
    assert said.rc == 0
    refused = host.run(
        "env PGPASSWORD=drill psql -X -h 127.0.0.1 -U %s -d postgres -c 'CREATE TABLE public.drill ()'", account
    )
    assert "permission denied for schema public" in refused.stderr


def test_the_log_says_who_came_from_where(host, account):
    enter(host, f"user={account}")
    log = host.check_output("sh -c 'cat /var/log/postgresql/postgresql-*-main.log'")
    assert f"{account}@postgres/127.0.0.1:" in log
    assert "connection authorized" in log


def test_the_server_listens_to_the_host_itself_alone(host):
    listening = host.check_output("ss -ltnH 'sport = :5432'").splitlines()
    assert listening
    assert all(line.split()[3].startswith(("127.0.0.1:", "[::1]:")) for line in listening)


def test_the_files_are_for_postgres_alone(host):
    assert host.check_output("stat -c '%a %U' $(echo /var/lib/postgresql/*/main)") == "700 postgres"


def test_the_server_runs_and_starts_with_the_host(host):
    assert host.service("postgresql").is_running
    assert host.service("postgresql").is_enabled
    assert sql(host, "SELECT count(*) FROM pg_settings WHERE pending_restart") == "0"
