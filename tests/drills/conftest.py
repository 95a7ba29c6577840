# Copyright: (c) 2026, Holdfast contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The drills have the hosts of the integration tests; at the end they say how many breaks were detected."""

from __future__ import annotations

import pytest

from tests import tally

# Fixtures are found by their name in the folder's conftest.
from tests.integration.conftest import _fresh_fleet, _own_connections, fresh_host  # noqa: F401 -- pytest uses them


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", "archive: needs the Debian archive over the network, and fails without it")


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    for line in tally.by_place(tally.read()):
        terminalreporter.write_line(line)
