# Copyright: (c) 2026, Holdfast contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Two hosts for each test process that faults are injected on, and a case for each fault."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from lab.fleet import Fleet
from tests.faults import matrix
from tests.faults.case import HOSTS, Case
from tests.faults.toyd import OLD
from tests.integration.conftest import _fleet, _own_connections, _up
from tests.integration.shop import builds, equip
from tests.shifted import shifted_clock

__all__ = ["_own_connections"]


FILES = ("test_controller", "test_hosts")


def pytest_configure(config: pytest.Config) -> None:
    # FAULTS_KEEP: rows of an earlier run stay, where only some faults are injected again.
    if not hasattr(config, "workerinput") and not config.option.collectonly and not os.environ.get("FAULTS_KEEP"):
        matrix.forget()


@pytest.fixture(scope="session")
def debs(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """The toy's versions, built."""
    return builds(tmp_path_factory.mktemp("debs"))


@pytest.fixture(scope="session")
def pair(debs: dict[str, Path]) -> Iterator[Fleet]:
    """Two hosts that know no archive but the lab's, with the toy's old version at hand."""
    with _fleet("faults") as fleet:
        ready(fleet, debs)
        yield fleet


def ready(fleet: Fleet, debs: dict[str, Path]) -> None:
    """Make both hosts anew."""
    _up(fleet, [f"{host}=bookworm" for host in HOSTS])
    equip(fleet, HOSTS, debs[OLD])


@pytest.fixture
def case(request: pytest.FixtureRequest, pair: Fleet, debs: dict[str, Path], tmp_path: Path) -> Iterator[Case]:
    """A case whose hosts are made anew after it when it did not end whole."""
    # As they stand in the files, whichever of them run.
    order = 1000 * FILES.index(request.path.stem) + request.node.location[1]
    made = Case(pair, tmp_path, debs, name=request.node.name, order=order)
    yield made
    if made.row is None or not made.row.whole:
        ready(pair, debs)


@pytest.fixture
def clock(tmp_path: Path) -> dict[str, str]:
    """The environment of a run whose clock a file shifts."""
    return shifted_clock(tmp_path)
