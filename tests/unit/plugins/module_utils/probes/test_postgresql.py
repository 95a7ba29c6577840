# Copyright: (c) 2026, Holdfast contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a PostgreSQL server's own views mean; facts as Debian 12's PostgreSQL 15 gives them."""

from __future__ import annotations

import pytest
from ansible_collections.holdfast.hipaa.plugins.module_utils.probes import postgresql
from ansible_collections.holdfast.hipaa.plugins.module_utils.probes._common import BadArgumentError

MASK = "255.255.255.255"
MASK6 = "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff"


def rule(line, kind, address, netmask, method, error=None):
    return {"line": line, "type": kind, "database": ["all"], "user": ["all"], "address": address, "netmask": netmask,
            "method": method, "error": error}  # fmt: skip


def seen(listen="localhost", rules=(), name="main", **more):
    facts = {
        "settings": {
            "listen_addresses": [listen, "default", False],
            "log_connections": ["on", "configuration file", False],
            "max_connections": ["100", "configuration file", True],
        },
        "rules": [rule(90, "local", None, None, "peer"), rule(97, "host", "127.0.0.1", MASK, "scram-sha-256"), *rules],
        "superusers": ["ana", "postgres"],
        "md5_passwords": ["old"],
        "overrides": [
            ["app", None, "log_statement=none"],
            [None, "billing", "statement_timeout=0"],
            ["app", "billing", "search_path=billing"],
        ],
        "databases": ["postgres"],
    }
    return postgresql.Seen(postgresql.Cluster("15", name, 5432), {**facts, **more}, ["template1"])


def actual(argument, *servers):
    status, value, _why = postgresql.answer(argument, list(servers))
    assert status == "observed"
    return value


def test_a_setting_comes_with_its_source_and_servers_that_differ_are_named():
    assert postgresql.answer({"setting": "log_connections"}, [seen()]) == (
        "observed",
        "on",
        "source: configuration file",
    )
    other = seen(name="other")
    other.facts["settings"]["log_connections"] = ["off", "default", False]
    assert actual({"setting": "log_connections"}, seen(), other) == ["on in 15/main", "off in 15/other"]
    assert postgresql.answer({"setting": "no_such_setting"}, [seen()])[0] == "not_applicable"


@pytest.mark.parametrize(
    ("argument", "value"),
    [
        ("superusers", ["ana", "postgres"]),
        ("md5_passwords", ["old"]),
        ("public_schemas", ["template1"]),
        ("waiting", ["max_connections"]),
        ("overrides", ["log_statement of app", "statement_timeout of billing"]),
        ("weak_rules", []),
        ("plain_rules", []),
        ("flows", []),
    ],
)
def test_lists(argument, value):
    assert actual(argument, seen()) == value


def test_rules_that_prove_nothing_and_lines_that_mean_nothing_are_named():
    rules = [
        rule(1, "local", None, None, "trust"),
        rule(2, "host", "all", None, "md5"),
        rule(3, None, None, None, None, "invalid"),
    ]
    assert actual("weak_rules", seen(rules=rules)) == [
        "line 3: not understood",
        "line 1: local trust",
        "line 2: host md5",
    ]


def test_rules_for_other_hosts_want_tls():
    rules = [
        rule(1, "host", "192.0.2.0", "255.255.255.0", "scram-sha-256"),
        rule(2, "hostssl", "all", None, "scram-sha-256"),
        rule(3, "host", "all", None, "reject"),
        rule(4, "host", "::1", MASK6, "scram-sha-256"),
    ]
    assert actual("plain_rules", seen(rules=rules)) == ["line 1: host scram-sha-256"]


def test_flows_are_what_rules_let_in_where_the_server_listens():
    rules = [
        rule(1, "hostssl", "192.0.2.0", "255.255.255.0", "scram-sha-256"),
        rule(2, "hostssl", "2001:db8::", "ffff:ffff::", "scram-sha-256"),
        rule(3, "hostssl", "0.0.0.0", "0.0.0.0", "cert"),  # noqa: S104 -- a rule's network, nothing binds to it
        rule(4, "host", "198.51.100.0", "255.255.255.0", "reject"),
        rule(5, "host", "samenet", None, "scram-sha-256"),
    ]
    assert actual("flows", seen("*", rules)) == [
        "tcp/5432 from 192.0.2.0/24",
        "tcp/5432 from 2001:db8::/32",
        "tcp/5432 from any",
        "tcp/5432 from samenet",
    ]
    assert actual("flows", seen("localhost, ::1", rules)) == []
    assert actual("flows", seen("*")) == ["tcp/5432 open, though no rule lets anybody in"]


def test_findings_of_several_servers_name_theirs():
    assert actual("superusers", seen(), seen(name="b", superusers=["postgres"])) == [
        "ana in 15/main",
        "postgres in 15/main",
        "postgres in 15/b",
    ]


def test_identifiers_are_quoted():
    assert postgresql.quoted('a"b; DROP') == '"a""b; DROP"'


def test_no_server_is_not_applicable_and_a_question_nobody_could_answer_is_refused():
    assert postgresql.answer("superusers", None)[0] == "not_applicable"
    for argument in ("colour", {"setting": "a b"}, {"setting": "x; DROP TABLE"}, {"name": "fsync"}):
        with pytest.raises(BadArgumentError):
            postgresql.check(argument)
