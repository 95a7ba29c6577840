# Copyright: (c) 2026, Holdfast contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""One fault: hosts in a known state, an approved change, a run in which it happens, the next run, and the judgement."""

from __future__ import annotations

import json
import os
import signal
import sqlite3
import subprocess
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from lab.fleet import Fleet
from lab.process import run
from tests.callbacks.trip import kill_all
from tests.faults import matrix
from tests.faults.toyd import ANSWER, NAME, NEW, OLD, PORT
from tests.integration.sites import APPROVERS, BIN, ROOT, SiteUnderTest, lay_out

HOSTS = ("one", "two")
LIMIT = 900
"""Seconds after which a run counts as hung."""

SECONDS = 150
"""How long to wait for something on a host that takes a few."""

INTERRUPTED = "run-never-closed"
"""The one finding of an audit that a fault explains."""

CLEAN = f"""
rm -rf /run/toy-* /run/reboot-required* /etc/toy-*
systemctl stop apt-daily-upgrade.timer apt-daily-upgrade.service
rm -rf /etc/systemd/system/apt-daily-upgrade.*.d
systemctl daemon-reload
pkill -KILL -x 'apt-get|dpkg' || true
nft delete table inet holdfast_fault 2>/dev/null || true
while mountpoint -q /opt/toyd; do umount -l /opt/toyd; done
while mountpoint -q /var/lib/holdfast/stage; do umount -l /var/lib/holdfast/stage; done
pkill -KILL -f '[t]oy-holder' || true
rm -rf /var/lib/holdfast
dpkg --force-all --configure -a >/dev/null 2>&1 || true
dpkg --force-all --force-confnew -i /root/{NAME}_{OLD}_all.deb >/dev/null
systemctl reset-failed
systemctl restart toyd toy-sleeper
"""

SAYS = (
    f"dpkg-query -W -f '${{db:Status-Abbrev}} ${{Version}}\\n' {NAME} || echo not known; dpkg --audit | wc -l; "
    f"""python3 -c 'import urllib.request as r; print(r.urlopen("http://127.0.0.1:{PORT}").read().decode())' """
    "2>/dev/null || echo no answer"
)


