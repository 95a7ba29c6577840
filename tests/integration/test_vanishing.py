# Copyright: (c) 2026, Holdfast contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What was asked for is held against what was reported: a control or a host that is silent fails the run by name."""

from __future__ import annotations

from pathlib import Path

import pytest

from lab.fleet import Fleet
from tests.integration.sites import SiteUnderTest, lay_out
from tests.integration.small import BASELINE, narrowed, other_product, steps, write

ANSWERED = "observations = observe(controls)"


@pytest.fixture
def here(tmp_path: Path) -> SiteUnderTest:
    """A site whose two hosts are this machine: a check changes nothing."""
    return narrowed(lay_out(tmp_path / "site", Fleet("nowhere")), ansible_connection="local")


def test_a_control_that_the_probe_leaves_out_fails_the_run(here: SiteUnderTest, tmp_path: Path) -> None:
    probe = other_product(here, tmp_path / "copy") / "plugins" / "modules" / "probe.py"
    text = probe.read_text(encoding="utf-8")
    assert ANSWERED in text
    probe.write_text(text.replace(ANSWERED, "observations = observe(controls[:-1])"), encoding="utf-8")
    assert probe.read_text(encoding="utf-8") != text
    done = here.play("check_drift", "--limit", "lab-1")
    assert done.returncode == 2, done.stdout + done.stderr
    assert "lab-1: 1 of 2 controls vanished, asked and not answered: clinic-02" in done.stdout
    (seen,) = steps(here, "verify")
    results = {check["id"]: check["result"] for check in seen["results"][0]["checks"]}
    assert results["clinic-02"] == "not_measured"
    assert steps(here, "run-close")[0]["outcome"] == "failed"


def test_a_host_that_reports_nothing_fails_the_run(here: SiteUnderTest, tmp_path: Path) -> None:
    playbook = other_product(here, tmp_path / "copy") / "playbooks" / "check_drift.yml"
    text = playbook.read_text(encoding="utf-8")
    probing = "      holdfast.hipaa.probe:\n"
    assert probing in text
    text = text.replace(probing, f"      when: inventory_hostname != 'lab-2'\n{probing}")
    playbook.write_text(text, encoding="utf-8")
    done = here.play("check_drift")
    assert done.returncode == 3, done.stdout + done.stderr
    assert "no control of lab-2 was answered in this run, so nothing is known of it" in done.stderr
    (closed,) = steps(here, "run-close")
    assert (closed["outcome"], closed["missing_assets"]) == ("failed", ["lab-2"])


def test_a_check_that_is_told_to_look_at_nothing_fails(here: SiteUnderTest) -> None:
    done = here.play("check_drift", "--tags", "nothing")
    assert done.returncode == 3, done.stdout + done.stderr
    assert "no control of lab-1, lab-2 was answered in this run" in done.stderr


def test_a_whole_check_does_not(here: SiteUnderTest) -> None:
    done = here.play("check_drift")
    assert done.returncode == 0, done.stdout + done.stderr
    assert len(steps(here, "verify")[0]["results"]) == 2


def test_drift_fails_the_check_where_it_is_told_to(here: SiteUnderTest, tmp_path: Path) -> None:
    jobs = tmp_path / "jobs"
    jobs.mkdir(mode=0o755)
    control = {**BASELINE["controls"][0], "probe": {"file": {"path": str(jobs), "ask": "mode"}}}
    write(here, "baselines/clinic.yml", {**BASELINE, "controls": [control]})
    only = ("--limit", "lab-1")
    assert here.play("check_drift", *only).returncode == 0
    done = here.play("check_drift", *only, "-e", "fail_on_drift=true")
    assert done.returncode == 2, done.stdout + done.stderr
    assert "lab-1: drifted: clinic-01" in done.stdout + done.stderr
    assert here.play("check_drift", *only, "-e", "fail_on_drift=no").returncode == 0
    done = here.play("check_drift", *only, "-e", "fail_on_drift=perhaps")
    assert done.returncode == 2
    assert "expected true or false" in done.stdout + done.stderr
    jobs.chmod(0o700)
    assert here.play("check_drift", *only, "-e", "fail_on_drift=true").returncode == 0
