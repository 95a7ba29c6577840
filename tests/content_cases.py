# Copyright: (c) 2026, Holdfast contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""A site whose one ring wants signed content, beside an installed copy of the product; this machine is its one host."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ansible_collections.holdfast.hipaa.plugins.plugin_utils.ledger.reading import Record, read_records
from ansible_collections.holdfast.hipaa.plugins.plugin_utils.ledger.store import Ledger

ROOT = Path(__file__).resolve().parents[1]
SHIPPED = ("baselines", "galaxy.yml", "meta", "playbooks", "plugins", "policy", "roles")
COMMAND = "ansible_collections.holdfast.hipaa.plugins.plugin_utils.cli"
PLAY = """
- name: Check drift, and do a little more
  hosts: all
  gather_facts: false
  vars:
    holdfast: {kind: check}
  tasks:
    - name: Ask the gate
      holdfast.hipaa.gate:
      run_once: true
      tags: [always]
    - name: Probe all controls
      holdfast.hipaa.probe:
"""


@dataclass(frozen=True)
class Place:
    """A folder with `site`, the installed collection in `installed`, and the publisher's key."""

    folder: Path

    @property
    def site(self) -> Path:
        """The site's folder."""
        return self.folder / "site"

    @property
    def product(self) -> Path:
        """The collection's folder."""
        return self.folder / "installed/ansible_collections/holdfast/hipaa"

    @property
    def records(self) -> list[Record]:
        """What the ledger says."""
        return read_records(Ledger(self.site / "ledger/ledger.sqlite"))

    def runs(self) -> list[Record]:
        """The runs that were opened."""
        return [one for one in self.records if one.step == "run-open"]

    def command(self, *words: str, code: int = 0) -> str:
        """Run `holdfast` of the installed copy, and return what it prints."""
        done = self._run([sys.executable, "-m", COMMAND, *words], self.folder)
        assert done.returncode == code, done.stdout + done.stderr
        return done.stdout

    def sign(self, key: str = "release.pem", **more: Any) -> str:
        """Have the content signed as it is."""
        return self.command("content", "sign", "--site", "site", "--key", key, **more)

    def play(self, *words: str, **environment: str) -> subprocess.CompletedProcess[str]:
        """Run a playbook in the site."""
        return self._run(["ansible-playbook", *words], self.site, **environment)

    def edit(self, path: Path, more: str = "# one more line\n") -> None:
        """Put something at the end of a file, which may be new."""
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("a", encoding="utf-8") as file:
            file.write(more)

    def _run(self, words: list[str], where: Path, **more: str) -> subprocess.CompletedProcess[str]:
        # Byte code is written here, as on a controller: some tests are about what becomes of it.
        ours = ("ANSIBLE_", "HOLDFAST_", "PYTHON")
        inherited = {name: value for name, value in os.environ.items() if not name.startswith(ours)}
        environment = {
            **inherited,
            "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ.get('PATH', os.defpath)}",
            "PYTHONPATH": str(self.folder / "installed"),
            "ANSIBLE_COLLECTIONS_PATH": str(self.folder / "installed"),
            "ANSIBLE_HOME": str(self.folder / "home"),
            "LANG": "C.UTF-8",
            **more,
        }
        return subprocess.run(
            words, cwd=where, env=environment, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=300,
            check=False,
        )  # fmt: skip


def lay_out(folder: Path) -> Place:
    """Make the place: the product installed, a site with a publisher, signed content, and a playbook of its own."""
    place = Place(folder)
    place.product.mkdir(parents=True)
    for name in SHIPPED:
        source = ROOT / name
        if source.is_dir():
            shutil.copytree(source, place.product / name, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            shutil.copy2(source, place.product / name)
    place.command("init", "site", "--host", "127.0.0.1", "--owner", "it-operations")
    for name in ("release", "other"):
        place.command("key", "new", f"{name}.pem", "--plain")
        place.command("trust", "rotate", "--site", "site", "--principal", f"{name}=publisher={name}.pem")
    place.command("trust", "publish", "--site", "site")
    _register(place.site)
    rings = place.site / "policy/rings.yml"
    text = rings.read_text(encoding="utf-8")
    rings.write_text(
        text.replace("    promotion: none", "    content: signed\n    promotion: none", 1), encoding="utf-8"
    )
    (place.site / "play.yml").write_text(PLAY, encoding="utf-8")
    place.edit(
        place.site / "roles/own/tasks/main.yml", "- name: Say something\n  ansible.builtin.debug:\n    msg: own\n"
    )
    place.edit(place.site / "library/look.sh", "#!/bin/sh\necho '{\"changed\": false}'\n")
    place.sign()
    return place


def _register(site: Path) -> None:
    asset = {
        "id": "billing-1", "kind": "server", "owner": "it-operations", "ring": "lab", "address": "127.0.0.1",
        "environment": "lab", "data_class": "ephi", "tier": 1, "baselines": ["debian-server"],
        "vars": {"ansible_connection": "local", "ansible_python_interpreter": sys.executable},
    }  # fmt: skip
    document = {"plugin": "holdfast.hipaa.register", "assets": [asset]}
    (site / "holdfast.yml").write_text(json.dumps(document), encoding="utf-8")


def copied(place: Place, folder: Path) -> Place:
    """Return a copy of a whole place."""
    shutil.copytree(place.folder, folder, symlinks=True)
    return Place(folder)
