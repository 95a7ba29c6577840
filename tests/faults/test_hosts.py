# Copyright: (c) 2026, Holdfast contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Hosts fail in the middle: power, network, disk, memory, locks, scripts, files. The next run leaves each whole."""

from __future__ import annotations

import pytest

from tests.faults.case import Case
from tests.faults.toyd import NAME, OLD, WRONG

CUT = """nft -f - <<'END'
table inet holdfast_fault {
  chain input { type filter hook input priority -10; tcp dport 22 drop; }
  chain output { type filter hook output priority -10; tcp sport 22 drop; }
}
END"""
MEND = "nft delete table inet holdfast_fault"

HOLDER = """import fcntl, sys, time
held = open('/var/lib/dpkg/lock-frontend', 'w')
fcntl.lockf(held, fcntl.LOCK_EX)
open('/run/toy-locked', 'w').close()
time.sleep(float(sys.argv[1]))
"""

RACE = """
mkdir -p /etc/systemd/system/apt-daily-upgrade.service.d /etc/systemd/system/apt-daily-upgrade.timer.d
cat > /etc/systemd/system/apt-daily-upgrade.service.d/toy.conf <<'END'
[Service]
ExecStart=
ExecStart=-/bin/sh -c 'apt-get -q update; apt-get -qy install --reinstall claimsd && echo >> /run/toy-raced'
END
cat > /etc/systemd/system/apt-daily-upgrade.timer.d/toy.conf <<'END'
[Timer]
OnCalendar=
OnActiveSec=0
OnUnitInactiveSec=100ms
RandomizedDelaySec=0
AccuracySec=10ms
Persistent=false
END
systemctl daemon-reload
systemctl start apt-daily-upgrade.timer
for i in $(seq 600); do [ ! -e /run/toy-raced ] || exit 0; sleep 0.1; done
exit 1
"""
"""apt's timer, which goes off again as soon as its service has ended, and holds dpkg's lock most of the time."""


@pytest.mark.parametrize("script", ["preinst", "postinst"])
def test_power_fails_while_dpkg_works(case: Case, script: str) -> None:
    case.prepare()
    case.hold(script)
    process = case.start()
    case.reached(script)
    case.fleet.kill("one")
    assert case.end(process) != 0
    case.fleet.start("one")
    case.finish("power fails", "while dpkg unpacks" if script == "preinst" else "while dpkg configures")


def test_power_fails_while_the_host_is_taken_back(case: Case) -> None:
    case.prepare(to=WRONG)
    case.hold("postinst", OLD)
    process = case.start()
    case.reached("postinst", OLD)
    case.fleet.kill("one")
    assert case.end(process) != 0
    case.fleet.start("one")
    row = case.finish("power fails", "while the host is taken back")
    assert set(row.hosts.values()) == {"back"}


@pytest.mark.parametrize("back", [False, True])
def test_the_connection_is_cut_while_dpkg_works(case: Case, back: bool) -> None:
    case.prepare()
    case.hold("postinst")
    process = case.start()
    case.reached("postinst")
    case.inside(CUT)
    if back:
        # dpkg ends while nobody listens.
        case.release("postinst")
    assert case.end(process) != 0
    case.inside(MEND)
    case.release("postinst")
    case.finish("connection cut", f"while dpkg configures, which {'ends' if back else 'goes on'} meanwhile")


@pytest.mark.parametrize("script", ["preinst", "postinst"])
def test_dpkg_is_killed(case: Case, script: str) -> None:
    case.prepare()
    case.hold(script)
    process = case.start()
    case.reached(script)
    case.inside("pkill -KILL -x 'dpkg|apt-get'")
    case.release(script)
    case.end(process)
    case.finish("dpkg and apt killed", "while dpkg unpacks" if script == "preinst" else "while dpkg configures")


def test_the_disk_is_full_while_dpkg_unpacks(case: Case) -> None:
    case.prepare()
    # Root's disk is the machine's; a small one of its own takes the package's largest file.
    case.inside("mount -t tmpfs -o size=4m tmpfs /opt/toyd")
    case.hold("preinst")
    process = case.start()
    case.reached("preinst")
    case.inside("dd if=/dev/zero of=/opt/toyd/full bs=64k 2>/dev/null || true")
    case.release("preinst")
    assert case.end(process) != 0
    case.inside("umount /opt/toyd")
    case.finish("disk full", "while dpkg unpacks")


