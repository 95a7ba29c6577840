# Copyright: (c) 2026, Holdfast contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Secrets that a play lets out on every path to a callback, and a search for them in whatever spelling.

`lay_out` writes the play, its role and a naive recorder, which writes down all it is given: what it does not get hold
of has not been let out, and its absence elsewhere would prove nothing.
"""

from __future__ import annotations

import base64
import hashlib
import secrets
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from urllib.parse import quote

import yaml

PATHS = (
    "no_log", "task_name", "task_args", "diff", "prompt", "extra_var", "loop_item", "loop_label", "failed_item",
    "delegation", "environment", "stdout", "stderr", "failure", "last_failure", "fact", "handler", "added_host",
    "async", "play_name", "include_vars",
)  # fmt: skip
"""Ways on which a secret reaches a callback: ledger design, `Redaction, guaranteed how`."""

NAIVE = '''\
import json
from ansible import context
from ansible.plugins.callback import CallbackBase

DOCUMENTATION = """
name: naive
type: notification
short_description: writes down all it is given
description: the recorder that nobody should write
options:
  file:
    description: where to
    env: [{name: NAIVE_FILE}]
"""


class CallbackModule(CallbackBase):
    CALLBACK_VERSION = 2.0
    CALLBACK_TYPE = "notification"
    CALLBACK_NAME = "naive"
    CALLBACK_NEEDS_ENABLED = True

    def note(self, *what):
        with open(self.get_option("file"), "a", encoding="utf-8") as file:
            file.write(json.dumps([repr(one) for one in what]) + "\\n")

    def v2_playbook_on_start(self, playbook):
        self.note("start", dict(context.CLIARGS))

    def v2_playbook_on_play_start(self, play):
        self.note("play", play.get_name(), play.get_vars(), play.vars_prompt)

    def v2_playbook_on_task_start(self, task, is_conditional):
        self.note("task", task.name, task.args, task.environment, task.delegate_to)

    v2_playbook_on_handler_task_start = lambda self, task: self.note("handler", task.get_name())
    v2_on_file_diff = lambda self, result: self.note("diff", result.result.get("diff"))

    def result(self, result, **more):
        self.note("result", result.host.name, result.task.get_name(), result.task.delegate_to, result.task_fields,
                  result.result)

    v2_runner_on_ok = v2_runner_on_failed = v2_runner_on_unreachable = v2_runner_on_skipped = result
    v2_runner_item_on_ok = v2_runner_item_on_failed = v2_runner_retry = result
    v2_runner_on_async_ok = v2_runner_on_async_poll = result
'''

PLAY = """\
- name: "Rotate {{ canary.play_name }}"
  hosts: all
  gather_facts: false
  vars:
    holdfast: {kind: remediate}
  vars_prompt:
    - {name: asked, prompt: Which, private: true, default: "PROMPT"}
  tasks:
    - name: Ask the gate
      holdfast.hipaa.gate:
      run_once: true
    - name: Let secrets out
      ansible.builtin.include_role:
        name: leaky
      vars:
        handed: "{{ canary.include_vars }}"
    - name: Stop in the end
      ansible.builtin.fail:
        msg: "cannot log in with {{ canary.last_failure }}"
"""

ROLE = """\
- name: Log in without a log
  ansible.builtin.command: {argv: [echo, "{{ canary.no_log }}"]}
  no_log: true
- name: "Rotate {{ canary.task_name }}"
  ansible.builtin.command: {argv: ["true"]}
- name: Hand it to a module
  ansible.builtin.command: {argv: ["true", "{{ canary.task_args }}"]}
- name: Write a file
  ansible.builtin.copy: {content: "{{ canary.diff }}", dest: "FOLDER/written", mode: "0600"}
- name: Use what was asked for
  ansible.builtin.command: {argv: ["true", "{{ asked }}"]}
- name: Use what was given
  ansible.builtin.command: {argv: ["true", "{{ given }}"]}
- name: Go round
  ansible.builtin.command: {argv: ["true", "{{ item }}"]}
  loop: ["{{ canary.loop_item }}"]
  loop_control: {label: "as {{ canary.loop_label }}"}
- name: Ask somebody else
  ansible.builtin.command: {argv: ["true"]}
  delegate_to: "{{ canary.delegation }}"
  vars: {ansible_connection: local, ansible_python_interpreter: "PYTHON"}
