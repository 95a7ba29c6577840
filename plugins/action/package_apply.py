# Copyright: (c) 2026, Holdfast contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Gives package_apply this host's part of the locked plan; documented in plugins/modules/package_apply.py."""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import Any

from ansible.errors import AnsibleConnectionFailure
from ansible_collections.holdfast.hipaa.plugins.plugin_utils.change.parts import Part
from ansible_collections.holdfast.hipaa.plugins.plugin_utils.edge.actions import PlannedAction
from ansible_collections.holdfast.hipaa.plugins.plugin_utils.edge.contributions import (
    deploy_contribution,
    prepare_contribution,
)
from ansible_collections.holdfast.hipaa.plugins.plugin_utils.edge.moving import (
    deeds,
    elapsed,
    settings,
    touched,
)
from ansible_collections.holdfast.hipaa.plugins.plugin_utils.edge.opening import Run


class ActionModule(PlannedAction):
    """Contributes products and steps to the deploy record; a refusal before anything changed contributes no deployment.

    `found` are products that an earlier run put there and could not record any more: they belong to the record of the
    run that finds them.
    """

    arguments = {**PlannedAction.arguments, "found": {"type": "list", "elements": "dict", "default": []}}

    def act(self, run: Run, args: Mapping[str, Any]) -> dict[str, Any]:
        run.require_go(self.host)
        self.patching, self.found = run.site.policy.patching, args["found"]
        return super().act(run, args)

    def carry_out(self, part: Part) -> dict[str, Any]:
        self.part, self.began = part, time.monotonic()
        answer = self.ask("package_apply", {**part.module_args(), **settings(part, self.patching)})
        if answer.get("hung"):
            self._display.warning(f"{self.host}: {answer['hung']} did not end in time and was stopped")
        if not touched(answer) and answer.get("failed"):
            return {**answer, "touched": False, "holdfast": prepare_contribution(part.ring)}
        products = [*self.found, *(answer.get("products") or [])]
        record = deploy_contribution(part.ring, products, steps=deeds(answer, "install", self.began))
        return {**answer, "changed": bool(answer.get("changed") or self.found), "touched": True, "holdfast": record}

    def lost(self, error: AnsibleConnectionFailure) -> dict[str, Any]:
        """Say that the host was lost while it was installing, and after how long: nothing more is known of it."""
        step = {"step": "install", "ms": elapsed(self.began)}
        record = deploy_contribution(self.part.ring, [], steps=[step])
        return {**super().lost(error), "touched": True, "holdfast": record}
