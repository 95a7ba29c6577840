# Copyright: (c) 2026, Holdfast contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What finding flaws costs: rate, growth with the hosts, memory; and beside matching with univers called naively.

Real advisories, as far as they are at hand, and synthetic ones up to 100,000; hosts of 600 packages, drawn so that
no two are alike. With univers at hand (`pip install univers`) the ratio is shown as well. `make bench` runs it, and so
does, with the root and collections/ on PYTHONPATH, `python -m tests.bench.findings_vs_naive [HOSTS]`.
"""

from __future__ import annotations

import json
import random
import resource
import sys
import time
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

from ansible_collections.holdfast.hipaa.plugins.plugin_utils.advisories.kinds import contents_of
from ansible_collections.holdfast.hipaa.plugins.plugin_utils.advisories.library import Library, library
from ansible_collections.holdfast.hipaa.plugins.plugin_utils.advisories.model import (
    Advisory,
    Affected,
    CvssVector,
    Epss,
    Vulnerability,
)
from ansible_collections.holdfast.hipaa.plugins.plugin_utils.advisories.parts import Options
from ansible_collections.holdfast.hipaa.plugins.plugin_utils.advisories.reading import Contents
from ansible_collections.holdfast.hipaa.plugins.plugin_utils.edge.finding import packed, risk_model, unpacked
from ansible_collections.holdfast.hipaa.plugins.plugin_utils.observed.model import Observation
from ansible_collections.holdfast.hipaa.plugins.plugin_utils.observed.parts import Package
from ansible_collections.holdfast.hipaa.plugins.plugin_utils.risk.installed import Host, host_of
from ansible_collections.holdfast.hipaa.plugins.plugin_utils.risk.kept import before_of
from ansible_collections.holdfast.hipaa.plugins.plugin_utils.risk.scan import Before, Feed, Inputs, Scan, evaluate
from ansible_collections.holdfast.hipaa.plugins.plugin_utils.site.asset import Asset
from ansible_collections.holdfast.hipaa.plugins.plugin_utils.site.risk import RiskPolicy

NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)
PACKAGES = 600
ADVISORIES = 100_000
SOURCES = 3_000
STEEPEST = 4.6
"""Time for four times the hosts, over time."""
LADDER = 8
"""Versions of a synthetic package that are in use somewhere."""
VECTORS = [
    f"CVSS:3.1/AV:{av}/AC:{ac}/PR:{pr}/UI:N/S:U/C:{c}/I:{c}/A:H"
    for av in "NL" for ac in "LH" for pr in "NL" for c in "LHN"
]  # fmt: skip
REAL = {
    "debian": ("osv", "debian12.osv.jsonl", ("debian:12",)),
    "alma": ("osv", "almalinux9.osv.jsonl", ()),
    "pending": ("debian-changelogs", "bookworm-security-changelogs.jsonl", ("debian:12",)),
}


@dataclass(frozen=True)
class Cost:
    """One scan of so many hosts: processor seconds, findings, comparisons of versions, and their bytes once packed."""

    hosts: int
    seconds: float
    findings: int


def real_feeds(folder: Path) -> list[tuple[str, Contents]]:
    """Return the real advisories in a folder, none where there is none."""
    found = []
    for feed, (kind, name, ecosystems) in REAL.items():
        path = folder / name
        if path.is_file():
            options = Options(ecosystems, wanted=(), checked=True)
            found.append((kind, contents_of(feed, kind, [(name, path.read_bytes())], options)))
    return found


def everything(folder: Path, dice: random.Random) -> tuple[Library, dict[str, list[str]]]:
    """Return a library of ADVISORIES advisories, and the versions in use of each source package."""
    feeds = real_feeds(folder)
    real = sum(len(contents.advisories) for _kind, contents in feeds)
    names = sorted({
        affected.package for _kind, contents in feeds for advisory in contents.advisories
        for affected in advisory.affected if affected.ecosystem == "debian:12"
    })  # fmt: skip
    names += [f"lib-synthetic{number}" for number in range(SOURCES - len(names))]
    ladders = {
        name: [f"{dice.randrange(0, 2)}:{dice.randrange(1, 9)}.{dice.randrange(0, 40)}-{step}+deb12u{step}"
               for step in range(1, LADDER + 1)]
        for name in names
    }  # fmt: skip
    for name, ladder in ladders.items():
        base = ladder[0].rpartition("-")[0]
        ladders[name] = [f"{base}-{step}+deb12u{step}" for step in range(1, LADDER + 1)]
    synthetic = Contents("synthetic")
    for number in range(ADVISORIES - real):
        name = names[dice.randrange(len(names))]
        # Most of what was ever published is fixed in all that is installed anywhere.
        step = min(LADDER - 1, max(0, int(dice.gauss(1.2, 1.5))))
        cves = tuple(f"CVE-{2016 + number % 11}-{100_000 + number * 3 + one}" for one in range(dice.randrange(1, 4)))
        affected = (Affected("debian:12", name, "fixed", ladders[name][step]),)
        synthetic.advisories.append(Advisory(f"DSA-{10_000 + number}-1", "synthetic", cves, affected))
        for cve in cves:
            score = (CvssVector("3.1", dice.choice(VECTORS), None, "cna"),)
            epss = Epss(0.01, dice.random(), None, date(2026, 11, 21)) if dice.random() < 0.57 else None
            synthetic.vulnerabilities[cve] = Vulnerability(cve, score if dice.random() < 0.3 else (), epss)
    return library([*feeds, ("osv", synthetic)]), ladders


def observed(count: int, ladders: dict[str, list[str]], dice: random.Random) -> Iterable[Observation]:
    """Yield what was read of so many hosts: most packages up to date, the rest behind by a few versions."""
    names = list(ladders)
    for number in range(count):
        rows = []
        for name in dice.sample(names, PACKAGES):
            behind = 0 if dice.random() < 0.9 else dice.randrange(1, LADDER - 2)
            version = ladders[name][LADDER - 1 - behind]
            rows.append(Package(name, version, "amd64", name, version))
        yield Observation(f"host-{number}", NOW - timedelta(hours=1), "debian:12", manager="dpkg", packages=tuple(rows))


def assets(count: int) -> tuple[Asset, ...]:
    """Return so many hosts of the register, in all contexts."""
    return tuple(
        Asset.from_dict({
            "id": f"host-{number}", "kind": "server", "owner": "ops", "environment": "production",
            "data_class": ("ephi", "internal", "none")[number % 3], "tier": 1 + number % 4, "ring": "production",
            "address": "192.0.2.1", "baselines": ["debian-server"], "location": "here",
            "exposure": ("internal", "internet", "internal", "internal")[number % 4],
        })
        for number in range(count)
    )  # fmt: skip


def inputs(count: int, hosts: dict[str, Host], known: Library, before: Before | None = None) -> Inputs:
    """Return what a scan of the first so many hosts is made from."""
    return Inputs(
        site="bench", items=assets(count), data_flows=(), vendors={}, policy=RiskPolicy(), model=risk_model(),
        advisories=known.advisories, supports=(), vendor_advisories=(), flaws=known.vulnerability,
        feeds=(Feed("synthetic", "0" * 64, "2026-11-22"),), hosts=hosts, limit_hours=48,
        before=before or Before(),
    )  # fmt: skip


def scanned(count: int, hosts: dict[str, Host], known: Library) -> tuple[Cost, Scan]:
    """Return what a scan costs, from an index that has looked at nothing yet."""
    began = time.process_time()
    scan = evaluate(inputs(count, hosts, known), NOW)
    return Cost(count, time.process_time() - began, len(scan.findings)), scan


def naive(some: Iterable[Host], known: Library) -> tuple[float, dict[str, set[str]]]:
    """Return processor seconds, and by host the flaws that a loop over its packages and their advisories finds."""
    from univers.versions import DebianVersion  # type: ignore[import-not-found]  # installed for this alone

    began = time.process_time()
    found: dict[str, set[str]] = {}
    for host in some:
        mine = found.setdefault(host.seen.asset, set())
        for package, version in host.packages:
            for advisory in known.advisories.get((host.ecosystem, package), ()):
                for affected in advisory.affected:
                    if (affected.ecosystem, affected.package) != (host.ecosystem, package) or not affected.fixed:
                        continue
                    if DebianVersion(version) < DebianVersion(affected.fixed):
                        mine.update(advisory.cves or (advisory.id,))
    return time.process_time() - began, found


def main(most: int = 2000, sample: int = 4) -> int:
    """Print the measurements; return 0 when all limits are kept."""
    dice = random.Random(6)  # noqa: S311 (the same hosts each time)
    shared = Path(__file__).resolve().parents[2].parent / "shared" / "data" / "advisories"
    folder = shared if shared.is_dir() else Path(__file__).resolve().parents[1] / "unit" / "data" / "advisories"
    known, ladders = everything(folder, dice)
    pool: dict[tuple[str, str], tuple[str, str]] = {}
    hosts = {one.asset: host_of(one, pool) for one in observed(most, ladders, dice)}
    total = sum(map(len, known.advisories.values()))
    print(f"{total} advisories by package, {len(known.vulnerabilities)} flaws, {most} hosts of {PACKAGES} packages")
    small, _scan = scanned(most // 4, hosts, known)
    large, scan = scanned(most, hosts, known)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    ratio = large.seconds / small.seconds
    print(f"{large.hosts} hosts: {large.findings} findings in {large.seconds:.1f} s of processor time")
    print(f"rate: {large.hosts / large.seconds:.0f} hosts/s, {large.hosts * PACKAGES / large.seconds:.0f} packages/s")
    print(f"growth: {small.hosts} hosts {small.seconds:.1f} s, {large.hosts} hosts {large.seconds:.1f} s")
    print(f"growth: a ratio of {ratio:.2f}, at most {STEEPEST}")
    print(f"memory at the most: {peak:.0f} MB")
    began = time.process_time()
    plain, digest = packed(scan)
    print(f"kept: {len(plain) / 2**20:.1f} MB ({digest[:12]}...) in {time.process_time() - began:.1f} s")
    some = [hosts[f"host-{number}"] for number in range(sample)]
    ours = {one.seen.asset: {each.vulnerability for each in scan.of([one.seen.asset])} for one in some}
    del scan
    began = time.process_time()
    again = inputs(most, hosts, known, before_of(unpacked(plain) or b"", digest, "bench"))
    same = len(evaluate(again, NOW + timedelta(hours=1)).findings)
    print(f"a second scan, clocks going on: {same} findings in {time.process_time() - began:.1f} s")
    after = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(f"memory at the most with all that: {after:.0f} MB")
    good = ratio <= STEEPEST and after < 1000
    try:
        seconds, found = naive(some, known)
    except ImportError:
        print("univers is not installed, so there is nothing to compare with: pip install univers")
        return 0 if good else 1
    faster = (seconds / sample) / (large.seconds / large.hosts)
    print(f"naive: {seconds / sample:.2f} s a host; ours, judged and timed as well, is {faster:.0f} times as fast")
    print(f"the same flaws found on those hosts: {ours == found}")
    print(json.dumps({"ratio": round(ratio, 2), "megabytes": round(after), "faster": round(faster)}))
    return 0 if good and ours == found and faster > 1 else 1


if __name__ == "__main__":
    sys.exit(main(*(int(word) for word in sys.argv[1:2])))
