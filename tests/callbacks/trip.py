# Copyright: (c) 2026, Holdfast contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Does one thing at one moment of a run, for tests that want it to happen there and nowhere else.

TRIP is JSON: `at`, a pattern searched in `<module>: <name of the task>`; `nth`, which of the tasks that fit (1);
`do`, a command to run first, or null, which kills the controller and all it started; `after`, the seconds that a host's
task runs before that (0: before any host is asked); `mark`, a file that is made when it was done.
Without TRIP nothing happens.
"""

from __future__ import annotations

import json
import os
import pathlib
import re
import signal
import subprocess
import threading

from ansible.plugins.callback import CallbackBase

DOCUMENTATION = """
name: trip
type: notification
short_description: Do one thing at one moment of a run
description:
  - Kills the controller, or runs a command, when a task that fits begins.
"""


def kill_all(mark):
    """Kill what has a mark in its environment: Ansible's workers and ssh leave the controller's process group."""
    own = str(os.getpid())
    for process in pathlib.Path("/proc").glob("[0-9]*"):
        try:
            if mark.encode() in (process / "environ").read_bytes() and process.name != own:
                os.kill(int(process.name), signal.SIGKILL)
        except OSError:  # it has ended by now, or is nobody's of ours
            continue
    if mark in os.environ.get("TRIP", ""):
        os.kill(os.getpid(), signal.SIGKILL)


class CallbackModule(CallbackBase):
    """Counts the tasks that fit, and acts at the one that was asked for."""

    CALLBACK_VERSION = 2.0
    CALLBACK_TYPE = "notification"
    CALLBACK_NAME = "trip"
    CALLBACK_NEEDS_ENABLED = True

    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        self.asked = json.loads(os.environ.get("TRIP", "null"))
        self.seen, self.armed = 0, False

    def v2_playbook_on_task_start(self, task, is_conditional):
        self.armed = False
        if self.asked and re.search(self.asked["at"], f"{task.resolved_action}: {task.get_name()}"):
            self.seen += 1
            self.armed = self.seen == self.asked.get("nth", 1)
        if self.armed and not self.asked.get("after"):
            self._act()

    def v2_runner_on_start(self, host, task):
        if self.armed and self.asked.get("after"):
            self.armed = False
            threading.Timer(self.asked["after"], self._act).start()

    def _act(self):
        self.armed = False
        pathlib.Path(self.asked["mark"]).touch()
        if self.asked.get("do"):
            subprocess.run(self.asked["do"], stdin=subprocess.DEVNULL, check=True, timeout=120)
        else:
            kill_all(self.asked["mark"])
