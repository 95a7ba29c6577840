# Copyright: (c) 2026, Holdfast contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The package modules on a host of dnf: a real repository, cut off, tampered with, locked, killed, and the way back."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from lab.process import wait_for
from tests.integration.bare import BareHost
from tests.integration.patched import STAGE, own_host, plan, there
from tests.integration.rpm_host import installed, make, plan_lines, publish, reset

pytestmark = pytest.mark.archive
"""The host gets dnf and rpm from the Debian archive."""

CONFIGURATION = "cd /etc/clinic && sha256sum * 2>/dev/null"


@pytest.fixture(scope="module")
def rpm_host(tmp_path_factory: pytest.TempPathFactory) -> Iterator[BareHost]:
    """A host whose packages are RPM's: dpkg's list of its own was put aside."""
    with own_host("dnf", "bookworm", tmp_path_factory.mktemp("dnf")) as host:
        make(host)
        yield host


@pytest.fixture
def host(rpm_host: BareHost) -> BareHost:
    """That host, with every toy at 1.0."""
    reset(rpm_host)
    return rpm_host


def state(host: BareHost, *only: str, **asked: Any) -> dict[str, Any]:
    """Ask what is pending of these packages."""
    answer = host.module("package_state", manager="dnf", refresh=True, only=list(only), **asked)
    assert not answer["failed"], answer
    return answer


def locked(host: BareHost, *only: str) -> dict[str, Any]:
    """Plan these packages and stage them; return the arguments of the modules that act on the plan."""
    found = {"manager": "dnf", **plan(plan_lines(state(host, *only)))}
    assert found["packages"]
    staged = host.module("package_stage", **found)
    assert not staged["failed"], staged
    return found


def obstacles(host: BareHost, *only: str) -> dict[str, str]:
    """What is in the way: kind and subject, to what was found."""
    return {f"{one['kind']} {one['subject']}": one["found"] for one in state(host, *only, obstacles=True)["obstacles"]}


def kill_in_script(host: BareHost, acting: dict[str, Any]) -> None:
    """Begin to apply, and kill dnf while a package's script runs."""
    host.sh("touch /run/toy-wait")
    process = host.start("package_apply", **acting)
    there(host, "/run/toy-reached")
    host.sh("kill -9 $(cat /var/lib/dnf/rpmdb_lock.pid); rm -f /run/toy-wait /run/toy-reached")
    out, err = process.communicate(timeout=120)
    assert "without an answer" in out + err


def test_updates_go_in_and_come_out_again_exactly_with_the_repository_cut_off(host: BareHost) -> None:
    before, configuration = installed(host), host.sh(CONFIGURATION)
    found = state(host, "claimedit", "toy-epoch")
    assert found["manager"] == "dnf"
    assert (found["release"], found["arch"]) == ("bookworm", host.sh("rpm --eval '%{_arch}'").strip())
    assert found["lists"]["measured"]
    assert [(one["name"], one["signature"]) for one in found["lists"]["sources"]] == [("lab-rpms", "good")]
    lines = {one["name"]: (one["from"], one["to"], one["security"]) for one in found["updates"]}
    assert lines == {
        "claimedit": ("1.0-1", "1.2-1", True),
        "claimedit-rates": ("1.0-1", "1.1-1", True),
        "toy-epoch": ("1.0-1", "1:0.9~rc1-2", True),
    }, "what an update needs comes with it"
    assert found["cves"]["claimedit/1.2-1"] == ["CVE-2026-1001", "CVE-2026-1007"]

    acting = locked(host, "claimedit", "toy-epoch")
    host.sh("systemctl stop lab-rpms")
    forecast = host.module("package_apply", check=True, **acting)
    assert {one["name"] for one in forecast["products"]} == set(lines)
    assert installed(host) == before, "check mode changes nothing"

    done = host.module("package_apply", **acting)
    assert not done["failed"], done
    assert {one["name"]: one["to"] for one in done["products"]} == {name: line[1] for name, line in lines.items()}
    assert installed(host) == {**before, **{name: line[1] for name, line in lines.items()}}
    assert not host.module("package_apply", **acting)["changed"]
    told = host.sh("dnf --quiet history info last 2>/dev/null")
    assert "holdfast apply" in told, "dnf's own history names who did it"

    back = host.module("package_restore", **acting)
    assert not back["failed"], back
    assert installed(host) == before
    assert host.sh(CONFIGURATION) == configuration
    assert not host.module("package_restore", **acting)["changed"]


def test_a_newer_version_published_after_the_plan_is_not_taken(host: BareHost) -> None:
    publish(host, "claimedit=1.1")
    lines = plan_lines(state(host, "claimedit"))
    publish(host)
    acting = {"manager": "dnf", **plan(lines)}
    assert not host.module("package_stage", **acting)["failed"]
    assert not host.module("package_apply", **acting)["failed"]
    assert installed(host)["claimedit"] == "1.1-1"


def test_a_plan_that_lacks_what_an_update_needs_is_refused(host: BareHost) -> None:
    acting = locked(host, "claimedit")
    acting["packages"] = [one for one in acting["packages"] if one["name"] == "claimedit"]
    before = installed(host)
    refused = host.module("package_apply", **acting)
    assert refused["failed"]
    assert "claimedit-rates >= 1.1" in refused["msg"]
    assert installed(host) == before


