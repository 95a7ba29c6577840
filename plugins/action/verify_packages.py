# Copyright: (c) 2026, Holdfast contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Compares what is installed with the locked plan; documented in plugins/modules/verify_packages.py."""

from __future__ import annotations

from typing import Any

from ansible_collections.holdfast.hipaa.plugins.plugin_utils.change.parts import Part
from ansible_collections.holdfast.hipaa.plugins.plugin_utils.edge.actions import PlannedAction
from ansible_collections.holdfast.hipaa.plugins.plugin_utils.edge.contributions import version_contribution


class ActionModule(PlannedAction):
    """The judge is not the module that installed: versions are read again, by another module call."""

    def carry_out(self, part: Part) -> dict[str, Any]:
        answer = self.ask("package_state", {"pending": False, "manager": part.manager})
        if "installed" not in answer:
            return {**answer, "failed": True}
        compared = part.compare({name: package["version"] for name, package in answer["installed"].items()})
        result: dict[str, Any] = {"changed": False, "holdfast": version_contribution(part.asset, compared)}
        wrong = [f"{name}: planned {to}, installed {found}" for name, (to, found) in compared.items() if to != found]
        if wrong:
            result.update(failed=True, msg=f"{part.asset} is not at the plan: " + "; ".join(wrong))
        return result
