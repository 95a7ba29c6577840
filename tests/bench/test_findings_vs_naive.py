# Copyright: (c) 2026, Holdfast contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""`make bench`: what finding flaws costs, how it grows, and what a naive match costs beside it."""

from __future__ import annotations

from tests.bench import findings_vs_naive


def test_findings_cost_what_is_promised() -> None:
    assert findings_vs_naive.main() == 0
