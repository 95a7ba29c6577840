# Copyright: (c) 2026, Holdfast contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What records cost, each beside what is bare of it, in the same run on the same machine.

    python -m tests.bench.ledger_costs [--runs 3] [--long 100000] [--only NAME ...] [--ara FOLDER] [--assert]

append     one signed record appended to a ledger on SQLite, over one fsynced insert of the same row: index, record id
           (unique) and bytes, into a table of the same columns, by an open connection of the same settings. An append
           also checks the record's form and whether its key may sign there, and stores tree and size
append-bare  the same, over one fsynced insert of the bytes alone; no limit, for comparison
audit      the audit of 20,000 records on all cores, over verifying their signatures and nothing else on all cores, in
           processes that stand already, with messages and keys at hand; wall time
audit-cpu  the same, processor time of all processes over that of the verification
audit-one  the audit by one process, over the audit on all cores; wall time
audit-read  reading the same records from the file, decoding them and verifying their signatures, and nothing else, on
           all cores, over verifying the signatures; no limit: of what an audit costs, nobody can leave this out
inclusion  the proof that a record is in a ledger of 1,000,000, over the same in one of 1,000
recorder   a play of 100 tasks, each a command, on 10 hosts of the lab over SSH with our recorder and gate, over the
           same play without: whole runs of ansible-playbook, in turns, medians; wall time
recorder-cpu  the same, processor time of the controller
ara        the same play with ARA's callback (offline client, SQLite), over the play without; needs ARA (--ara FOLDER is
           the folder of packages it is in); no limit, for comparison
ara-cpu    the same, processor time of the controller
idle, idle-cpu, idle-ara, idle-ara-cpu  the same of tasks that reach no host and do nothing, so that a callback is as
           much of the play as it can be; no limit, for comparison
memory     megabytes that all processes of the audit of `--long` records hold at most: proportional set sizes, so what
           they share counts once, looked at twenty times a second
resumed    that audit, gone on with from the head of the one before (--resume), over the whole one

