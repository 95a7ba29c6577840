# Copyright: (c) 2026, Holdfast contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""`make bench`: how many decisions a second the gate makes, with 200 rules of a site and 10,000 records."""

from __future__ import annotations

from tests.bench import decisions


def test_decisions_are_made_and_counted() -> None:
    """What bounds the rate stands in docs/adr/0035."""
    assert decisions.main([]) == 0
