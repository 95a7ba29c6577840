# Copyright: (c) 2026, Holdfast contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Recorder and gate guard each other: whichever is missing or broken, no host is changed and the run says why."""

from __future__ import annotations

import os
import sqlite3
import subprocess

import pytest

from tests.integration.sites import SiteUnderTest

PLAYBOOK = """
- name: Change a host
  hosts: lab-1
  gather_facts: false
  vars:
    holdfast: {kind: remediate}
  tasks:
    - name: Ask the gate
      holdfast.hipaa.gate:
      run_once: true
      tags: [always]
    - name: Leave a mark
      ansible.builtin.file:
        path: /root/mark
        state: touch
        mode: "0600"
"""

UNGATED = PLAYBOOK.replace(
    """    - name: Ask the gate
      holdfast.hipaa.gate:
      run_once: true
      tags: [always]
""",
    "",
)


@pytest.fixture
def marked(site: SiteUnderTest):
    """Return a function that says whether the playbook changed the host, on a host without the mark."""
    site.fleet.exec("lab-1", ["rm", "-f", "/root/mark"])
    return lambda: site.fleet.exec("lab-1", ["find", "/root", "-name", "mark"]).stdout.strip() != ""


def run(site: SiteUnderTest, text: str, *extra: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """Run a playbook of the test's own in the site."""
    (site.root / "change.yml").write_text(text, encoding="utf-8")
    return site.run("ansible-playbook", "change.yml", *extra, **environment)


def test_the_playbook_changes_the_host_when_nothing_is_wrong(site, marked):
    assert run(site, PLAYBOOK).returncode == 0
    assert marked()


def test_without_the_recorder_the_gate_refuses(site, marked):
    done = run(site, PLAYBOOK, ANSIBLE_CALLBACKS_ENABLED="ansible.builtin.junit")
    assert done.returncode == 2
    assert "the recorder is not active" in done.stdout
    assert not marked()


def test_without_the_gate_the_recorder_stops_the_run(site, marked):
    done = run(site, UNGATED)
    assert done.returncode == 3
    assert "the gate must come first" in done.stderr
    assert not marked()


@pytest.mark.parametrize("option", [("--skip-tags", "always"), ("--start-at-task", "Leave a mark")])
def test_options_that_skip_the_gate_stop_the_run(site, marked, option):
    done = run(site, PLAYBOOK, *option)
    assert done.returncode == 3
    assert "would skip the gate" in done.stderr
    assert not marked()


def test_a_made_up_run_opens_nothing(site, marked):
    done = run(
        site, PLAYBOOK, ANSIBLE_CALLBACKS_ENABLED="ansible.builtin.junit", HOLDFAST_SITE=str(site.root),
        HOLDFAST_RUN="run_abcdefghijklmnopqrstuvwxyz", HOLDFAST_NONCE="00" * 32,
    )  # fmt: skip
    assert done.returncode == 2
    assert "no run run_abcdefghijklmnopqrstuvwxyz is on record" in done.stdout
    assert not marked()


def test_a_missing_ledger_stops_the_run(site, marked):
    site.ledger.rename(site.ledger.with_suffix(".away"))
    done = run(site, PLAYBOOK)
    assert done.returncode == 3
    assert "the run stops" in done.stderr
    assert not marked()


def test_a_ledger_that_refuses_writes_stops_the_run(site, marked):
    # A trigger works for root as well, whom file modes do not stop.
    with sqlite3.connect(site.ledger) as db:
        db.execute("create trigger refuse before insert on entries begin select raise(abort, 'disk full'); end")
    done = run(site, PLAYBOOK)
    assert done.returncode == 3
    assert "the run stops" in done.stderr
    assert not marked()


def test_a_key_that_others_can_read_stops_the_run(site, marked):
    os.chmod(site.root / "keys" / "controller.pem", 0o644)
    done = run(site, PLAYBOOK)
    assert done.returncode == 3
    assert "chmod 600" in done.stderr
    assert not marked()


def test_a_host_outside_the_register_is_not_touched(site, marked):
    (site.root / "extra").write_text("stranger ansible_connection=local\n", encoding="utf-8")
    done = run(site, PLAYBOOK.replace("hosts: lab-1", "hosts: all"), "-i", "holdfast.yml", "-i", "stranger,")
    assert done.returncode == 3
    assert "stranger: not registered" in done.stderr
    assert not marked()
