# Copyright: (c) 2026, Holdfast contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""A run is judged by the events it wrote: the gate must refuse a role that is not idempotent, and a run cut short."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests import events

PLAY = """
- hosts: localhost
  connection: local
  gather_facts: false
  roles: [subject]
"""
IDEMPOTENT = """
- name: Place a file
  ansible.builtin.copy: {{content: x, dest: "{there}", mode: "0600"}}
"""
NOT_IDEMPOTENT = """
- name: Add a line each time
  ansible.builtin.command: {{argv: ["true"]}}
"""
# What its recap, or a loop's items, say of itself must not decide.
HIDDEN = """
- name: Claim
  ansible.builtin.debug: {{msg: "changed=0 failed=0"}}
- name: Change in a loop
  ansible.builtin.command: {{argv: ["true"]}}
  loop: [1, 2]
  changed_when: item == 2
"""
BROKEN = """
- name: Fail
  ansible.builtin.command: {{argv: ["false"]}}
"""


def runs(folder: Path, tasks: str, *options: str, times: int = 2) -> list[events.Run]:
    """Apply a role of these tasks to this machine, really, and return its runs."""
    role = folder / "roles" / "subject" / "tasks"
    role.mkdir(parents=True, exist_ok=True)
    (role / "main.yml").write_text(tasks.format(there=folder / "there"), encoding="utf-8")
    (folder / "play.yml").write_text(PLAY, encoding="utf-8")
    (folder / "ansible.cfg").write_text("[defaults]\n", encoding="utf-8")  # nobody's settings but these
    told = folder / "events.jsonl"
    for _time in range(times):
        subprocess.run(
            [str(Path(sys.executable).parent / "ansible-playbook"), "-i", "localhost,", "play.yml",
             "-e", f"ansible_python_interpreter={sys.executable}", *options],
            cwd=folder, stdin=subprocess.DEVNULL, capture_output=True, check=False,
            env={**os.environ, "ANSIBLE_CONFIG": str(folder / "ansible.cfg"), "ANSIBLE_HOME": str(folder / "home"),
                 **events.environment(told)},
        )  # fmt: skip
    return events.read(told)


def test_a_role_that_changes_nothing_the_second_time_passes(tmp_path):
    first, second = runs(tmp_path, IDEMPOTENT)
    assert first.changed == ("localhost: subject: Place a file",)
    assert second.changed == ()
    assert events.not_idempotent(first, second) == []


@pytest.mark.parametrize("tasks", [NOT_IDEMPOTENT, HIDDEN])
def test_a_role_that_changes_something_the_second_time_is_refused_by_name(tmp_path, tasks):
    (fault,) = events.not_idempotent(*runs(tmp_path, tasks))
    assert fault.startswith("localhost: subject: ")
    assert fault.endswith(": changed again")


def test_a_run_that_failed_is_no_proof(tmp_path):
    assert "localhost: subject: Fail: failed" in events.not_idempotent(*runs(tmp_path, BROKEN))


def test_check_mode_is_no_proof(tmp_path):
    faults = events.not_idempotent(*runs(tmp_path, IDEMPOTENT, "--check"))
    assert "a run of play.yml was in check mode" in faults


def test_a_run_cut_short_or_empty_is_no_proof(tmp_path):
    told = tmp_path / "events.jsonl"
    start = {"event": "start", "playbook": "play.yml", "check": False}
    told.write_text(f"{json.dumps(start)}\n{json.dumps(start)}\n", encoding="utf-8")
    faults = events.not_idempotent(*events.read(told))
    assert faults.count("a run of play.yml was cut short") == 2
    assert "the second run did nothing at all" in faults
    assert events.read(tmp_path / "none") == []
