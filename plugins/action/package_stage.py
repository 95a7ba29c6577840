# Copyright: (c) 2026, Holdfast contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Gives package_stage this host's part of the locked plan; documented in plugins/modules/package_stage.py."""

from __future__ import annotations

from typing import Any

from ansible_collections.holdfast.hipaa.plugins.plugin_utils.change.parts import Part
from ansible_collections.holdfast.hipaa.plugins.plugin_utils.edge.actions import PlannedAction


class ActionModule(PlannedAction):
    """Stages exactly the locked files and the way back."""

    def carry_out(self, part: Part) -> dict[str, Any]:
        return self.ask("package_stage", part.module_args())
