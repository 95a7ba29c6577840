# Copyright: (c) 2026, Holdfast contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a wave of patches costs over a bare `apt-get install` of the same files on the same hosts, in the same run.

    python -m tests.bench.waves_vs_apt [--runs 3] [--hosts 12] [--assert]

Makes its own hosts (Debian 12) and a site whose lab ring takes all of them in one wave, plans real security updates of
the Debian archive, stages them on every host, and prints one line a claim:

wave   the playbook `patch`: gate, stage, obstacles, health, installation, restarts, health, versions, records; over a
       play of one task that installs the same staged files with apt-get
state  package_state with `pending: false`, as one task without our callback, over a ping

Wall time of whole processes, the same forks, medians of `--runs` alternating runs after one turn that is not counted;
between two of them, uncounted, the hosts go back to the versions before.
Exit 0; 1 with --assert when a ratio is above its limit; 3 when a playbook failed, for then nothing was measured.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import yaml

from lab.errors import LabError
from lab.fleet import Fleet
from tests.bench.timing import BenchError, Command, Cost, alternate, plain_ping, plain_settings, play, ratio
from tests.integration.sites import SiteUnderTest, lay_out

LIMITS = {"wave": 1.3, "state": 2.0}
"""What this product promises (docs/explanation/design.md)."""

UPDATES = ("libexpat1", "libnginx-mod-*", "libssl3", "nginx*", "openssl", "postgresql*", "libpq5", "tzdata")
"""What is taken up of the pending security updates: a server's, some with services, some with libraries."""

STAGE = "/var/lib/holdfast/stage"


@dataclass(frozen=True)
class Claim:
    """One ratio and its limit; `seconds` are the medians it is made of."""

    name: str
    ratio: float
    limit: float
    seconds: tuple[float, float]
    runs: int

    @property
    def holds(self) -> bool:
        """The ratio is within its limit."""
        return self.ratio <= self.limit

    def line(self) -> str:
        """Say it for people."""
        word = "within" if self.holds else "ABOVE"
        ours, theirs = self.seconds
        told = f"{ours:.1f} s over {theirs:.1f} s, {self.runs} runs"
        return f"{self.name:8}{self.ratio:6.2f}  {word} {self.limit:g} ({told})"


