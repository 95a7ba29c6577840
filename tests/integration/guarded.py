# Copyright: (c) 2026, Holdfast contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""A site and one host for what may lock an operator out: applies it, kills the controller, logs in as nobody else."""

from __future__ import annotations

import json
import os
import subprocess
import time
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from lab.process import run as run_here
from lab.process import wait_for
from tests.integration.killing import kill_whole
from tests.integration.sites import BIN, SiteUnderTest

HERE = Path(__file__).resolve().parent
HOST = "lab-1"
OPERATOR = "oncall"
_OPERATOR = f"""
id {OPERATOR} 2>/dev/null || useradd -m -s /bin/bash {OPERATOR}
install -d -m 0700 -o {OPERATOR} -g {OPERATOR} /home/{OPERATOR}/.ssh
install -m 0600 -o {OPERATOR} -g {OPERATOR} /root/.ssh/authorized_keys /home/{OPERATOR}/.ssh/authorized_keys
echo '{OPERATOR} ALL=(ALL:ALL) NOPASSWD: ALL' >/etc/sudoers.d/{OPERATOR}
chmod 0440 /etc/sudoers.d/{OPERATOR}
"""


@dataclass(frozen=True)
class GuardedHost:
    """One host of a site, and the playbook that sabotages it."""

    site: SiteUnderTest

    def prepare(self) -> None:
        """Let an ordinary user log in who may become root."""
        self.site.fleet.exec(HOST, ["sh", "-eu", "-c", _OPERATOR], check=True)
        for name in ("sabotage.yml", "settings.yml"):
            (self.site.root / name).write_text((HERE / name).read_text(encoding="utf-8"), encoding="utf-8")

    def command(self, way: str, *extra: str, user: str = "root") -> list[str]:
        """Return the command that applies one way to lock the operator out."""
        escalate = [] if user == "root" else ["-e", f"ansible_user={user}", "-e", "ansible_become=true"]
        limit = ["--limit", HOST, "-e", f"sabotage_way={way}"]
        return [str(BIN / "ansible-playbook"), "sabotage.yml", *limit, *escalate, *extra]

    def settings(self, *roles: str) -> subprocess.CompletedProcess[str]:
        """Apply roles between two images, as a remediation does."""
        return self.site.run(*self.settings_command(*roles), **self.environment)

    def settings_command(self, *roles: str) -> list[str]:
        """Return the command that applies roles between two images."""
        chosen = json.dumps({"settings_roles": list(roles)})
        return [str(BIN / "ansible-playbook"), "settings.yml", "--limit", HOST, "-e", chosen]

    @property
    def environment(self) -> dict[str, str]:
        """The test's roles beside the product's."""
        return {"ANSIBLE_ROLES_PATH": str(HERE / "roles")}

    def apply(self, way: str, *extra: str, user: str = "root") -> subprocess.CompletedProcess[str]:
        """Apply it, and wait for the end of the play."""
        return self.site.run(*self.command(way, *extra, user=user), **self.environment)

    def apply_and_kill(self, way: str, *extra: str, user: str = "root") -> float:
        """Apply it, kill every process of the controller right after; return the moment of the kill."""
        return self.kill_when_applied(self.command(way, *extra, user=user), "sabotage_marker")

    def kill_when_applied(self, command: list[str], variable: str) -> float:
        """Start a playbook that writes the file named in a variable when all is applied; kill it then."""
        marker = self.site.root / "applied"
        marker.unlink(missing_ok=True)
        env = {**os.environ, "PATH": f"{BIN}:{os.environ['PATH']}", "ANSIBLE_NOCOLOR": "1", **self.environment}
        with (self.site.root / "killed.log").open("w", encoding="utf-8") as log:
            controller = subprocess.Popen(
                [*command, "-e", f"{variable}={marker}"],
                cwd=self.site.root, env=env, stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True,
            )  # fmt: skip
        try:
            wait_for("all to be applied", lambda: True if marker.exists() else controller.poll(), within=240)
            assert marker.exists(), Path(log.name).read_text(encoding="utf-8")
        finally:
            kill_whole(controller)
        return time.monotonic()

    def login(self, user: str = "root", argv: Iterable[str] = ("true",)) -> subprocess.CompletedProcess[str]:
        """Log in over a connection of its own, escalating where the user is not root."""
        escalate = [] if user == "root" else ["sudo", "-n"]
        ssh = ["ssh", "-F", str(self.site.fleet.ssh_config), "-l", user]
        for option in ("BatchMode=yes", "ConnectTimeout=2", "ControlMaster=no", "ControlPath=none"):
            ssh += ["-o", option]
        return run_here([*ssh, HOST, "--", *escalate, *argv], check=False, timeout=30)

    def open_for(self, user: str = "root") -> bool | None:
        """True when the user gets in and can escalate, None when not."""
        return True if self.login(user).returncode == 0 else None

    def recovers(self, since: float, user: str = "root") -> float:
        """Return the seconds until the user got in again.

        The console is watched, not the door: many failed logins make an SSH server refuse their source.
        """
        newest = "cd /var/lib/holdfast/guards && ls -t | head -n 1 | xargs -I X ls X/outcome.json 2>/dev/null || true"
        wait_for("the guard to fire", lambda: self.inside(newest).strip() or None, within=240)
        wait_for(f"{HOST} to let {user} in again", lambda: self.open_for(user), within=30)
        return time.monotonic() - since

    def inside(self, script: str) -> str:
        """Run a script in the container, past its network: the hands at the console."""
        container = self.site.fleet.places.container(HOST)
        return run_here(["podman", "exec", container, "sh", "-eu", "-c", script]).stdout

    def quiet(self) -> None:
        """Wait until no guard is armed."""
        armed = "ls /etc/systemd/system/holdfast-guard-*.timer 2>/dev/null || true"
        wait_for("every guard to end", lambda: self.inside(armed).strip() == "" or None, within=240)

    def results(self, step: str) -> list[dict[str, Any]]:
        """Return every result of a step on record, each with its body's other members."""
        records = [one for one in self.site.records() if one["predicateType"].split("/")[-2] == step]
        bodies = [one["predicate"]["step"] for one in records]
        return [
            {**{k: v for k, v in body.items() if k != "results"}, **one} for body in bodies for one in body["results"]
        ]
