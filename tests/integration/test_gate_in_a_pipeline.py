# Copyright: (c) 2026, Holdfast contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The pipeline of docs/howto/gate-a-pipeline.md, its jobs as they stand there, in front of a real host."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
import yaml

from lab.fleet import Fleet
from tests.integration.conftest import _fleet, _up
from tests.integration.sites import APPROVERS, BIN, ROOT, SiteUnderTest, lay_out_demo
from tests.integration.test_patch import ONLY_CLAIMSD, plan, restrict, versions

pytestmark = pytest.mark.archive

PAGE = (ROOT / "docs" / "howto" / "gate-a-pipeline.md").read_text(encoding="utf-8")

TESTS = """
import subprocess


def test_a_claim_is_edited_right(tmp_path):
    subprocess.run(["dpkg-deb", "-x", "built.deb", tmp_path], check=True)
    subprocess.run([tmp_path / "usr/bin/claimsd", "--selftest"], check=True)
"""
"""What the people who build claimsd test of a build."""


def block(heading: str, language: str) -> str:
    """Return the first piece of code of that language below a heading of the page."""
    found = re.search(rf"^#+ {re.escape(heading)}$.*?^```{language}\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)
    assert found
    return found[1]


@dataclass(frozen=True)
class Ended:
    """How far a pipeline came: the jobs that ran, whether the last one went well, and what it printed."""

    jobs: tuple[str, ...]
    well: bool
    said: str


class Runner:
    """Runs the page's jobs as a shell runner does: one after the other, and none after one that failed."""

    def __init__(self, site: SiteUnderTest) -> None:
        self._site = site
        told = yaml.safe_load(block("GitLab CI", "yaml"))
        self._variables = told.pop("variables")
        order = told.pop("stages")
        self._jobs = sorted(told.items(), key=lambda job: order.index(job[1]["stage"]))

    def run(self, *, without: tuple[str, ...] = (), **variables: str) -> Ended:
        """Run the pipeline, `without` jobs that somebody took out of it."""
        env = {**os.environ, "PATH": f"{BIN}:{os.environ['PATH']}", **self._variables, **variables}
        ran: list[str] = []
        for name, job in self._jobs:
            if name in without:
                continue
            ran.append(name)
            done = subprocess.run(
                ["bash", "-eo", "pipefail", "-c", "\n".join(job["script"])],
                cwd=self._site.root, env=env, text=True, stdin=subprocess.DEVNULL, capture_output=True, check=False,
            )  # fmt: skip
            if done.returncode:
                break
        return Ended(tuple(ran), done.returncode == 0, done.stdout + done.stderr)


@pytest.fixture(scope="module")
def host() -> Iterator[Fleet]:
    """One host with claimsd 1.0, and 1.2 on offer."""
    with _fleet("gate") as fleet:
        _up(fleet, ["lab-1=bookworm"])
        fleet.publish("1.2")
        yield fleet


def test_the_pages_pipeline_deploys_only_what_was_tested_and_approved(host: Fleet, tmp_path: Path) -> None:
    site = lay_out_demo(tmp_path / "site", host)
    restrict(site, *ONLY_CLAIMSD)
    plan(site, "--limit", "lab-1")
    change = str(site.json("change", "request", "--plan", str(site.plans[-1]))["change"])
    (site.root / "tests").mkdir()
    (site.root / "tests" / "test_claimsd.py").write_text(TESTS, encoding="utf-8")
    fixture = block("What it takes", "python")
    (site.root / "tests" / "conftest.py").write_text(f"import os\n\nimport pytest\n\n\n{fixture}", encoding="utf-8")
    pipeline = Runner(site)

    def build(version: str) -> None:
        shutil.copyfile(host.archive.served / "pool" / f"claimsd_{version}_all.deb", site.root / "built.deb")

    def blocked(ended: Ended, *rules: str) -> None:
        assert (ended.jobs[-1], ended.well) == ("gate", False), ended.said
        assert set(re.findall(r"^ {2}([a-z-]+): ", ended.said, re.MULTILINE)) == set(rules), ended.said
        assert versions(site, "lab-1")["claimsd:all"] == "1.0"

    build("1.2")
    blocked(pipeline.run(CHANGE=change, RING="lab"), "approvals-enough")
    for name in APPROVERS:
        done = site.holdfast("change", "approve", change, "--as", name, "--ssh-key", str(site.root / "keys" / name))
        assert done.returncode == 0, done.stderr

    # A build that is not the planned one, though its own tests pass: it is not what people approved.
    build("1.0")
    blocked(pipeline.run(CHANGE=change, RING="lab"), "tests-passed", "artefacts-traced")
    # The planned build behind the report of another one: it was not tested.
    build("1.2")
    blocked(pipeline.run(CHANGE=change, RING="lab", without=("test",)), "tests-passed")
    # A build whose tests fail goes no further than they do; taking the job away does not help it.
    build("1.1")
    failed = pipeline.run(CHANGE=change, RING="lab")
    assert (failed.jobs, failed.well) == (("test",), False)
    blocked(pipeline.run(CHANGE=change, RING="lab", without=("test",)), "tests-passed", "artefacts-traced")

    build("1.2")
    done = pipeline.run(CHANGE=change, RING="lab")
    assert (done.jobs, done.well) == (("test", "gate", "deploy"), True), done.said
    assert versions(site, "lab-1")["claimsd:all"] == "1.2"
    assert site.holdfast("audit").returncode == 0