def claim(name: str, costs: dict[str, list[Cost]], base: str) -> Claim:
    """Return a ratio with its limit."""
    middle = [sorted(cost.wall for cost in costs[one])[len(costs[one]) // 2] for one in (name, base)]
    return Claim(name, ratio(costs, name, base=base), LIMITS[name], (middle[0], middle[1]), len(costs[name]))


def measure(site: SiteUnderTest, runs: int, say: Callable[[str], None]) -> Iterator[Claim]:
    """Yield the claims one after the other; no host has been updated when this starts."""
    forks = ("--forks", str(len(site.fleet.hosts())))
    with plain_ping(site.root) as ping, state_alone(site.root) as state:
        say(f"{3 * runs} times in turn: ping and package_state of all hosts")
        costs = alternate(site.root, {"ping": ping, "state": state}, 3 * runs, *forks)
    yield claim("state", costs, "ping")

    plan = planned(site, say)
    lines = plan["assets"][0]["packages"]
    if any(asset["packages"] != lines for asset in plan["assets"]):
        raise BenchError("the hosts would not all get the same files, so one bare command is not their measure")
    say(f"{len(lines)} packages for each of {len(plan['assets'])} hosts")
    folder = f"{STAGE}/{site.plans[-1].stem}"
    costs = {"bare": [], "wave": []}
    with (
        installation(site.root, [f"{folder}/{one['file']}" for one in lines]) as bare,
        installation(site.root, [f"{folder}/{one['rollback']['file']}" for one in lines]) as back,
    ):
        change = requested(site)
        say("stage")
        play(site.root, Command(("holdfast.hipaa.stage_patches", "-e", f"change={change}")), *forks)
        for turn in range(runs + 1):
            for name in costs:
                say(f"turn {turn} of {runs}: {name}")
                change = change or requested(site)
                wave = Command(("holdfast.hipaa.patch", "-e", f"change={change}"))
                cost = play(site.root, bare if name == "bare" else wave, *forks)
                if turn:
                    costs[name].append(cost)
                if name == "wave":
                    change = ""
                say(f"  {cost.wall:.1f} s; back to the versions before")
                play(site.root, back, *forks)
    yield claim("wave", costs, "bare")


def planned(site: SiteUnderTest, say: Callable[[str], None]) -> dict[str, Any]:
    """Return a plan of UPDATES alone for all hosts."""
    say("plan on one host, to learn what is pending")
    play(site.root, Command(("holdfast.hipaa.plan_patches",)), "--limit", site.fleet.hosts()[0].name)
    first = json.loads(site.plans[-1].read_text(encoding="utf-8"))
    names = {str(one["name"]) for one in first["assets"][0]["packages"]}
    others = sorted(name for name in names if not any(Path(name).match(glob) for glob in UPDATES))
    file = site.root / "policy" / "patching.yml"
    kept = [line for line in file.read_text(encoding="utf-8").splitlines() if not line.startswith("exclude:")]
    file.write_text("\n".join([*kept, f"exclude: {json.dumps(others)}"]) + "\n", encoding="utf-8")
    say("plan on all hosts")
    play(site.root, Command(("holdfast.hipaa.plan_patches",)), "--forks", str(len(site.fleet.hosts())))
    return dict(json.loads(site.plans[-1].read_text(encoding="utf-8")))


def requested(site: SiteUnderTest) -> str:
    """Request a change of the newest plan, which needs no approval here, and return its id."""
    return str(site.json("change", "request", "--plan", str(site.plans[-1]))["change"])


@contextmanager
def installation(root: Path, files: Sequence[str]) -> Iterator[Command]:
    """A playbook of one task: apt-get installs these files of the host, and nothing else."""
    argv = [
        "apt-get",
        "-q",
        "-y",
        "--no-install-recommends",
        "--allow-downgrades",
        "-o",
        "Dpkg::Options::=--force-confold",
    ]
    task = {
        "name": "Install",
        "ansible.builtin.command": {"argv": [*argv, "install", *files]},
        "environment": {"DEBIAN_FRONTEND": "noninteractive", "NEEDRESTART_SUSPEND": "1"},
    }
    with playbook(root, [task]) as command:
        yield command


@contextmanager
def state_alone(root: Path) -> Iterator[Command]:
    """A playbook of one task, the module as shipped, and nothing else."""
    # No action of ours stands before this module.
    with playbook(root, [{"name": "Look", "holdfast.hipaa.package_state": {"pending": False}}]) as command:
        yield command


@contextmanager
def playbook(root: Path, tasks: list[dict[str, Any]]) -> Iterator[Command]:
    """A playbook of these tasks for all hosts, without our callback."""
    with tempfile.TemporaryDirectory(prefix="holdfast-bench-") as folder:
        file = Path(folder) / "play.yml"
        file.write_text(yaml.safe_dump([{"hosts": "all", "gather_facts": False, "tasks": tasks}]), encoding="utf-8")
        yield Command((str(file),), plain_settings(root, Path(folder)))


@contextmanager
def bench_site(hosts: int, say: Callable[[str], None]) -> Iterator[SiteUnderTest]:
    """A site of that many untouched hosts in a ring that takes all of them in one wave and asks for no approval."""
    names = [f"bench-{number:02}" for number in range(1, hosts + 1)]
    fleet = Fleet("bench-waves", say=say)
    with tempfile.TemporaryDirectory(prefix="holdfast-bench-") as folder:
        try:
            fleet.up([f"{name}=bookworm" for name in names], fresh=True)
            site = lay_out(Path(folder) / "site", fleet)
            (site.root / "holdfast.yml").write_text(json.dumps(register(fleet, names), indent=2), encoding="utf-8")
            rings = site.root / "policy" / "rings.yml"
            text = rings.read_text(encoding="utf-8").replace('waves: [1, "100%"]', 'waves: ["100%"]', 1)
            text = text.replace("approvals_required: 1", "approvals_required: 0", 1)
            rings.write_text(text, encoding="utf-8")
            yield site
        finally:
            fleet.down()


def register(fleet: Fleet, names: Sequence[str]) -> dict[str, object]:
    """Return the register: every host in the lab ring, with health that is worth asking."""
    health = [
        {"id": "ssh", "tcp": {"port": 22}},
        {"id": "nginx", "service": "nginx"},
        {"id": "web", "http": {"url": "http://127.0.0.1/healthz", "status": 200, "contains": "ok"}},
    ]
    common = {
        "kind": "server", "owner": "platform-team", "ring": "lab", "environment": "lab", "data_class": "none",
        "tier": 4, "baselines": ["debian-server"], "health": health,
        "vars": {"ansible_user": "root", "ansible_ssh_common_args": f"-F {fleet.ssh_config}"},
    }  # fmt: skip
    return {
        "plugin": "holdfast.hipaa.register",
        "assets": [{"id": name, "address": name, **common} for name in names],
    }


def main(argv: Sequence[str] | None = None) -> int:
    """Measure, print, and return the exit code."""
    parser = argparse.ArgumentParser(description="What a wave costs over a bare apt-get install.")
    parser.add_argument("--runs", type=int, default=3, help="how often each is run (default: 3)")
    parser.add_argument("--hosts", type=int, default=12, help="how many hosts a wave has (default: 12)")
    parser.add_argument("--assert", action="store_true", dest="judge", help="exit 1 when a ratio is above its limit")
    args = parser.parse_args(argv)
    if args.runs < 1 or args.hosts < 1:
        parser.error("--runs and --hosts: at least 1")

    def say(line: str) -> None:
        print(f"  {line}", file=sys.stderr, flush=True)

    claims = []
    try:
        with bench_site(args.hosts, say) as site:
            for one in measure(site, args.runs, say):
                claims.append(one)
                print(one.line(), flush=True)
    except (BenchError, LabError, OSError) as error:
        print(f"waves_vs_apt: {error}", file=sys.stderr)
        return 3
    print(json.dumps([asdict(one) for one in claims]))
    return 1 if args.judge and not all(one.holds for one in claims) else 0


if __name__ == "__main__":
    sys.exit(main())
