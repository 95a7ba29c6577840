# Copyright: (c) 2026, Holdfast contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The demonstration: the whole story on real hosts, step by step, with every command shown as one would type it.

Run by `make demo`. Uses the site inventories/demo and the fleet `demo`; both are made anew each time, so the
demonstration can be run again. Its keys are throw-away keys in the checkout: nothing it approves means anything
anywhere else.
"""

from __future__ import annotations

import json
import os
import shlex
import shutil
import subprocess
import sys
import time
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

from .allowances import write_allowances
from .fleet import Fleet

ROOT = Path(__file__).resolve().parent.parent
SITE = ROOT / "inventories" / "demo"
BIN = Path(sys.executable).parent
OPEN_CRON = ["chmod", "0755", "/etc/cron.d"]
PAGE = SITE / "reports" / "demo.html"
APPROVERS = ("security", "revenue-cycle")
RINGS = ("lab", "pilot", "production")
STEPS = 13


class DemoError(Exception):
    """A step did not show what it is there to show."""


class Story:
    """Prints the steps, runs the commands, keeps the time."""

    def __init__(self) -> None:
        self.started, self.number = time.monotonic(), 0
        self.environment = {
            **os.environ,
            "PATH": f"{BIN}:{os.environ['PATH']}",
            "HOLDFAST_SITE": str(SITE),
            "ANSIBLE_FORCE_COLOR": "0",
        }

    def step(self, title: str) -> None:
        """Begin a step."""
        self.number += 1
        passed = int(time.monotonic() - self.started)
        print(f"\n=== [{self.number}/{STEPS}] {title}  ({passed // 60}:{passed % 60:02d})", flush=True)

    def run(self, *argv: str, expect: int | Sequence[int] = 0, show: bool = True) -> str:
        """Run one command in the site's folder; return its stdout. Raises DemoError on an unexpected exit code."""
        print(f"$ {shlex.join(argv)}", flush=True)
        lines = []
        with subprocess.Popen(
            argv, cwd=SITE, env=self.environment, text=True, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE
        ) as process:
            for line in process.stdout or ():
                lines.append(line)
                if show:
                    print("  " + line.rstrip(), flush=True)
        code = process.returncode
        allowed = (expect,) if isinstance(expect, int) else tuple(expect)
        if code not in allowed:
            raise DemoError(f"{shlex.join(argv)}: exit code {code}, expected {' or '.join(map(str, allowed))}")
        return "".join(lines)

    def play(self, name: str, *extra: str, expect: int | Sequence[int] = 0) -> str:
        """Run one of the collection's playbooks."""
        return self.run("ansible-playbook", f"holdfast.hipaa.{name}", *extra, expect=expect)


def lay_out_site(story: Story) -> None:
    """Make the demo's keys, trust, ledger and exceptions anew: a demonstration keeps no history."""
    for name in ("keys", "ledger", "plans", "reports", "trust.yml"):
        path = SITE / name
        if path.is_dir():
            shutil.rmtree(path)
        else:
            path.unlink(missing_ok=True)
    approvers = [f"--approver={name}={SITE / 'keys' / name}.pub" for name in APPROVERS]
    keys = SITE / "keys"
    keys.mkdir(mode=0o700)
    for name in APPROVERS:
        story.run("ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", name, "-f", str(keys / name))
    story.run("holdfast", "init", str(SITE), "--keys-only", *approvers)
    write_allowances(SITE, APPROVERS[0], datetime.now(UTC))


def approved_change(story: Story, *request: str) -> str:
    """Request a change and have it approved for every ring by both demo approvers; return its id."""
    change = json.loads(story.run("holdfast", "change", "request", *request, "--format", "json"))["change"]
    for name in APPROVERS:
        story.run("holdfast", "change", "approve", change, "--as", name, "--ssh-key", str(SITE / "keys" / name))
    return str(change)


def newest_plan() -> Path:
    """Return the plan that was written last."""
    return max((SITE / "plans").glob("*.json"), key=lambda path: path.stat().st_mtime_ns)


