# Copyright: (c) 2026, Holdfast contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What surrounds a change on a host: apt's timers, hung scripts, questions, torn packages, and ways back made here."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from lab.process import wait_for
from tests.integration.bare import BareHost
from tests.integration.patched import SECONDS, STAGE, install, installed, kill_all, own_host, plan, stage, there
from tests.integration.toys import WAIT, Toy, line

TIMERS = "apt-daily.timer apt-daily-upgrade.timer"
RESUME = "holdfast-resume-timers"
CLEAN = f"""
rm -rf /run/toy-* /run/systemd/system/apt-daily-upgrade.service.d {STAGE} /root/toy* /etc/toy
systemctl daemon-reload
systemctl start {TIMERS}
toys=$(dpkg-query -W -f '${{Package}}\\n' 'toy*')
dpkg --force-all --purge $toys >/dev/null
"""


@pytest.fixture(scope="module")
def own(tmp_path_factory: pytest.TempPathFactory) -> Iterator[BareHost]:
    """One host for this file."""
    with own_host("turns", "bookworm", tmp_path_factory.mktemp("own")) as host:
        yield host


@pytest.fixture
def host(own: BareHost) -> Iterator[BareHost]:
    """The host; it loses its toys afterwards."""
    yield own
    own.sh(CLEAN)


def toys(host: BareHost, debs: Path, **scripts: str) -> dict[str, Any]:
    """A toy at 1.0, 1.1 with these scripts staged; the plan's arguments."""
    old = Toy("toy", "1.0").build(debs)
    new = Toy("toy", "1.1", scripts=scripts).build(debs)
    install(host, old)
    stage(host, old, new)
    return plan([line("toy", old, new)])


def states(host: BareHost, *units: str) -> list[str]:
    """Whether units run."""
    return host.sh(f"systemctl is-active {' '.join(units)} || true").split()


def test_apts_timers_rest_meanwhile_and_exactly_those_that_ran_run_again(host: BareHost, tmp_path: Path) -> None:
    asked = toys(host, tmp_path, postinst=f"systemctl is-active {TIMERS} > /run/toy-timers || true")
    host.sh("systemctl stop apt-daily.timer")
    assert host.module("package_apply", **asked)["changed"]
    assert host.sh("cat /run/toy-timers").split() == ["inactive", "inactive"]
    assert states(host, *TIMERS.split(), f"{RESUME}.timer") == ["inactive", "active", "inactive"]
    host.sh("systemctl start apt-daily.timer")
    restored = host.module("package_restore", pause_timers=False, **asked)
    assert restored["changed"]


def test_a_run_that_is_killed_leaves_the_timers_to_systemd_and_the_next_run(host: BareHost, tmp_path: Path) -> None:
    asked = toys(host, tmp_path, postinst=WAIT.replace("@", "postinst"))
    host.sh("touch /run/toy-wait-postinst")
    controller = host.start("package_apply", **asked)
    there(host, "/run/toy-reached-postinst")
    kill_all(host)
    controller.communicate()
    host.sh("rm /run/toy-wait-postinst")
    assert states(host, *TIMERS.split(), f"{RESUME}.timer") == ["inactive", "inactive", "active"]
    host.sh(f"systemctl start {RESUME}.service")  # what its timer does when the time has come
    assert states(host, *TIMERS.split()) == ["active", "active"]

    host.sh(f"systemctl stop {TIMERS}")  # as the killed run left them
    assert host.module("package_apply", **asked)["changed"]
    assert states(host, *TIMERS.split(), f"{RESUME}.timer") == ["active", "active", "inactive"]
    assert host.sh("dpkg --audit") == ""


def test_an_upgrade_the_host_has_begun_is_waited_for_and_named(host: BareHost, tmp_path: Path) -> None:
    asked = toys(host, tmp_path)
    host.sh(
        "mkdir -p /run/systemd/system/apt-daily-upgrade.service.d; touch /run/toy-wait-upgrade; "
        "printf '[Service]\\nExecStartPre=\\nExecStart=\\nExecStart=/bin/sh -c \"while [ -e /run/toy-wait-upgrade ]; "
        "do sleep 0.1; done\"\\n' > /run/systemd/system/apt-daily-upgrade.service.d/toy.conf; "
        "systemctl daemon-reload; systemctl start --no-block apt-daily-upgrade.service"
    )
    wait_for("the upgrade", lambda: states(host, "apt-daily-upgrade.service") == ["activating"] or None, within=SECONDS)
    late = host.module("package_apply", lock_timeout=1, **asked)
    assert late["failed"]
    assert "apt-daily-upgrade.service: found still running after 1 s" in late["msg"]
    assert states(host, *TIMERS.split()) == ["active", "active"]
    with ThreadPoolExecutor() as pool:
        waiting = pool.submit(host.module, "package_apply", **asked)
        wait_for("the pause", lambda: "active" not in states(host, *TIMERS.split()) or None, within=SECONDS)
        host.sh("rm /run/toy-wait-upgrade")
        applied = waiting.result()
    assert not applied["failed"], applied
    assert [step["step"] for step in applied["steps"]] == ["wait", "install"]
    assert "apt-daily-upgrade.service" in applied["steps"][0]["result"]
    assert all(step["ms"] > 0 for step in applied["steps"])


