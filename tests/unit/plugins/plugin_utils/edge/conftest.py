# Copyright: (c) 2026, Holdfast contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""A real site with keys and ledger, laid out by the command itself."""

from __future__ import annotations

from pathlib import Path

import pytest
from ansible_collections.holdfast.hipaa.plugins.plugin_utils.cli.main import main


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """The folder of a site with one host, `192.0.2.10`, in ring lab."""
    folder = tmp_path / "site"
    assert main(["init", str(folder), "--host", "192.0.2.10", "--owner", "it-operations"]) == 0
    return folder
