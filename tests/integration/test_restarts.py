# Copyright: (c) 2026, Holdfast contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The module service_restarts on real hosts: nginx, PostgreSQL, a Python service, sshd, systemd, services that hang."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from lab.process import wait_for
from tests.integration.bare import BareHost, lay_out_modules

STUBBORN = """[Service]
ExecStart=/usr/local/lib/stubborn infinity
ExecStop=/bin/sleep infinity
TimeoutStopSec=infinity
"""
BROKEN = """[Service]
ExecStartPre=/usr/bin/test ! -e /run/broken
ExecStart=/usr/local/lib/broken infinity
"""
STARTED = "runuser -u postgres -- psql -qXtAc 'select pg_postmaster_start_time()'"


@pytest.fixture
def host(fresh_host: Any, tmp_path: Path) -> BareHost:
    """An untouched host."""
    return BareHost(fresh_host.fleet, fresh_host.name, lay_out_modules(tmp_path / "collections"))


def renew(host: BareHost, *paths: str) -> None:
    """Replace files as dpkg does: another file takes the name, and who runs the old one goes on with it."""
    for path in paths:
        host.sh(f"f=$(readlink -f {path}); cp -p $f $f.dpkg-new; touch $f.dpkg-new; mv $f.dpkg-new $f")


def service(host: BareHost, name: str, unit: str) -> None:
    """Start a service of the test's own, whose program can be replaced."""
    host.sh(f"cp /bin/sleep /usr/local/lib/{name}; printf '%s' '{unit}' > /etc/systemd/system/{name}.service")
    host.sh(f"systemctl daemon-reload; systemctl start {name}")


def started(host: BareHost, unit: str) -> str:
    """What changes with each start of a unit."""
    return host.sh(f"systemctl show -P InvocationID {unit}").strip()


@pytest.mark.parametrize("fresh_host", ["bookworm", "trixie"], indirect=True)
def test_what_runs_on_replaced_files_is_restarted_and_what_is_protected_waits(host: BareHost) -> None:
    cluster = host.sh("pg_lsclusters -h").split()
    database = f"postgresql@{cluster[0]}-{cluster[1]}.service"
    old = host.sh(STARTED)
    workers = set(host.sh("pgrep -x nginx").split())
    assert len(workers) > 1
    renew(host, "/usr/sbin/nginx", f"/usr/lib/postgresql/{cluster[0]}/bin/postgres", "/usr/bin/claimsd")

    would = host.module("service_restarts", check=True, protected=["postgresql*"])
    assert set(would["restarted"]) >= {"claimsd.service", "nginx.service"}
    assert would["waiting"] == [database]
    assert set(host.sh("pgrep -x nginx").split()) == workers, "check mode restarts nothing"

    done = host.module("service_restarts", protected=["postgresql*"])
    assert not done["failed"], done
    assert (done["restarted"], done["waiting"], done["hung"]) == (would["restarted"], [database], [])
    assert not workers & set(host.sh("pgrep -x nginx").split())
    assert host.sh(STARTED) == old, "a protected service is not touched"
    listed = host.module("service_restarts", default="list")
    assert (listed["changed"], listed["waiting"]) == (False, [database])

    opened = host.module("service_restarts", protected=["postgresql*"], open=True)
    assert (opened["restarted"], opened["waiting"]) == ([database], [])
    assert host.sh(STARTED) != old
    again = host.module("service_restarts")
    assert (again["changed"], again["restarted"], again["waiting"]) == (False, [], [])


def test_a_stop_that_hangs_ends_and_a_service_that_does_not_come_back_is_named(host: BareHost) -> None:
    service(host, "stubborn", STUBBORN)
    service(host, "broken", BROKEN)
    before = started(host, "stubborn.service")
    renew(host, "/usr/local/lib/stubborn", "/usr/local/lib/broken", "/usr/sbin/nginx")
    host.sh("touch /run/broken")
    done = host.module("service_restarts", timeout=3.0)
    assert done["failed"]
    assert done["msg"].startswith("not running again after the restart: broken.service: ")
    assert (done["restarted"], done["hung"]) == (["nginx.service", "stubborn.service"], ["stubborn.service"])
    assert started(host, "stubborn.service") != before
    assert done["ms"] < 30_000


def test_sshd_is_restarted_under_its_own_session_and_systemd_takes_up_new_files(host: BareHost) -> None:
    before = started(host, "ssh.service")
    renew(host, "/usr/sbin/sshd", "/usr/lib/systemd/systemd")
    done = host.module("service_restarts")
    assert not done["failed"], done
    assert {"init.scope", "ssh.service"} <= set(done["restarted"])
    assert started(host, "ssh.service") != before
    assert "(deleted)" not in host.sh("readlink /proc/1/exe")


def test_what_no_unattended_restart_may_touch_is_left_and_named(host: BareHost) -> None:
    host.sh("cp /bin/sleep /usr/lib/loner; setsid -f /usr/lib/loner infinity >/dev/null 2>&1 </dev/null")
    host.sh("systemd-run --quiet /usr/lib/loner 9999")
    bus = started(host, "dbus.service")

    def both() -> bool | None:
        return True if len(host.sh("pgrep -fx '/usr/lib/loner .*' || true").split()) == 2 else None

    wait_for("both processes to run", both, within=20)
    renew(host, "/usr/lib/loner", "/usr/bin/dbus-daemon")
    done = host.module("service_restarts", protected=["*"], open=True)
    left = {one["unit"]: one["why"] for one in done["left"]}
    assert "ends sessions" in left["dbus.service"]
    assert any(unit.startswith("run-") and "started by hand" in why for unit, why in left.items())
    assert started(host, "dbus.service") == bus
