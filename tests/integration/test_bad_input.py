# Copyright: (c) 2026, Holdfast contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""A real ansible-playbook on a spoiled site names the mistake, leaves with an error, and no task runs anywhere."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.site_cases import GOOD, Case, case

ROOT = Path(__file__).resolve().parents[2]
PLAYBOOK = """\
- name: Leave a mark for every host a task ran for
  hosts: all,localhost
  connection: local
  gather_facts: false
  tasks:
    - name: Leave the mark
      ansible.builtin.file:
        path: "{{ marks }}/{{ inventory_hostname }}"
        state: touch
        mode: "0600"
"""
# A wrong type, an unknown key, a duplicate key and a duplicate id, in each of the three kinds of file; and what else
# Ansible itself would have let pass.
REFUSED = (
    "asset-tier-as-text",
    "asset-unknown-key",
    "asset-duplicate-key",
    "asset-duplicate-id",
    "asset-without-owner",
    "baseline-version-as-number",
    "baseline-unknown-key",
    "baseline-duplicate-key",
    "baseline-duplicate-control",
    "rings-approvals-as-word",
    "rings-unknown-key",
    "patching-duplicate-key",
    "rings-duplicate-name",
    "register-empty",
    "register-without-plugin",
    "register-of-another-plugin",
)
GUARD_OFF = {"ANSIBLE_INVENTORY_ANY_UNPARSED_IS_FAILED": "false"}


class Run:
    """One run of the playbook in a site that has the ansible.cfg of a new site."""

    def __init__(self, folder: Path, spoiled: Case | None, *words: str, **environment: str) -> None:
        site, self._marks = folder / "site", folder / "marks"
        self._marks.mkdir()
        (spoiled or Case("good", "", [], [])).lay_out(site)
        skeleton = ROOT / "plugins/plugin_utils/site/skeleton/ansible.cfg"
        settings = skeleton.read_text(encoding="utf-8").replace("callbacks_enabled", "# callbacks_enabled")
        (site / "ansible.cfg").write_text(settings, encoding="utf-8")
        (site / "mark.yml").write_text(PLAYBOOK, encoding="utf-8")
        kept = {name: value for name, value in os.environ.items() if not name.startswith("ANSIBLE_")}
        done = subprocess.run(
            [Path(sys.executable).parent / "ansible-playbook", "mark.yml", "-e", f"marks={self._marks}", *words],
            cwd=site,
            env={**kept, "ANSIBLE_COLLECTIONS_PATH": str(ROOT / "collections"), "ANSIBLE_NOCOLOR": "1", **environment},
            text=True,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            check=False,
        )
        self.code, self.said = done.returncode, done.stderr

    @property
    def marks(self) -> list[str]:
        """The hosts a task ran for."""
        return sorted(path.name for path in self._marks.iterdir())


def test_the_good_site_runs(tmp_path: Path) -> None:
    run = Run(tmp_path, None)
    assert (run.code, run.marks) == (0, ["lab-1", "localhost", "prod-1"]), run.said


@pytest.mark.parametrize("name", REFUSED)
def test_a_spoiled_site_is_refused_before_any_task_runs(name: str, tmp_path: Path) -> None:
    spoiled = case(name)
    run = Run(tmp_path, spoiled)
    assert run.marks == []
    assert run.code != 0
    for problem in spoiled.problems:
        assert problem in run.said


def test_without_the_setting_ansible_would_have_gone_on(tmp_path: Path) -> None:
    """Shows that the tests above can fail, and why a site's ansible.cfg has the setting."""
    run = Run(tmp_path, case("asset-without-owner"), **GUARD_OFF)
    assert (run.code, run.marks) == (0, ["localhost"])


def test_without_the_list_of_plugins_another_would_take_the_register(tmp_path: Path) -> None:
    """The `yaml` plugin reads a register that has lost its `plugin` key as an inventory without hosts."""
    run = Run(tmp_path, case("register-without-plugin"), ANSIBLE_INVENTORY_ENABLED="holdfast.hipaa.register,yaml")
    assert (run.code, run.marks) == (0, ["localhost"])


@pytest.mark.parametrize("spoiled", [None, "asset-without-owner"])
def test_a_plain_inventory_may_stand_beside_the_register(spoiled: str | None, tmp_path: Path) -> None:
    (tmp_path / "others.ini").write_text("printer ansible_host=192.0.2.99\n", encoding="utf-8")
    words = ["-i", "holdfast.yml", "-i", str(tmp_path / "others.ini")]
    run = Run(
        tmp_path,
        case(spoiled) if spoiled else None,
        *words,
        ANSIBLE_INVENTORY_ENABLED="holdfast.hipaa.register,host_list,ini",
    )
    if spoiled:
        assert run.code != 0
        assert run.marks == []
    else:
        assert (run.code, run.marks) == (0, ["lab-1", "localhost", "printer", "prod-1"]), run.said


def test_the_register_is_found_as_a_site_and_from_elsewhere(tmp_path: Path) -> None:
    """`-i` from another folder reads the same site: everything is found from the register's own place."""
    done = subprocess.run(
        [Path(sys.executable).parent / "ansible-inventory", "-i", GOOD / "holdfast.yml", "--host", "lab-1"],
        cwd=tmp_path,
        env={**os.environ, "ANSIBLE_COLLECTIONS_PATH": str(ROOT / "collections")},
        text=True,
        capture_output=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert '"holdfast_ring": "lab"' in done.stdout
