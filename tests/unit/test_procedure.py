# Copyright: (c) 2026, Holdfast contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The readable procedure is made from playbooks and policy, and follows them wherever they go."""

from __future__ import annotations

import runpy
import shutil
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
MAKER = runpy.run_path(str(ROOT / "docs/reference/procedure.py"))


@pytest.fixture
def copied(tmp_path: Path) -> Path:
    """A product with the real playbooks, policy and modules, to be edited."""
    for name in ("playbooks", "policy"):
        shutil.copytree(ROOT / name, tmp_path / name)
    (tmp_path / "plugins").mkdir()
    (tmp_path / "plugins" / "modules").symlink_to(ROOT / "plugins" / "modules")
    return tmp_path


def test_a_task_that_comes_goes_or_is_renamed_changes_the_page(copied: Path) -> None:
    file = copied / "playbooks" / "patch.yml"
    before, text = MAKER["page"](copied), file.read_text(encoding="utf-8")
    assert before == MAKER["page"]()
    for module in ("package_apply", "package_restore", "verify_packages"):
        gone = text.replace(f"holdfast.hipaa.{module}:", "ansible.builtin.debug:")
        assert gone != text
        file.write_text(gone, encoding="utf-8")
        assert MAKER["page"](copied) != before, module


def test_a_rule_that_changes_changes_the_page(copied: Path) -> None:
    file = copied / "policy" / "rings.yml"
    before = MAKER["page"](copied)
    assert "| `approvals_required` | `1` | `1` | `2` | people who must approve" in before
    file.write_text(file.read_text(encoding="utf-8").replace("approvals_required: 2", "approvals_required: 3"))
    after = MAKER["page"](copied)
    assert "| `approvals_required` | `1` | `1` | `3` |" in after


def test_blocks_rescues_and_included_files_are_followed(copied: Path) -> None:
    (copied / "playbooks" / "more.yml").write_text("- {name: Third, ansible.builtin.ping: }\n", encoding="utf-8")
    (copied / "playbooks" / "roll_back.yml").write_text(
        """---
# Says hello.
- hosts: all
  tasks:
    - name: Around
      block:
        - {name: First, holdfast.hipaa.health: {phase: after}, when: [a, b]}
      rescue:
        - {name: Second, ansible.builtin.ping: }
    - name: More
      ansible.builtin.include_tasks: more.yml
""",
        encoding="utf-8",
    )
    comment, steps = MAKER["playbook"]("roll_back", copied)
    assert comment == "Says hello."
    assert [(step.name, step.rescue, step.when) for step in steps] == [
        ("First", False, "a and b"),
        ("Second", True, ""),
        ("Third", False, ""),
    ]
    told = steps[0].line(MAKER["descriptions"]())
    assert told == "First (`health`: look at a host's health). Only when `a and b`."


def test_a_task_without_a_name_or_a_module_is_refused(copied: Path) -> None:
    for task in ("{ansible.builtin.ping: }", "{name: Nothing}", "{name: Two, a.b.c: , d.e.f: }"):
        (copied / "playbooks" / "roll_back.yml").write_text(f"# X\n- tasks:\n    - {task}\n", encoding="utf-8")
        with pytest.raises(ValueError, match="expected a name and one module"):
            MAKER["page"](copied)


def test_the_page_is_not_stale() -> None:
    page = (ROOT / "docs/reference/procedure.md").read_text(encoding="utf-8")
    assert MAKER["page"]() == page, "run: python docs/reference/procedure.py >docs/reference/procedure.md"
