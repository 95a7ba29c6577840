# Copyright: (c) 2026, Holdfast contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The health module on a real host with nginx, PostgreSQL and claimsd: healthy, then broken piece by piece."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.integration.bare import BareHost, lay_out_modules

CHECKS: list[dict[str, Any]] = [
    {"id": "nginx", "service": "nginx"},
    {"id": "web", "http": {"url": "http://127.0.0.1/", "contains": "nginx"}},
    {"id": "claims-page", "http": {"url": "http://127.0.0.1:8080/health", "contains": "ok"}},
    {"id": "claims-test", "command": {"argv": ["/usr/bin/claimsd", "--selftest"]}},
    {"id": "db", "sql": {"database": "postgres", "query": "select count(*) from claims_under_test", "expect": "3"}},
    {"id": "ssh", "tcp": {"port": 22}},
]
TABLE = "create table claims_under_test as select * from generate_series(1, 3) as number"


@pytest.fixture
def host(fresh_host: Any, tmp_path: Path) -> BareHost:
    """An untouched host with a table that a check counts the rows of."""
    bare = BareHost(fresh_host.fleet, fresh_host.name, lay_out_modules(tmp_path / "collections"))
    bare.sh(f"runuser -u postgres -- psql -qX -c '{TABLE}'")
    return bare


def failing(host: BareHost, checks: list[dict[str, Any]] | None = None, **more: Any) -> dict[str, str]:
    """The checks that fail, and why."""
    said = host.module("health", checks=checks or CHECKS, expect="report", retries=0, **more)
    assert not said["failed"], said
    return {result["id"]: result["why"] for result in said["results"] if result["result"] == "fail"}


def test_each_kind_of_check_sees_its_own_breakage_and_nothing_else(host: BareHost) -> None:
    well = host.module("health", check=True, checks=CHECKS)
    assert (well["failed"], well["healthy"], well["changed"]) == (False, True, False)
    assert [result["id"] for result in well["results"]] == [check["id"] for check in CHECKS]

    host.sh("systemctl stop nginx")
    assert failing(host) == {"nginx": "nginx is inactive", "web": "Connection refused"}
    host.sh("systemctl start nginx")

    host.sh("runuser -u postgres -- psql -qX -c 'insert into claims_under_test values (4)'")
    assert failing(host) == {"db": "the answer is not the expected one"}
    host.sh("systemctl stop postgresql")
    assert failing(host) == {"db": "no connection to the database"}
    host.sh("systemctl start postgresql && runuser -u postgres -- psql -qX -c 'delete from claims_under_test'")

    host.sh("chmod a-x /usr/bin/claimsd")
    assert failing(host)["claims-test"] == "cannot be started: /usr/bin/claimsd: Permission denied"
    unhealthy = host.module("health", checks=CHECKS, retries=1, delay=0.1)
    assert unhealthy["failed"]
    assert "claims-test: cannot be started" in unhealthy["msg"]


def test_a_query_cannot_write_and_cannot_last(host: BareHost) -> None:
    def ask(query: str, **more: Any) -> list[dict[str, Any]]:
        return [{"id": "db", "timeout": 3.0, "sql": {"database": "postgres", "query": query, "expect": "", **more}}]

    assert failing(host, ask("drop table claims_under_test")) == {"db": "the query failed (psql ended with 1)"}
    assert failing(host, ask("select pg_sleep(60)"))["db"] in (
        "no answer within 3 s",
        "the query failed (psql ended with 1)",
    )
    assert failing(host, ask("select 1", user="nobody-at-all")) == {"db": "the query failed (psql ended with 1)"}
    assert failing(host) == {}


def test_a_service_that_comes_up_late_is_waited_for(host: BareHost) -> None:
    host.sh("systemctl stop nginx && systemd-run --quiet --on-active=3 systemctl start nginx")
    late = host.module("health", checks=CHECKS[:2], retries=60, delay=0.5, deadline=60.0)
    assert (late["failed"], late["healthy"]) == (False, True)
    assert late["results"][0]["looks"] > 1


