# Copyright: (c) 2026, Holdfast contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The package modules on a host of dnf: a real repository, cut off, tampered with, locked, and the way back."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.integration.bare import BareHost
from tests.integration.patched import STAGE, own_host, plan
from tests.integration.rpm_host import installed, locked, make, obstacles, plan_lines, publish, reset, state

pytestmark = [pytest.mark.archive, pytest.mark.waves]
"""The host gets dnf and rpm from the Debian archive."""

CONFIGURATION = "cd /etc/clinic && sha256sum * 2>/dev/null"


@pytest.fixture(scope="module")
def rpm_host(tmp_path_factory: pytest.TempPathFactory) -> Iterator[BareHost]:
    """A host with an RPM database of its own."""
    with own_host("dnf", "bookworm", tmp_path_factory.mktemp("dnf")) as host:
        make(host)
        yield host


@pytest.fixture
def host(rpm_host: BareHost) -> BareHost:
    """That host, with every toy at 1.0."""
    reset(rpm_host)
    return rpm_host


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
