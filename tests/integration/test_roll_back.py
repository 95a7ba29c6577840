# Copyright: (c) 2026, Holdfast contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""A change is taken back by its id: to the digest before it, but for what somebody changed in between."""

from __future__ import annotations

import pytest

from tests.integration.conftest import _up
from tests.integration.guarded import HOST, GuardedHost
from tests.integration.sites import lay_out

# Everything an image holds, read by other means than the product's.
STATE = r"""
find /etc /root -maxdepth 0 -printf '%p %m %U %G\n'
find /etc ! -name 'holdfast-guard-*' ! -name .pwd.lock ! -name ld.so.cache -printf '%p %y %m %U %G %l\n' | sort
find /etc -type f ! -name .pwd.lock ! -name ld.so.cache -exec sha256sum {} + | sort
find /proc/sys/net -type f -perm -600 ! -name '*flush' ! -name '*secret*' ! -name '*key' \
    -exec grep -H . {} + 2>/dev/null | sort || true
systemctl list-units --plain --no-legend --state=active '*.service' '*.timer' '*.socket' | awk '{print $1}' \
    | grep -v -e holdfast-guard -e session -e user | sort
nft -s list ruleset
dpkg-query -W
awk '{print $5, $6}' /proc/self/mountinfo | grep -v /run/ | sort
"""


@pytest.fixture(scope="module")
def host(_fresh_fleet, tmp_path_factory) -> GuardedHost:
    """One host of its own with a site, and a role of the site's own that touches more than /etc."""
    _up(_fresh_fleet, [f"{HOST}=bookworm"])
    host = GuardedHost(lay_out(tmp_path_factory.mktemp("back") / "site", _fresh_fleet))
    host.prepare()
    host.inside(
        "systemctl start cron nginx; sysctl -q -w net.ipv4.ip_forward=1; echo old >/etc/issue.net; touch /etc/motd"
    )
    return host


def state(host: GuardedHost) -> list[str]:
    """Return the state of the host, line by line."""
    return host.inside(STATE).splitlines()


def change_of(host: GuardedHost) -> str:
    """Return the id of the newest remediation."""
    opened = [one["predicate"] for one in host.site.records() if one["predicateType"].endswith("run-open/v1")]
    return str(next(one for one in reversed(opened) if one["step"]["kind"] == "remediate")["change_id"])


def back(host: GuardedHost, *extra: str):
    return host.site.play("roll_back", "-e", f"change={change_of(host)}", *extra)


def test_a_change_of_every_kind_is_taken_back_to_the_digest_before(host):
    before = state(host)
    done = host.settings("settings")
    assert done.returncode == 0, done.stdout + done.stderr
    changed = state(host)
    assert len(set(before) ^ set(changed)) > 15
    (images,) = [one["images"] for one in host.results("deploy") if "images" in one]

    checked = back(host, "--check")
    assert checked.returncode == 0, checked.stdout + checked.stderr
    assert state(host) == changed, "check mode puts nothing back"

    done = back(host)
    assert done.returncode == 0, done.stdout + done.stderr
    assert sorted(set(state(host)) ^ set(before)) == []
    assert "its digest is as before" in done.stdout
    result = host.results("rollback")[-1]
    assert (result["trigger"], result["result"], result["files"]["kept"]) == ("request", "restored", 0)
    assert result["images"] == {"before": images["after"], "after": images["before"]}
    assert {"name": "holdfast-toy:all", "from": "1.0", "to": None} in result["products"]
    assert host.open_for()


def test_what_was_edited_by_hand_in_between_is_kept_and_named(host):
    before = state(host)
    assert host.settings("settings").returncode == 0
    host.inside(
        "echo 'by hand' >/etc/issue.net; sysctl -q -w net.ipv4.conf.all.log_martians=0; touch /etc/holdfast-test/mine"
    )
    done = back(host)
    assert done.returncode == 2, done.stdout + done.stderr
    for name in ("/etc/issue.net", "/etc/holdfast-test"):
        assert f"kept as it is now: {name}" in done.stdout
    assert host.inside("cat /etc/issue.net") == "by hand\n"
    left = {line.split()[0].partition(":")[0] for line in set(state(host)) ^ set(before) if "/etc/" in line}
    result = host.results("rollback")[-1]
    assert result["result"] == "partial"
    assert result["files"]["kept"] == 2
    assert all(not path.startswith("/etc/") or "issue.net" in path or "holdfast-test" in path for path in left), left
    host.inside("rm -r /etc/holdfast-test; echo old >/etc/issue.net; chmod 0644 /etc/issue.net")
    assert sorted(set(state(host)) ^ set(before)) == []


def test_a_change_whose_controller_was_killed_can_be_taken_back(host):
    before = state(host)
    host.kill_when_applied(host.settings_command("settings"), "settings_marker")
    assert state(host) != before
    done = back(host)
    assert done.returncode == 0, done.stdout + done.stderr
    assert sorted(set(state(host)) ^ set(before)) == []


def test_a_remediation_to_the_baseline_is_taken_back(host):
    before = state(host)
    done = host.site.play("remediate", "--limit", HOST)
    assert done.returncode == 0, done.stdout + done.stderr
    assert len(set(before) ^ set(state(host))) > 50
    done = back(host)
    assert done.returncode == 0, done.stdout + done.stderr
    assert sorted(set(state(host)) ^ set(before)) == []


def test_a_change_that_never_ran_is_refused(host):
    nobody = host.site.play("roll_back", "-e", "change=chg_aaaaaaaaaaaaaaaaaaaaaaaaaa")
    assert nobody.returncode != 0
    assert "this change ran on no host" in nobody.stdout + nobody.stderr
    unnamed = host.site.play("roll_back")
    assert unnamed.returncode == 3
    assert "no change was named" in unnamed.stderr


def test_only_root_sees_what_is_kept(host):
    assert host.inside("stat -c %a /var/lib/holdfast/images") == "700\n"
    assert host.inside("find /var/lib/holdfast/images -type f -perm /077") == ""
