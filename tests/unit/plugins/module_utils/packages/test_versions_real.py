# Copyright: (c) 2026, Holdfast contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Versions are ordered as dpkg and rpm themselves order them: every pair of real versions, and of awkward ones.

The reference is the managers' own code: libapt-pkg and librpm, asked through the system's Python, and dpkg itself, a
process each, for some hundred. They come with `make setup`.
"""

from __future__ import annotations

import itertools
import json
import random
import subprocess
from collections.abc import Callable, Iterable
from pathlib import Path

import pytest
from ansible_collections.holdfast.hipaa.plugins.module_utils.packages import rpm_versions, versions

SYSTEM_PYTHON = "/usr/bin/python3"
FIXTURES = Path(__file__).resolve().parents[3] / "cases" / "versions"
LISTS = Path("/var/lib/apt/lists")
Pair = tuple[str, str]

_DPKG = """
import json, sys, apt_pkg
apt_pkg.init_system()
print(json.dumps([apt_pkg.version_compare(one, other) for one, other in json.load(sys.stdin)]))
"""
_RPM = """
import json, sys, rpm
def evr(text):
    head, colon, rest = text.rpartition(":")
    version, dash, release = rest.rpartition("-")
    return (head or "0", version, release)
print(json.dumps([rpm.labelCompare(evr(one), evr(other)) for one, other in json.load(sys.stdin)]))
"""

AWKWARD = [
    "0", "00", "0.0", "0-0", "1", "1.0", "1.00", "1-0", "1-1", "1~", "1~~", "1~-1", "1~rc1-1", "1+b1", "1.0+b1",
    "1.0-1+b1", "1.0-1~deb12u1", "1.0-1+deb12u1", "1a", "1A", "1a1", "1.a", "1+", "1.", "1..", "0:1", "1:0", "01:1",
    "2:1.0-1", "15+248+deb12u2", "248+deb12u2", "1.2.3-4-5", "1.2.3-4.5", "9", "10", "9a", "10a", "1000000000000000000",
    "1.999999999999999999999", "a", "z", "~", "~1", "1-~", "1-1~", "1-1~~", "1.0~git20200101", "1.0+git20200101",
]  # fmt: skip
AWKWARD_RPM = [
    "1-1", "1.0-1", "1.0^-1", "1.0^git1-1", "1.0^git1~pre-1", "1.0~rc1-1", "1.0~rc1^git1-1", "1.0.1-1", "1.0a-1",
    "1.0.a-1", "1.0_a-1", "1.0..-1", "1.01-1", "1.1-1", "1.10-1", "1.9-1", "1.a1-1", "1.1a-1", "0:1.0-1", "1:1.0-1",
    "1.0-1.el9", "1.0-1.el9_8.1", "1.0-1.el9_10", "1.0-1.module_el9.8.0+4058+40614161", "10.0001-1", "10.1-1", "A-1",
    "a-1", "1^-1", "^1-1", "~1-1", "^-1", "~-1", "1~^-1", "1^~-1", "2.0.1a-1", "2.0.1-1", "1.0-1^a", "1.0-1~a",
]  # fmt: skip


def ask(program: str, pairs: list[Pair]) -> list[int]:
    """Return the reference's answers, -1, 0 or 1 each; skips where the system's Python has no such library."""
    done = subprocess.run(
        [SYSTEM_PYTHON, "-c", program], input=json.dumps(pairs), capture_output=True, text=True, check=False
    )
    if "ModuleNotFoundError" in done.stderr or "ImportError" in done.stderr:
        pytest.skip(f"the system's Python cannot ask: {done.stderr.splitlines()[-1]}; run make setup")
    assert done.returncode == 0, done.stderr
    return [(answer > 0) - (answer < 0) for answer in json.loads(done.stdout)]


def groups(name: str) -> list[list[str]]:
    """Return the versions of each package of a fixture."""
    lines = (FIXTURES / name).read_text(encoding="utf-8").splitlines()
    return [line.split()[1:] for line in lines if not line.startswith("#")]


def both_ways(sets: Iterable[Iterable[str]]) -> list[Pair]:
    """Return every pair within each set, once, its two in turn in either order."""
    found = [pair for one in sets for pair in itertools.combinations(one, 2)]
    return [pair if place % 2 else (pair[1], pair[0]) for place, pair in enumerate(found)]


def wrong(compare: Callable[[str, str], int], pairs: list[Pair], answers: list[int]) -> list[tuple[Pair, int, int]]:
    """Return the pairs that we order otherwise than the reference, with what we and it say."""
    asked = zip(pairs, (compare(*pair) for pair in pairs), answers, strict=True)
    return [(pair, ours, theirs) for pair, ours, theirs in asked if ours != theirs]


def test_debian_versions_are_ordered_as_libapt_orders_them(capsys: pytest.CaptureFixture[str]) -> None:
    pairs = both_ways([*groups("debian-12.txt"), AWKWARD])
    answers = ask(_DPKG, pairs)
    assert wrong(versions.compare, pairs, answers) == []
    assert len(pairs) >= 20_000
    with capsys.disabled():
        print(f"\n{len(pairs)} pairs as libapt-pkg orders them", end=" ")


def test_some_hundred_of_them_as_dpkg_itself_orders_them() -> None:
    some = random.Random(12)  # noqa: S311 (any sample will do)
    pairs = [*both_ways([AWKWARD])[::4], *some.sample(both_ways(groups("debian-12.txt")), 150)]
    words = {-1: "lt", 0: "eq", 1: "gt"}
    try:
        false = [
            pair for pair in pairs
            if subprocess.run(["dpkg", "--compare-versions", pair[0], words[versions.compare(*pair)], pair[1]],
                              check=False, capture_output=True).returncode
        ]  # fmt: skip
    except FileNotFoundError:
        pytest.skip("needs dpkg")
    assert false == []
    assert len(pairs) >= 400


def test_rpm_versions_are_ordered_as_librpm_orders_them(capsys: pytest.CaptureFixture[str]) -> None:
    every = sorted({version for group in groups("almalinux-9.txt") for version in group})
    pairs = [*both_ways([every]), *both_ways([AWKWARD_RPM])]
    answers = ask(_RPM, pairs)
    assert wrong(rpm_versions.compare, pairs, answers) == []
    assert len(pairs) >= 20_000
    with capsys.disabled():
        print(f"\n{len(pairs)} pairs as librpm orders them", end=" ")


def test_versions_of_the_machines_own_archive_indices_are_ordered_as_libapt_orders_them(
    capsys: pytest.CaptureFixture[str],
) -> None:
    indices = sorted(map(str, LISTS.glob("*_Packages*"))) if LISTS.is_dir() else []
    found: dict[str, set[str]] = {}
    for index in indices:
        told = subprocess.run(
            ["/usr/lib/apt/apt-helper", "cat-file", index], check=False, capture_output=True, text=True
        )
        package = ""
        for line in told.stdout.splitlines():
            if line.startswith("Package: "):
                package = line[9:]
            elif line.startswith("Version: "):
                found.setdefault(package, set()).add(line[9:])
    if not found:
        pytest.skip("needs the indices of a Debian archive; run apt-get update")
    every = sorted({version for group in found.values() for version in group})
    # Neighbours in the order of letters differ late: where two orders disagree, they do so there.
    pairs = [*both_ways(found.values()), *itertools.pairwise(every)]
    assert wrong(versions.compare, pairs, ask(_DPKG, pairs)) == []
    with capsys.disabled():
        print(f"\n{len(pairs)} pairs of the archive's indices as libapt-pkg orders them", end=" ")