@dataclass
class Case:
    """A site of its own for the fleet's hosts, and what is done to them."""

    fleet: Fleet
    folder: Path
    debs: dict[str, Path]
    name: str = ""
    order: int = 0
    hosts: tuple[str, ...] = ("one",)
    to: str = NEW
    change: str = ""
    site: SiteUnderTest = field(init=False)
    first: str = ""
    row: matrix.Row | None = None
    begun: float = field(default_factory=time.monotonic)

    def inside(self, script: str, host: str = "one") -> str:
        """Run a shell script on a host, past SSH, and return what it says."""
        argv = ["podman", "exec", self.fleet.places.container(host), "sh", "-eu", "-c", script]
        return run(argv, timeout=SECONDS + 30).stdout

    def inside_argv(self, script: str, host: str = "one") -> list[str]:
        """Return the command that does so, for a trip."""
        return ["podman", "exec", self.fleet.places.container(host), "sh", "-eu", "-c", script]

    def prepare(self, *hosts: str, to: str = NEW, approvals: int = 0, minutes: int = 1, lock: int = 5) -> None:
        """Bring the hosts to OLD, put `to` on offer, and have a change to it approved as far as needs be."""
        self.hosts, self.to = hosts or ("one",), to
        for host in self.hosts:
            self.inside(CLEAN, host)
        offered = {file.name for file in (self.fleet.archive.served / "more").glob("*.deb")}
        if offered != {self.debs[OLD].name, self.debs[to].name}:
            self.fleet.offer([self.debs[OLD], self.debs[to]])
        self.site = lay_out(self.folder / "site", self.fleet)
        self._settle(approvals, minutes, lock)
        done = self.site.play("plan_patches")
        assert done.returncode == 0, done.stdout + done.stderr
        plan = json.loads(self.site.plans[-1].read_text(encoding="utf-8"))
        wanted = {(host, NAME, OLD, to) for host in self.hosts}
        found = {(a["asset"], p["name"], p["from"], p["to"]) for a in plan["assets"] for p in a["packages"]}
        assert found == wanted
        self.change = str(self.site.json("change", "request", "--plan", str(self.site.plans[-1]))["change"])

    def _settle(self, approvals: int, minutes: int, lock: int) -> None:
        """Give the site these hosts, health that only the right answer passes, and policy in which faults are quick."""
        health = [
            {"id": "toyd", "service": NAME},
            {"id": "answer", "http": {"url": f"http://127.0.0.1:{PORT}/", "contains": ANSWER[OLD]}},
        ]
        common = {
            "kind": "server", "owner": "platform-team", "ring": "lab", "environment": "lab", "data_class": "none",
            "tier": 4, "baselines": ["debian-server"], "health": health,
            "vars": {"ansible_user": "root", "ansible_ssh_common_args": f"-F {self.fleet.ssh_config}"},
        }  # fmt: skip
        assets = [{"id": host, "address": host, **common} for host in self.hosts]
        register = {"plugin": "holdfast.hipaa.register", "assets": assets}
        (self.site.root / "holdfast.yml").write_text(json.dumps(register), encoding="utf-8")
        rings = self.site.root / "policy" / "rings.yml"
        text = rings.read_text(encoding="utf-8")
        rings.write_text(text.replace("approvals_required: 1", f"approvals_required: {approvals}", 1), encoding="utf-8")
        patching = self.site.root / "policy" / "patching.yml"
        text = patching.read_text(encoding="utf-8")
        patching.write_text(f"{text}\ninstall_minutes: {minutes}\nlock_minutes: {lock}\n", encoding="utf-8")

    def approve(self) -> None:
        """Have the change approved by one person."""
        done = self.site.holdfast("change", "approve", self.change, *self._signed())
        assert done.returncode == 0, done.stderr

    def withdraw(self) -> list[str]:
        """Return the command by which that person rejects it, for a trip."""
        return [str(BIN / "holdfast"), "change", "approve", self.change, "--reject", *self._signed()]

    def _signed(self) -> list[str]:
        return ["--as", APPROVERS[0], "--ssh-key", str(self.site.root / "keys" / APPROVERS[0])]

    def trip(self, at: str, do: Sequence[str] | None = None, *, nth: int = 1, after: float = 0) -> dict[str, str]:
        """Return the environment of a run in which something happens at a task: `do`, or the controller is killed."""
        asked = {"at": at, "do": do, "nth": nth, "after": after, "mark": self.mark}
        return {
            "ANSIBLE_CALLBACK_PLUGINS": str(ROOT / "tests" / "callbacks"),
            "ANSIBLE_CALLBACKS_ENABLED": "holdfast.hipaa.recorder,trip",
            "TRIP": json.dumps(asked),
        }

    @property
    def mark(self) -> str:
        """What all processes of this case's runs have in their environment."""
        return str(self.folder / "tripped")

    @property
    def tripped(self) -> bool:
        """What was to happen in the run did."""
        return Path(self.mark).exists()

    def start(self, **environment: str) -> subprocess.Popen[str]:
        """Begin the change's run, in a process group of its own."""
        command = [str(BIN / "ansible-playbook"), "holdfast.hipaa.patch", "-e", f"change={self.change}"]
        log = (self.folder / f"run-{len(list(self.folder.glob('run-*')))}.log").open("w")
        return subprocess.Popen(
            command, cwd=self.site.root, text=True, stdin=subprocess.DEVNULL, stdout=log, stderr=subprocess.STDOUT,
            env={**os.environ, "PATH": f"{BIN}:{os.environ['PATH']}", "ANSIBLE_NOCOLOR": "1", "CASE": self.mark,
                 **environment},
            start_new_session=True,
        )  # fmt: skip

    def end(self, process: subprocess.Popen[str]) -> int:
        """Wait for a run; one that hangs is killed, and the test fails. Returns its exit code."""
        try:
            code = process.wait(timeout=LIMIT)
        except subprocess.TimeoutExpired:
            kill_all(self.mark)
            process.wait()
            raise AssertionError(f"the run hung for {LIMIT} s:\n{self.said()[-3000:]}") from None
        self.first = self.first or ("killed" if code == -signal.SIGKILL else f"exit {code}")
        return code

    def run(self, **environment: str) -> int:
        """Do the change's run and return its exit code."""
        return self.end(self.start(**environment))

    def said(self) -> str:
        """Return what the newest run said."""
        return max(self.folder.glob("run-*"), key=lambda file: file.name).read_text(encoding="utf-8")

    def kill(self, process: subprocess.Popen[str]) -> None:
        """Kill a run and all it started here, as when its machine loses power."""
        kill_all(self.mark)
        self.end(process)

    def hold(self, script: str, version: str | None = None, host: str = "one") -> None:
        """Let a maintainer script of a version (the new one) wait."""
        self.inside(f"touch /run/toy-wait-{script}-{version or self.to}", host)

    def reached(self, script: str, version: str | None = None, host: str = "one") -> None:
        """Wait until it does."""
        self.there(f"/run/toy-reached-{script}-{version or self.to}", host)

    def there(self, path: str, host: str = "one") -> None:
        """Wait until a file is there on a host."""
        self.inside(f"for n in $(seq {SECONDS * 5}); do [ ! -e {path} ] || exit 0; sleep 0.2; done; exit 1", host)

    def release(self, script: str, version: str | None = None, host: str = "one") -> None:
        """Let it go on."""
        self.inside(f"rm -f /run/toy-wait-{script}-{version or self.to}", host)

    def fill_ledger(self) -> None:
        """Let the ledger refuse every further record."""
        with sqlite3.connect(self.site.ledger) as db:
            db.execute(
                "create trigger full before insert on entries "
                "begin select raise(abort, 'database or disk is full'); end"
            )

    def free_ledger(self) -> None:
        """Let it take records again."""
        with sqlite3.connect(self.site.ledger) as db:
            db.execute("drop trigger full")

    def state(self, host: str) -> str:
        """Ask the host itself where it is: `on the plan`, `back`, or what is found instead."""
        status, owed, answer = [*self.inside(SAYS, host).splitlines(), "", ""][:3]
        at = {f"ii  {self.to}": "on the plan", f"ii  {OLD}": "back"}.get(status)
        if at and owed == "0" and ANSWER[OLD] in answer:
            return at
        return f"{status}, {owed} lines of dpkg --audit, {answer}"

    def finish(self, fault: str, when: str, *, tells: tuple[str, ...] = ()) -> matrix.Row:
        """Run the change again, judge, keep the row, and return it; the audit has to find all that `tells` names."""
        before = len(self.site.records())
        code = self.run()
        states = {host: self.state(host) for host in self.hosts}
        audit = self._audited(tells)
        whole = set(states.values()) <= {"on the plan", "back"} and not audit.startswith("FOUND")
        then = did(self.site.records()[before:], self.said(), code)
        row = matrix.Row(
            self.order, fault, when, self.first, then, states, audit, time.monotonic() - self.begun, whole
        )  # fmt: skip
        matrix.keep(self.name, row)
        self.row = row
        assert row.whole, f"{row}\n{self.said()[-6000:]}"
        return row

    def _audited(self, tells: tuple[str, ...]) -> str:
        """Return `clean` or what the fault explains, with notes; else what was found, or was to be found and is not."""
        report = json.loads(self.site.holdfast("audit", "--format", "json").stdout)
        codes = {one["code"] for one in report["findings"]}
        wrong = [f"{one['code']}: {one['message']}" for one in report["findings"]
                 if one["code"] not in (INTERRUPTED, *tells)]  # fmt: skip
        wrong += [f"no {code}" for code in tells if code not in codes]
        if wrong:
            return "FOUND " + "; ".join(wrong)
        notes = len(report["warnings"])
        told = f"names {' and '.join(sorted(codes))}" if codes else "clean"
        return f"{told}, {notes} notes" if notes else told


def did(records: Sequence[dict[str, Any]], said: str, code: int) -> str:
    """Return what a run did by its records, in words."""
    words: list[str] = []
    for record in records:
        step, body = record["predicateType"].split("/")[-2], record["predicate"]["step"]
        if step == "run-open" and body["resumes"]:
            words.append("took over")
        for result in body.get("results", ()) if step in ("deploy", "verify", "rollback") else ():
            if step == "deploy":
                steps = {one["step"] for one in result.get("steps", ())}
                words += [word for one, word in (("repair", "repaired"), ("reboot", "rebooted")) if one in steps]
                words += ["installed"] if result["products"] else []
                words += ["restarted units"] if result.get("restarted") else []
            elif step == "rollback":
                words.append(f"rolled back ({body['trigger']})")
            elif body["kind"] == "version" and result["verdict"] == "pass":
                words.append("verified")
    if "The gate is shut" in said:
        words.append("refused at the gate")
    if "no host is left" in said:
        words.append("nothing left to do")
    return ", ".join([*dict.fromkeys(words)]) or f"exit {code}"