def test_the_disk_is_full_while_files_are_staged(case: Case) -> None:
    case.prepare()
    case.inside(
        "mkdir -p -m 0700 /var/lib/holdfast/stage; mount -t tmpfs -o size=256k,mode=0700 tmpfs /var/lib/holdfast/stage"
    )
    assert case.run() != 0
    case.inside("umount /var/lib/holdfast/stage")
    row = case.finish("disk full", "while files are staged")
    assert set(row.hosts.values()) == {"on the plan"}


def test_memory_runs_out_while_dpkg_configures(case: Case, memory_limit: None) -> None:
    case.prepare()
    case.inside(f"touch /run/toy-eat-{case.to}")
    case.run()
    assert "toy-eat" not in case.inside("ls /run")
    case.finish("out of memory", "while dpkg configures: the kernel kills it")


def test_the_lock_is_held_from_the_start(case: Case) -> None:
    case.prepare(lock=1)
    case.inside(f'nohup python3 -c "{HOLDER}" 900 toy-holder >/dev/null 2>&1 &')
    case.there("/run/toy-locked")
    assert case.run() != 0
    assert "lock" in case.said()
    case.inside("pkill -KILL -f [t]oy-holder")
    row = case.finish("lock held", "from the start")
    assert set(row.hosts.values()) == {"on the plan"}


def test_the_lock_is_taken_just_before_the_installation(case: Case) -> None:
    case.prepare()
    take = (
        f'nohup python3 -c "{HOLDER}" 8 toy-holder >/dev/null 2>&1 & until [ -e /run/toy-locked ]; do sleep 0.1; done'
    )
    case.run(**case.trip(r"hipaa\.package_apply:", case.inside_argv(take)))
    assert case.tripped, case.said()
    case.finish("lock held", "for 8 s from the installation on")


def test_apts_own_timer_races(case: Case) -> None:
    case.prepare()
    case.run(**case.trip(r"hipaa\.package_apply:", case.inside_argv(RACE)))
    assert case.tripped, case.said()
    # Else the host is asked in the middle of what the timer does.
    case.inside("systemctl stop apt-daily-upgrade.timer; while pgrep -x apt-get >/dev/null; do sleep 0.2; done")
    row = case.finish("apt's own timer races", "from the installation on")
    assert set(row.hosts.values()) == {"on the plan"}


def test_a_maintainer_script_hangs(case: Case) -> None:
    case.prepare()
    case.hold("postinst")
    assert case.run() != 0
    case.release("postinst")
    case.finish("maintainer script hangs", "while dpkg configures")


def test_a_service_does_not_stop(case: Case) -> None:
    case.prepare()
    case.inside("touch /run/toy-hang-stop")
    assert case.run() != 0
    case.inside("rm -f /run/toy-hang-stop")
    case.finish("service does not stop", "while dpkg configures")


@pytest.mark.parametrize("way", ["changed", "gone"])
def test_a_staged_file_is_not_as_it_was(case: Case, way: str) -> None:
    case.prepare()
    file = f"/var/lib/holdfast/stage/*/{NAME}_{case.to}_all.deb"
    write = f"for f in {file}; do printf X | dd of=$f bs=1 seek=300 conv=notrunc; done"
    case.run(**case.trip(r"hipaa\.package_apply:", case.inside_argv(write if way == "changed" else f"rm {file}")))
    assert case.tripped, case.said()
    case.inside(f"rm -f {file}")
    case.finish(f"staged file {way}", "before the installation")


def test_the_archive_is_gone(case: Case) -> None:
    case.prepare()
    case.fleet.cut_archive("one")
    assert case.run() != 0
    case.fleet.restore_archive("one")
    row = case.finish("archive gone", "before anything is staged")
    assert set(row.hosts.values()) == {"on the plan"}


def test_a_wrong_answer_after_the_installation(case: Case) -> None:
    case.prepare("one", "two", to=WRONG)
    assert case.run() == 2
    row = case.finish("wrong answer", "after the installation")
    assert row.hosts == {"one": "back", "two": "back"}
