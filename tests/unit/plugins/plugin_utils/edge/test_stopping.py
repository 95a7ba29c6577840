# Copyright: (c) 2026, Holdfast contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""A stop order in the middle of a wave: the next host's turn is refused, whatever the gate said before."""

from __future__ import annotations

import pytest
from ansible_collections.holdfast.hipaa.plugins.plugin_utils.edge.opening import Case, Run
from ansible_collections.holdfast.hipaa.plugins.plugin_utils.errors import PolicyError

from tests.change_cases import Book, plan


def test_a_stop_order_holds_in_the_middle_of_a_wave_until_somebody_lifts_it():
    """The gate was asked when the wave began; whoever stops the change since then is heard before the next host."""
    book = Book(plan()).write([{"request": {}}, {"open": {"run": "r"}}])
    run = Run(None, None)

    def asked() -> Run:
        run.__dict__["case"] = Case(None, (), book.state(), book.plan)
        return run

    asked().require_go("lab-1")
    book._add("halt", "ana", "approver", {"action": "stop", "rings": ["lab"]})
    with pytest.raises(
        PolicyError, match=r"was stopped in ring lab by ana \(approver\) in record 2; nothing was changed"
    ):
        asked().require_go("lab-1")
    asked().require_go("pilot-1")
    book._add("halt", "ops", "requester", {"action": "go", "rings": ["lab"]})
    asked().require_go("lab-1")
