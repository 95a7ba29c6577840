# Copyright: (c) 2026, Holdfast contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Runs one of the collection's modules on a lab host as it is, without the action that stands before it in a run."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from lab.fleet import Fleet

ROOT = Path(__file__).resolve().parents[2]
_SHARED = ("modules", "module_utils", "doc_fragments")


@dataclass(frozen=True)
class BareHost:
    """A host, and a collection path that holds the modules alone."""

    fleet: Fleet
    name: str
    collections: Path

    def module(self, name: str, *, check: bool = False, **arguments: Any) -> dict[str, Any]:
        """Run a module and return its result, failed or not."""
        process = self.start(name, check=check, **arguments)
        out, err = process.communicate()
        start = out.find("=> {")
        assert start >= 0, out + err
        result: dict[str, Any] = json.loads(out[start + 3 :])
        return {**result, "failed": process.returncode != 0}

    def start(self, name: str, *, check: bool = False, **arguments: Any) -> subprocess.Popen[str]:
        """Begin to run a module, in a process group of its own, and return the controller's process."""
        command = [str(Path(sys.executable).parent / "ansible"), self.name, "-i", f"{self.name},", "-u", "root"]
        command += ["-m", f"holdfast.hipaa.{name}", "-a", json.dumps(arguments) if arguments else ""]
        environment = {
            **os.environ,
            "ANSIBLE_CONFIG": str(self.collections / "ansible.cfg"),
            "ANSIBLE_COLLECTIONS_PATH": str(self.collections),
            "ANSIBLE_SSH_EXTRA_ARGS": f"-F {self.fleet.ssh_config}",
            # Ansible's own choice goes by the host's name alone, and several fleets at once have a bookworm-1.
            "ANSIBLE_SSH_CONTROL_PATH": f"%(directory)s/{self.fleet.name}-%%h",
            "ANSIBLE_PIPELINING": "1",
            "ANSIBLE_PYTHON_INTERPRETER": "/usr/bin/python3",
            "ANSIBLE_NOCOLOR": "1",
        }
        return subprocess.Popen(
            [*command, *(["--check"] if check else [])],
            env=environment, text=True, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
            start_new_session=True,
        )  # fmt: skip

    def sh(self, script: str) -> str:
        """Run a shell script on the host, which must succeed, and return what it says."""
        return self.fleet.exec(self.name, ["sh", "-eu", "-c", script], check=True).stdout

    def send(self, source: Path, target: str) -> None:
        """Copy a file to the host, readable by root alone."""
        with source.open("rb") as content:
            subprocess.run(
                ["ssh", "-F", str(self.fleet.ssh_config), "-o", "BatchMode=yes", self.name, "--",
                 f"umask 077 && cat > '{target}'"],
                stdin=content, check=True, timeout=60,
            )  # fmt: skip


def lay_out_modules(folder: Path) -> Path:
    """Make a collection path in `folder` with links to the modules and what they import."""
    plugins = folder / "ansible_collections" / "holdfast" / "hipaa" / "plugins"
    plugins.mkdir(parents=True)
    for name in _SHARED:
        (plugins / name).symlink_to(ROOT / "plugins" / name)
    (plugins.parent / "galaxy.yml").symlink_to(ROOT / "galaxy.yml")
    (plugins.parent / "meta").symlink_to(ROOT / "meta")
    (folder / "ansible.cfg").write_text("[defaults]\n", encoding="utf-8")  # nobody's settings but these
    return folder