Exit 0; 1 with --assert when something is above its limit; 3 when something failed, for then nothing was measured.
"""

from __future__ import annotations

import argparse
import itertools
import json
import os
import random
import re
import sqlite3
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

from ansible_collections.holdfast.hipaa.plugins.plugin_utils.audit.audit import audit
from ansible_collections.holdfast.hipaa.plugins.plugin_utils.audit.envelopes import take_apart
from ansible_collections.holdfast.hipaa.plugins.plugin_utils.cli.main import main as holdfast
from ansible_collections.holdfast.hipaa.plugins.plugin_utils.ledger.reading import trust_in_force
from ansible_collections.holdfast.hipaa.plugins.plugin_utils.ledger.store import Ledger

from lab.fleet import Fleet
from tests.bench.bare_signatures import read_and_verify, standing, verify
from tests.bench.long_ledger import long_ledger, nodes_of
from tests.bench.timing import BenchError, Command, alternate, ratio

LIMITS = {
    "append": 1.5, "append-bare": None, "audit": 1.3, "audit-cpu": None, "audit-one": None, "audit-read": None,
    "inclusion": 5.0, "recorder": 1.05, "recorder-cpu": None, "ara": None, "ara-cpu": None, "idle": None,
    "idle-cpu": None, "idle-ara": None, "idle-ara-cpu": None, "memory": 300.0, "resumed": 1.0,
}  # fmt: skip
"""What is asked of this product; None where a figure is for comparison only."""
NOW = datetime(2027, 6, 1, tzinfo=UTC)
ROOT = Path(__file__).resolve().parents[2]
HOSTS, TASKS = 10, 100
KINDS = ("append", "audit", "inclusion", "recorder", "idle", "long")
AUDITOR = """
import os, sys
from datetime import UTC, datetime
from pathlib import Path
from ansible_collections.holdfast.hipaa.plugins.plugin_utils.audit.audit import audit
seen = []
kept = sys.argv[2] if len(sys.argv) > 2 else None
report = audit(
    Path(sys.argv[1]), now=datetime(2027, 6, 1, tzinfo=UTC), remembered_head=kept, resume=bool(kept),
    processes=len(os.sched_getaffinity(0)), progress=lambda done, total: seen.append(done),
)
assert report, report.findings
assert seen == sorted(seen) and seen[-1] == report.entries and len(seen) >= report.entries // 250
print(report.entries, report.root)
"""


@dataclass(frozen=True)
class Figure:
    """One figure and its limit, if it has one."""

    name: str
    value: float
    limit: float | None
    note: str

    @property
    def holds(self) -> bool:
        """It is within its limit."""
        return self.limit is None or self.value <= self.limit

    def line(self) -> str:
        """Say it for people."""
        word = "no limit" if self.limit is None else f"{'within' if self.holds else 'ABOVE'} {self.limit:g}"
        return f"{self.name:<13}{self.value:9.2f}  {word:<14} {self.note}"


def figure(name: str, value: float, note: str) -> Figure:
    """Return a figure with its limit."""
    return Figure(name, value, LIMITS[name], note)


def appends(folder: Path, runs: int) -> Iterator[Figure]:
    """Append the records of one ledger to another, and insert the same bytes into a plain table, in turns."""
    source = long_ledger(folder / "source.sqlite", 100 * runs)
    entries = [(*found, _record_id(found[1])) for found in source.entries()]
    ledger = Ledger.create(folder / "appended.sqlite")
    row = "CREATE TABLE entries (idx INTEGER PRIMARY KEY, record_id TEXT NOT NULL UNIQUE, envelope BLOB NOT NULL)"
    same = _plain(folder / "same.sqlite", row)
    bare = _plain(folder / "bare.sqlite", "CREATE TABLE entries (idx INTEGER PRIMARY KEY, envelope BLOB NOT NULL)")
    taken: dict[str, list[float]] = {"ours": [], "same": [], "bare": []}
    for index, stored, name in entries:
        taken["ours"].append(_seconds(lambda stored=stored: ledger.append(stored)))  # type: ignore[misc]  # bound as it is now
        values: tuple[object, ...] = (index, name, stored)
        taken["same"].append(_seconds(partial(same.execute, "INSERT INTO entries VALUES (?, ?, ?)", values)))
        taken["bare"].append(_seconds(partial(bare.execute, "INSERT INTO entries VALUES (?, ?)", (index, stored))))
    for plain in (same, bare):
        plain.close()
    ledger.close()
    ms = {name: 1000 * statistics.median(one) for name, one in taken.items()}
    note = f"{ms['ours']:.2f} ms over {ms['same']:.2f} ms, {len(entries)} records"
    yield figure("append", ms["ours"] / ms["same"], note)
    yield figure("append-bare", ms["ours"] / ms["bare"], f"over {ms['bare']:.2f} ms")


def _plain(path: Path, table: str) -> sqlite3.Connection:
    """Open a plain database with the settings of a ledger."""
    plain = sqlite3.connect(path, isolation_level=None)
    for line in ("PRAGMA journal_mode=WAL", "PRAGMA synchronous=FULL", table):
        plain.execute(line)
    return plain


def _record_id(stored: bytes) -> str:
    return take_apart(0, stored).record_id


def _seconds(act: Callable[[], object]) -> float:
    begun = time.perf_counter()
    act()
    return time.perf_counter() - begun


def audits(folder: Path, runs: int) -> Iterator[Figure]:
    """Audit a ledger and verify its signatures alone, in turns."""
    ledger = long_ledger(folder / "audited.sqlite", 20_000)
    path, trust, cores = Path(str(ledger.path)), trust_in_force(ledger), len(os.sched_getaffinity(0))
    entries = [take_apart(index, stored) for index, stored in ledger.entries()]
    signed = [(trust.key(one.keyid).raw, one.signature, one.message) for one in entries]
    keys = {one.keyid: trust.key(one.keyid).raw for one in entries}
    del entries
    parts = [signed[core::cores] for core in range(cores)]
    cuts = [len(signed) * core // cores for core in range(cores + 1)]
    reads = [partial(read_and_verify, path, keys, start, stop) for start, stop in itertools.pairwise(cuts)]
    taken: dict[str, list[float]] = {"audit": [], "audit-cpu": [], "audit-one": [], "audit-read": []}
    with standing([partial(verify, part) for part in parts]) as bare, standing(reads) as read:
        for _run in range(runs):
            wall_bare = _seconds(bare)
            taken["audit-read"].append(_seconds(read) / wall_bare)
            before = _processor_seconds()
            verify(signed)
            bare_cpu = _processor_seconds() - before
            before = _processor_seconds()
            wall = _seconds(lambda: audit(path, now=NOW, processes=cores))
            taken["audit-cpu"].append((_processor_seconds() - before) / bare_cpu)
            taken["audit"].append(wall / wall_bare)
            taken["audit-one"].append(_seconds(lambda: audit(path, now=NOW)) / wall)
    notes = {"audit": f"{len(signed)} records, {cores} cores", "audit-cpu": f"{runs} runs"}
    for name, ratios in taken.items():
        yield figure(name, statistics.median(ratios), notes.get(name, ""))


def _processor_seconds() -> float:
    """Return the processor time of this process and of its children that have ended."""
    return sum(os.times()[:4])


def inclusions(folder: Path, runs: int) -> Iterator[Figure]:
    """Prove inclusion in a short and in a long ledger, in turns."""
    chance = random.Random(7)  # noqa: S311  # which records are proved keeps no secret
    ledgers = {size: nodes_of(folder / f"nodes-{size}.sqlite", size) for size in (1000, 1_000_000)}
    taken: dict[int, list[float]] = {size: [] for size in ledgers}
    for _turn in range(50 * runs):
        for size, ledger in ledgers.items():
            index = chance.randrange(size)
            taken[size].append(_seconds(lambda ledger=ledger, index=index: ledger.inclusion(index)))  # type: ignore[misc]  # bound as they are now
    short, long = (1000 * statistics.median(taken[size]) for size in ledgers)
    yield figure("inclusion", long / short, f"{long:.2f} ms over {short:.2f} ms, {50 * runs} proofs each")


def callbacks(folder: Path, runs: int, ara: Path | None) -> Iterator[Figure]:
    """Play commands on ten hosts of the lab with nobody listening, with our recorder, and with ARA's, in turns."""
    names = [f"heard-{number}" for number in range(HOSTS)]
    fleet = Fleet("bench-ledger", say=lambda line: print(f"  {line}", file=sys.stderr, flush=True))
    try:
        fleet.up([f"{name}=bookworm" for name in names])
        reached = {"ansible_user": "root", "ansible_ssh_common_args": f"-F {fleet.ssh_config}"}
        task = {"ansible.builtin.command": {"argv": ["/bin/true"]}}
        figures = {"recorder": "recorder", "ara": "ara"}
        yield from _heard(folder, runs, ara, dict.fromkeys(names, reached), task, figures)
    finally:
        fleet.down()