def test_what_no_plan_removes_is_not_removed(host: BareHost) -> None:
    found = state(host, "toy-heir")
    assert [one["name"] for one in found["removals"]] == ["toy-victim"], "and no plan is made of that"
    acting = locked(host, "toy-heir")
    refused = host.module("package_apply", **acting)
    assert [(one["package"], one["found"]) for one in refused["refused"]] == [("toy-victim", "a removal")]
    assert installed(host)["toy-victim"] == "1.0-1"


def test_what_was_tampered_with_or_proves_nothing_is_refused(host: BareHost) -> None:
    unsigned = {"manager": "dnf", **plan(plan_lines(state(host, "toy-unsigned")))}
    refused = host.module("package_stage", **unsigned)
    assert refused["failed"]
    assert refused["refused"][0]["found"] == "no signature"
    host.sh(f"install -m 0600 /srv/rpms/pool/toy-unsigned-*.rpm {STAGE}/")
    by_another_way = host.module("package_apply", **unsigned)
    assert by_another_way["refused"][0]["found"] == "no signature"

    acting = locked(host, "clinic-settings")
    host.sh("rpm -e gpg-pubkey")
    assert "SIGNATURES NOT OK" in host.module("package_apply", **acting)["msg"]
    host.sh("rpmkeys --import /etc/pki/rpm-gpg/lab.asc")
    file = f"{STAGE}/clinic-settings-1.1-1.noarch.rpm"
    host.sh(f"printf x | dd of={file} bs=1 seek=3000 conv=notrunc status=none")
    assert "with SHA-256" in host.module("package_apply", **acting)["refused"][0]["found"]
    assert set(installed(host).values()) == {"1.0-1"}


def test_obstacles_are_named_beforehand_and_nothing_is_changed(host: BareHost) -> None:
    acting = locked(host, "clinic-settings")
    host.sh("dnf --quiet versionlock add clinic-settings 2>/dev/null")
    named = obstacles(host, "clinic-settings")
    assert named["versionlock clinic-settings:noarch"].startswith("1.1-1: dnf's versionlock")
    assert state(host, "clinic-settings")["held"] == ["clinic-settings:noarch"]
    assert host.module("package_apply", **acting)["refused"][0]["found"] == "a versionlock"

    host.sh(": > /etc/dnf/plugins/versionlock.list; sed -i '/^.main.$/a excludepkgs=clinic*' /etc/dnf/dnf.conf")
    assert "pinned clinic-settings:noarch" in obstacles(host, "clinic-settings")
    host.sh("sed -i '/^excludepkgs=/d' /etc/dnf/dnf.conf; sed -i 's/^gpgcheck=1/gpgcheck=0/' /etc/yum.repos.d/*.repo")
    assert obstacles(host, "clinic-settings")["unsigned lab-rpms"].startswith("gpgcheck=0")
    host.sh("sed -i 's/^gpgcheck=0/gpgcheck=1/' /etc/yum.repos.d/*.repo; echo ours >> /etc/clinic/keep.conf")
    assert "conffile /etc/clinic/keep.conf" in obstacles(host, "clinic-settings")
    host.sh("echo broken >> /srv/rpms/www/repodata/repomd.xml")
    assert "unsigned lab-rpms" in obstacles(host, "clinic-settings"), "its signature does not hold any more"
    host.sh("systemctl stop lab-rpms")
    assert "no_archive lab-rpms" in obstacles(host, "clinic-settings")
    assert set(installed(host).values()) == {"1.0-1"}


def test_a_host_of_two_managers_is_asked_for_by_name(host: BareHost) -> None:
    refused = host.module("package_state", pending=False)
    assert refused["failed"]
    assert "packages of both dpkg and RPM" in refused["msg"]
    assert "labbase:noarch" in host.module("package_state", pending=False, manager="dnf")["installed"]
    assert "base-files:amd64" in host.module("package_state", pending=False, manager="apt")["installed"]


def test_configuration_is_what_was_decided_and_comes_back_byte_by_byte(host: BareHost) -> None:
    host.sh("echo ours >> /etc/clinic/keep.conf; echo ours >> /etc/clinic/plain.conf; chmod 600 /etc/clinic/plain.conf")
    look = "cd /etc/clinic && stat -c '%n %a %U' * && sha256sum *"
    before = host.sh(look)
    acting = locked(host, "clinic-settings")
    undecided = host.module("package_apply", conffiles=[], **acting)
    assert {one["package"] for one in undecided["refused"]} == {"/etc/clinic/keep.conf", "/etc/clinic/plain.conf"}
    for decision in ("keep", "replace"):
        decisions = [{"path": f"/etc/clinic/{name}.conf", "decision": decision} for name in ("keep", "plain")]
        done = host.module("package_apply", conffiles=decisions, **acting)
        assert not done["failed"], done
        ends = host.sh("tail -qn1 /etc/clinic/keep.conf /etc/clinic/plain.conf").split("\n")[:2]
        assert ends == (["ours"] * 2 if decision == "keep" else ["made by 1.1"] * 2)
        back = host.module("package_restore", **acting)
        assert not back["failed"], back
        assert host.sh(look) == before


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


def test_whoever_holds_the_database_is_named_and_waited_for(host: BareHost, tmp_path: Path) -> None:
    acting = locked(host, "clinic-settings")
    host.sh("touch /run/toy-wait; cd /srv/rpms/pool; "
            "systemd-run --quiet --collect --unit=other-rpm rpm --upgrade toy-slow-1.1-1.noarch.rpm")  # fmt: skip
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
