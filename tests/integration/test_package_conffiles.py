# Copyright: (c) 2026, Holdfast contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Configuration files of packages: decided path by path on the way forward, byte by byte as before on the way back."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.integration.bare import BareHost
from tests.integration.patched import STAGE, install, installed, kill_all, own_host, plan, stage, there
from tests.integration.toys import WAIT, Toy, line

FIRST = {"/etc/toy/kept": "first\n", "/etc/toy/replaced": "first\n", "/etc/toy/plain": "first\n",
         "/etc/toy/gone": "first\n"}  # fmt: skip
SECOND = dict.fromkeys(FIRST, "second\n") | {"/etc/toy/new": "second\n"}
SHOW = "cd /etc/toy && for f in $(ls -A | sort); do stat -c '%n %a %U:%G' $f; cat $f; done"
CLEAN = f"""
rm -rf /run/toy-* {STAGE} /root/toy*
dpkg --force-all --purge $(dpkg-query -W -f '${{Package}}\\n' 'toy*') >/dev/null
rm -rf /etc/toy
"""


@pytest.fixture(scope="module")
def own(tmp_path_factory: pytest.TempPathFactory) -> Iterator[BareHost]:
    """One host for this file."""
    with own_host("conffiles", "bookworm", tmp_path_factory.mktemp("own")) as host:
        yield host


@pytest.fixture
def host(own: BareHost) -> Iterator[BareHost]:
    """The host; it loses its toys afterwards."""
    yield own
    own.sh(CLEAN)


def decide(**decisions: str) -> list[dict[str, str]]:
    """A plan's decisions, by the last part of the path."""
    return [{"path": f"/etc/toy/{name}", "package": "toy", "decision": one} for name, one in decisions.items()]


def lay_out(host: BareHost, debs: Path, **scripts: str) -> dict[str, Any]:
    """Toys at 1.0 whose files somebody changed, 1.1 staged with the way back; the plan's arguments."""
    old = Toy("toy", "1.0", conffiles=FIRST).build(debs)
    new = Toy("toy", "1.1", conffiles=SECOND, scripts=scripts).build(debs)
    install(host, old)
    host.sh("cd /etc/toy && echo ours >> kept && echo ours >> replaced && chmod 0640 replaced && rm gone")
    stage(host, old, new)
    return plan([line("toy", old, new)])


def test_each_file_goes_its_own_way_forward_and_comes_back_as_it_was(host: BareHost, tmp_path: Path) -> None:
    asked = lay_out(host, tmp_path)
    before, versions = host.sh(SHOW), installed(host)
    decisions = decide(kept="keep", replaced="replace", gone="keep")

    looked = host.module("package_apply", check=True, **asked, conffiles=decisions)
    assert {one["path"]: one["decision"] for one in looked["conffiles"]} == {
        one["path"]: one["decision"] for one in decisions
    }
    assert host.sh(SHOW) == before

    applied = host.module("package_apply", **asked, conffiles=decisions)
    assert not applied["failed"], applied
    now = host.sh("cd /etc/toy && cat kept replaced plain new; stat -c %a replaced; ls")
    assert now.splitlines() == [
        "first", "ours", "second", "second", "second", "640", "gone.dpkg-dist", "kept", "kept.dpkg-dist", "new",
        "plain", "replaced",
    ]  # fmt: skip
    (told,) = [one for one in applied["conffiles"] if one["path"].endswith("/replaced")]
    assert told["found_sha256"] == hashlib.sha256(b"first\nours\n").hexdigest()
    assert told["offered_sha256"] == hashlib.sha256(b"second\n").hexdigest()
    assert host.sh(f"cat {told['diff']} | tail -3").splitlines() == ["-first", "-ours", "+second"]
    assert host.sh(f"stat -c '%a %U' {told['diff']} {STAGE}/conffiles").splitlines() == ["600 root", "700 root"]

    for _turn in ("back", "and once more after going forward again"):
        restored = host.module("package_restore", **asked)
        assert not restored["failed"], restored
        assert (host.sh(SHOW), installed(host)) == (before, versions)
        assert restored["conffiles_conflicts"] == []
        assert "/etc/toy/replaced" in restored["conffiles_restored"]
        assert not host.module("package_restore", **asked)["changed"]
        assert host.module("package_apply", **asked, conffiles=decisions)["changed"]
        assert host.sh("cat /etc/toy/new /etc/toy/replaced") == "second\nsecond\n"


def test_a_question_nobody_decided_and_one_policy_stops_at_refuse_before_anything_changes(
    host: BareHost, tmp_path: Path
) -> None:
    asked = lay_out(host, tmp_path)
    before, versions = host.sh(SHOW), installed(host)
    every = {"kept": "keep", "replaced": "replace", "gone": "keep"}
    for decisions, said in (
        (decide(kept="keep", gone="keep"), "toy (all) /etc/toy/replaced: found changed on this host"),
        (decide(kept="keep", replaced="replace"), "toy (all) /etc/toy/gone: found deleted on this host"),
        (decide(**{**every, "replaced": "stop"}), "toy (all) /etc/toy/replaced: found changed on this host"),
        ([{"path": "toy", "package": "toy", "decision": "keep"}], "toy: found no absolute path"),
    ):
        answer = host.module("package_apply", **asked, conffiles=decisions)
        assert answer["failed"], answer
        assert said in answer["msg"]
        assert (host.sh(SHOW), installed(host)) == (before, versions)


def test_what_somebody_changed_after_the_update_is_named_and_left_alone(host: BareHost, tmp_path: Path) -> None:
    asked = lay_out(host, tmp_path)
    assert host.module("package_apply", **asked)["changed"]
    host.sh("echo later > /etc/toy/plain")
    restored = host.module("package_restore", **asked)
    assert (restored["failed"], restored["conffiles_conflicts"]) == (False, ["/etc/toy/plain"])
    assert host.sh("cat /etc/toy/plain") == "later\n"
    assert installed(host)["toy:all"] == "ii 1.0"


def test_an_update_that_was_killed_in_the_middle_goes_back_to_the_files_before_it(
    host: BareHost, tmp_path: Path
) -> None:
    asked = lay_out(host, tmp_path, postinst="echo scripted > /etc/toy/kept\n" + WAIT.replace("@", "postinst"))
    before, versions = host.sh(SHOW), installed(host)
    host.sh("touch /run/toy-wait-postinst")
    controller = host.start("package_apply", **asked, conffiles=decide(kept="keep", replaced="replace", gone="keep"))
    there(host, "/run/toy-reached-postinst")
    kill_all(host)
    controller.communicate()
    host.sh("rm /run/toy-wait-postinst")
    assert "scripted" in host.sh("cat /etc/toy/kept")
    restored = host.module("package_restore", **asked)
    assert not restored["failed"], restored
    assert (host.sh(SHOW), installed(host)) == (before, versions)
