# Copyright: (c) 2026, Holdfast contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The drills of the scenario's role: every control broken, detected, alone, and mended. Its own tests come after it."""

from __future__ import annotations

from tests import scenario
from tests.drilling import Prober, apply, controls, drills, with_result


def test_each_broken_control_is_named_alone_and_mended(host, tmp_path):
    fleet, name, roles = scenario.fleet(), host.backend.get_hostname(), scenario.roles()
    mine = [control for control in controls() if control.role in roles]
    ids = {control.id for control in mine}
    own = [drill for some in drills().values() for drill in some if drill.control in ids]
    elsewhere = {drill.control for drill in own if drill.place == "vm"}
    prober = Prober(fleet.ssh_config, name, mine)

    hardened = prober.now()
    # What does not apply yet is drilled all the same: the drill makes what it is about.
    open_ = with_result(hardened, "fail", "not_measured") - elsewhere
    assert {control_id: (hardened[control_id].actual, hardened[control_id].why) for control_id in open_} == {}

    to_break = [drill for drill in own if drill.place == "container" and not drill.needs]
    wrong, _broken = prober.drill(to_break, with_result(hardened, "fail"))
    assert wrong == [], "\n" + "\n".join(map(str, wrong))

    apply(fleet, name, tmp_path, roles)
    assert with_result(prober.now(), "fail") == with_result(hardened, "fail")
