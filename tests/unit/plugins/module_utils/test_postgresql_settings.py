# Copyright: (c) 2026, Holdfast contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What brings a database server to its settings: statements, and a pg_hba.conf that lets in who should get in."""

from __future__ import annotations

import pytest
from ansible_collections.holdfast.hipaa.plugins.module_utils import postgresql_settings as settings
from ansible_collections.holdfast.hipaa.plugins.module_utils.probes import postgresql as probe

RULES = """# a comment stays
local   all   postgres   peer
local   all   all        trust
host  "my db",other  all  127.0.0.1/32  md5
host    all   all   192.0.2.0  255.255.255.0  password
hostssl all   all   198.51.100.0/24  scram-sha-256 clientcert=verify-ca
host    all   all   0.0.0.0/0  reject
include other.conf
"""


def seen(**more):
    values = {
        "listen_addresses": "*",
        "log_statement": "none",
        "statement_timeout": "1000",
        "fsync": "on",
        "ssl": "off",
        "ssl_cert_file": "/nowhere",
        "ssl_key_file": "/nowhere",
    }
    facts = {
        "settings": {name: [value, "default", False] for name, value in values.items()},
        "md5_passwords": [],
        "overrides": [
            ["a b", None, "log_statement=none"],
            [None, "x", "idle_session_timeout=0"],
            ["c", "x", "work_mem=1"],
        ],
        **more,
    }
    return probe.Seen(probe.Cluster("15", "main", 5432), facts, ["template1"])


def work(wish, rules=RULES, **more):
    return settings.work_for(seen(**more), rules, wish)


def lines(done):
    return [" ".join(line.split()) for line in (done.rules or "").splitlines()]


def test_only_what_differs_and_is_not_stricter_is_set():
    wish = {"log_statement": "ddl", "statement_timeout": 3600000, "fsync": "on", "no_such": "1"}
    assert work(settings.Wish(wish)).statements == [("postgres", "ALTER SYSTEM SET log_statement = 'ddl'")]


def test_a_value_cannot_leave_its_quotes():
    done = work(settings.Wish({"log_statement": "x'; DROP ROLE a; --"}))
    assert done.statements == [("postgres", "ALTER SYSTEM SET log_statement = 'x''; DROP ROLE a; --'")]


def test_tls_without_a_key_is_a_persons_work():
    done = work(settings.Wish({"ssl": "on"}))
    assert done.statements == []
    assert "there is no certificate or key" in done.blocked[0]


def test_overrides_and_open_schemas_are_taken_back():
    done = work(settings.Wish(overrides=True, public_schemas=True))
    assert done.statements == [
        ("postgres", 'ALTER ROLE "a b" RESET log_statement'),
        ("postgres", 'ALTER DATABASE "x" RESET idle_session_timeout'),
        ("template1", "REVOKE CREATE ON SCHEMA public FROM PUBLIC"),
    ]


def test_weak_rules_become_strong_ones_and_the_rest_stays_to_the_letter():
    done = work(settings.Wish(weak_rules=True))
    assert lines(done) == [
        "# a comment stays",
        "local all postgres peer",
        "local all all peer",
        'host "my db",other all 127.0.0.1/32 scram-sha-256',
        "host all all 192.0.2.0 255.255.255.0 scram-sha-256",
        "hostssl all all 198.51.100.0/24 scram-sha-256 clientcert=verify-ca",
        "host all all 0.0.0.0/0 reject",
        "include other.conf",
    ]


def test_other_hosts_must_speak_tls():
    assert "hostssl all all 192.0.2.0 255.255.255.0 password" in lines(work(settings.Wish(plain_rules=True)))


@pytest.mark.parametrize(
    ("flows", "kept"),
    [
        ([], []),
        (["tcp/5432 from 192.0.2.0/24", "tcp/22 from 198.51.100.0/24"], ["192.0.2.0"]),
        (["tcp/5432 from any"], ["192.0.2.0", "198.51.100.0/24"]),
    ],
)
def test_rules_without_a_flow_become_comments(flows, kept):
    done = work(settings.Wish(flows=flows))
    said = lines(done) if done.rules else RULES.splitlines()
    alive = [line for line in said if not line.startswith("#")]
    assert [name for name in ("192.0.2.0", "198.51.100.0/24") if any(name in line for line in alive)] == kept
    assert any("127.0.0.1/32" in line for line in alive)
    listens = ("postgres", "ALTER SYSTEM SET listen_addresses = 'localhost'")
    assert (listens in done.statements) == (not flows)


def test_nobody_is_shut_out_whose_password_cannot_prove_itself_the_new_way():
    done = work(settings.Wish(weak_rules=True), md5_passwords=["old"])
    assert "local all all peer" in lines(done)
    assert 'host "my db",other all 127.0.0.1/32 md5' in lines(done)
    assert done.blocked == [
        "15/main: pg_hba.conf: the passwords of old are stored as md5; let them be set anew, then apply again"
    ]


def test_without_a_wish_nothing_changes():
    assert work(settings.Wish()) == settings.Work()
