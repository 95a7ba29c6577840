# Copyright: (c) 2026, Holdfast contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Real security updates go in and come out again: afterwards the host is as before, and serves what it served."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.integration.bare import BareHost
from tests.integration.patched import bare, installed, plan, state_of

pytestmark = pytest.mark.waves

WANTED = ["postgresql*", "libpq5", "nginx*", "openssl", "libssl3*", "libexpat1", "tzdata"]
OURS = "/etc/nginx/mime.types"

FILL = """
install -m 0644 /dev/stdin /etc/nginx/conf.d/claims.conf <<'CONF'
server { listen 127.0.0.1:8081; location / { return 200 "claims"; } }
CONF
sed -i '1i # ours' /etc/nginx/mime.types
systemctl reload nginx
cd /
runuser -u postgres -- psql -q -v ON_ERROR_STOP=1 <<'SQL'
CREATE TABLE claims (id int PRIMARY KEY, payer text NOT NULL);
INSERT INTO claims SELECT n, 'payer ' || n % 7 FROM generate_series(1, 5000) n;
CHECKPOINT;
SQL
"""
TALKATIVE = """
DEBIAN_FRONTEND=noninteractive NEEDRESTART_SUSPEND=1 apt-get -q -y install needrestart apt-listchanges >/dev/null 2>&1
"""
"""Both ask in the middle of an installation, where they are let."""
ASK = """
cd /
runuser -u postgres -- psql -At -c "SELECT count(*), md5(string_agg(payer, ',' ORDER BY id)) FROM claims"
runuser -u postgres -- psql -At -c "INSERT INTO claims VALUES (0, 'written') RETURNING payer"
runuser -u postgres -- psql -At -c "DELETE FROM claims WHERE id = 0"
python3 -c 'import ssl, urllib.request; print(urllib.request.urlopen("http://127.0.0.1:8081/").read().decode())'
"""


def seconds(answer: dict[str, Any]) -> float:
    """How long the steps of a run took on the host."""
    return sum(step["ms"] for step in answer["steps"]) / 1000


@pytest.fixture
def host(fresh_host: Any, tmp_path: Path) -> BareHost:
    """An untouched host that serves claims."""
    made = bare(fresh_host.fleet, fresh_host.name, tmp_path)
    made.sh(FILL)
    return made


@pytest.mark.archive
@pytest.mark.parametrize("fresh_host", ["bookworm", "trixie"], indirect=True)
def test_real_updates_come_out_again_and_nothing_tells_the_host_from_before(host: BareHost) -> None:
    before, served = state_of(host), host.sh(ASK)
    assert "5000" in served

    lines = host.module("package_state", refresh=True, only=WANTED)["updates"]
    sources = {one["source"] for one in lines}
    assert len(lines) >= 5, lines
    assert {"nginx", "openssl"} <= sources
    assert any(source.startswith("postgresql-") for source in sources)
    asked = plan(lines)
    assert host.module("package_stage", **asked)["changed"]
    host.fleet.cut_archive(host.name)

    kept = [{"path": OURS, "package": "nginx-common", "decision": "keep"}]
    forward = host.module("package_apply", **asked, conffiles=kept)
    assert not forward["failed"], forward
    changed = dict(installed(host).items() - before.versions.items())
    assert changed == {f"{one['name']}:{one['arch']}": f"ii {one['to']}" for one in lines}
    assert host.sh(ASK) == served
    patched = state_of(host)

    back = host.module("package_restore", **asked)
    assert not back["failed"], back
    assert (before.differences(state_of(host)), host.sh(ASK)) == ({}, served)
    assert back["conffiles_conflicts"] == []
    assert not host.module("package_restore", **asked)["changed"]

    # The same way once more: what the way back left must not change what forward does.
    again = host.module("package_apply", **asked, conffiles=kept)
    assert (again["failed"], patched.differences(state_of(host)), host.sh(ASK)) == (False, {}, served)
    assert seconds(back) > 0
    print(f"{host.name}: {len(lines)} packages of {len(sources)} sources; forward {seconds(forward):.1f} s, "
          f"back {seconds(back):.1f} s, forward again {seconds(again):.1f} s")  # fmt: skip


@pytest.mark.archive
def test_versions_no_archive_has_any_more_come_back_from_what_was_installed(host: BareHost) -> None:
    host.sh(TALKATIVE)
    host.sh("sed -i '/security/!d' /etc/apt/sources.list && test -s /etc/apt/sources.list")  # the point release is gone
    before, served = state_of(host), host.sh(ASK)
    wanted = {"refresh": True, "only": WANTED}
    lost = host.module("package_state", **wanted)["updates"]
    assert len(lost) >= 5
    assert {one["rollback"] for one in lost} == {None}
    assert host.module("package_state", check=True, repack=True, **wanted)["repacked"] == []

    state = host.module("package_state", repack=True, **wanted)
    lines, made = state["updates"], state["repacked"]
    assert {one["rollback"]["from"] for one in lines} == {"repacked"}
    assert {one["name"]: one["changed"] for one in made}["nginx-common"] == [OURS]
    assert host.module("package_state", repack=True, **wanted)["updates"] == lines  # the same bytes each time
    assert host.sh("stat -c '%a %U' /var/lib/holdfast/repacked") == "700 root\n"

    asked = plan(lines)
    staged = host.module("package_stage", **asked)
    assert {one["from"] for one in staged["origins"]} == {"archive", "repacked"}
    host.fleet.cut_archive(host.name)
    forward = host.module("package_apply", **asked)
    assert not forward["failed"], forward
    back = host.module("package_restore", **asked)
    assert not back["failed"], back
    assert (before.differences(state_of(host)), host.sh(ASK)) == ({}, served)
    assert host.sh("dpkg --audit; dpkg --verify openssl postgresql-15 libssl3 libexpat1") == ""
    print(f"{host.name}: {len(lines)} packages back from what was installed in {seconds(back):.1f} s")
