# Copyright: (c) 2026, Holdfast contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Gives package_stage this host's part of the locked plan, and what the controller's pool has of it.

Documented in plugins/modules/package_stage.py.
"""

from __future__ import annotations

import os
import tempfile
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ansible_collections.holdfast.hipaa.plugins.plugin_utils.change.locked import Locked, files_of
from ansible_collections.holdfast.hipaa.plugins.plugin_utils.change.parts import Part
from ansible_collections.holdfast.hipaa.plugins.plugin_utils.edge.actions import PlannedAction
from ansible_collections.holdfast.hipaa.plugins.plugin_utils.edge.contributions import prepare_contribution
from ansible_collections.holdfast.hipaa.plugins.plugin_utils.edge.delivering import SOURCES, lacking, offer, told
from ansible_collections.holdfast.hipaa.plugins.plugin_utils.edge.opening import Run
from ansible_collections.holdfast.hipaa.plugins.plugin_utils.edge.pool import Pool, PoolError
from ansible_collections.holdfast.hipaa.plugins.plugin_utils.edge.pool_door import claimed, open_door


class ActionModule(PlannedAction):
    """Stages exactly the locked files and the way back, and keeps the pool filled where it is asked to."""

    arguments = {
        **PlannedAction.arguments,
        "sources": {"type": "list", "elements": "str", "choices": list(SOURCES), "default": list(SOURCES)},
        "fill": {"type": "bool", "default": False},
    }

    def act(self, run: Run, args: Mapping[str, Any]) -> dict[str, Any]:
        self.opened, self.args = run, args
        return super().act(run, args)

    def carry_out(self, part: Part) -> dict[str, Any]:
        began = time.monotonic()
        pool = Pool(self.opened.site.pool.folder)
        call = {**part.module_args(), "sources": list(self.args["sources"])}
        answer = self.ask("package_stage", call)
        origins = list(answer.get("origins", ()))
        while answer.get("asks"):
            call.update(self._provided(answer, pool))
            answer = self.ask("package_stage", call)
            origins += answer.get("origins", ())
        if answer.get("failed"):
            return answer
        if self._task.check_mode:
            self._display.display(lacking(self.host, answer))
            return answer
        pooled = self._fill(part, call, pool) if self.args["fill"] else []
        answer.update(origins=origins, changed=bool(origins), fetched=[one["file"] for one in origins], pooled=pooled)
        seconds = time.monotonic() - began
        self._display.display(told(self.host, answer, seconds))
        staged = prepare_contribution(part.ring, [{"step": "stage", "ms": seconds * 1000}])
        return {**answer, "seconds": round(seconds, 1), "holdfast": staged}

    def _provided(self, answer: Mapping[str, Any], pool: Pool) -> dict[str, Any]:
        """Do what the host waits for, and return the arguments that tell it so."""
        site, opened = self.opened.site, self.opened.opened
        hosts = len(self.variables.get("ansible_play_batch", ()))
        offered = offer(answer, pool, site.pool, hosts)
        found: dict[str, Any] = {"sources": list(offered.sources), "tried": dict(offered.tried)}
        if offered.serve:
            # Ansible's workers are children of the process that is the run.
            found["pool_url"] = open_door(site, opened.run_id, os.getppid())
        if offered.copy:
            found["copied"] = self._copied(offered.copy, pool)
        return found

    def _copied(self, files: tuple[Locked, ...], pool: Pool) -> str:
        folder = str(self._connection._shell.tmpdir or self._make_tmp_path())
        for one in files:
            self._transfer_file(str(pool.path(one.sha256)), self._connection._shell.join_path(folder, one.sha256))
        return folder

    def _fill(self, part: Part, call: Mapping[str, Any], pool: Pool) -> list[str]:
        """Bring what the pool lacks from this host's stage, unless another host is bringing it; return those files."""
        locked = files_of(part.packages)
        lacking = [digest for digest in locked if not pool.has(digest)]
        if not lacking:
            return []
        workshop = pool.workshop()
        with claimed(workshop, lacking) as ours, tempfile.TemporaryDirectory(dir=workshop) as here:
            ours = [digest for digest in ours if not pool.has(digest)]
            if not ours:
                return []
            folder = str(self._connection._shell.tmpdir or self._make_tmp_path())
            answer = self.ask("package_stage", {**call, "hand_out": ours, "hand_out_to": folder})
            if answer.get("failed"):
                raise PoolError(f"{self.host}: {answer.get('msg')}")
            for digest in answer["handed_out"]:
                arrived = Path(here, digest)
                self._connection.fetch_file(self._connection._shell.join_path(folder, digest), str(arrived))
                pool.take(arrived, locked[digest])
        return [locked[digest].file for digest in answer["handed_out"]]
