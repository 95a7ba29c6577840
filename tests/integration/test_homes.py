# Copyright: (c) 2026, Holdfast contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Holdfast away from its checkout: installed by pip, as a collection's tarball, and run by ansible-runner as in AWX."""

from __future__ import annotations

import base64
import json
import os
import shutil
import sqlite3
import subprocess
import sys
import tomllib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from lab.fleet import Fleet
from tests.artefacts import build_collection, build_wheel, export_head, wheels

ROOT = Path(__file__).resolve().parents[2]
PACKAGE = "ansible_collections.holdfast.hipaa.plugins.plugin_utils"
HOST = "lab-1"


@dataclass(frozen=True)
class Home:
    """An environment with nothing but Holdfast and what it depends on, and its own empty account."""

    bin: Path
    home: Path
    collections: Path
    """The folder that holds `ansible_collections`: where this home's copy must be found, and no other."""
    holdfast: tuple[str, ...]
    """The words that start the command here."""
    settings: tuple[tuple[str, str], ...] = ()

    def run(self, *argv: str, cwd: Path, **more: str) -> subprocess.CompletedProcess[str]:
        """Run a program of this home; nothing of the test's own environment reaches it."""
        environment = {
            "PATH": f"{self.bin}{os.pathsep}{os.defpath}",
            "HOME": str(self.home),
            # An account's folder is short, pytest's is not: a socket's path has room for about a hundred characters.
            "ANSIBLE_SSH_CONTROL_PATH_DIR": os.environ["ANSIBLE_SSH_CONTROL_PATH_DIR"],
            "LC_ALL": "C.UTF-8",
            **dict(self.settings),
            **more,
        }
        return subprocess.run(
            argv, cwd=cwd, env=environment, text=True, stdin=subprocess.DEVNULL, capture_output=True, check=False
        )

    def must(self, *argv: str, cwd: Path, **more: str) -> str:
        """Run a program that has to succeed; return what it printed."""
        done = self.run(*argv, cwd=cwd, **more)
        assert done.returncode == 0, f"{argv}: exit code {done.returncode}\n{done.stdout}\n{done.stderr}"
        return done.stdout


