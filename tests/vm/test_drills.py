# Copyright: (c) 2026, Holdfast contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What containers cannot show, in a virtual machine: brought to the baselines, rebooted, broken, mended."""

from __future__ import annotations

from lab.vm_image import HOST, RELEASE
from tests import events, tally
from tests.drilling import apply, controls, drills, with_result

KNOWN = {control.id for control in controls()}
DRILLS = [drill for some in drills().values() for drill in some if drill.place == "vm" and drill.control in KNOWN]


def test_the_roles_make_every_control_pass(hardened):
    wanted = {drill.control for drill in DRILLS}
    assert wanted
    verdicts = hardened.before_boot
    assert {i: (v.result, v.actual, v.why) for i, v in verdicts.items() if i in wanted and v.result != "pass"} == {}
    assert {i: (v.actual, v.why) for i, v in verdicts.items() if v.result == "fail"} == {}


def test_they_still_pass_after_a_real_reboot(hardened):
    assert hardened.boots[0] != hardened.boots[1]
    before, after = hardened.before_boot, hardened.after_boot
    other = {i: (v.actual, after[i].actual, after[i].why) for i, v in before.items() if after[i].result != v.result}
    assert other == {}
    assert hardened.machine.exec(["systemctl", "is-system-running"]).stdout.strip() == "running"


def test_each_broken_control_is_named_alone_and_mended(hardened):
    tally.forget("vm")
    machine, failing = hardened.machine, with_result(hardened.after_boot, "fail")
    wrong, _broken = hardened.prober.drill(DRILLS, failing)
    asked, bad = [drill.control for drill in DRILLS], {one.drill.control for one in wrong}
    tally.write(tally.Tally("vm", "vm", RELEASE, tuple(asked), tuple(c for c in asked if c not in bad)))
    assert wrong == [], "\n" + "\n".join(map(str, wrong))

    mended = apply(machine, HOST, hardened.folder, hardened.roles)
    assert mended.changed != ()
    verdicts = hardened.prober.now()
    # Some of what the kernel was told it takes back only at its next boot.
    if with_result(verdicts, "fail") != failing:
        machine.reboot()
        verdicts = hardened.prober.now()
    assert with_result(verdicts, "fail") == failing
    assert events.not_idempotent(mended, apply(machine, HOST, hardened.folder, hardened.roles)) == []
