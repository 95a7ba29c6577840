# Copyright: (c) 2026, Holdfast contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Asks, at the head of every play and every wave, whether it may go on; documented in plugins/modules/gate.py."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from ansible_collections.holdfast.hipaa.plugins.plugin_utils.edge.actions import RecordedAction
from ansible_collections.holdfast.hipaa.plugins.plugin_utils.edge.asking import ask_patiently
from ansible_collections.holdfast.hipaa.plugins.plugin_utils.edge.content import covered
from ansible_collections.holdfast.hipaa.plugins.plugin_utils.edge.environment import utc_now
from ansible_collections.holdfast.hipaa.plugins.plugin_utils.edge.finding import kept_back
from ansible_collections.holdfast.hipaa.plugins.plugin_utils.edge.opening import Run
from ansible_collections.holdfast.hipaa.plugins.plugin_utils.errors import DeniedError


class ActionModule(RecordedAction):
    """Runs on the controller alone: no host is contacted to decide."""

    _requires_connection = False
    arguments = {
        "change": {"type": "str"},
        "after": {"type": "str"},
        "wait_minutes": {"type": "int", "default": 0},
    }

    def act(self, run: Run, args: Mapping[str, Any]) -> dict[str, Any]:
        wave = tuple(str(host) for host in self.variables.get("ansible_play_batch", ()))
        patience = args["wait_minutes"]
        content = covered()
        if content is not None:
            content.require_unmoved()
        answer = ask_patiently(
            run,
            args["change"],
            wave,
            self._mends(wave, args["after"]) if args["after"] else None,
            patience=timedelta(minutes=max(0, patience)),
            say=lambda words: self._display.display(f"gate: {words}"),
        )
        if not answer.decision.allowed:
            reasons = "\n".join(f"  - {reason}" for reason in answer.decision.reasons)
            until = answer.decision.until
            if until is not None:
                reasons += f"\n  From {until.isoformat(timespec='seconds')} on nothing of this objects any more."
            raise DeniedError(f"The gate is shut for {', '.join(wave)}:\n{reasons}", answer.decision.rules)
        for ground in answer.decision.grounds:
            self._display.display(f"gate: {ground}")
        return {
            "changed": False,
            "run_id": run.opened.run_id,
            "index": run.opened.index,
            "plan": answer.plan_digest,
            "change_kind": answer.change_kind,
            "back": list(answer.back),
            "patching": run.site.policy.patching.to_dict(),
            "left_alone": self._left_alone(run, wave),
            "bounded": bool(args["after"]),
            "watch_seconds": answer.watch_seconds,
        }

    def _left_alone(self, run: Run, hosts: tuple[str, ...]) -> dict[str, list[str]]:
        """Return, and say, what a plan must leave as it is on each host, for an exception lets its flaws stay."""
        kept = kept_back(run.site, run.records, utc_now(), hosts) if run.kind == "plan" else {}
        for host, packages in sorted(kept.items()):
            for names in sorted(set(packages.values())):
                told = ", ".join(sorted(name for name, its in packages.items() if its == names))
                self._display.display(f"{host}: left as it is by exception {', '.join(names)}: {told}")
        return {host: sorted(packages) for host, packages in kept.items()}

    def _mends(self, hosts: tuple[str, ...], name: str) -> dict[str, list[str]]:
        """Return what the probe that was registered under this name would have mended on each host."""
        found = {host: self.variables["hostvars"][host].get(name) for host in hosts}
        return {host: [str(one) for one in seen.get("mends", ())] for host, seen in found.items() if seen}