@pytest.fixture(scope="module")
def source(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """HEAD's files, outside the checkout."""
    return export_head(tmp_path_factory.mktemp("source") / "head")


def new_environment(folder: Path, *wanted: str) -> Path:
    """Make a virtual environment with these packages and no other, without the network; return its bin folder."""
    subprocess.run([sys.executable, "-m", "venv", str(folder)], check=True)
    pip = [str(folder / "bin" / "python"), "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
    subprocess.run([*pip, "--no-index", "--find-links", str(wheels()), *wanted], check=True)
    return folder / "bin"


@pytest.fixture(scope="module")
def pip_home(source: Path, tmp_path_factory: pytest.TempPathFactory) -> Home:
    """The wheel, installed by pip into an empty environment."""
    folder = tmp_path_factory.mktemp("pip")
    tools = new_environment(folder / "venv", str(build_wheel(source, folder)))
    (packages,) = (folder / "venv" / "lib").glob("python*/site-packages")
    return Home(tools, _account(folder), packages, ("holdfast",))


@pytest.fixture(scope="module")
def tarball_home(source: Path, tmp_path_factory: pytest.TempPathFactory) -> Home:
    """The tarball, installed by ansible-galaxy beside an environment with its dependencies and ansible-runner."""
    folder = tmp_path_factory.mktemp("tarball")
    needed = tomllib.loads((source / "pyproject.toml").read_text(encoding="utf-8"))["project"]["dependencies"]
    tools = new_environment(folder / "venv", *needed, "ansible-runner")
    collections = folder / "collections"
    command = (str(tools / "python"), "-m", f"{PACKAGE}.cli")
    settings = (("ANSIBLE_COLLECTIONS_PATH", str(collections)), ("PYTHONPATH", str(collections)))
    home = Home(tools, _account(folder), collections, command, settings)
    tarball = str(build_collection(source, folder / "artefact"))
    home.must("ansible-galaxy", "collection", "install", "--offline", tarball, "-p", str(collections), cwd=folder)
    return home


def _account(folder: Path) -> Path:
    (folder / "account").mkdir()
    return folder / "account"


@pytest.fixture(params=["pip_home", "tarball_home"])
def home(request: pytest.FixtureRequest) -> Home:
    """Each home in turn."""
    found: Home = request.getfixturevalue(request.param)
    return found


def lay_out(home: Home, site: Path, lab: Fleet) -> dict[str, str]:
    """Lay out a site with one lab host, as the README says; return the variable that leads SSH to the lab."""
    home.must(
        *home.holdfast, "init", str(site), "--host", HOST, "--owner", "it-operations", "--user", "root",
        cwd=site.parent,
    )  # fmt: skip
    return {"ANSIBLE_SSH_COMMON_ARGS": f"-F {lab.ssh_config}"}


def statements(ledger: Path) -> list[dict[str, Any]]:
    """Return every record's statement, read past our own code."""
    with sqlite3.connect(f"file:{ledger}?mode=ro", uri=True) as db:
        rows = db.execute("select envelope from entries order by idx").fetchall()
    return [json.loads(base64.b64decode(json.loads(body)["payload"])) for (body,) in rows]


def assert_checked(ledger: Path) -> None:
    """Assert that the ledger tells of one whole drift check of the host, with all its controls."""
    predicates = [statement["predicate"] for statement in statements(ledger)]
    steps = [statement["predicateType"].split("/")[-2] for statement in statements(ledger)]
    assert steps == ["trust", "run-open", "verify", "run-close"]
    (_trust, opened, verified, closed) = (predicate["step"] for predicate in predicates)
    assert opened["expected_assets"] == [HOST]
    assert [result["asset"] for result in verified["results"]] == [HOST]
    assert sum(verified["results"][0]["counts"].values()) >= 40
    assert closed["missing_assets"] == []
    assert closed["exit_code"] == 0


def test_a_site_of_ones_own_is_laid_out_and_checked_for_drift(home: Home, lab: Fleet, tmp_path: Path) -> None:
    site = tmp_path / "site"
    to_lab = lay_out(home, site, lab)
    home.must(*home.holdfast, "check", cwd=site)
    told = home.must("ansible-playbook", "holdfast.hipaa.check_drift", cwd=site, **to_lab)
    assert "failed=0" in told
    assert_checked(site / "ledger" / "ledger.sqlite")
    home.must(*home.holdfast, "audit", cwd=site)


def test_each_home_runs_its_own_copy(home: Home, tmp_path: Path) -> None:
    where = f"import {PACKAGE}.errors as here; print(here.__file__)"
    engine = home.must(str(home.bin / "python"), "-c", where, cwd=tmp_path).strip()
    assert Path(engine) == home.collections / "ansible_collections/holdfast/hipaa/plugins/plugin_utils/errors.py"
    listed = json.loads(home.must("ansible-galaxy", "collection", "list", "--format", "json", cwd=tmp_path))
    assert [folder for folder, found in listed.items() if "holdfast.hipaa" in found] == [
        str(home.collections / "ansible_collections")
    ]


def append(file: Path, *lines: str) -> None:
    """Add lines to the end of a file."""
    file.write_text(file.read_text(encoding="utf-8") + "".join(f"{line}\n" for line in lines), encoding="utf-8")


RUN = """
import json, sys
import ansible_runner
run = ansible_runner.run(private_data_dir=sys.argv[1], playbook=sys.argv[2], quiet=True)
events = [event["event"] for event in run.events]
print(json.dumps({"status": run.status, "rc": run.rc, "events": events, "said": run.stdout.read()}))
"""


@pytest.mark.parametrize("playbook", ["check_drift.yml", "holdfast.hipaa.check_drift"])
def test_ansible_runner_checks_drift_as_awx_would(
    playbook: str, tarball_home: Home, lab: Fleet, tmp_path: Path
) -> None:
    """As docs/howto/run-in-awx.md says: a copy of the project for each job, keys and ledger on a mount."""
    site, mount, job = tmp_path / "site", tmp_path / "mount", tmp_path / "job"
    to_lab = lay_out(tarball_home, site, lab)
    mount.mkdir()
    for name in ("keys", "ledger"):
        (site / name).rename(mount / name)
    roles = {"requester": "requester", "implementer": "controller", "verifier": "verifier", "log": "log"}
    settings = [f"ledger: {mount}/ledger/ledger.sqlite", "keys:"]
    settings += [f"  {role}: {mount}/keys/{file}.pem" for role, file in roles.items()]
    append(site / "site.yml", *settings)
    awx_settings = (
        (site / "ansible.cfg").read_text(encoding="utf-8").replace("enable_plugins = ", "enable_plugins = script, ")
    )
    (site / "ansible.cfg").write_text(awx_settings, encoding="utf-8")
    (site / "check_drift.yml").write_text("- import_playbook: holdfast.hipaa.check_drift\n", encoding="utf-8")

    # AWX copies the project for each job, and hands over its own inventory as a script that prints JSON.
    shutil.copytree(site, job / "project")
    inventory = tarball_home.must("ansible-inventory", "--list", "--export", cwd=site)
    (job / "inventory").mkdir()
    script = job / "inventory" / "hosts"
    script.write_text(f"#!/usr/bin/env python3\nprint({json.dumps(json.loads(inventory))!r})\n", encoding="utf-8")
    script.chmod(0o700)

    python = str(tarball_home.bin / "python")
    told = json.loads(tarball_home.must(python, "-c", RUN, str(job), playbook, cwd=tmp_path, **to_lab).splitlines()[-1])
    assert (told["status"], told["rc"]) == ("successful", 0), told["said"]
    # AWX's own callback heard the run too: neither shuts the other out.
    assert {"playbook_on_start", "runner_on_ok", "playbook_on_stats"} <= set(told["events"])
    assert_checked(mount / "ledger" / "ledger.sqlite")
