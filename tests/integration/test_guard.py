# Copyright: (c) 2026, Holdfast contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Changes that lock the operator out are undone by the host itself; only a fresh login that escalates confirms."""

from __future__ import annotations

import hashlib
import json
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from lab.process import run as run_here
from lab.process import wait_for
from tests.integration.bare import BareHost, lay_out_modules
from tests.integration.conftest import _up
from tests.integration.guarded import HOST, OPERATOR, GuardedHost
from tests.integration.sites import lay_out

# What is changed, as whom the play logs in, and a word of what the host must say that it undid.
WAYS = [
    ("sshd", "root", "/etc/ssh/sshd_config.d/00-sabotage.conf"),
    ("firewall", "root", "tables inet sabotage"),
    ("pam", "root", "/etc/pam.d/sshd"),
    ("sudoers", OPERATOR, "/etc/sudoers.d/zz-sabotage"),
]


@pytest.fixture(scope="module", params=["trixie"])
def host(request, _fresh_fleet, tmp_path_factory) -> GuardedHost:
    """One host of its own with a site; the tests leave it open, and without a guard."""
    _up(_fresh_fleet, [f"{HOST}={request.param}"])
    host = GuardedHost(lay_out(tmp_path_factory.mktemp("guard") / "site", _fresh_fleet))
    host.prepare()
    return host


@pytest.fixture(autouse=True)
def _open_afterwards(host: GuardedHost) -> Iterator[None]:
    yield
    host.quiet()
    assert host.open_for()


def digest_of_etc(host: GuardedHost) -> str:
    """Return a digest over names, modes, owners and contents of /etc, and the firewall, made by other means."""
    return host.inside(
        "{ find /etc ! -name 'holdfast-guard-*' ! -name .pwd.lock -printf '%p %m %U %G %l\\n' | sort;"
        " find /etc -type f ! -name 'holdfast-guard-*' ! -name .pwd.lock -exec sha256sum {} + | sort;"
        " nft -s list ruleset; } | sha256sum"
    )


@pytest.mark.parametrize(("way", "user", "undone"), WAYS, ids=[way for way, _, _ in WAYS])
def test_a_lock_out_is_undone_and_on_record(host, way, user, undone, capsys):
    before = digest_of_etc(host)
    done = host.apply(way, user=user)
    assert done.returncode == 2, done.stdout
    assert "the host undid it by itself within" in done.stdout + done.stderr
    assert undone in done.stdout + done.stderr
    assert host.open_for(user)
    assert digest_of_etc(host) == before

    back = host.results("rollback")[-1]
    assert (back["trigger"], back["role"], back["result"]) == ("guard", "sabotage", "restored")
    assert back["files"]["restored"] >= 1
    guards = [guard for one in host.results("deploy") for guard in one.get("guards", ())]
    assert (guards[-1]["id"], guards[-1]["outcome"]) == (back["guard"], "reverted")
    with capsys.disabled():
        print(f"\n{way}: back {back['ms'] / 1000:.1f} s after it was armed (8 s to confirm)")


def test_a_run_that_hangs_in_what_it_cut_off_leaves_nothing_behind(host):
    before, known = digest_of_etc(host), len(host.results("rollback"))
    done = host.apply("cut")
    assert done.returncode in (2, 4), "not confirmed, or not reached any more"
    host.quiet()
    assert digest_of_etc(host) == before, "the task after the one that hung was not carried out, or was undone"
    assert host.site.play("check_drift", "--limit", HOST).returncode == 0
    assert len(host.results("rollback")) == known + 1


def test_what_a_slow_run_did_after_its_guard_is_undone_too(host):
    before = digest_of_etc(host)
    done = host.apply("slow")
    assert done.returncode == 2, done.stdout
    assert "no fresh login confirmed it in time" in done.stdout + done.stderr
    assert "/etc/issue.net" in done.stdout + done.stderr
    assert digest_of_etc(host) == before
    assert host.results("rollback")[-1]["result"] == "restored"


@pytest.mark.parametrize(("way", "user", "undone"), WAYS, ids=[way for way, _, _ in WAYS])
def test_a_lock_out_is_undone_though_the_controller_was_killed(host, way, user, undone, capsys):
    before = digest_of_etc(host)
    killed = host.apply_and_kill(way, "-e", "sabotage_seconds=15", user=user)
    assert not host.open_for(user), "the sabotage locks nobody out, so the test would show nothing"
    seconds = host.recovers(killed, user)
    host.quiet()
    assert digest_of_etc(host) == before
    with capsys.disabled():
        print(f"\n{way}: open again {seconds:.1f} s after the controller was killed (15 s to confirm)")

    known = len(host.results("rollback"))
    assert host.site.play("check_drift", "--limit", HOST).returncode == 0
    assert len(host.results("rollback")) == known + 1, "the next check carries home what the host did alone"
    back = host.results("rollback")[-1]
    assert (back["trigger"], back["role"], back["result"]) == ("guard", "sabotage", "restored")
    opened = [one["predicate"]["step"] for one in host.site.records() if one["predicateType"].endswith("run-open/v1")]
    assert back["of"] == opened[-2]["run_id"]
    assert host.site.play("check_drift", "--limit", HOST).returncode == 0
    assert len(host.results("rollback")) == known + 1, "once"


