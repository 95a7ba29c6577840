# Copyright: (c) 2026, Holdfast contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Real plays that would go on after the gate has said no: none of them gets to its next task."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from ansible_collections.holdfast.hipaa.plugins.plugin_utils.cli.main import main
from ansible_collections.holdfast.hipaa.plugins.plugin_utils.ledger.reading import read_records
from ansible_collections.holdfast.hipaa.plugins.plugin_utils.ledger.store import Ledger

from tests.change_cases import plan

COLLECTIONS = Path(__file__).resolve().parents[4] / "collections"
PLAY = """
- name: Change a host
  hosts: lab-1
  gather_facts: false
  vars:
    holdfast: {kind: KIND}
  tasks:
"""
GATE = """
    - name: Ask the gate
      holdfast.hipaa.gate:
        change: "{{ change }}"
      run_once: true
      tags: [always]
"""
LOOK = """
    - name: Ask whether it may look
      holdfast.hipaa.gate:
      run_once: true
      tags: [always]
"""
MEND = """
    - name: Say what would be mended
      ansible.builtin.set_fact:
        found: {mends: [ssh-05]}

    - name: Ask whether that may be mended
      holdfast.hipaa.gate:
        after: found
      run_once: true
      ignore_errors: true
"""
MARK = """
    - name: Leave a mark
      ansible.builtin.file:
        path: "{{ playbook_dir }}/mark"
        state: touch
        mode: "0600"
"""
RESCUED = """
    - name: Ask, or go on
      block:
        - name: Ask the gate
          holdfast.hipaa.gate:
            change: "{{ change }}"
          run_once: true
      rescue:
        - name: Leave a mark
          ansible.builtin.file:
            path: "{{ playbook_dir }}/mark"
            state: touch
            mode: "0600"
"""
SECOND = """
- name: Change it in a play that is nobody's business
  hosts: lab-1
  gather_facts: false
  tasks:
"""
IGNORED = GATE + "      ignore_errors: true\n"
WAYS = {
    "nothing more": PLAY + GATE + MARK,
    "errors are ignored": PLAY + IGNORED + MARK,
    "a rescue goes on": PLAY + RESCUED,
    "another play goes on": PLAY + IGNORED + SECOND + MARK,
    "an earlier yes to looking": (PLAY + LOOK + MEND + MARK).replace("KIND", "remediate"),
}
ASK = {"rules": [{"id": "ask", "when": {"ring": ["lab"], "severity": ["medium"]}, "then": "ask"}], "limits": []}


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A site whose one host is this machine, with a change that nobody has approved."""
    root = tmp_path_factory.mktemp("denied") / "site"
    assert main(["init", str(root), "--name", "demo"]) == 0
    asset = {
        "id": "lab-1", "ring": "lab", "kind": "server", "owner": "operations", "address": "127.0.0.1",
        "environment": "lab", "data_class": "none", "tier": 4, "baselines": ["debian-server"],
        "vars": {"ansible_connection": "local", "ansible_python_interpreter": sys.executable},
    }  # fmt: skip
    (root / "holdfast.yml").write_text(
        json.dumps({"plugin": "holdfast.hipaa.register", "assets": [asset]}), encoding="utf-8"
    )
    (root / "policy" / "remediation.yml").write_text(json.dumps(ASK), encoding="utf-8")
    return root


@pytest.fixture(scope="module")
def change(site: Path) -> str:
    """The change's id."""
    path = plan(hosts=["lab-1"]).save(site / "plans")
    assert main(["change", "request", "--plan", str(path), "--site", str(site)]) == 0
    (request,) = [one for one in _records(site) if one.step == "request"]
    return str(request.change_id)


def _records(site: Path) -> list:
    return read_records(Ledger(site / "ledger" / "ledger.sqlite"))


def _play(site: Path, text: str, change: str) -> subprocess.CompletedProcess[str]:
    (site / "play.yml").write_text(text.replace("KIND", "patch"), encoding="utf-8")
    named = [] if "remediate" in text else ["-e", f"change={change}"]
    ours = {name: value for name, value in os.environ.items() if not name.startswith(("ANSIBLE_", "HOLDFAST_"))}
    return subprocess.run(
        [str(Path(sys.executable).parent / "ansible-playbook"), "play.yml", *named], cwd=site,
        env={**ours, "ANSIBLE_COLLECTIONS_PATH": str(COLLECTIONS), "ANSIBLE_HOME": str(site.parent / "home")},
        stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=300, check=False,
    )  # fmt: skip


@pytest.mark.parametrize("way", WAYS)
def test_no_way_leads_on_from_a_denial(way: str, site: Path, change: str) -> None:
    before = len(_records(site))
    done = _play(site, WAYS[way], change)
    said = done.stdout + done.stderr
    assert done.returncode == (2 if way == "nothing more" else 3), said
    assert "The gate is shut for lab-1" in said
    assert not (site / "mark").exists(), said
    new = _records(site)[before:]
    assert [one.step for one in new] == ["run-open", "run-close"]
    assert new[-1].body["outcome"] == "denied"
    assert new[-1].body["denied_by"] == (["remediation-policy"] if "remediate" in WAYS[way] else ["approvals-enough"])
