# Copyright: (c) 2026, Holdfast contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Two hosts in two rings that run toyd."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from lab.fleet import Fleet
from tests.faults.toyd import NAME, OLD
from tests.integration.conftest import _fleet, _up
from tests.integration.shop import equip, versions

HOSTS = {"one": "lab", "two": "pilot"}
"""Two hosts, one of each Debian, and their rings."""


@pytest.fixture(scope="module")
def pair(debs: dict[str, Path]) -> Iterator[Fleet]:
    """Two hosts that know no archive but the lab's."""
    with _fleet("rings") as fleet:
        _up(fleet, ["one=bookworm", "two=trixie"])
        equip(fleet, tuple(HOSTS), debs[OLD])
        yield fleet


def at(fleet: Fleet) -> dict[str, str]:
    """Ask each host which version of the toy it has."""
    return {host: versions(fleet, host)[f"{NAME}:all"] for host in HOSTS}