def compare_with_dpkg(fleet: Fleet, plan: Path) -> None:
    """Ask dpkg itself on every host, past all of our code, whether what is installed is what was planned."""
    for asset in json.loads(plan.read_text(encoding="utf-8"))["assets"]:
        answer = fleet.exec(
            asset["asset"], ["dpkg-query", "-W", "-f", "${Package}:${Architecture} ${Version}\n"]
        ).stdout
        installed = dict(line.split(" ", 1) for line in answer.splitlines())
        count = len(asset["packages"])
        wrong = [p["name"] for p in asset["packages"] if installed.get(f"{p['name']}:{p['arch']}") != p["to"]]
        if wrong:
            raise DemoError(f"{asset['asset']}: dpkg-query differs from the plan: {', '.join(wrong)}")
        print(f"  {asset['asset']}: dpkg-query equals the plan, {count} of {count} packages")


def tell(story: Story) -> int:
    """Run the story; return the audit's exit code."""
    fleet = Fleet("demo", say=lambda line: print(f"  {line}", flush=True))
    story.step("Bring up real hosts from the Debian point release (systemd, sshd, PostgreSQL, nginx, a claims service)")
    fleet.up(fresh=True)
    fleet.publish("1.0")

    story.step("Lay out the demo site: throw-away keys, trust document, empty ledger")
    print("  These keys lie in the checkout for anyone to read. They are for this demonstration only.")
    lay_out_site(story)

    story.step("Check drift on untouched hosts: nothing is changed, every control gets a verdict")
    story.play("check_drift")

    story.step("Request and approve the baseline, then remediate only what failed")
    approved_change(story, "--kind", "config", "--title", "Baseline on all hosts", "--reason", "Drift was found")
    story.play("remediate")
    story.play("check_drift", "-e", "fail_on_drift=true")

    story.step("Break one control on one lab host: policy lets that be mended without asking")
    fleet.exec("lab-1", OPEN_CRON, check=True)
    story.play("remediate", "--limit", "ring_lab")

    story.step("Break it on both lab hosts: the run changes nothing, and asks whether the baseline is wrong")
    for host in ("lab-1", "lab-2"):
        fleet.exec(host, OPEN_CRON, check=True)
    story.play("remediate", "--limit", "ring_lab", expect=2)
    for host in ("lab-1", "lab-2"):
        fleet.exec(host, ["chmod", "0700", "/etc/cron.d"], check=True)

    story.step("Lock the pending security updates into a plan")
    story.play("plan_patches", "-e", "title='Security updates'")
    plan = newest_plan()
    change = approved_change(story, "--plan", str(plan))

    story.step("Try production first: the gate refuses, because pilot is not verified for this plan")
    story.play("patch", "-e", f"change={change}", "-e", "ring=production", expect=2)

    story.step("Patch lab, pilot and production in waves, with health checks before and after")
    story.play("patch", "-e", f"change={change}")
    compare_with_dpkg(fleet, plan)

    story.step("Publish a broken update of the claims service and let it through planning and approval")
    fleet.publish("1.1")
    story.play("plan_patches", "-e", "title='Claims service 1.1'")
    broken = approved_change(story, "--plan", str(newest_plan()))

    story.step("The first wave turns unhealthy: it is rolled back, and no other ring is touched")
    story.play("patch", "-e", f"change={broken}", expect=2)
    for host in ("lab-1", "pilot-1", "prod-1"):
        version = fleet.exec(host, ["dpkg-query", "-W", "-f", "${Version}", "claimsd"]).stdout
        print(f"  {host}: claimsd {version}")
        if version != "1.0":
            raise DemoError(f"{host}: claimsd {version}, expected 1.0 after the rollback")

    story.step("Draw the page from the ledger")
    story.run("holdfast", "report", "--output", str(PAGE))

    story.step("Audit the ledger with code that shares nothing with the writer")
    story.run("holdfast", "audit")
    minutes, seconds = divmod(int(time.monotonic() - story.started), 60)
    print(f"\nDone in {minutes} min {seconds} s. The hosts stay up; `make lab-down` ends them.")
    print("Audit: the ledger is intact and every record is in order (no witness watches this demo).")
    print(f"Page:  {PAGE.relative_to(ROOT)}")
    return 0


def main() -> int:
    """Tell the story; say plainly which step failed."""
    story = Story()
    try:
        return tell(story)
    except (DemoError, subprocess.CalledProcessError) as error:
        print(f"\ndemo: step {story.number} failed: {error}", file=sys.stderr)
        return 1


if __name__ == "__main__":
    sys.exit(main())
