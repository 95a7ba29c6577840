# Copyright: (c) 2026, Holdfast contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Prints what is in the way of a host's updates; documented in plugins/modules/obstacles.py."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ansible_collections.holdfast.hipaa.plugins.plugin_utils.change.obstacles import (
    blocking,
    obstacle_lines,
    outlook_line,
)
from ansible_collections.holdfast.hipaa.plugins.plugin_utils.edge.actions import RecordedAction
from ansible_collections.holdfast.hipaa.plugins.plugin_utils.edge.opening import Run


class ActionModule(RecordedAction):
    """Reads the host's answer; contacts no host."""

    _requires_connection = False
    arguments = {"found": {"type": "dict", "required": True}}

    def act(self, run: Run, args: Mapping[str, Any]) -> dict[str, Any]:
        state = args["found"]
        lines = (*obstacle_lines(self.host, state), outlook_line(self.host, state))
        for line in lines:
            self._display.display(line)
        in_the_way = blocking(self.host, state)
        result: dict[str, Any] = {"changed": False, "lines": list(lines), "blocking": list(in_the_way)}
        if in_the_way:
            told = ", ".join(in_the_way)
            result.update(
                failed=True, msg=f"{self.host}: its updates cannot go in: {told}; do what the lines above say"
            )
        return result
