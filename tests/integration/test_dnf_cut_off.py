# Copyright: (c) 2026, Holdfast contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The package modules on a host of dnf that is cut off in the middle: failed scripts, killed transactions, locks."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from typing import Any

import pytest

from lab.process import wait_for
from tests.integration.bare import BareHost
from tests.integration.patched import own_host, there
from tests.integration.rpm_host import installed, locked, make, obstacles, reset

pytestmark = [pytest.mark.archive, pytest.mark.waves]
"""The host gets dnf and rpm from the Debian archive."""


@pytest.fixture(scope="module")
def rpm_host(tmp_path_factory: pytest.TempPathFactory) -> Iterator[BareHost]:
    """A host with an RPM database of its own."""
    with own_host("dnf-cut", "bookworm", tmp_path_factory.mktemp("dnf")) as host:
        make(host)
        yield host


@pytest.fixture
def host(rpm_host: BareHost) -> BareHost:
    """That host, with every toy at 1.0."""
    reset(rpm_host)
    return rpm_host


def kill_in_script(host: BareHost, acting: dict[str, Any]) -> None:
    """Begin to apply, and kill dnf while a package's script runs."""
    host.sh("touch /run/toy-wait")
    process = host.start("package_apply", **acting)
    there(host, "/run/toy-reached")
    host.sh("kill -9 $(cat /var/lib/dnf/rpmdb_lock.pid); rm -f /run/toy-wait /run/toy-reached")
    out, err = process.communicate(timeout=120)
    assert "without an answer" in out + err


def test_a_script_that_fails_is_a_failure_though_rpm_calls_it_none(host: BareHost) -> None:
    acting = locked(host, "toy-post")
    failed = host.module("package_apply", **acting)
    assert failed["failed"]
    assert "Error in POSTIN scriptlet in rpm package toy-post" in failed["msg"]
    assert "unfinished toy-post:noarch" in obstacles(host, "toy-post")
    assert host.module("package_apply", **acting)["failed"], "it fails again, and is not taken for done"
    assert not host.module("package_restore", **acting)["failed"]
    assert installed(host)["toy-post"] == "1.0-1"
    assert "unfinished toy-post:noarch" not in obstacles(host, "toy-post")


@pytest.mark.parametrize(("verb", "ends"), [("apply", "1.1-1"), ("restore", "1.0-1")])
def test_a_killed_transaction_is_named_mended_and_ended_either_way(host: BareHost, verb: str, ends: str) -> None:
    other = locked(host, "clinic-settings")
    acting = locked(host, "toy-slow")
    kill_in_script(host, acting)
    assert installed(host)["toy-slow"] == "1.0-1 and 1.1-1"
    named = obstacles(host, "toy-slow")
    assert named["unfinished toy-slow:noarch"] == "1.0-1 and 1.1-1 at once"
    assert any(one.startswith("interrupted dnf") for one in named)
    foreign = host.module("package_apply", **other)
    assert foreign["refused"][0]["do"] == "mend it by hand: no plan names it"

    done = host.module(f"package_{verb}", **acting)
    assert not done["failed"], done
    assert [(step["step"], step["result"]) for step in done["steps"]] == [("repair", "done")]
    assert installed(host)["toy-slow"] == ends
    assert host.sh("rpm -V toy-slow") == ""
    left = obstacles(host, "toy-slow")
    assert not [one for one in left if one.startswith(("unfinished", "interrupted", "broken"))]


def test_whoever_holds_the_database_is_named_and_waited_for(host: BareHost) -> None:
    acting = locked(host, "clinic-settings")
    host.sh("touch /run/toy-wait; systemd-run --quiet --collect --unit=other-rpm "
            "rpm --upgrade /srv/rpms/pool/toy-slow-1.1-1.noarch.rpm")  # fmt: skip
    there(host, "/run/toy-reached")
    refused = host.module("package_apply", lock_timeout=1, **acting)
    assert "held by rpm" in refused["refused"][0]["found"]
    assert "lock rpm" in obstacles(host, "clinic-settings")
    process = host.start("package_apply", lock_timeout=90, **acting)
    host.sh("rm /run/toy-wait")
    out, _err = process.communicate(timeout=120)
    assert process.returncode == 0, out
    assert installed(host)["clinic-settings"] == "1.1-1"


def test_a_controller_that_dies_leaves_a_host_that_ends_its_work(host: BareHost) -> None:
    acting = locked(host, "toy-slow")
    host.sh("touch /run/toy-wait")
    process = host.start("package_apply", **acting)
    there(host, "/run/toy-reached")
    os.killpg(process.pid, signal.SIGKILL)
    process.communicate()
    host.sh("rm /run/toy-wait")

    def whole() -> bool | None:
        return installed(host)["toy-slow"] == "1.1-1" or None

    wait_for("dnf to end its work", whole, within=60)
    again = host.module("package_apply", **acting)
    assert not again["failed"], again
    assert again["products"] == []
