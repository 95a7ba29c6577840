# Copyright: (c) 2026, Holdfast contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Reads what a host is made of and keeps it with its digest on record; documented in plugins/modules/host_state.py."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ansible_collections.holdfast.hipaa.plugins.plugin_utils.edge.actions import RecordedAction
from ansible_collections.holdfast.hipaa.plugins.plugin_utils.edge.contributions import seen_contribution
from ansible_collections.holdfast.hipaa.plugins.plugin_utils.edge.environment import utc_now
from ansible_collections.holdfast.hipaa.plugins.plugin_utils.edge.observing import SKEWED, keep_observation, observe
from ansible_collections.holdfast.hipaa.plugins.plugin_utils.edge.opening import Run
from ansible_collections.holdfast.hipaa.plugins.plugin_utils.observed.forms import stamp
from ansible_collections.holdfast.hipaa.plugins.plugin_utils.observed.model import PARTS


class ActionModule(RecordedAction):
    """One call to the host; what it answers goes into a file of the site's, and its digest into the run's records."""

    arguments: Mapping[str, Any] = {}

    def act(self, run: Run, args: Mapping[str, Any]) -> dict[str, Any]:
        began = utc_now()
        answer = self.ask("host_state", {})
        if "host_time" not in answer:
            return {**answer, "failed": True}
        seen = observe(self.host, answer, began, utc_now())
        detail = keep_observation(run, seen)
        counts = {part: len(getattr(seen, part)) for part in PARTS}
        told = [f"{self.host}: {', '.join(f'{count} {part}' for part, count in counts.items())}"]
        if seen.offers is not None:
            secure = len({(one.name, one.architecture) for one in seen.offers.rows if one.security})
            told.append(f"{self.host}: {secure} security updates on offer, by lists of {stamp(seen.offers.as_of)}")
        told += [f"{self.host}: {part}: not measured: {why}" for part, why in sorted(seen.not_measured.items())]
        if abs(seen.clock_ahead) >= SKEWED:
            told.append(
                f"{self.host}: its clock is {seen.clock_ahead:+d} s from the controller's; mend its time service"
            )
        self._display.display("\n".join(told))
        return {
            "changed": False,
            "distribution": seen.distribution,
            "kernel": seen.kernel,
            "manager": seen.manager,
            "counts": counts,
            "not_measured": dict(seen.not_measured),
            "holdfast": seen_contribution(
                "inventory", self.host, {part: seen.measured(part) for part in (*PARTS, "kernel", "offers")}, detail
            ),
        }