def test_without_the_guard_the_operator_stays_locked_out(host):
    assert host.apply("sshd", "-e", '{"sabotage_guarded": false}').returncode == 0
    assert not host.open_for()
    end = time.monotonic() + 10  # longer than the guard above needs
    wait_for("the time of a guard to pass", lambda: time.monotonic() > end or None, within=15)
    assert not host.open_for()
    host.inside("rm /etc/ssh/sshd_config.d/00-sabotage.conf; systemctl restart ssh")


def test_a_host_that_is_started_again_before_the_confirmation_goes_back(host):
    host.apply_and_kill("sshd", "-e", "sabotage_seconds=900")
    assert not host.open_for()
    host.site.fleet.kill(HOST)
    host.site.fleet.start(HOST)
    host.recovers(time.monotonic())
    assert host.inside("ls /etc/ssh/sshd_config.d").strip() == ""


def test_what_locks_nobody_out_is_confirmed_by_a_fresh_login(host):
    for user in ("root", OPERATOR):
        done = host.apply("banner", "-e", "sabotage_seconds=60", user=user)
        assert done.returncode == 0, done.stdout + done.stderr
        host.inside("echo old >/etc/issue.net")
    guards = [guard for one in host.results("deploy") for guard in one.get("guards", ())]
    assert [guard["outcome"] for guard in guards[-2:]] == ["confirmed", "confirmed"]
    assert host.inside("cat /etc/issue.net") == "old\n"


def test_a_role_that_changes_nothing_is_confirmed_and_reports_no_change(host):
    done = host.apply("nothing", "-e", "sabotage_seconds=60")
    assert done.returncode == 0, done.stdout + done.stderr
    assert "changed=0" in done.stdout


def test_check_mode_arms_nothing(host):
    before = host.inside("ls /var/lib/holdfast/guards")
    assert host.apply("banner", "--check").returncode == 0
    assert host.inside("ls /var/lib/holdfast/guards") == before


def test_what_is_kept_stays_small(host):
    assert int(host.inside("ls /var/lib/holdfast/images/*.json | wc -l")) <= 2
    assert int(host.inside("du -sk /var/lib/holdfast | cut -f1")) < 20_000


def test_the_audit_has_nothing_to_say_of_guards_and_ways_back(host):
    found = json.loads(host.site.holdfast("audit", "--format", "json").stdout)["findings"]
    # These playbooks were killed, and have no probe at their end: that is all there is to find.
    expected = {"run-never-closed", "deploy-unverified", "outcome-contradicts"}
    assert {one["code"] for one in found} <= expected, found


def test_only_a_fresh_login_with_the_secret_confirms(host, tmp_path: Path):
    bare = BareHost(host.site.fleet, HOST, lay_out_modules(tmp_path / "modules"))
    ssh = ["ssh", "-F", str(host.site.fleet.ssh_config), "-o", f"ControlPath={tmp_path / 'c'}"]
    master = subprocess.Popen([*ssh, "-o", "ControlMaster=yes", "-N", HOST], stdin=subprocess.DEVNULL)
    try:
        nonce = "00" * 32
        wait_for("a connection to reuse", lambda: (tmp_path / "c").exists() or None, within=30)
        armed = bare.module(
            "guard", state="armed", role="sabotage", seconds=60, id="grd_" + "a" * 26, run="test",
            nonce_sha256=hashlib.sha256(nonce.encode()).hexdigest(), declared={},
        )  # fmt: skip
        assert not armed["failed"], armed
        confirm = [*armed["command"], "confirm"]
        reused = run_here([*ssh, "-o", "ControlMaster=no", HOST, *confirm, nonce], check=False)
        assert reused.returncode == 4, "a session over the connection that was open before"
        assert "only a fresh one confirms" in json.loads(reused.stdout)["why"]
        guessed = host.login(argv=[*confirm, "11" * 32])
        assert guessed.returncode == 4
        console = host.inside(" ".join([*confirm, nonce]) + " || true")
        assert json.loads(console)["outcome"] == "refused", "no login at all"
        assert json.loads(host.login(argv=[*confirm, nonce]).stdout)["outcome"] == "confirmed"
    finally:
        master.terminate()
        master.wait()
