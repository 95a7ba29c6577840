# Copyright: (c) 2026, Holdfast contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Compares what is installed and what runs with the locked plan; documented in plugins/modules/verify_packages.py."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ansible_collections.holdfast.hipaa.plugins.plugin_utils.change.parts import Part
from ansible_collections.holdfast.hipaa.plugins.plugin_utils.edge.actions import PlannedAction
from ansible_collections.holdfast.hipaa.plugins.plugin_utils.edge.contributions import (
    running_contribution,
    version_contribution,
)
from ansible_collections.holdfast.hipaa.plugins.plugin_utils.edge.opening import Run

SETTLE_SECONDS = 300
"""What others began on the host meanwhile, as apt's own timers do, is waited for so long before it is judged."""


class ActionModule(PlannedAction):
    """The judge is not the module that installed: versions are read again, by another module call.

    What still runs replaced files is put on record and fails nothing: protected services wait for their window.
    """

    arguments = {
        **PlannedAction.arguments,
        "want": {"type": "str", "choices": ["planned", "before"], "default": "planned"},
    }

    def act(self, run: Run, args: Mapping[str, Any]) -> dict[str, Any]:
        self.want = args["want"]
        return super().act(run, args)

    def carry_out(self, part: Part) -> dict[str, Any]:
        answer = self.ask("package_state", {"manager": part.manager, "pending": False, "settle": SETTLE_SECONDS})
        if "installed" not in answer:
            return {**answer, "failed": True}
        installed = {name: package["version"] for name, package in answer["installed"].items()}
        compared = part.compare(installed) if self.want == "planned" else part.compare_before(installed)
        owed = [f"{one['name']}:{one['arch']}" for one in answer.get("unfinished") or ()]
        checks = _running(answer)
        result: dict[str, Any] = {
            "changed": False,
            "running": {check["id"]: check["result"] for check in checks},
            "holdfast": [
                version_contribution(part.asset, compared, None if self.want == "planned" else "before"),
                running_contribution(part.asset, checks),
            ],
        }
        for check in checks:
            if check["result"] == "fail":
                self._display.display(f"{self.host}: {check['id']}: {check['observed']}, {check['told']}")
        wanted = "at the plan" if self.want == "planned" else "as before"
        wrong = [f"{name}: expected {to}, installed {found}" for name, (to, found) in compared.items() if to != found]
        if wrong or owed:
            wrong += [f"{name}: the package manager owes it work" for name in owed]
            result.update(failed=True, msg=f"{part.asset} is not {wanted}: " + "; ".join(wrong))
        return result


def _running(answer: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Return the checks of what runs: the kernel against the newest installed, and no process on replaced files."""
    checks: list[dict[str, Any]] = []
    kernel = answer.get("kernel")
    if not kernel or not kernel.get("installed"):
        checks.append({"id": "kernel", "result": "not_applicable"})  # a container has none of its own
    else:
        same = not kernel["needs_reboot"]
        told = f"installed is {kernel['installed']}: it waits for a reboot"
        checks.append(
            {
                "id": "kernel",
                "result": "pass" if same else "fail",
                "expected": kernel["installed"],
                "observed": kernel["running"],
                "told": told,
            }
        )
    old = answer.get("restarts")
    if old is None:
        return [*checks, {"id": "processes", "result": "not_measured"}]
    units = sorted(str(one["unit"]) for one in old)
    told = "on replaced files: they wait for a restart"
    checks.append(
        {
            "id": "processes",
            "result": "fail" if units else "pass",
            "expected": [],
            "observed": units,
            "told": told,
        }
    )
    return checks
