# Copyright: (c) 2026, Holdfast contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Gives package_apply this host's part of the locked plan; documented in plugins/modules/package_apply.py."""

from __future__ import annotations

from typing import Any

from ansible_collections.holdfast.hipaa.plugins.plugin_utils.change.parts import Part
from ansible_collections.holdfast.hipaa.plugins.plugin_utils.edge.actions import PlannedAction
from ansible_collections.holdfast.hipaa.plugins.plugin_utils.edge.contributions import deploy_contribution


class ActionModule(PlannedAction):
    """Contributes the products to the deploy record."""

    def carry_out(self, part: Part) -> dict[str, Any]:
        answer = self.ask("package_apply", part.module_args())
        return {**answer, "holdfast": deploy_contribution(part.ring, answer.get("products") or [])}
