# Copyright: (c) 2026, Holdfast contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Every control is broken on a real host: its probe must see it, no other may, and its role must mend it."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml

from tests.integration.probing import HERE, Prober, apply_roles, baseline

DRILLS = yaml.safe_load((HERE / "drills.yml").read_text(encoding="utf-8"))
NEEDS_ARCHIVE = {"time-01"}
OF_THE_MACHINE = {"kernel-14", "kernel-15"}
"""Settings that a container shares with its machine: there is no drill for them in a container."""


def failing(verdicts):
    return {control_id for control_id, verdict in verdicts.items() if verdict.result == "fail"}


def not_measured(verdicts):
    return {control_id for control_id, verdict in verdicts.items() if verdict.result == "not_measured"}


@pytest.fixture
def prober(fresh_host):
    prober = Prober(fresh_host.fleet, fresh_host.name)
    script = (HERE / "drill-package").read_text(encoding="utf-8")
    fresh_host.exec(["sh", "-c", "cat >/root/drill-package; chmod 0700 /root/drill-package"], stdin=script, check=True)
    return prober


def test_every_control_has_a_drill():
    assert set(DRILLS) == {control.id for control in baseline().controls} - OF_THE_MACHINE


def harden(host, prober, folder):
    """Bring an untouched host to the baseline, with all the proofs that belong to it."""
    untouched = prober.now()
    assert len(failing(untouched)) >= 15
    assert apply_roles(host.fleet, host.name, folder, "--check")["changed"] > 0
    assert prober.now() == untouched

    apply_roles(host.fleet, host.name, folder)
    verdicts = prober.now()
    assert failing(verdicts) == set()
    assert not_measured(verdicts) == OF_THE_MACHINE
    for control_id in OF_THE_MACHINE:
        assert "belongs to the machine" in verdicts[control_id].why


@pytest.mark.parametrize("fresh_host", ["trixie"], indirect=True)
def test_roles_make_a_fresh_debian_13_pass_and_then_change_nothing(fresh_host, prober, tmp_path):
    harden(fresh_host, prober, tmp_path)
    assert apply_roles(fresh_host.fleet, fresh_host.name, tmp_path)["changed"] == 0


def test_each_broken_control_is_named_alone_and_mended(fresh_host, prober, tmp_path):
    harden(fresh_host, prober, tmp_path)
    drills = {control_id: command for control_id, command in DRILLS.items() if control_id not in NEEDS_ARCHIVE}
    broken = set()
    for control_id, verdicts in zip(drills, prober.after(drills.values()), strict=True):
        now = failing(verdicts)
        assert now - broken == {control_id}, drills[control_id]
        assert broken <= now, drills[control_id]
        broken = now

    assert apply_roles(fresh_host.fleet, fresh_host.name, tmp_path, "--check")["changed"] > 0
    assert failing(prober.now()) == broken

    apply_roles(fresh_host.fleet, fresh_host.name, tmp_path)
    assert failing(prober.now()) == set()
    assert apply_roles(fresh_host.fleet, fresh_host.name, tmp_path, "--check")["changed"] == 0

    # What holds must hold after a restart, and the host must still take software and let us in.
    fresh_host.exec(["/root/drill-package", "drill-afterwards", "install"], check=True)
    fresh_host.exec(["apt-get", "check"], check=True)
    fresh_host.fleet.reboot(fresh_host.name)
    assert failing(prober.now()) == set()


@pytest.mark.archive
def test_the_time_service_comes_back_from_the_archive(fresh_host, prober, tmp_path: Path):
    apply_roles(fresh_host.fleet, fresh_host.name, tmp_path, roles=("time",))
    (gone,) = prober.after([DRILLS["time-01"]])
    of_time = {control.id for control in prober.controls if control.role == "time"}
    assert failing(gone) & of_time == of_time

    apply_roles(fresh_host.fleet, fresh_host.name, tmp_path, "--check", roles=("time",))
    apply_roles(fresh_host.fleet, fresh_host.name, tmp_path, roles=("time",))
    assert failing(prober.now()) & of_time == set()
