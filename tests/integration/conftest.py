# Copyright: (c) 2026, Holdfast contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Hosts for the integration tests: fleets of the lab, one set for each test process."""

from __future__ import annotations

import contextlib
import fcntl
import itertools
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
from tests.integration.sites import SiteUnderTest, lay_out_demo


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
    config.addinivalue_line("markers", "waves: only in `make waves`, for it takes many hosts or many minutes")


@contextlib.contextmanager
def _fleet(purpose: str) -> Iterator[Fleet]:
    """A fleet that no other test process uses, be it a worker of pytest-xdist or another session altogether."""
    with contextlib.ExitStack() as held:
        for number in itertools.count(1):
            fleet = Fleet("-".join(filter(None, ("test", purpose, str(number) if number > 1 else ""))))
            fleet.places.all_fleets.mkdir(parents=True, exist_ok=True)
            handle = held.enter_context((fleet.places.all_fleets / f".session-{fleet.name}.lock").open("w"))
            try:
                fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                continue
            try:
                yield fleet
            finally:
                if not os.environ.get("LAB_KEEP"):
                    fleet.down()
            return


def _up(fleet: Fleet, hosts: Sequence[str] | None = None) -> None:
    """Untouched hosts, or a skip that says what this machine lacks (an error where LAB_REQUIRED is set)."""
    try:
        fleet.up(hosts, fresh=True)
    except MissingError as exc:
        if os.environ.get("LAB_REQUIRED"):
            raise
        pytest.skip(f"no lab on this machine: {exc}")


@pytest.fixture(scope="session")
def lab() -> Iterator[Fleet]:
    """The five hosts of the demonstration, untouched when the session starts."""
    with _fleet("") as fleet:
        _up(fleet)
        yield fleet


@pytest.fixture(scope="session")
def _fresh_fleet() -> Iterator[Fleet]:
    with _fleet("fresh") as fleet:
        yield fleet


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
    return lay_out_demo(tmp_path / "site", lab)


@pytest.fixture
def fresh_site(lab: Fleet, tmp_path: Path) -> SiteUnderTest:
    """A new site for untouched hosts: those of the session are made anew."""
    _up(lab)
    lab.publish("1.0")
    return lay_out_demo(tmp_path / "site", lab)
