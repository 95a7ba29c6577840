# Copyright: (c) 2026, Holdfast contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The recorder's guard: a hook that fails stops the run, in whichever thread it failed."""

from __future__ import annotations

import gc
import json
import threading

import pytest
from ansible_collections.holdfast.hipaa.plugins.callback.recorder import CallbackModule, RecorderStop, guard
from ansible_collections.holdfast.hipaa.plugins.plugin_utils.edge.waking import LATEST, SLACK
from ansible_collections.holdfast.hipaa.plugins.plugin_utils.edge.witnessing import Heard
from ansible_collections.holdfast.hipaa.plugins.plugin_utils.errors import LedgerError


class Display:
    def __init__(self):
        self.said = []

    def error(self, text):
        self.said.append(text)


class Plain:
    """Hooks as Ansible calls them, one of which fails."""

    def __init__(self, error):
        self.lost, self._display, self.error = None, Display(), error

    def v2_fails(self):
        raise self.error

    def v2_works(self):
        pass


@guard
class Guarded(Plain):
    def v2_fails(self):
        raise self.error

    def v2_works(self):
        pass


def test_without_the_guard_the_error_is_an_exception_that_ansible_swallows():
    with pytest.raises(LedgerError):
        Plain(LedgerError("no ledger")).v2_fails()


def test_in_the_main_thread_the_run_stops_at_once():
    hooks = Guarded(LedgerError("no ledger"))
    with pytest.raises(RecorderStop) as stop:
        hooks.v2_fails()
    assert stop.value.code == 3
    assert not isinstance(stop.value, Exception)
    assert "no ledger" in hooks._display.said[0]


def test_in_another_thread_the_run_stops_at_the_next_hook():
    hooks = Guarded(LedgerError("no ledger"))
    thread = threading.Thread(target=hooks.v2_fails)
    thread.start()
    thread.join()
    assert hooks.lost == "no ledger"
    with pytest.raises(RecorderStop):
        hooks.v2_works()


def test_the_text_of_a_foreign_error_is_not_shown():
    hooks = Guarded(ValueError("hunter2"))
    with pytest.raises(RecorderStop):
        hooks.v2_fails()
    assert "hunter2" not in hooks._display.said[0]
    assert "v2_fails: ValueError" in hooks._display.said[0]


class Journal:
    """Notes what it is told."""

    def __init__(self):
        self.told = []

    def saw(self, asset, *, role=None, contribution=None, **what):
        self.told.append((role, contribution and contribution["step"], what))


class Named:
    """A host, a role or a task's result, as far as the callback looks at them."""

    def __init__(self, name, role=None, result=None):
        self.name, self.resolved_action, self._role = name, name, role
        self.host, self.task, self.result = self, self, result or {}

    def get_name(self, include_role_fqcn):
        return self.name

    def is_changed(self):
        return bool(self.result.get("changed"))


@pytest.mark.parametrize(
    ("action", "role", "told"),
    [
        ("holdfast.hipaa.guard", Named("ssh"), [("ssh", "deploy", {"changed": True}), ("ssh", "rollback", {})]),
        ("holdfast.hipaa.place", Named("ssh"), [("ssh", None, {"changed": True})]),
        ("ansible.builtin.copy", Named("ssh"), [("ssh", None, {"changed": True})]),
        ("ansible.builtin.copy", None, [(None, None, {"changed": True})]),
        ("holdfast.hipaa.restore", None, [(None, "deploy", {"changed": True}), (None, "rollback", {})]),
    ],
)
def test_within_a_role_only_the_guard_says_something_for_the_record(action, role, told):
    callback = CallbackModule()
    callback.journal, callback.ours = Journal(), True
    said = [{"step": "deploy"}, {"step": "rollback"}]
    callback.v2_runner_on_ok(Named(action, role, {"changed": True, "invocation": {"holdfast": json.dumps(said)}}))
    assert callback.journal.told == told


def test_what_judges_deploys_nothing_whatever_it_says_of_itself():
    callback = CallbackModule()
    callback.journal, callback.ours = Journal(), True
    said = {"invocation": {"holdfast": json.dumps({"step": "verify"})}}
    callback.v2_runner_on_failed(Named("holdfast.hipaa.probe", None, {"changed": True, **said}))
    assert callback.journal.told == [(None, "verify", {"unreachable": False, "stopped": True})]


def test_a_host_that_a_wave_lost_is_on_record_as_out_of_reach():
    callback = CallbackModule()
    callback.journal, callback.ours = Journal(), True
    callback.v2_runner_on_failed(Named("holdfast.hipaa.health", None, {"failed": True, "lost": True}))
    assert callback.journal.told == [(None, None, {"unreachable": True})]


class Ended:
    """A run that went well, and what witnesses made of its head."""

    silent, ends, exit_code, processed = (), {}, 0, ()

    def __init__(self, *heard):
        self.heard = heard

    def flush(self, final):
        pass

    def close(self, code):
        pass


class Warned(Display):
    """Keeps warnings apart."""

    def __init__(self):
        super().__init__()
        self.warned = []

    def warning(self, text):
        self.warned.append(text)


def test_a_witness_out_of_reach_is_a_warning():
    callback = CallbackModule()
    callback._display = Warned()
    callback.journal = Ended(Heard("w", "unreachable", "w is away"), Heard("v", "cosigned", "v cosigned", 3))
    callback.v2_playbook_on_stats(Ended())
    assert callback._display.warned == ["holdfast: w is away; `holdfast ledger witness` asks again"]
    assert not callback._display.said


def test_a_witness_that_refuses_fails_the_run():
    callback = CallbackModule()
    callback._display = Warned()
    callback.journal = Ended(Heard("w", "refused", "w has cosigned another history"))
    with pytest.raises(RecorderStop):
        callback.v2_playbook_on_stats(Ended())
    assert callback._display.said[0] == "holdfast: w has cosigned another history"


class Beginning:
    """A play of ours that gets no further than to be asked for its variables."""

    vars = {"holdfast": {"kind": "check"}}

    def get_variable_manager(self):
        raise LedgerError("far enough")


@pytest.mark.skipif(not SLACK.exists(), reason="only Linux lets a process say how exactly it is woken")
def test_a_play_of_ours_is_woken_less_often_and_another_as_always():
    before = SLACK.read_text(encoding="ascii")
    callback = CallbackModule()
    callback._display = Display()
    try:
        other = Beginning()
        other.vars = {}
        callback.v2_playbook_on_play_start(other)
        assert SLACK.read_text(encoding="ascii") == before
        with pytest.raises(RecorderStop):
            callback.v2_playbook_on_play_start(Beginning())
        assert int(SLACK.read_text(encoding="ascii")) == LATEST
    finally:
        gc.unfreeze()
        SLACK.write_text(before, encoding="ascii")