def test_a_script_that_hangs_is_ended_and_named_and_the_way_back_does_not_run_it_again(
    host: BareHost, tmp_path: Path
) -> None:
    needs = ("Depends: toy (>= 1.0)",)
    bystander = [Toy("toy-next", version, control=needs).build(tmp_path) for version in ("1.0", "1.1")]
    asked = toys(host, tmp_path, postinst="echo once >> /run/toy-postinst; trap '' TERM; sleep 1000; sleep 1000")
    install(host, bystander[0])
    stage(host, *bystander)
    asked["packages"].append(line("toy-next", *bystander))
    stopped = host.module("package_apply", timeout=8, **asked)
    assert stopped["failed"]
    assert stopped["hung"] == "toy (postinst)"
    assert "toy (postinst) was still running after 8 s and ended" in stopped["msg"]
    assert {"name": "toy", "arch": "all", "state": "half-configured"} in stopped["unfinished"]
    assert host.sh("ls /var/lib/dpkg/updates") == ""  # dpkg was not killed: it wrote the failure down
    back = host.module("package_restore", timeout=8, **asked)
    assert not back["failed"], back
    assert {key: installed(host)[key] for key in ("toy:all", "toy-next:all")} == {
        "toy:all": "ii 1.0", "toy-next:all": "ii 1.0",
    }  # fmt: skip
    assert host.sh("cat /run/toy-postinst") == "once\n"


def test_nothing_asks_and_who_asks_all_the_same_gets_no_answer(host: BareHost, tmp_path: Path) -> None:
    read = 'if read -r line; then echo "read: $line"; else echo "no input"; fi > /run/toy-said'
    ask = (
        ". /usr/share/debconf/confmodule; db_version 2.0; db_input critical toy/name || true; db_go || true; "
        'db_get toy/name; echo "debconf: $RET" >> /run/toy-said'
    )
    question = b"Template: toy/name\nType: string\nDefault: nobody\nDescription: your name?\n"
    scripts = {"preinst": read, "postinst": ask}
    old = Toy("toy", "1.0").build(tmp_path)
    new = Toy("toy", "1.1", scripts=scripts, files={"/DEBIAN/templates": (question, 0o644)}).build(tmp_path)
    install(host, old)
    stage(host, old, new)
    applied = host.module("package_apply", timeout=30, **plan([line("toy", old, new)]))
    assert not applied["failed"], applied
    assert host.sh("cat /run/toy-said").splitlines() == ["no input", "debconf: nobody"]


@pytest.mark.parametrize(
    ("script", "of", "then"),
    [
        ("prerm", "1.0", "apply"),
        ("prerm", "1.0", "restore"),
        ("postrm", "1.0", "restore"),
        ("preinst", "1.1", "restore"),
        ("postinst", "1.1", "restore"),
    ],
)
def test_a_dpkg_killed_at_any_script_is_mended_forward_or_back(
    host: BareHost, tmp_path: Path, script: str, of: str, then: str
) -> None:
    waiting = {of: {script: WAIT.replace("@", script)}}
    old, new = (Toy("toy", version, scripts=waiting.get(version, {})).build(tmp_path) for version in ("1.0", "1.1"))
    install(host, old)
    stage(host, old, new)
    asked = plan([line("toy", old, new)])
    host.sh(f"touch /run/toy-wait-{script}")
    with ThreadPoolExecutor() as pool:
        killed = pool.submit(host.module, "package_apply", **asked)
        there(host, f"/run/toy-reached-{script}")
        host.sh("pkill -KILL -x 'dpkg|apt-get'")
        assert killed.result()["failed"]
    host.sh(f"rm /run/toy-wait-{script}")
    mended = host.module(f"package_{then}", **asked)
    assert not mended["failed"], mended
    assert "repair" in [step["step"] for step in mended["steps"]]
    assert installed(host)["toy:all"] == ("ii 1.1" if then == "apply" else "ii 1.0")
    assert host.sh("dpkg --audit; ls /var/lib/dpkg/updates") == ""
