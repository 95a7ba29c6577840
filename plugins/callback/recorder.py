# Copyright: (c) 2026, Holdfast contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

DOCUMENTATION = r"""
name: recorder
type: notification
short_description: Writes the change records of a run, or stops the run
description:
  - Opens a run in the site's ledger before the first task of a Holdfast playbook, records what was deployed, verified
    and rolled back, and closes the run.
  - Fails closed. A record that cannot be written stops the run; it never becomes a warning.
  - Plays without the variable C(holdfast) are none of its business and are left alone.
options:
  site:
    description: The site's folder, which holds C(site.yml).
    type: path
    env:
      - name: HOLDFAST_SITE
    ini:
      - section: holdfast
        key: site
requirements:
  - enabled by its full name, C(callbacks_enabled = holdfast.hipaa.recorder)
author:
  - Holdfast contributors (@holdfast)
"""

import functools
import gc
import os
import threading
from pathlib import Path
from typing import Any

from ansible import context
from ansible.plugins.callback import CallbackBase
from ansible_collections.holdfast.hipaa.plugins.plugin_utils.edge.content import covered
from ansible_collections.holdfast.hipaa.plugins.plugin_utils.edge.contributions import unsealed
from ansible_collections.holdfast.hipaa.plugins.plugin_utils.edge.environment import SITE, find_site
from ansible_collections.holdfast.hipaa.plugins.plugin_utils.edge.loading import code_of
from ansible_collections.holdfast.hipaa.plugins.plugin_utils.edge.running import Particulars, open_journal
from ansible_collections.holdfast.hipaa.plugins.plugin_utils.edge.waking import wake_seldom
from ansible_collections.holdfast.hipaa.plugins.plugin_utils.edge.witnessing import REFUSED, UNREACHABLE
from ansible_collections.holdfast.hipaa.plugins.plugin_utils.errors import HoldfastError

OURS = "holdfast.hipaa."
GATE = OURS + "gate"
GUARD = OURS + "guard"
OF_A_CHANGE = ("stage", "patch", "rehearse", "rollback")
"""Kinds of run whose hosts come from the change they name: without one there are none, and that is an error."""


class RecorderStop(SystemExit):
    """Ends the run. No Exception, so that Ansible's dispatch of callbacks cannot turn it into a warning."""


def guard(cls: type) -> type:
    """Make every hook of `cls` fail closed.

    An error in a hook is kept and raised as RecorderStop at once in the main thread, or at the next hook there:
    raised in the thread that reads results it would make Ansible wait for ever (seen on ansible-core 2.16 to 2.19).
    """

    def wrap(name: str, hook: Any) -> Any:
        @functools.wraps(hook)
        def guarded(self: Any, *args: Any, **kwargs: Any) -> None:
            try:
                hook(self, *args, **kwargs)
            except HoldfastError as error:
                self.lost = self.lost or str(error)
            except Exception as error:  # noqa: BLE001 - whatever it is, a lost record must stop the run
                self.lost = self.lost or f"{name}: {type(error).__name__}"  # its text may hold a secret
            if self.lost and threading.current_thread() is threading.main_thread():
                self._display.error(f"holdfast: the run stops: {self.lost}")
                raise RecorderStop(3)

        return guarded

    for name, hook in list(vars(cls).items()):
        if name.startswith("v2_"):
            setattr(cls, name, wrap(name, hook))
    return cls


