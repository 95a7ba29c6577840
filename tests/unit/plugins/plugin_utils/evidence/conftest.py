# Copyright: (c) 2026, Holdfast contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Sites with real, signed ledgers for the page's tests."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.holdfast.hipaa.plugins.plugin_utils.audit.audit import audit
from ansible_collections.holdfast.hipaa.plugins.plugin_utils.change.store import load_plan
from ansible_collections.holdfast.hipaa.plugins.plugin_utils.evidence.model import PageModel, build_page_model

from tests.unit.plugins.plugin_utils.evidence.story import Story, product, whole_week

Build = Callable[..., PageModel]


@pytest.fixture
def story(tmp_path: Path) -> Story:
    """A fresh site: four hosts, six controls, nothing on record but the trust document."""
    return Story(tmp_path, product(tmp_path / "product"))


@pytest.fixture(scope="session")
def week(tmp_path_factory: pytest.TempPathFactory) -> Story:
    """The whole week, told once; tests only read it."""
    root = tmp_path_factory.mktemp("week")
    return whole_week(Story(root, product(root / "product")))


@pytest.fixture(scope="session")
def page_of() -> Build:
    """Make a model from a story, audited and read as the command does."""

    def build(story: Story, **more: Any) -> PageModel:
        plans = {path.stem: load_plan(path) for path in sorted(story.site.plans_dir.glob("*.json"))}
        required = {ring.name: ring.approvals_required for ring in story.site.policy.rings}
        verdict = audit(
            story.site.ledger_path, now=story.now, plans_dir=story.site.plans_dir, approvals_required=required
        )
        given = {"plans": plans, "max_age": timedelta(hours=168), "audit": verdict, **more}
        given.setdefault("records", story.records() if "records" not in more else [])
        return build_page_model(site=story.site, now=story.now, version="0.1.0", **given)

    return build
