# Copyright: (c) 2026, Holdfast contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""No playbook begins but with the gate, and no action of the collection works without a run on record."""

from __future__ import annotations

import ast
import importlib
import json
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml
from ansible_collections.holdfast.hipaa.plugins.plugin_utils.edge.actions import PlannedAction, RecordedAction

ROOT = Path(__file__).resolve().parents[4]
PLUGINS = "ansible_collections.holdfast.hipaa.plugins"
PLAYBOOKS = sorted((ROOT / "playbooks").glob("*.yml"))
ACTIONS = sorted(path.stem for path in (ROOT / "plugins" / "action").glob("*.py"))
ALONE = ("guard",)
"""What undoes a role's changes unless somebody can still log in; roles guard themselves wherever they are used."""
OF_A_PLAN = ("package_apply", "package_restore", "package_stage", "preflight", "verify_packages")
"""What acts on an approved plan, and on no other than the one that the run was opened for."""
VALUES = {"str": "x", "int": 1, "bool": True, "list": [], "dict": {}}


def _class(name: str) -> type:
    found: type = importlib.import_module(f"{PLUGINS}.action.{name}").ActionModule
    return found


def _arguments(name: str) -> dict[str, Any]:
    """Return arguments that are of the right form and say nothing."""
    declared: dict[str, Any] = getattr(_class(name), "arguments", {})
    return {
        key: next(iter(spec.get("choices", [VALUES[spec.get("type", "str")]])))
        for key, spec in declared.items()
        if spec.get("required")
    }


@pytest.mark.parametrize("path", PLAYBOOKS, ids=lambda path: path.stem)
def test_the_first_task_of_each_play_is_the_gate(path: Path) -> None:
    """It is asked for all hosts of the batch at once, in check mode too, and no tag passes it over."""
    for play in yaml.safe_load(path.read_text(encoding="utf-8")):
        assert "kind" in play["vars"]["holdfast"], "the recorder would leave this play alone"
        assert not {"roles", "pre_tasks"} & play.keys(), "these come before tasks"
        first = play["tasks"][0]
        assert "holdfast.hipaa.gate" in first
        assert first["tags"] == ["always"]
        assert first["run_once"] is True
        assert not {"when", "ignore_errors", "failed_when", "delegate_to"} & first.keys()
        assert play["gather_facts"] is False
        mode = first.get("check_mode", False)
        assert mode is False, "in check mode the gate would not be asked"


def test_each_action_wants_a_run_on_record() -> None:
    strays = [name for name in ACTIONS if not issubclass(_class(name), RecordedAction)]
    assert strays == [*ALONE]
    assert tuple(name for name in ACTIONS if issubclass(_class(name), PlannedAction)) == OF_A_PLAN


def test_no_action_answers_before_it_has_asked_for_the_run() -> None:
    """`run` is written once, in RecordedAction: who wrote it anew might leave the question out."""
    for name in ACTIONS:
        tree = ast.parse((ROOT / "plugins" / "action" / f"{name}.py").read_text(encoding="utf-8"))
        written = {one.name for one in ast.walk(tree) if isinstance(one, ast.FunctionDef)}
        assert ("run" in written) is (name in ALONE), name


def test_without_a_run_on_record_every_action_refuses(tmp_path: Path) -> None:
    """As Ansible calls them, in a play that nobody records."""
    tasks = [
        {"name": f"Try {name}", f"holdfast.hipaa.{name}": _arguments(name), "ignore_errors": True}
        for name in ACTIONS
        if name not in ALONE
    ]
    play = [{"name": "Try all", "hosts": "localhost", "gather_facts": False, "tasks": tasks}]
    (tmp_path / "play.yml").write_text(json.dumps(play), encoding="utf-8")
    (tmp_path / "ansible.cfg").write_text("[defaults]\nlocalhost_warning = false\n", encoding="utf-8")
    ours = {name: value for name, value in os.environ.items() if not name.startswith(("ANSIBLE_", "HOLDFAST_"))}
    done = subprocess.run(
        [str(Path(sys.executable).parent / "ansible-playbook"), "-c", "local", "play.yml"], cwd=tmp_path,
        env={**ours, "ANSIBLE_COLLECTIONS_PATH": str(ROOT / "collections"), "ANSIBLE_HOME": str(tmp_path / "home"),
             "ANSIBLE_NOCOLOR": "1"},
        stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=300, check=False,
    )  # fmt: skip
    said = dict(re.findall(r'TASK \[Try (\w+)\].*?"msg": "([^"]*)', done.stdout, re.DOTALL))
    assert sorted(said) == sorted(set(ACTIONS) - set(ALONE)), done.stdout + done.stderr
    assert {name for name, words in said.items() if "no run is on record" not in words} == set(), said
