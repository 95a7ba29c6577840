# Copyright: (c) 2026, Holdfast contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""A site for the tests' own fleet, laid out by `holdfast init` as a shop would, with people who can approve."""

from __future__ import annotations

import base64
import json
import os
import sqlite3
import subprocess
import sys
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from lab.allowances import write_allowances
from lab.fleet import Fleet

ROOT = Path(__file__).resolve().parents[2]
BIN = Path(sys.executable).parent
APPROVERS = ("security", "revenue-cycle")


@dataclass(frozen=True)
class SiteUnderTest:
    """A site's folder outside the checkout's own, and the fleet its hosts are."""

    root: Path
    fleet: Fleet

    @property
    def ledger(self) -> Path:
        """The ledger's file."""
        return self.root / "ledger" / "ledger.sqlite"

    @property
    def plans(self) -> list[Path]:
        """The plans' files, oldest first."""
        return sorted((self.root / "plans").glob("*.json"), key=lambda path: path.stat().st_mtime_ns)

    def run(self, *argv: str, **environment: str) -> subprocess.CompletedProcess[str]:
        """Run a command in the site's folder; output is kept as text."""
        env = {**os.environ, "PATH": f"{BIN}:{os.environ['PATH']}", "ANSIBLE_NOCOLOR": "1", **environment}
        return subprocess.run(
            argv, cwd=self.root, env=env, text=True, stdin=subprocess.DEVNULL, capture_output=True, check=False
        )

    def play(self, name: str, *extra: str, **environment: str) -> subprocess.CompletedProcess[str]:
        """Run one of the collection's playbooks."""
        return self.run("ansible-playbook", f"holdfast.hipaa.{name}", *extra, **environment)

    def holdfast(self, *argv: str) -> subprocess.CompletedProcess[str]:
        """Run the command."""
        return self.run("holdfast", *argv)

    def json(self, *argv: str) -> Any:
        """Run the command with `--format json`, which must succeed, and return what it says."""
        done = self.holdfast(*argv, "--format", "json")
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout)

    def change(self, *request: str, approvers: tuple[str, ...] = APPROVERS) -> str:
        """Request a change and have it approved for every ring; return its id."""
        change = str(self.json("change", "request", *request)["change"])
        for name in approvers:
            key = str(self.root / "keys" / name)
            done = self.holdfast("change", "approve", change, "--as", name, "--ssh-key", key)
            assert done.returncode == 0, done.stderr
        return change

    def records(self) -> list[dict[str, Any]]:
        """Return every record's statement, read past our own code."""
        with sqlite3.connect(f"file:{self.ledger}?mode=ro", uri=True) as db:
            rows = db.execute("select envelope from entries order by idx").fetchall()
        return [json.loads(base64.b64decode(json.loads(body)["payload"])) for (body,) in rows]


def lay_out(root: Path, fleet: Fleet) -> SiteUnderTest:
    """Make a site in `root` with the demo's register, for the hosts of `fleet`."""
    demo = (ROOT / "inventories" / "demo" / "holdfast.yml").read_text(encoding="utf-8")
    root.mkdir()
    site = SiteUnderTest(root, fleet)
    keys = root.parent / f"{root.name}-people"
    keys.mkdir(mode=0o700)
    for name in APPROVERS:
        subprocess.run(
            ["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", name, "-f", str(keys / name)], check=True
        )
    done = subprocess.run(
        [str(BIN / "holdfast"), "init", str(root), *(f"--approver={n}={keys / n}.pub" for n in APPROVERS)],
        text=True, capture_output=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    for name in APPROVERS:
        for file in (keys / name, keys / f"{name}.pub"):
            file.rename(root / "keys" / file.name)
    here = demo.replace("{{ inventory_dir }}/../../build/lab/demo/ssh_config", str(fleet.ssh_config))
    (root / "holdfast.yml").write_text(here, encoding="utf-8")
    settings = (root / "ansible.cfg").read_text(encoding="utf-8")
    (root / "ansible.cfg").write_text(
        settings.replace("[defaults]", f"[defaults]\ncollections_path = {ROOT / 'collections'}", 1), encoding="utf-8"
    )
    return site


def lay_out_demo(root: Path, fleet: Fleet) -> SiteUnderTest:
    """Make such a site whose exceptions let its hosts pass: they are a lab's, and lack what a lab cannot have."""
    site = lay_out(root, fleet)
    write_allowances(root, APPROVERS[0], datetime.now(UTC))
    return site
