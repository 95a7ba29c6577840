# Copyright: (c) 2026, Holdfast contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Idempotence and check mode, judged by the events that the runs before this step wrote."""

from __future__ import annotations

import pytest

from tests import events, scenario
from tests.drilling import drills


@pytest.fixture(scope="module")
def runs():
    """The last three runs: in check mode, the first, the second."""
    applied = [run for run in events.read(scenario.events_file()) if run.playbook == "converge.yml"]
    assert len(applied) >= 3
    return applied[-3:]


def test_the_first_run_changes_something_and_the_second_nothing(runs):
    _check, first, second = runs
    # A role all of whose work only the virtual machine can show has nothing to do in a container.
    here = [drill for role in scenario.roles() for drill in drills()[role] if drill.place == "container"]
    assert bool(first.changed) == bool(here)
    assert events.not_idempotent(first, second) == []


def test_check_mode_says_what_the_first_run_then_changes(runs):
    check, first, _second = runs
    assert check.check
    assert check.ended
    assert check.changed == first.changed
