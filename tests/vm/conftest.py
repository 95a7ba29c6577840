# Copyright: (c) 2026, Holdfast contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The virtual machine of the lab, one for the session: it takes a while to start."""

from __future__ import annotations

import contextlib
import fcntl
import itertools
import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from ansible_collections.holdfast.hipaa.plugins.module_utils.boot import MARKER_FILES, marker
from ansible_collections.holdfast.hipaa.plugins.plugin_utils.verdicts.verdict import Verdict

from lab.errors import MissingError
from lab.vm import Machine
from lab.vm_image import HOST
from tests import tally
from tests.drilling import FOLDER, Prober, apply, controls, drills

# Fixtures are found by their name in the folder's conftest.
from tests.integration.conftest import _own_connections  # noqa: F401 -- pytest uses it


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """The drills come last: what they break must not fail the others, should they end early."""
    items.sort(key=lambda item: "test_drills.py" in item.nodeid)


@pytest.fixture(scope="session")
def machine() -> Iterator[Machine]:
    """The machine, from clean disks; a skip says what this computer lacks (an error where LAB_REQUIRED is set)."""
    with _own() as machine:
        try:
            machine.up()
        except MissingError as exc:
            if os.environ.get("LAB_REQUIRED"):
                raise
            pytest.skip(f"no virtual machine here: {exc}")
        try:
            yield machine
        finally:
            if not os.environ.get("LAB_KEEP"):
                machine.down()


@contextlib.contextmanager
def _own() -> Iterator[Machine]:
    """A machine that no other session of this checkout uses."""
    with contextlib.ExitStack() as held:
        for number in itertools.count(1):
            machine = Machine(f"test-vm-{number}", say=print)
            machine.places.all_fleets.mkdir(parents=True, exist_ok=True)
            lock = machine.places.all_fleets / f".session-{machine.places.name}.lock"
            handle = held.enter_context(lock.open("w"))
            try:
                fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                continue
            yield machine
            return


@dataclass(frozen=True)
class Hardened:
    """The machine after the roles of all drills that only it can show, and what its probes said of it."""

    machine: Machine
    prober: Prober
    roles: tuple[str, ...]
    folder: Path
    before_boot: dict[str, Verdict]
    after_boot: dict[str, Verdict]
    boots: tuple[str, str]
    markers: tuple[str, str]


@pytest.fixture(scope="session")
def hardened(machine: Machine, tmp_path_factory: pytest.TempPathFactory) -> Hardened:
    """The machine brought to the baselines and then really rebooted, once: a boot and a task take long there."""
    folder = tmp_path_factory.mktemp("machine")
    wanted = {tally.subsystem(drill.control) for some in drills().values() for drill in some if drill.place == "vm"}
    roles = tuple(dict.fromkeys(control.role for control in controls() if control.role in wanted))
    for role in roles:
        script = FOLDER / f"prepare-{role}"
        if script.exists():
            machine.exec(["sh", "-eu"], stdin=script.read_text(encoding="utf-8"), check=True)
    prober = Prober(machine.ssh_config, HOST, [control for control in controls() if control.role in roles])
    apply(machine, HOST, folder, roles)
    before, boot, first = prober.now(), machine.boot_id(), _marker(machine)
    machine.reboot()
    boots, markers = (boot, machine.boot_id()), (first, _marker(machine))
    return Hardened(machine, prober, roles, folder, before, prober.now(), boots, markers)


def _marker(machine: Machine) -> str:
    """What the action boot tells one boot from the next by."""
    return marker(machine.exec(["cat", *MARKER_FILES], check=True).stdout)


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    for line in tally.by_place(one for one in tally.read() if one.place == tally.MACHINE):
        terminalreporter.write_line(line)