def idles(folder: Path, runs: int, ara: Path | None) -> Iterator[Figure]:
    """Play tasks that reach nobody and do nothing, in the same way."""
    hosts = {f"127.0.0.{number + 1}": {"ansible_connection": "local"} for number in range(HOSTS)}
    task = {"ansible.builtin.debug": {"msg": "x" * 200}, "changed_when": True}
    yield from _heard(folder, runs, ara, hosts, task, {"recorder": "idle", "ara": "idle-ara"})


def _heard(
    folder: Path,
    runs: int,
    ara: Path | None,
    hosts: Mapping[str, Mapping[str, str]],
    task: Mapping[str, object],
    names: Mapping[str, str],
) -> Iterator[Figure]:
    """Play a task a hundred times on `hosts` (addresses, with what reaches them); `names` are those of the figures."""
    site = folder / "site"
    if holdfast(["init", str(site), "--host", "127.0.0.1", "--owner", "it-operations"]):
        raise BenchError("no site could be laid out")
    common = {
        "kind": "server", "owner": "it-operations", "ring": "lab", "environment": "lab", "data_class": "ephi",
        "tier": 1, "baselines": ["debian-server"],
    }  # fmt: skip
    assets = [
        {"id": f"billing-{number}", "address": address, "vars": dict(reached), **common}
        for number, (address, reached) in enumerate(hosts.items())
    ]
    (site / "holdfast.yml").write_text(json.dumps({"plugin": "holdfast.hipaa.register", "assets": assets}))
    tasks: list[object] = [{"name": f"Task {number}", **task} for number in range(TASKS)]
    gate: object = {"name": "Ask the gate", "holdfast.hipaa.gate": {}, "run_once": True}
    commands = {}
    for name in ("bare", "recorder", *(("ara",) if ara else ())):
        ours = name == "recorder"
        document = {"hosts": "all", "gather_facts": False, "tasks": [gate, *tasks] if ours else tasks}
        play = folder / f"{name}.yml"
        play.write_text(json.dumps([document | ({"vars": {"holdfast": {"kind": "remediate"}}} if ours else {})]))
        lines = [
            "[defaults]", f"inventory = {site / 'holdfast.yml'}", f"collections_path = {ROOT / 'collections'}",
            f"home = {folder / 'home'}",
            *(["callbacks_enabled = holdfast.hipaa.recorder"] if ours else []),
            *([f"callback_plugins = {ara / 'ara' / 'plugins' / 'callback'}"] if name == "ara" and ara else []),
            "[holdfast]", f"site = {site}",
            "[inventory]", "any_unparsed_is_failed = true", "enable_plugins = holdfast.hipaa.register",
        ]  # fmt: skip
        settings = folder / f"{name}.cfg"
        settings.write_text("\n".join(lines) + "\n")
        commands[name] = Command((str(play),), settings)
    os.environ |= {"PYTHONPATH": os.pathsep.join([str(ROOT / "collections"), *([str(ara)] if ara else [])])}
    os.environ |= {"ARA_API_CLIENT": "offline", "ARA_BASE_DIR": str(folder / "ara")}
    costs = alternate(site, commands, runs)
    for one in [*commands][1:]:
        walls = [statistics.median(cost.wall for cost in costs[name]) for name in (one, "bare")]
        note = f"{walls[0]:.1f} s over {walls[1]:.1f} s, {TASKS} tasks, {HOSTS} hosts, {runs} runs"
        yield figure(names[one], ratio(costs, one, base="bare"), note)
        yield figure(f"{names[one]}-cpu", ratio(costs, one, "cpu", base="bare"), "")


