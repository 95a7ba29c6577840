# Copyright: (c) 2026, Holdfast contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Asks a lab host about every control of the baseline without a playbook, and applies the roles with one.

The probes travel as a zip file that Python runs: the same files that Ansible would carry, without Ansible's second.
"""

from __future__ import annotations

import io
import json
import os
import subprocess
import sys
import zipfile
from collections.abc import Sequence
from pathlib import Path

import yaml
from ansible_collections.holdfast.hipaa.plugins.plugin_utils.site.baseline import Baseline
from ansible_collections.holdfast.hipaa.plugins.plugin_utils.verdicts.judge import judge_all
from ansible_collections.holdfast.hipaa.plugins.plugin_utils.verdicts.verdict import Verdict

from lab.fleet import Fleet

ROOT = Path(__file__).resolve().parents[2]
HERE = Path(__file__).resolve().parent
PROBES = ROOT / "plugins" / "module_utils" / "probes"
MAIN = """
import json, subprocess, sys
from probes._registry import observe
asked = json.load(sys.stdin)
for command in asked["commands"]:
    done = subprocess.run(["sh", "-c", command], stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL)
    if done.returncode:
        sys.exit(command)
    print(json.dumps(observe(asked["controls"])))
"""
ON_HOST = "/root/drill-probe.zip"
ROLES = ("ssh", "kernel", "files", "services", "accounts", "time", "packages")


def baseline() -> Baseline:
    """Return the shipped baseline."""
    whole = yaml.safe_load((ROOT / "baselines" / "debian-server.yml").read_text(encoding="utf-8"))
    files = [ROOT / "baselines" / "debian-server" / f"{part}.yml" for part in whole.pop("parts")]
    parts = [yaml.safe_load(file.read_text(encoding="utf-8"))["controls"] for file in files]
    return Baseline.from_dict({**whole, "controls": [control for part in parts for control in part]})


class Prober:
    """Puts the probes on one host once, and asks them as often as wanted."""

    def __init__(self, fleet: Fleet, host: str) -> None:
        self._fleet, self._host = fleet, host
        self.controls = baseline().controls
        packed = io.BytesIO()
        with zipfile.ZipFile(packed, "w") as archive:
            archive.writestr("__main__.py", MAIN)
            archive.writestr("probes/__init__.py", "")
            for path in PROBES.glob("*.py"):
                archive.write(path, f"probes/{path.name}")
        subprocess.run(
            ["ssh", "-F", str(fleet.ssh_config), host, f"cat >{ON_HOST}"], input=packed.getvalue(), check=True
        )

    def now(self) -> dict[str, Verdict]:
        """Return the verdict on every control by id."""
        return self.after(["true"])[0]

    def after(self, commands: Sequence[str]) -> list[dict[str, Verdict]]:
        """Run shell commands on the host, which must succeed; return all verdicts by id after each of them."""
        questions = [{"id": control.id, "probe": control.probe} for control in self.controls]
        asked = json.dumps({"controls": questions, "commands": list(commands)})
        done = self._fleet.exec(self._host, ["python3", ON_HOST], stdin=asked, timeout=300)
        assert done.returncode == 0, done.stderr
        answers = [judge_all(self.controls, json.loads(line)) for line in done.stdout.splitlines()]
        return [{verdict.control_id: verdict for verdict in verdicts} for verdicts in answers]


def apply_roles(fleet: Fleet, host: str, folder: Path, *options: str, roles: tuple[str, ...] = ROLES) -> dict[str, int]:
    """Apply roles with the baseline's values; return the recap's counts. Fails when the play does."""
    values = {control.variable: control.value for control in baseline().controls if control.role}
    (folder / "values.json").write_text(json.dumps({**values, "roles_to_apply": roles}), encoding="utf-8")
    done = subprocess.run(
        [str(Path(sys.executable).parent / "ansible-playbook"), "-i", str(fleet.inventory), "--limit", host,
         "-e", f"@{folder / 'values.json'}", str(HERE / "apply_roles.yml"), *options],
        env={**os.environ, "ANSIBLE_CONFIG": str(HERE / "apply_roles.cfg"), "ANSIBLE_NOCOLOR": "1"},
        text=True, stdin=subprocess.DEVNULL, capture_output=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    recap = done.stdout.rpartition(f"{host} ")[2].partition(":")[2].split("\n")[0]
    return {name: int(count) for name, count in (pair.split("=") for pair in recap.split())}
