# Copyright: (c) 2026, Holdfast contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Hosts for the integration tests: fleets of the lab, one set for each test process."""

from __future__ import annotations

import os
import subprocess
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from lab.errors import MissingError
from lab.fleet import Fleet
from tests.integration.sites import SiteUnderTest, lay_out


@dataclass(frozen=True)
class FreshHost:
    """A host that nothing has touched since it was made."""

    fleet: Fleet
    name: str

    def exec(self, argv: Sequence[str], **options: Any) -> subprocess.CompletedProcess[str]:
        """Run `argv` on it over SSH (see Fleet.exec)."""
        return self.fleet.exec(self.name, argv, **options)


@pytest.fixture(scope="session", autouse=True)
def _own_connections() -> Iterator[None]:
    """Ansible keeps connections by host name, and other fleets have a lab-1 too: this process keeps its own.

    Not below pytest's temporary folder: the path of a socket has room for about a hundred characters.
    """
    with tempfile.TemporaryDirectory(prefix="hf-cp-") as folder, pytest.MonkeyPatch.context() as patch:
        patch.setenv("ANSIBLE_SSH_CONTROL_PATH_DIR", folder)
        yield


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", "archive: needs the Debian archive over the network, and fails without it")


def _fleet(purpose: str) -> Fleet:
    """A fleet of this test process's own: workers of pytest-xdist do not share hosts."""
    worker = os.environ.get("PYTEST_XDIST_WORKER", "")
    return Fleet("-".join(filter(None, ("test", purpose, worker))))


def _up(fleet: Fleet, hosts: Sequence[str] | None = None) -> None:
    """Untouched hosts, or a skip that says what this machine lacks (an error where LAB_REQUIRED is set)."""
    try:
        fleet.up(hosts, fresh=True)
    except MissingError as exc:
        if os.environ.get("LAB_REQUIRED"):
            raise
        pytest.skip(f"no lab on this machine: {exc}")


def _down(fleet: Fleet) -> None:
    """Take the fleet down, unless LAB_KEEP asks to leave it for a look."""
    if not os.environ.get("LAB_KEEP"):
        fleet.down()


@pytest.fixture(scope="session")
def lab() -> Iterator[Fleet]:
    """The five hosts of the demonstration, untouched when the session starts."""
    fleet = _fleet("")
    try:
        _up(fleet)
        yield fleet
    finally:
        _down(fleet)


@pytest.fixture(scope="session")
def _fresh_fleet() -> Iterator[Fleet]:
    fleet = _fleet("fresh")
    try:
        yield fleet
    finally:
        _down(fleet)


@pytest.fixture
def fresh_host(request: pytest.FixtureRequest, _fresh_fleet: Fleet) -> FreshHost:
    """One host made anew for this test, Debian 12 unless parametrised with another release (indirect=True)."""
    release = getattr(request, "param", "bookworm")
    name = f"{release}-1"
    _up(_fresh_fleet, [f"{name}={release}"])
    return FreshHost(_fresh_fleet, name)


@pytest.fixture
def site(lab: Fleet, tmp_path: Path) -> SiteUnderTest:
    """A new site for the session's hosts, in whatever state earlier tests left them."""
    return lay_out(tmp_path / "site", lab)


@pytest.fixture
def fresh_site(lab: Fleet, tmp_path: Path) -> SiteUnderTest:
    """A new site for untouched hosts: those of the session are made anew."""
    _up(lab)
    lab.publish("1.0")
    return lay_out(tmp_path / "site", lab)