- name: Set its environment
  ansible.builtin.command: {argv: [printenv, TOKEN]}
  environment: {TOKEN: "{{ canary.environment }}"}
- name: Say it
  ansible.builtin.shell: {cmd: "printf %s '{{ canary.stdout }}'; printf %s '{{ canary.stderr }}' >&2"}
  register: said
- name: Wait for it
  ansible.builtin.command: {argv: [echo, "{{ canary.async }}"]}
  async: 30
  poll: 1
- name: Remember it
  ansible.builtin.set_fact: {remembered: "{{ canary.fact }} {{ handed }}"}
- name: Know another host
  ansible.builtin.add_host: {name: "{{ canary.added_host }}"}
- name: Fail and go on
  block:
    - name: Fail at one of several
      ansible.builtin.command: {argv: ["false", "{{ item }}"]}
      loop: ["{{ canary.failed_item }}"]
  rescue:
    - name: Fail again
      block:
        - name: Say why
          ansible.builtin.fail: {msg: "no login with {{ canary.failure }}"}
      rescue:
        - name: Go on
          ansible.builtin.debug: {msg: "{{ ansible_failed_result.msg }}"}
- name: Have it started again
  ansible.builtin.command: {argv: ["true"]}
  notify: started again
- name: Start it now
  ansible.builtin.meta: flush_handlers
"""

HANDLERS = """\
- name: "Start {{ canary.handler }} again"
  ansible.builtin.command: {argv: ["true"]}
  listen: started again
"""


def lay_out(folder: Path, python: str) -> dict[str, str]:
    """Write play.yml, its role, canaries.json and the plugin `naive` into a folder; return the secret of each path."""
    canaries = {path: f"Cnry{secrets.token_hex(4)}{path.replace('_', '')}" for path in PATHS}
    (folder / "roles" / "leaky" / "tasks").mkdir(parents=True)
    (folder / "roles" / "leaky" / "handlers").mkdir()
    (folder / "plugins").mkdir()
    (folder / "plugins" / "naive.py").write_text(NAIVE, encoding="utf-8")
    (folder / "play.yml").write_text(PLAY.replace("PROMPT", canaries["prompt"]), encoding="utf-8")
    tasks = ROLE.replace("FOLDER", str(folder)).replace("PYTHON", python)
    (folder / "roles" / "leaky" / "tasks" / "main.yml").write_text(tasks, encoding="utf-8")
    (folder / "roles" / "leaky" / "handlers" / "main.yml").write_text(HANDLERS, encoding="utf-8")
    (folder / "canaries.yml").write_text(yaml.safe_dump({"canary": canaries}), encoding="utf-8")
    return canaries


def spellings(secret: str) -> Iterator[tuple[str, bytes]]:
    """Yield how a secret may stand in a file, each with its name: a spelling that is found is the secret, found."""
    raw = secret.encode()
    yield "raw", raw
    yield "reversed", raw[::-1]
    yield "hex", raw.hex().encode()
    yield "HEX", raw.hex().upper().encode()
    yield "URL", "".join(f"%{byte:02X}" for byte in raw).encode()
    yield "quoted", quote(secret).encode()
    yield "UTF-16", secret.encode("utf-16-le")
    yield "UTF-16, big end first", secret.encode("utf-16-be")
    for name in ("sha256", "sha1", "md5"):
        digest = hashlib.new(name, raw, usedforsecurity=False)
        yield name, digest.hexdigest().encode()
        yield f"{name}, as bytes", digest.digest()
    for offset in range(3):
        # The first and the last characters of base64 depend on what stands beside the secret; the middle does not.
        coded = base64.b64encode(b"\0" * offset + raw)
        middle = coded[4 if offset else 0 : len(coded) // 4 * 4 - 4]
        yield f"base64 at {offset}", middle
        yield f"URL-safe base64 at {offset}", middle.replace(b"+", b"-").replace(b"/", b"_")


def hits(canaries: Mapping[str, str], texts: Iterable[tuple[str, bytes]]) -> set[tuple[str, str, str]]:
    """Return path, spelling and place of every secret that is found; `texts` are places and what lies there."""
    needles = [(path, name, coded) for path, secret in canaries.items() for name, coded in spellings(secret)]
    return {(path, name, place) for place, text in texts for path, name, coded in needles if coded in text}
