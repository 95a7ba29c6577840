# Copyright: (c) 2026, Holdfast contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Gives package_restore this host's part of the locked plan; documented in plugins/modules/package_restore.py."""

from __future__ import annotations

from typing import Any

from ansible_collections.holdfast.hipaa.plugins.plugin_utils.change.parts import Part
from ansible_collections.holdfast.hipaa.plugins.plugin_utils.edge.actions import PlannedAction
from ansible_collections.holdfast.hipaa.plugins.plugin_utils.edge.contributions import rollback_contribution


class ActionModule(PlannedAction):
    """Contributes the rollback record, also when the way back failed."""

    def carry_out(self, part: Part) -> dict[str, Any]:
        answer = self.ask("package_restore", part.module_args())
        products = answer.get("products") or []
        outcome = "restored" if not answer.get("failed") else ("partial" if products else "failed")
        return {**answer, "holdfast": rollback_contribution(part.asset, "health", outcome, products)}
