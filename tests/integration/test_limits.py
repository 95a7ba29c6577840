# Copyright: (c) 2026, Holdfast contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Drift on one host is mended without asking; the same drift on all of a ring at once stops, and somebody is asked."""

from __future__ import annotations

import yaml

from tests.integration.sites import SiteUnderTest
from tests.integration.small import HOSTS, clinic, modes, open_up, pair, steps, write

__all__ = ["clinic", "pair"]  # fixtures
CLOSED = {"clinic-01": "700", "clinic-02": "700"}
OPEN = {**CLOSED, "clinic-01": "755"}


def outcomes(site: SiteUnderTest) -> list[object]:
    """Return how each run ended."""
    return [body["outcome"] for body in steps(site, "run-close")]


def test_one_host_is_mended_and_all_hosts_at_once_are_asked_about(clinic: SiteUnderTest) -> None:
    open_up(clinic, "lab-1", "clinic-01")
    done = clinic.play("remediate")
    assert done.returncode == 0, done.stdout + done.stderr
    assert modes(clinic, "lab-1") == CLOSED
    assert outcomes(clinic) == ["ok"]

    for host in HOSTS:
        open_up(clinic, host, "clinic-01")
    open_up(clinic, "lab-2", "clinic-02")
    done = clinic.play("remediate")
    assert done.returncode == 2, done.stdout + done.stderr
    assert "blast-radius: 2 hosts of ring lab would be mended (lab-1, lab-2); at most 1 an hour" in done.stdout
    assert "clinic-01 fails on each: is the baseline wrong?" in done.stdout
    assert "clinic-02" not in done.stdout.partition("blast-radius")[2].partition("is the baseline wrong")[0]
    assert modes(clinic, "lab-1") == OPEN
    assert modes(clinic, "lab-2") == {"clinic-01": "755", "clinic-02": "755"}
    assert outcomes(clinic) == ["ok", "denied"]

    # Host by host is no way round it: lab-1 was mended within the hour.
    done = clinic.play("remediate", "--limit", "lab-2")
    assert done.returncode == 2, done.stdout + done.stderr
    assert "1 host of ring lab would be mended (lab-2), after lab-1 within the hour" in done.stdout
    assert modes(clinic, "lab-2")["clinic-01"] == "755"

    # What was asked about, and agreed to, has no such limit.
    clinic.change("--kind", "config", "--title", "Rights", "--reason", "The baseline is right")
    done = clinic.play("remediate")
    assert done.returncode == 0, done.stdout + done.stderr
    assert [modes(clinic, host) for host in HOSTS] == [CLOSED, CLOSED]
    assert clinic.holdfast("audit").returncode == 0


UNBOUNDED = """
- name: Mend without asking how far
  hosts: ring_lab
  gather_facts: false
  vars:
    holdfast: {kind: remediate}
  tasks:
    - name: Ask the gate
      holdfast.hipaa.gate:
      run_once: true
      tags: [always]
    - name: Probe all controls
      holdfast.hipaa.probe:
    - name: Mend
      ansible.builtin.include_role:
        name: holdfast.hipaa.files
"""


def test_a_playbook_of_ones_own_cannot_leave_the_question_out(clinic: SiteUnderTest) -> None:
    for host in HOSTS:
        open_up(clinic, host, "clinic-01")
    (clinic.root / "own.yml").write_text(UNBOUNDED, encoding="utf-8")
    done = clinic.run("ansible-playbook", "own.yml")
    assert done.returncode == 3, done.stdout + done.stderr
    assert "holdfast.hipaa.files would run though the gate was not asked what may be mended" in done.stderr
    assert [modes(clinic, host) for host in HOSTS] == [OPEN, OPEN]


def test_check_mode_shows_what_would_be_mended_everywhere(clinic: SiteUnderTest) -> None:
    for host in HOSTS:
        open_up(clinic, host, "clinic-01")
    done = clinic.play("remediate", "--check")
    assert done.returncode == 0, done.stdout + done.stderr
    assert [modes(clinic, host) for host in HOSTS] == [OPEN, OPEN]


def test_outside_its_window_drift_waits_and_says_for_what(clinic: SiteUnderTest) -> None:
    policy = clinic.root / "policy" / "remediation.yml"
    rules = yaml.safe_load(policy.read_text(encoding="utf-8"))
    rules["rules"].insert(0, {
        "id": "nightly", "then": "window", "window": "never-today",
        "when": {"ring": ["lab"], "severity": ["high"], "control": ["clinic-01"]},
    })  # fmt: skip
    # Whatever day it is here: the only day on which the window opens is not among today, yesterday and tomorrow.
    today = int(clinic.run("date", "-u", "+%w").stdout)
    day = ("sun", "mon", "tue", "wed", "thu", "fri", "sat")[(today + 3) % 7]
    window = {"name": "never-today", "days": [day], "from": "01:00", "to": "05:00", "zone": "UTC"}
    write(clinic, "policy/calendar.yml", {"windows": [window]})
    write(clinic, "policy/remediation.yml", rules)
    open_up(clinic, "lab-1", "clinic-01")
    done = clinic.play("remediate", "--limit", "lab-1")
    assert done.returncode == 0, done.stdout + done.stderr
    assert "lab-1: waits for window never-today, which opens " in done.stdout
    assert modes(clinic, "lab-1") == OPEN

    # All day and every day: now it is open.
    days = ["sun", "mon", "tue", "wed", "thu", "fri", "sat"]
    write(clinic, "policy/calendar.yml", {"windows": [{**window, "days": days, "from": "00:00", "to": "24:00"}]})
    done = clinic.play("remediate", "--limit", "lab-1")
    assert done.returncode == 0, done.stdout + done.stderr
    assert modes(clinic, "lab-1") == CLOSED
