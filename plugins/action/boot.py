# Copyright: (c) 2026, Holdfast contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Reboots a host that needs it, as the site's policy says, and proves it; documented in plugins/modules/boot.py."""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import Any

from ansible_collections.holdfast.hipaa.plugins.plugin_utils.edge.actions import RecordedAction
from ansible_collections.holdfast.hipaa.plugins.plugin_utils.edge.contributions import deploy_contribution
from ansible_collections.holdfast.hipaa.plugins.plugin_utils.edge.leasing import require_lease
from ansible_collections.holdfast.hipaa.plugins.plugin_utils.edge.opening import Run
from ansible_collections.holdfast.hipaa.plugins.plugin_utils.edge.rebooting import NotRebootedError, reboot


class ActionModule(RecordedAction):
    """`rebooted` is true, and a reboot goes on record, only when the boot marker moved."""

    arguments = {
        "when": {"type": "str", "choices": ["needed", "never"]},
        "minutes": {"type": "float"},
    }

    def act(self, run: Run, args: Mapping[str, Any]) -> dict[str, Any]:
        policy = run.site.policy.patching.reboots
        look = self.ask("boot", {})
        if "marker" not in look:
            return {**look, "failed": True}
        result: dict[str, Any] = {name: look[name] for name in ("needed", "why", "kernel")}
        result.update(changed=False, rebooted=False, marker_before=look["marker"], marker_after=look["marker"])
        if not look["needed"]:
            return result
        if (args["when"] or policy.when) == "never":
            self._display.display(f"{self.host}: needs a reboot ({', '.join(look['why'])}); policy says never")
            return result
        if self._task.check_mode:
            return {**result, "changed": True}
        require_lease(run, self.host)
        minutes = args["minutes"] or policy.minutes
        began = time.monotonic()
        try:
            done = reboot(self, look, minutes)
        except NotRebootedError as error:
            result.update(failed=True, msg=f"{self.host}: {error}")
            if error.moved is not None:
                result.update(self._moved(run, look, error.moved, error.kernel or look["kernel"]["running"], began))
            return result
        return {**result, **self._moved(run, look, done.marker, done.look["kernel"]["running"], began)}

    def _moved(self, run: Run, look: Mapping[str, Any], marker: str, kernel: str, began: float) -> dict[str, Any]:
        """Return what is said of a reboot that did take place, whatever came after it."""
        seconds = time.monotonic() - began
        ms = int(seconds * 1000)
        said = {"before": look["marker"], "after": marker, "ms": ms, "kernel": kernel}
        return {
            "changed": True,
            "rebooted": True,
            "marker_after": marker,
            "seconds": round(seconds, 3),
            "kernel": {**look["kernel"], "running": kernel},
            "holdfast": deploy_contribution(
                run.site.asset(self.host).ring, [], steps=[{"step": "reboot", "ms": ms}], reboot=said
            ),
        }
