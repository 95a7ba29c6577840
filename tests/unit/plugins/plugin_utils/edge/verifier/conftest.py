# Copyright: (c) 2026, Holdfast contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""A shop told once, and a bundle of it."""

from __future__ import annotations

import pytest
from ansible_collections.holdfast.hipaa.plugins.plugin_utils.ledger.signers import Signer

from tests.bundles import (
    Files,
    Told,
)
from tests.ledger_cases import make_keys


@pytest.fixture(scope="module")
def keys(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Signer]:
    """A key for each principal; those of approvers are SSH keys."""
    return make_keys(tmp_path_factory.mktemp("keys"))


@pytest.fixture(scope="module")
def told(tmp_path_factory: pytest.TempPathFactory, keys: dict[str, Signer]) -> Told:
    """The shop, told once; tests only read it."""
    return Told(tmp_path_factory.mktemp("told"), keys)


@pytest.fixture(scope="module")
def whole(told: Told) -> Files:
    """A bundle with plan, results, people's and machines' keys, two versions of trust, a cosigned head."""
    return told.bundle(assets=["lab-1"])[1]
