# Copyright: (c) 2026, Holdfast contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the gate adds to a run over a long ledger: whole runs of ansible-playbook, each a fresh Python.

    python -m tests.bench.gate_costs [--records 100000] [--runs 5] [--assert]

One play of a remediation on this machine, with recorder and gate over a ledger of so many records, the same over the
ledger of a new site, and the same without recorder and gate, in turns; medians of wall time.

gate       seconds that the long ledger adds: what recorder and gate take over it, less what they take over a new one
whole      seconds that recorder and gate take over the long ledger, less the play without them: opening and closing the
           run, content and policy included, whatever the ledger's length
ratio      the run over the long ledger, over the same over a new one
first      seconds that the first run takes longer: it has no shelf yet (docs/adr/0038), and verifies every record
floor      that, over reading every record's bytes and hashing them, and nothing else

Exit 0; 1 with --assert when something is above its limit; 3 when something failed, for then nothing was measured.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import statistics
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from dataclasses import asdict
from pathlib import Path

from ansible_collections.holdfast.hipaa.plugins.plugin_utils.cli.main import main as holdfast
from ansible_collections.holdfast.hipaa.plugins.plugin_utils.edge.opening import open_ledger, open_site
from ansible_collections.holdfast.hipaa.plugins.plugin_utils.edge.signing import site_signer

from tests.bench.ledger_costs import Figure
from tests.bench.long_ledger import lengthened
from tests.bench.timing import BenchError, Command, alternate, play

LIMITS: dict[str, float | None] = {"gate": 1.0, "whole": None, "ratio": None, "first": None, "floor": None}
ROOT = Path(__file__).resolve().parents[2]
HOST = "127.0.0.1"


def laid_out(folder: Path, records: int = 0) -> Path:
    """Lay out a site of this machine alone, and lengthen its ledger to so many records."""
    site = folder / "site"
    if holdfast(["init", str(site), "--host", HOST, "--owner", "it-operations"]):
        raise BenchError("no site could be laid out")
    register = {
        "plugin": "holdfast.hipaa.register",
        "assets": [
            {
                "id": "billing-1", "kind": "server", "owner": "it-operations", "ring": "lab", "address": HOST,
                "environment": "lab", "data_class": "ephi", "tier": 1, "baselines": ["debian-server"],
                "vars": {"ansible_connection": "local"},
            }
        ],
    }  # fmt: skip
    (site / "holdfast.yml").write_text(json.dumps(register), encoding="utf-8")
    if records:
        opened = open_site(site)
        implementer, verifier, log = (site_signer(opened, name) for name in ("implementer", "verifier", "log"))
        ledger, path = open_ledger(opened), folder / "long.sqlite"
        lengthened(ledger, path, records, opened.org, implementer, verifier, log, "billing-1").close()
        ledger.close()
        path.replace(str(ledger.path))
    return site


def command(folder: Path, site: Path, name: str, gated: bool) -> Command:
    """Write a play and its settings, with recorder and gate or without."""
    tasks: list[object] = [{"name": "Say something", "ansible.builtin.debug": {"msg": "x"}}]
    gate: object = {"name": "Ask the gate", "holdfast.hipaa.gate": {}, "run_once": True}
    document = {"hosts": "all", "gather_facts": False, "tasks": [gate, *tasks] if gated else tasks}
    playbook = folder / f"{name}.yml"
    playbook.write_text(json.dumps([document | ({"vars": {"holdfast": {"kind": "remediate"}}} if gated else {})]))
    lines = [
        "[defaults]", f"inventory = {site / 'holdfast.yml'}", f"collections_path = {ROOT / 'collections'}",
        f"interpreter_python = {sys.executable}", f"home = {folder / 'home'}",
        *(["callbacks_enabled = holdfast.hipaa.recorder"] if gated else []), "[holdfast]", f"site = {site}",
        "[inventory]", "any_unparsed_is_failed = true", "enable_plugins = holdfast.hipaa.register",
    ]  # fmt: skip
    settings = folder / f"{name}.cfg"
    settings.write_text("\n".join(lines) + "\n")
    return Command((str(playbook),), settings)


def costs(folder: Path, records: int, runs: int) -> Iterator[Figure]:
    """Measure and yield each figure."""
    os.environ["PYTHONPATH"] = str(ROOT / "collections")
    sites = {"bare": laid_out(folder / "new"), "new": folder / "new" / "site", "long": laid_out(folder / "l", records)}
    commands = {name: command(folder, site, name, name != "bare") for name, site in sites.items()}
    first = play(sites["long"], commands["long"]).wall
    taken = alternate(folder, commands, runs)
    median = {name: statistics.median(cost.wall for cost in found) for name, found in taken.items()}
    begun = time.perf_counter()
    ledger = open_ledger(open_site(sites["long"]))
    length = sum(len(stored) for _index, stored in ledger.entries() if hashlib.sha256(stored).digest())
    floor = time.perf_counter() - begun
    added, load = median["long"] - median["new"], os.getloadavg()[0]
    said = {
        "gate": (added, f"s; {median['long']:.2f} s over {median['new']:.2f} s, {ledger.size} records, {runs} runs"),
        "whole": (median["long"] - median["bare"], f"s; over {median['bare']:.2f} s; load {load:.1f}"),
        "ratio": (median["long"] / median["new"], ""),
        "first": (first - median["long"], "s"),
        "floor": ((first - median["long"]) / floor, f"over {floor:.2f} s for {length / 1e6:.0f} MB"),
    }
    for name, (value, note) in said.items():
        yield Figure(name, value, LIMITS[name], note)


def main(words: Sequence[str] | None = None) -> int:
    """Measure, print, and return the exit code."""
    parser = argparse.ArgumentParser(description="What the gate adds to a run over a long ledger.")
    parser.add_argument("--records", type=int, default=100_000, help="records of the ledger (default: 100000)")
    parser.add_argument("--runs", type=int, default=5, help="turns of each (default: 5)")
    parser.add_argument("--assert", action="store_true", dest="judge", help="exit 1 when something is above its limit")
    args = parser.parse_args(words)
    with tempfile.TemporaryDirectory(prefix="holdfast-bench-") as name:
        try:
            figures = [*costs(Path(name), args.records, args.runs)]
        except (BenchError, OSError) as error:
            print(f"gate_costs: {error}", file=sys.stderr)
            return 3
    print("\n".join(one.line() for one in figures))
    print(json.dumps([asdict(one) for one in figures]))
    return 1 if args.judge and not all(one.holds for one in figures) else 0


if __name__ == "__main__":
    sys.exit(main())