@guard
class CallbackModule(CallbackBase):
    """Translates Ansible's events into the Journal's; see edge/journal.py for what is written when."""

    CALLBACK_VERSION = 2.0
    CALLBACK_TYPE = "notification"
    CALLBACK_NAME = "holdfast.hipaa.recorder"
    CALLBACK_NEEDS_ENABLED = True

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        # Nothing that can fail: Ansible turns an error here into a warning and goes on without us.
        self.lost: str | None = None
        self.journal: Any = None
        self.playbook: str | None = None
        self.gated = self.bounded = self.ours = False

    def v2_playbook_on_start(self, playbook: Any) -> None:
        self.playbook = playbook._file_name
        site = self.get_option("site")
        if site:
            os.environ[SITE] = str(site)  # lookups and workers inherit it

    def v2_playbook_on_play_start(self, play: Any) -> None:
        particulars = play.vars.get("holdfast")
        self.ours, self.gated, self.bounded = particulars is not None, False, False
        if not self.ours:
            return
        if self.journal is not None:  # the next serial batch, or the next play of the same run
            self.journal.flush(final=True)
            return
        cli = context.CLIARGS
        if cli.get("start_at_task") or {"always", "all"} & set(cli.get("skip_tags") or ()):
            raise HoldfastError("--start-at-task and --skip-tags always would skip the gate; run without them")
        # What is loaded by now stays: neither this process nor its forks need to look through it for garbage.
        gc.freeze()
        wake_seldom()
        variables = play.get_variable_manager()
        hosts = variables._inventory.get_hosts(play.hosts, ignore_restrictions=True)
        change = variables.extra_vars.get("change")
        if not hosts and particulars["kind"] == "observe":
            raise HoldfastError(
                "no host is to look: policy/inventory.yml declares no sweep, or nothing fits --limit; declare one there"
            )
        if not hosts and (change or particulars["kind"] not in ("stage", "patch", "rollback")):
            return
        self.journal = open_journal(
            find_site(self.get_option("site")),
            Particulars(
                kind=particulars["kind"],
                check=bool(cli.get("check")),
                hosts=tuple(host.name for host in hosts),
                change=change,
                playbook=Path(self.playbook),
                forks=int(cli.get("forks") or 1),
                limited=bool(cli.get("subset")),
            ),
        )

    def v2_playbook_on_task_start(self, task: Any, is_conditional: bool) -> None:
        if self.journal is None:
            return
        if self.journal.denied and task.resolved_action != "ansible.builtin.meta":
            # Errors were ignored or rescued, or another play goes on: whatever the task is, it was not let through.
            journal, self.journal = self.journal, None
            journal.close(3)
            raise HoldfastError(f"{task.get_path()}: a task would run after the gate denied this run; ask for a change")
        content = covered()
        for path in code_of(task) if content is not None else ():
            if flaw := content.flaw(path):
                raise HoldfastError(
                    f"{task.get_path()}: {flaw}; a task that nobody signed would run; sign it, or leave it out"
                )
        if self.ours and not self.gated and task.resolved_action not in (GATE, "ansible.builtin.meta"):
            raise HoldfastError(f"{task.get_path()}: a task would run before the gate; the gate must come first")
        role = task._role.get_name() if task._role else ""
        if self.ours and self.journal.unasked and not self.bounded and role.startswith(OURS):
            raise HoldfastError(
                f"{task.get_path()}: {role} would run though the gate was not asked what may be mended without an "
                "approved change; ask it after the probe, with `after`, as the playbook remediate does"
            )
        self.journal.flush()

    def v2_playbook_on_handler_task_start(self, task: Any) -> None:
        self.v2_playbook_on_task_start(task, False)

    def v2_runner_on_start(self, host: Any, task: Any) -> None:
        if self.journal is not None and self.ours:
            self.journal.begins(host.name)

    def v2_runner_on_ok(self, result: Any) -> None:
        if result.task.resolved_action == GATE:
            self.gated = True
            self.bounded |= bool(result.result.get("bounded"))
        self._saw(result, changed=result.is_changed())

    def v2_runner_on_failed(self, result: Any, ignore_errors: bool = False) -> None:
        if self.journal is not None and result.task.resolved_action == GATE:
            self.journal.deny(str(rule) for rule in result.result.get("denied_by", ()))
        self._saw(result, failed=True)

    def v2_runner_on_unreachable(self, result: Any) -> None:
        self._saw(result, unreachable=True)

    def v2_playbook_on_no_hosts_matched(self) -> None:
        # Nothing to do is an answer too, and not a silent one.
        self._display.display("holdfast: no host is left to change in this run")

    def v2_playbook_on_stats(self, stats: Any) -> None:
        if self.journal is None:
            return
        totals = [stats.summarize(host) for host in stats.processed]
        code = (2 if any(t["failures"] for t in totals) else 0) | (4 if any(t["unreachable"] for t in totals) else 0)
        silent, journal = self.journal.silent, self.journal
        self.journal.flush(final=True)
        own = journal.exit_code
        journal.close(code | own or (3 if silent else 0))
        self.journal = None
        for asset, word in sorted(journal.ends.items()):
            self._display.error(f"holdfast: {asset} is not where it should be: {word}")
        for one in journal.heard:
            if one.outcome == UNREACHABLE:
                self._display.warning(f"holdfast: {one.message}; `holdfast ledger witness` asks again")
            elif one.outcome == REFUSED:
                self._display.error(f"holdfast: {one.message}")
        if not code and any(one.outcome == REFUSED for one in journal.heard):
            raise HoldfastError("a witness refused this ledger's head; run `holdfast audit` before anything else")
        if silent:
            asked = "health check" if journal.feels else "control"
            told = f"no {asked} of {', '.join(silent)} was answered in this run, so nothing is known of it"
            if not code:
                raise HoldfastError(f"{told}; run the playbook whole, without --tags or --skip-tags")
            self._display.error(f"holdfast: {told}")  # the run has failed already, and Ansible said of whom
        if own and not code:
            # For Ansible all is well: the play went on past these hosts, as far as policy lets it.
            raise RecorderStop(own)

    def _saw(self, result: Any, **what: bool) -> None:
        """Pass one result on.

        Only our own actions may contribute to a record, and within a role only the guard: a role says nothing of its
        own work.
        """
        if self.journal is None or not self.ours:
            return
        task = result.task
        if task.resolved_action == GATE:
            return
        said: list[Any] = []
        # Ansible copies a whole result when it is looked into; of most tasks nothing but how they ended is asked.
        ours = task.resolved_action.startswith(OURS)
        if ours and result.result.get("lost"):
            what = {"unreachable": True}  # see RecordedAction.lost
        stopped = task._role is None and what.get("failed", False)
        if ours and (task._role is None or task.resolved_action == GUARD):
            said = unsealed(result.result)
            if task._role is None and not any(one["step"] == "deploy" for one in said):
                # Staging, probing and judging are no deployment, whatever they say of themselves.
                what = {"unreachable": what.get("unreachable", False)}
        role = task._role.get_name(include_role_fqcn=False) if task._role else None
        first = said[0] if said else None
        if stopped:
            what["stopped"] = True
        self.journal.saw(result.host.name, role=role, contribution=first, **what)
        for one in said[1:]:
            self.journal.saw(result.host.name, role=role, contribution=one)
