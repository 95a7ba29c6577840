# Copyright: (c) 2026, Holdfast contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a whole drift check of one host costs, in pings.

    python tests/bench/check_drift_vs_ping.py --site inventories/demo --host lab-1 [--runs 10] [--assert]

Runs, alternating, `ansible-playbook holdfast.hipaa.check_drift --limit HOST` (every control, records written and
signed) and a playbook that only pings the same host over the same SSH, without our callback. Both come once before
anything is counted, so that connections stand and files are in memory. Wall time of whole processes, medians.

Prints a table and then the same as one line of JSON. Exit 0; 1 with --assert when the ratio is above the limit;
3 when a playbook failed, for then nothing was measured.
"""

from __future__ import annotations

import argparse
import configparser
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

LIMIT = 2.5
"""Drift check over ping, both as medians: what this product promises (docs/explanation/design.md)."""

PING = """\
- name: Ping
  hosts: all
  gather_facts: false
  tasks:
    - name: Ping
      ansible.builtin.ping:
"""


class BenchError(Exception):
    """A playbook did not do what is to be measured."""


@dataclass(frozen=True)
class Result:
    """Wall times of alternating runs, in seconds, in the order they were run."""

    host: str
    ping: tuple[float, ...]
    check: tuple[float, ...]

    @property
    def ratio(self) -> float:
        """Median drift check over median ping."""
        return statistics.median(self.check) / statistics.median(self.ping)

    def to_dict(self) -> dict[str, Any]:
        """Return the figures for machines, rounded to milliseconds."""
        return {
            "host": self.host,
            "runs": len(self.check),
            "ping_s": [round(one, 3) for one in self.ping],
            "check_drift_s": [round(one, 3) for one in self.check],
            "ping_median_s": round(statistics.median(self.ping), 3),
            "check_drift_median_s": round(statistics.median(self.check), 3),
            "ratio": round(self.ratio, 3),
            "limit": LIMIT,
            "within_limit": self.ratio <= LIMIT,
        }

    def table(self) -> str:
        """Return the figures for people."""
        lines = [f"{'':14}{'median':>9}{'least':>9}{'most':>9}"]
        for name, times in (("ping", self.ping), ("check_drift", self.check)):
            figures = (statistics.median(times), min(times), max(times))
            lines.append(f"{name:14}" + "".join(f"{figure:8.2f}s" for figure in figures))
        lines.append(f"{'ratio':14}{self.ratio:9.2f}  of {LIMIT} at most, {len(self.check)} alternating runs")
        return "\n".join(lines)


def measure(site: Path, host: str, runs: int) -> Result:
    """Run both playbooks `runs` times, in turn, and return their wall times; raises BenchError when one fails."""
    with tempfile.TemporaryDirectory(prefix="holdfast-bench-") as folder:
        ping = Path(folder) / "ping.yml"
        ping.write_text(PING, encoding="utf-8")
        argvs = {"ping": (str(ping),), "check": ("holdfast.hipaa.check_drift",)}
        more = {"ping": {"ANSIBLE_CONFIG": str(_plain_settings(site, Path(folder)))}, "check": {}}
        times: dict[str, list[float]] = {"ping": [], "check": []}
        for turn in range(runs + 1):
            for name, argv in argvs.items():
                seconds = _play(site, host, argv, more[name])
                if turn:
                    times[name].append(seconds)
    return Result(host, tuple(times["ping"]), tuple(times["check"]))


def _plain_settings(site: Path, folder: Path) -> Path:
    """Write the site's ansible.cfg without our callback, so that a ping costs what it costs anybody."""
    settings = configparser.ConfigParser(interpolation=None)
    settings.read(site / "ansible.cfg", encoding="utf-8")
    settings.remove_option("defaults", "callbacks_enabled")
    for section, option in (("defaults", "inventory"), ("defaults", "collections_path"), ("holdfast", "site")):
        if settings.has_option(section, option):
            # Ansible reads these from the folder of the file they stand in.
            paths = [str((site / path).resolve()) for path in settings.get(section, option).split(os.pathsep)]
            settings.set(section, option, os.pathsep.join(paths))
    target = folder / "ansible.cfg"
    with target.open("w", encoding="utf-8") as file:
        settings.write(file)
    return target


def _play(site: Path, host: str, argv: Sequence[str], more: dict[str, str]) -> float:
    beside = Path(sys.executable).parent
    environment = {**os.environ, "PATH": f"{beside}{os.pathsep}{os.environ.get('PATH', os.defpath)}", **more}
    command = ["ansible-playbook", *argv, "--limit", host]
    begun = time.perf_counter()
    done = subprocess.run(
        command, cwd=site, env=environment, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False
    )
    seconds = time.perf_counter() - begun
    if done.returncode or "no hosts matched" in done.stdout:
        raise BenchError(f"{' '.join(command)}: exit {done.returncode}\n{done.stdout}{done.stderr}")
    return seconds


def main(argv: Sequence[str] | None = None) -> int:
    """Measure, print, and return the exit code."""
    parser = argparse.ArgumentParser(description="What a drift check of one host costs, in pings.")
    parser.add_argument("--site", type=Path, default=Path("inventories/demo"), help="a site's folder, its hosts up")
    parser.add_argument("--host", required=True, help="one asset of its register")
    parser.add_argument("--runs", type=int, default=10, help="how often each is run (default: 10)")
    parser.add_argument("--assert", action="store_true", dest="judge", help=f"exit 1 when the ratio is above {LIMIT}")
    args = parser.parse_args(argv)
    if args.runs < 1:
        parser.error("--runs: at least 1")
    try:
        result = measure(args.site.resolve(), args.host, args.runs)
    except (BenchError, OSError) as error:
        print(f"check_drift_vs_ping: {error}", file=sys.stderr)
        return 3
    print(result.table())
    print(json.dumps(result.to_dict(), sort_keys=True))
    return 1 if args.judge and result.ratio > LIMIT else 0


if __name__ == "__main__":
    sys.exit(main())