def longs(folder: Path, size: int) -> Iterator[Figure]:
    """Audit a long ledger in a process of its own, then again from what that audit found good."""
    path = folder / "long.sqlite"
    long_ledger(path, size)
    whole, peak, kept = _audited(path)
    again, _peak, _kept = _audited(path, kept)
    yield figure("memory", peak, f"MB for {kept.split()[0]} records, {whole:.0f} s, with progress")
    yield figure("resumed", again / whole, f"{again:.0f} s over {whole:.0f} s")


def _audited(path: Path, *more: str) -> tuple[float, float, str]:
    """Return processor seconds, megabytes, and the head of an audit."""
    environment = {**os.environ, "PYTHONPATH": str(ROOT / "collections")}
    with tempfile.TemporaryFile("w+") as said:
        process = subprocess.Popen([sys.executable, "-c", AUDITOR, path, *more], stdout=said, env=environment)
        most = 0.0
        while os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOHANG | os.WNOWAIT) is None:
            most = max(most, _held(process.pid))
            time.sleep(0.05)
        _pid, status, used = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
        said.seek(0)
        text = said.read()
    if process.returncode:
        raise BenchError(f"the audit ended with {process.returncode}")
    return used.ru_utime + used.ru_stime, most, text.strip()


def _held(pid: int) -> float:
    """Return the megabytes that a process and its children hold: proportional set sizes."""
    held = 0.0
    with suppress(OSError):  # one that has just ended holds nothing
        held += int(re.findall(r"^Pss:\s+(\d+) kB", Path(f"/proc/{pid}/smaps_rollup").read_text(), re.M)[0]) / 1000
        for children in Path(f"/proc/{pid}/task").glob("*/children"):
            held += sum(_held(int(child)) for child in children.read_text().split())
    return held


def _within(folder: Path, name: str) -> Path:
    """Make a folder for one measurement."""
    (folder / name).mkdir()
    return folder / name


def main(words: Sequence[str] | None = None) -> int:
    """Measure, print, and return the exit code."""
    parser = argparse.ArgumentParser(description="What records cost.")
    parser.add_argument("--runs", type=int, default=3, help="turns of each (default: 3)")
    parser.add_argument("--long", type=int, default=100_000, help="records of the long ledger (default: 100000)")
    parser.add_argument("--only", nargs="+", choices=KINDS, default=())
    parser.add_argument("--ara", type=Path, metavar="FOLDER", help="the folder of packages that ARA is installed in")
    parser.add_argument("--assert", action="store_true", dest="judge", help="exit 1 when something is above its limit")
    args = parser.parse_args(words)
    figures: list[Figure] = []
    with tempfile.TemporaryDirectory(prefix="holdfast-bench-") as name:
        folder = Path(name)
        kinds: dict[str, Callable[[], Iterator[Figure]]] = {
            "append": lambda: appends(folder, args.runs),
            "audit": lambda: audits(folder, args.runs),
            "inclusion": lambda: inclusions(folder, args.runs),
            "recorder": lambda: callbacks(_within(folder, "heard"), args.runs, args.ara),
            "idle": lambda: idles(_within(folder, "idle"), args.runs, args.ara),
            "long": lambda: longs(folder, args.long),
        }
        try:
            for kind, measured in kinds.items():
                for one in measured() if not args.only or kind in args.only else ():
                    figures.append(one)
                    print(one.line(), flush=True)
        except (BenchError, OSError) as error:
            print(f"ledger_costs: {error}", file=sys.stderr)
            return 3
    print(json.dumps([asdict(one) for one in figures]))
    return 1 if args.judge and not all(one.holds for one in figures) else 0


if __name__ == "__main__":
    sys.exit(main())