TLS = """server {
  listen 443 ssl;
  ssl_certificate /etc/nginx/claims.pem;
  ssl_certificate_key /etc/nginx/claims.key;
}
"""

LATE = """[Service]
ExecStart=/bin/sh -c "echo FATAL of before; while ! [ -e /run/go ]; do sleep 0.2; done; echo FATAL 4711; sleep 600"
"""


def test_a_certificate_is_judged_as_clients_judge_it(host: BareHost) -> None:
    host.sh(
        "cd /etc/nginx; openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 20 "
        "-keyout claims.key -out claims.pem -subj /CN=claims.example.org "
        "-addext subjectAltName=DNS:claims.example.org 2>/dev/null; "
        f"printf '%s' '{TLS}' > conf.d/claims.conf; systemctl reload nginx"
    )
    trusted = {"port": 443, "server_name": "claims.example.org", "ca_file": "/etc/nginx/claims.pem"}
    asked: dict[str, dict[str, Any]] = {
        "good": trusted,
        "soon": {**trusted, "days": 30},
        "name": {**trusted, "server_name": "other.example.org"},
        "store": {"port": 443, "server_name": "claims.example.org"},
        "plain": {"port": 80, "server_name": "claims.example.org"},
    }
    found = failing(host, [{"id": name, "tls": argument} for name, argument in asked.items()])
    assert "good" not in found
    assert found["soon"] == "the certificate ends in 19 days, expected 30 or more"
    assert found["name"].startswith("the certificate does not hold: Hostname mismatch")
    assert found["store"].startswith("the certificate does not hold: self")
    assert found["plain"].startswith("TLS: ")


def test_a_bad_line_in_the_journal_ends_the_watch_and_one_of_earlier_does_not(host: BareHost) -> None:
    unit = [{"id": "quiet", "log": {"unit": "claims-late", "pattern": "FATAL|PANIC", "seconds": 20}}]
    assert failing(host, unit) == {"quiet": "there is no unit claims-late.service to have a log (not-found)"}
    host.sh(
        f"printf '%s' '{LATE}' > /run/systemd/system/claims-late.service; "
        "systemctl daemon-reload; systemctl start claims-late"
    )
    # The service says it as soon as it is looked at, so not before the watch begins.
    looked = {"id": "looked", "command": {"argv": ["touch", "/run/go"]}}
    said = host.module("health", checks=[*unit, looked], interval=1.0, retries=0)
    result = said["results"][0]
    assert result["why"].endswith("of the watch no more: 1 new line with the pattern"), result
    assert "4711" not in str(said)
    assert failing(host, [{"id": "quiet", "log": {"unit": "claims-late", "pattern": "FATAL", "seconds": 1}}]) == {}


def test_the_same_answer_before_and_after_and_a_service_that_dies_in_the_watch(host: BareHost) -> None:
    count = {"database": "postgres", "query": "select count(*) from claims_under_test", "same": True}
    asked = [{"id": "claims", "sql": count}]
    before = host.module("health", checks=asked, salt="one run")["results"][0]["digest"]
    asked[0]["before"] = before
    assert not host.module("health", checks=asked, salt="one run")["failed"]
    host.sh("runuser -u postgres -- psql -qX -c 'insert into claims_under_test values (4)'")
    other = host.module("health", checks=asked, salt="one run", retries=0)
    assert other["msg"] == "claims: the answer is another than before the change"

    host.sh("systemd-run --quiet --on-active=3 --timer-property=AccuracySec=100ms systemctl stop nginx")
    dying = host.module("health", checks=[{"id": "nginx", "service": "nginx"}], watch_seconds=30.0, interval=0.5)
    assert dying["failed"]
    assert "of the watch no more: nginx is " in dying["msg"]
