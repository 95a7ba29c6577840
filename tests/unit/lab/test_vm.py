# Copyright: (c) 2026, Holdfast contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The virtual machine's drives, and that it ends no process but its own."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from lab import vm_image
from lab.errors import LabError
from lab.mirrors import Mirrors
from lab.vm import Machine


@pytest.fixture
def machine(tmp_path: Path) -> Machine:
    """A machine that was never started."""
    machine = Machine("unit", root=tmp_path)
    machine.places.folder.mkdir(parents=True)
    return machine


def test_every_mounted_drive_has_the_letter_that_fstab_names(tmp_path: Path) -> None:
    drives = [drive.stem for drive in vm_image.Disks(tmp_path).drives]
    assert (drives[0], drives[-1]) == ("root", "blank")
    lines = [line.split() for line in vm_image._fstab().splitlines()]
    for index, (device, point, *_rest) in enumerate(lines):
        assert device == f"/dev/vd{'abcdefghij'[index]}"
        assert drives[index] == (point.strip("/").replace("/", "-") or "root")


def test_another_archive_makes_other_disks() -> None:
    one, other = (vm_image.recipe(Mirrors(main, "")) for main in ("http://192.0.2.1/debian", "http://192.0.2.2/debian"))
    assert one.digest != other.digest
    assert one.digest == vm_image.recipe(Mirrors("http://192.0.2.1/debian", "")).digest


def test_a_number_that_another_process_has_got_is_not_ended(machine: Machine) -> None:
    pid_file = machine.places.folder / "qemu.pid"
    pid_file.write_text(f"{os.getpid()}\n", encoding="utf-8")
    machine.down()
    assert not pid_file.exists()


def test_a_machine_that_has_ended_is_not_waited_for(machine: Machine) -> None:
    (machine.places.folder / "console.log").write_text("one\nKernel panic - not syncing\n", encoding="utf-8")
    with pytest.raises(LabError, match=r"(?s)has ended.*Kernel panic"):
        machine.wait_ready()
