# Copyright: (c) 2026, Holdfast contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What bringing hosts to a baseline and keeping them there costs, in pings of the same hosts in the same run.

    python -m tests.bench.baselines_vs_ping [--runs 10] [--assets 40] [--assert]

Makes its own hosts (Debian 12) and its own site, and prints one line a claim:

fresh      the first application of debian-server on an untouched host (packages in its image), over a ping
check      check_drift of that host, every control, records written and signed, over a ping
probe      the probe module alone with the same controls, as one task without our callback, over a ping
clean      a second remediate, where nothing failed, over a ping
many       check_drift of `--assets` registered hosts, processor time of the controller, over a ping of the same

Wall time of whole processes except for `many`; medians of `--runs` alternating runs (fresh: one). The registered
hosts of `many` are names for four real ones, reached over SSH like any other.
Exit 0; 1 with --assert when a ratio is above its limit; 3 when a playbook failed, for then nothing was measured.
"""

from __future__ import annotations

import argparse
import json
import shutil
import sys
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path

import yaml
from ansible_collections.holdfast.hipaa.plugins.plugin_utils.edge.environment import utc_now
from ansible_collections.holdfast.hipaa.plugins.plugin_utils.edge.opening import open_site

from lab.fleet import Fleet
from tests.bench.timing import BenchError, Command, alternate, plain_ping, plain_settings, play, ratio
from tests.integration.sites import ROOT, SiteUnderTest, lay_out_demo

LIMITS = {"fresh": 60.0, "check": 2.0, "probe": 1.3, "clean": 3.0, "many": 1.5}
"""What this product promises (docs/explanation/design.md), in pings."""

REAL = ("bench-1", "bench-2", "bench-3", "bench-4")
FIRST = "asset-01"

ASK = """\
from pathlib import Path
from ansible.plugins.action import ActionBase
from ansible_collections.holdfast.hipaa.plugins.plugin_utils.edge.collecting import uncollected


class ActionModule(ActionBase):
    def run(self, tmp=None, task_vars=None):
        super().run(tmp, task_vars)
        controls = Path(self._task.args["controls_file"]).read_text(encoding="utf-8")
        with uncollected():
            return self._execute_module(module_args={"controls": controls}, task_vars=task_vars)
