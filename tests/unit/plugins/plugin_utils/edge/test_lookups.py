# Copyright: (c) 2026, Holdfast contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The collection's lookups, asked by a real play of a real site with a real ledger."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.holdfast.hipaa.plugins.plugin_utils.cli.main import main
from ansible_collections.holdfast.hipaa.plugins.plugin_utils.ledger.reading import read_records
from ansible_collections.holdfast.hipaa.plugins.plugin_utils.ledger.store import Ledger

from tests.change_cases import REGISTER, plan

COLLECTIONS = Path(__file__).resolve().parents[5] / "collections"
SWEEPS = [{"segment": name, "from": "lab-1"} for name in ("clinic", "office")]
NO_SITE = "holds no site.yml; expected a site's folder"
NO_CHANGE = "name one change, for example -e change=chg_..."
LOOKUPS: dict[str, tuple[str, object]] = {
    "the others of a cluster": ("members, 'prod-1'", ["prod-2", "prod-3"]),
    "the others of two": ("members, 'prod-1', 'prod-3'", ["prod-2"]),
    "the others of the play's host": ("members", ["prod-1", "prod-3"]),
    "of no cluster": ("members, 'lab-1'", []),
    "of no asset": ("members, 'lab-9'", "lab-9"),
    "members without a site": ("members, 'lab-1', site='/nowhere'", NO_SITE),
    "waves": ("waves, change", ["lab-1", "pilot-1", "prod-1", "prod-2", "prod-3"]),
    "sizes of waves": ("waves, change, want='sizes'", [1, 1, 1, 1, 1]),
    "waves of a ring": ("waves, change, ring='pilot'", ["pilot-1"]),
    "waves of no ring": ("waves, change, ring='moon'", "ring moon: change chg_"),
    "waves of a rehearsal": ("waves, change, rehearsal=true", ["lab-1"]),
    "waves of no change": ("waves, 'chg_none'", "change chg_none: no request of that id is in the ledger"),
    "waves without a site": ("waves, change, site='/nowhere'", NO_SITE),
    "waves in a syntax check": ("waves, ''", ["holdfast_none"]),
    "sizes of waves in a syntax check": ("waves, '', want='sizes'", [1]),
    "waves of two changes": ("waves, 'chg_1', 'chg_2'", f"waves: {NO_CHANGE}"),
    "back from nowhere": ("ran_on, change", "by the ledger this change ran on no host; see"),
    "back in a ring": ("ran_on, change, ring='lab'", "this change ran on no host of ring lab; see"),
    "back without a site": ("ran_on, change, site='/nowhere'", NO_SITE),
    "back in a syntax check": ("ran_on, ''", ["holdfast_none"]),
    "sizes back in a syntax check": ("ran_on, '', want='sizes'", [1]),
    "back from nothing named": ("ran_on", f"ran_on: {NO_CHANGE}"),
    "sweepers": ("sweepers", ["lab-1"]),
    "sweepers of a network": ("sweepers, '192.0.2.0/25'", ["lab-1"]),
    "sweepers of a strange network": ("sweepers, '198.51.100.0/24'", "198.51.100.0/24"),
    "sweepers without a site": ("sweepers, site='/nowhere'", ["holdfast_none"]),
}
"""A lookup's name and what it is asked, and its answer, or words of its error."""


def lay_out(root: Path) -> str:
    """Lay out a site with a cluster, two sweeps, and a change that was asked for and ran nowhere; return its id."""
    assert main(["init", str(root), "--name", "demo"]) == 0
    same = {"kind": "server", "owner": "operations", "address": "192.0.2.1", "data_class": "ephi", "tier": 1}
    register = {
        "plugin": "holdfast.hipaa.register",
        "segments": {"clinic": ["192.0.2.0/25"], "office": ["192.0.2.128/25"]},
        "clusters": {"shop": {"up_at_least": 2}},
        "assets": [
            {**same, "id": name, "ring": ring, "environment": ring, "baselines": ["debian-server"]}
            | ({"cluster": "shop"} if ring == "production" else {})
            for name, ring in REGISTER.items()
        ],
    }
    (root / "holdfast.yml").write_text(json.dumps(register), encoding="utf-8")
    (root / "policy/inventory.yml").write_text(json.dumps({"sweep": SWEEPS}), encoding="utf-8")
    drafted = plan().save(root.parent / "drafts")
    assert main(["change", "request", "--plan", str(drafted), "--site", str(root)]) == 0
    return next(one.change_id for one in read_records(Ledger(root / "ledger/ledger.sqlite")) if one.change_id)


def tell(name: str, what: str) -> list[dict[str, Any]]:
    """Return the task that keeps an answer."""
    return [{"ansible.builtin.set_fact": {"told": f"{{{{ told | combine({{{name!r}: {what}}}) }}}}"}}]


@pytest.fixture(name="answers", scope="module")
def all_answers(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """What one play was told: an answer, or the words of an error."""
    folder = tmp_path_factory.mktemp("lookups")
    change = lay_out(folder / "site")
    tasks: list[dict[str, Any]] = []
    for name, (asked, _answer) in LOOKUPS.items():
        words = asked.split(", ")
        query = f"query({', '.join([repr('holdfast.hipaa.' + words[0]), *words[1:]])})"
        tasks.append({"block": tell(name, query), "rescue": tell(name, "ansible_failed_result.msg")})
    written = {"content": "{{ told | to_json }}", "dest": f"{folder}/told", "mode": "0600"}
    tasks.append({"ansible.builtin.copy": written})
    given = {"change": change, "told": {}, "ansible_python_interpreter": sys.executable}
    play = {"hosts": "prod-2", "gather_facts": False, "connection": "local", "vars": given, "tasks": tasks}
    (folder / "play.yml").write_text(json.dumps([play]), encoding="utf-8")
    ours = {name: value for name, value in os.environ.items() if not name.startswith(("ANSIBLE_", "HOLDFAST_"))}
    home = {"ANSIBLE_COLLECTIONS_PATH": str(COLLECTIONS), "ANSIBLE_HOME": f"{folder}/home"}
    done = subprocess.run(
        [str(Path(sys.executable).parent / "ansible-playbook"), "-i", "prod-2,", "play.yml"], cwd=folder,
        env={**ours, **home, "HOLDFAST_SITE": f"{folder}/site"},
        stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=300, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    answers: dict[str, Any] = json.loads((folder / "told").read_text(encoding="utf-8"))
    return answers


@pytest.mark.parametrize("name", LOOKUPS)
def test_a_lookup_answers_or_says_why_not(name: str, answers: dict[str, Any]) -> None:
    expected = LOOKUPS[name][1]
    if isinstance(expected, str):
        assert expected in answers[name]
    else:
        assert answers[name] == expected
