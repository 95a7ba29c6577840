# Copyright: (c) 2026, Holdfast contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Every control that a role makes true has a drill, in the file of its subsystem, and the count of them is honest."""

from __future__ import annotations

from collections import Counter

import pytest

from tests import tally
from tests.drilling import controls, drills, read_drills

DRILLS = [drill for some in drills().values() for drill in some]
CONTAINER = tally.Tally("bookworm", "container", "bookworm", ("ssh-01", "ssh-02"), ("ssh-01", "ssh-02"))
MACHINE = tally.Tally("vm", "vm", "bookworm", ("kernel-14",), ("kernel-14",))


def test_every_control_of_a_role_has_a_drill():
    assert {control.id for control in controls() if control.role} - {drill.control for drill in DRILLS} == set()


def test_every_drill_breaks_a_control_that_there_is_once_and_in_the_file_of_its_subsystem():
    known = {control.id for control in controls()}
    for name, some in drills().items():
        assert {drill.control for drill in some} <= {i for i in known if tally.subsystem(i) == name}, name
    assert [control for control, count in Counter(drill.control for drill in DRILLS).items() if count > 1] == []


def test_no_two_drills_are_the_same_command():
    assert [run for run, count in Counter(drill.run for drill in DRILLS).items() if count > 1] == []


def test_a_drill_is_a_command_alone_or_with_its_place_and_needs():
    text = "a-01: do it\na-02: {run: do that, on: vm}\na-03: {run: do more, needs: archive}\n"
    first, second, third = read_drills(text)
    assert (first.run, first.place, first.needs) == ("do it", "container", "")
    assert (second.place, third.needs) == ("vm", "archive")


@pytest.mark.parametrize(
    "text", ["a-01:", "a-01: ''", "a-01: {on: vm}", "a-01: {run: x, on: moon}", "a-01: {run: x, needs: y}",
             "a-01: {run: x, more: y}"],
)  # fmt: skip
def test_what_is_no_drill_is_refused_by_name(text):
    with pytest.raises(ValueError, match="a-01"):
        read_drills(text)


def test_the_total_says_where_each_break_was_detected():
    (total,) = tally.totals([CONTAINER, MACHINE], {"ssh-01", "ssh-02", "kernel-14"})
    assert str(total) == "bookworm: Detected 3 of 3 (2 in containers, 1 in the virtual machine)"
    assert total


def test_what_was_not_detected_or_never_drilled_is_named_and_is_no_success():
    blind = tally.Tally("trixie", "container", "trixie", ("ssh-01", "ssh-02"), ("ssh-01",))
    (total,) = tally.totals([blind], {"ssh-01", "ssh-02", "kernel-14"})
    assert not total
    assert str(total).endswith(
        "Detected 1 of 3 (1 in containers, 0 in the virtual machine); missing: kernel-14, ssh-02"
    )
    assert "  ssh: Detected 1 of 2 (not: ssh-02)" in tally.by_place([blind])


def test_results_are_kept_and_forgotten(tmp_path):
    tally.write(CONTAINER, tmp_path)
    tally.write(MACHINE, tmp_path)
    assert tally.read(tmp_path) == [CONTAINER, MACHINE]
    tally.forget("bookworm", tmp_path)
    assert tally.read(tmp_path) == [MACHINE]