"""
"""All there is to asking a host: no site, no judging, no record."""


@dataclass(frozen=True)
class Claim:
    """One ratio and its limit."""

    name: str
    ratio: float
    limit: float
    runs: int

    @property
    def holds(self) -> bool:
        """The ratio is within its limit."""
        return self.ratio <= self.limit

    def line(self) -> str:
        """Say it for people."""
        word = "within" if self.holds else "ABOVE"
        return f"{self.name:8}{self.ratio:8.2f} pings  {word} {self.limit:g} ({self.runs} runs)"


def measure(site: SiteUnderTest, runs: int, say: Callable[[str], None]) -> Iterator[Claim]:
    """Yield the claims one after the other; the first asset's host is untouched when this starts."""
    with plain_ping(site.root) as ping:
        one = ("--limit", FIRST)
        say("ping an untouched host")
        pings = alternate(site.root, {"ping": ping}, 3, *one)
        say("request and approve the baseline")
        site.change("--kind", "config", "--title", "Baseline", "--reason", "First application")
        say("apply it to the untouched host")
        fresh = play(site.root, Command(("holdfast.hipaa.remediate",)), *one)
        yield claim("fresh", ratio({"ping": pings["ping"], "fresh": [fresh]}, "fresh"), 1)

        with probe_alone(site.root) as probe:
            commands = {
                "ping": ping,
                "check": Command(("holdfast.hipaa.check_drift", "-e", "fail_on_drift=true")),
                "probe": probe,
                "clean": Command(("holdfast.hipaa.remediate",)),
            }
            say(f"{runs} times in turn: {', '.join(commands)}")
            costs = alternate(site.root, commands, runs, *one)
        yield from (claim(name, ratio(costs, name), runs) for name in ("check", "probe", "clean"))

        say("apply the baseline to the other hosts")
        play(site.root, Command(("holdfast.hipaa.remediate",)), "--limit", "asset-02,asset-03,asset-04")
        turns = max(1, runs // 3)
        say(f"{turns} times in turn: ping and check of all registered hosts")
        costs = alternate(site.root, {"ping": ping, "many": commands["check"]}, turns, "--forks", "8")
        yield claim("many", ratio(costs, "many", "cpu"), turns)


def claim(name: str, measured: float, runs: int) -> Claim:
    """Return a measured ratio with its limit."""
    return Claim(name, measured, LIMITS[name], runs)


@contextmanager
def probe_alone(root: Path) -> Iterator[Command]:
    """A playbook of one task, the probe module as shipped with the controls of the first asset, and nothing else."""
    controls = open_site(root).controls_for(FIRST, utc_now())
    asked = [{"id": control.id, "probe": control.probe} for control in controls]
    with tempfile.TemporaryDirectory(prefix="holdfast-bench-") as name:
        folder = Path(name)
        for place in ("library", "action_plugins"):
            (folder / place).mkdir()
        # Under another name, so that no action of ours wraps it; that action too gives the controls to the module.
        shutil.copy(ROOT / "plugins" / "modules" / "probe.py", folder / "library" / "bare_probe.py")
        (folder / "controls.json").write_text(json.dumps(asked), encoding="utf-8")
        (folder / "action_plugins" / "bare_probe.py").write_text(ASK, encoding="utf-8")
        tasks = [{"name": "Probe", "bare_probe": {"controls_file": str(folder / "controls.json")}}]
        playbook = folder / "probe.yml"
        playbook.write_text(yaml.safe_dump([{"hosts": "all", "gather_facts": False, "tasks": tasks}]), encoding="utf-8")
        yield Command((str(playbook),), plain_settings(root, folder))


@contextmanager
def bench_site(assets: int, say: Callable[[str], None]) -> Iterator[SiteUnderTest]:
    """A site of `assets` registered hosts, all names of four untouched ones."""
    fleet = Fleet("bench", say=say)
    with tempfile.TemporaryDirectory(prefix="holdfast-bench-") as folder:
        try:
            fleet.up([f"{name}=bookworm" for name in REAL], fresh=True)
            site = lay_out_demo(Path(folder) / "site", fleet)
            (site.root / "holdfast.yml").write_text(json.dumps(register(fleet, assets), indent=2), encoding="utf-8")
            yield site
        finally:
            fleet.down()


def register(fleet: Fleet, assets: int) -> dict[str, object]:
    """Return the register: asset-01 to asset-04 are the four hosts, the others are further names for them."""
    common = {
        "kind": "server", "owner": "platform-team", "ring": "lab", "environment": "lab", "data_class": "none",
        "tier": 4, "baselines": ["debian-server"], "flows": [{"port": port, "from": ["any"]} for port in (22, 80)],
    }  # fmt: skip
    connection = {"ansible_user": "root", "ansible_ssh_common_args": f"-F {fleet.ssh_config}"}
    return {
        "plugin": "holdfast.hipaa.register",
        "assets": [
            {"id": f"asset-{number + 1:02}", "address": REAL[number % len(REAL)], "vars": connection, **common}
            for number in range(assets)
        ],
    }


def main(argv: Sequence[str] | None = None) -> int:
    """Measure, print, and return the exit code."""
    parser = argparse.ArgumentParser(description="What baselines cost, in pings.")
    parser.add_argument("--runs", type=int, default=10, help="how often each is run (default: 10)")
    parser.add_argument("--assets", type=int, default=40, help="how many registered hosts `many` has (default: 40)")
    parser.add_argument("--assert", action="store_true", dest="judge", help="exit 1 when a ratio is above its limit")
    args = parser.parse_args(argv)
    if args.runs < 1 or args.assets < len(REAL):
        parser.error(f"--runs: at least 1; --assets: at least {len(REAL)}")

    def say(line: str) -> None:
        print(f"  {line}", file=sys.stderr, flush=True)

    claims = []
    try:
        with bench_site(args.assets, say) as site:
            for one in measure(site, args.runs, say):
                claims.append(one)
                print(one.line(), flush=True)
    except (BenchError, OSError) as error:
        print(f"baselines_vs_ping: {error}", file=sys.stderr)
        return 3
    print(json.dumps([asdict(one) for one in claims]))
    return 1 if args.judge and not all(one.holds for one in claims) else 0


if __name__ == "__main__":
    sys.exit(main())
