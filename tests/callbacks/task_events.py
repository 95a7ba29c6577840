# Copyright: (c) 2026, Holdfast contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Writes what every task of a run did as JSON lines, for tests that judge a run: never by what it prints.

The file is named by TASK_EVENTS; without it nothing is written. tests/events.py reads it.
"""

from __future__ import annotations

import json
import os

from ansible import context
from ansible.plugins.callback import CallbackBase

DOCUMENTATION = """
name: task_events
type: notification
short_description: Write what every task did as JSON lines
description:
  - One line when a playbook starts, one for each task and host, one when it ended.
"""


class CallbackModule(CallbackBase):
    """One line an event, appended at once, so that a run cut short has no last line."""

    CALLBACK_VERSION = 2.0
    CALLBACK_TYPE = "notification"
    CALLBACK_NAME = "task_events"
    CALLBACK_NEEDS_ENABLED = True

    def _write(self, event, **members):
        path = os.environ.get("TASK_EVENTS")
        if path:
            with open(path, "a", encoding="utf-8") as stream:
                stream.write(json.dumps({"event": event, **members}) + "\n")

    def _task(self, result, outcome):
        # The interface of ansible-core 2.19, and what it replaces.
        task, host = getattr(result, "task", None) or result._task, getattr(result, "host", None) or result._host
        data = getattr(result, "result", None) or result._result
        self._write(
            "task",
            host=host.get_name(),
            role=task._role.get_name() if task._role else "",
            task=task.get_name(),
            action=task.action,
            outcome=outcome,
            changed=bool(data.get("changed")),
        )

    def v2_playbook_on_start(self, playbook):
        check = bool(context.CLIARGS.get("check"))
        self._write("start", playbook=os.path.basename(playbook._file_name), check=check)

    def v2_runner_on_ok(self, result):
        self._task(result, "ok")

    def v2_runner_on_failed(self, result, ignore_errors=False):
        self._task(result, "failed")

    def v2_runner_on_unreachable(self, result):
        self._task(result, "unreachable")

    def v2_runner_on_skipped(self, result):
        self._task(result, "skipped")

    def v2_playbook_on_stats(self, stats):
        self._write("end", hosts=sorted(stats.processed))
