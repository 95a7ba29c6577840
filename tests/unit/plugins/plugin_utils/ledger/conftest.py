# Copyright: (c) 2026, Holdfast contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Fixtures of the ledger's tests: keys made once, a fresh shop for each test."""

from __future__ import annotations

from pathlib import Path

import pytest
from ansible_collections.holdfast.hipaa.plugins.plugin_utils.ledger.signers import Signer

from tests.ledger_cases import Shop, make_keys


def pytest_addoption(parser: pytest.Parser) -> None:
    """Let a longer run of the writers be asked for; it is known when this folder or a file in it is named."""
    parser.addoption("--writers-seconds", type=float, default=5.0, help="how long many writers write (default: 5)")


@pytest.fixture(scope="session")
def keys(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Signer]:
    """A key for each principal."""
    return make_keys(tmp_path_factory.mktemp("keys"))


@pytest.fixture
def shop(tmp_path: Path, keys: dict[str, Signer]) -> Shop:
    """A ledger that holds its trust document."""
    return Shop(tmp_path, keys)
