# Copyright: (c) 2026, Holdfast contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""A login that shares nothing with the connections that are open: what proves that a host still lets people in."""

from __future__ import annotations

import os
from typing import Any

from ansible.errors import AnsibleError
from ansible.plugins.action import ActionBase
from ansible.plugins.loader import connection_loader

ALONE = "-o ControlMaster=no -o ControlPath=none -o ServerAliveInterval=2 -o ServerAliveCountMax=5"
"""Comes before the site's own ssh_args; ssh takes the first value it meets."""


def over_fresh_login(action: ActionBase, argv: list[str], *, patience: int | None = None) -> tuple[int, str, str]:
    """Run a command through a new login, with the task's privilege escalation; return exit code, output, errors.

    Over SSH the login is real and nobody else's; `patience` is for how many seconds it may take to connect. With any
    other connection plugin the command runs over a new connection of that plugin, whatever that is. A login
    that fails, or in which the escalation is refused, has exit code 255.
    """
    old = action._connection
    fresh = _like(action, old)
    if old.transport == "ssh":
        fresh.set_option("ssh_args", f"{ALONE} {old.get_option('ssh_args') or ''}".strip())
        fresh.set_option("reconnection_retries", 0)
        if patience is not None:
            fresh.set_option("timeout", patience)
    action._connection = fresh
    try:
        done = action._low_level_execute_command(" ".join(argv))
    except AnsibleError as error:  # no login, or no escalation: a password asked for, a refusal
        return 255, "", str(error)
    finally:
        action._connection = old
        fresh.close()
    return int(done["rc"]), str(done["stdout"]), str(done["stderr"])


def _like(action: ActionBase, old: Any) -> Any:
    """Return a new connection of the same kind with the same options, shell and privilege escalation."""
    fresh, _unused = connection_loader.get_with_context(
        old._load_name,
        action._play_context,
        task_uuid=action._task._uuid,
        ansible_playbook_pid=str(os.getppid()),
    )
    fresh._options = dict(old._options)
    fresh._origins = dict(old._origins)
    fresh._shell = old._shell
    fresh.set_become_plugin(old.become)
    return fresh
