# Copyright: (c) 2026, Holdfast contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""A site is read once a process, and again when what it rests on changed; which hosts a change asks the gate for."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from ansible_collections.holdfast.hipaa.plugins.plugin_utils.edge import opening
from ansible_collections.holdfast.hipaa.plugins.plugin_utils.edge.opening import open_site
from ansible_collections.holdfast.hipaa.plugins.plugin_utils.errors import SiteError

from tests.change_cases import Book, plan, policy
from tests.site_cases import Case


@pytest.fixture
def settled(tmp_path: Path) -> Path:
    return Case("", "", [], []).lay_out(tmp_path / "site")


def test_a_site_that_did_not_change_is_not_read_again(settled: Path) -> None:
    assert open_site(settled) is open_site(settled)


def _edit(path: Path, find: str, put: str) -> None:
    path.write_text(path.read_text().replace(find, put))


def _keep_size_and_time(root: Path) -> None:
    path = root / "baselines" / "clinic-server.yml"
    about = path.stat()
    _edit(path, "value: 300", "value: 301")
    os.utime(path, ns=(about.st_atime_ns, about.st_mtime_ns))


CHANGES: dict[str, Callable[[Path], None]] = {
    "register": lambda root: _edit(root / "holdfast.yml", "tier: 4", "tier: 3"),
    "part of a policy": lambda root: _edit(root / "policy" / "rings.yml", "336", "337"),
    "exception": lambda root: _edit(root / "exceptions.yml", "2027-03-31", "2027-04-30"),
    "same size and time": _keep_size_and_time,
    "exceptions away": lambda root: (root / "exceptions.yml").unlink(),
    "another baseline": lambda root: (root / "baselines" / "x.yml").write_text(
        (root / "baselines" / "clinic-server.yml").read_text().replace("clinic-server", "x")
    ) and None,
    "policy away": lambda root: (root / "policy" / "patching.yml").unlink(),
}  # fmt: skip


@pytest.mark.parametrize("change", CHANGES)
def test_any_change_is_seen(change: str, settled: Path) -> None:
    before = open_site(settled)
    CHANGES[change](settled)
    after = open_site(settled)
    assert after is not before
    assert after != before


def test_a_site_that_turned_bad_is_refused(settled: Path) -> None:
    open_site(settled)
    (settled / "site.yml").unlink()
    with pytest.raises(SiteError):
        open_site(settled)


def test_an_approver_who_left_is_missed(settled: Path) -> None:
    open_site(settled)
    (settled / "trust.yml").write_text("principals: []\n")
    with pytest.raises(SiteError, match="may approve nothing"):
        open_site(settled)


START: list[dict[str, Any]] = [{"request": {}}, {"open": {"run": "r"}}]
DONE: dict[str, Any] = {"done": {"run": "r", "assets": ["lab-1", "pilot-1", "prod-1", "prod-2", "prod-3"]}}


def back(asset: str, trigger: str = "health") -> dict[str, Any]:
    return {"roll_back": {"run": "r", "assets": [asset], "trigger": trigger}}


@pytest.mark.parametrize(
    ("more", "ring", "hosts"),
    [
        ([], None, "prod-2 prod-3"),
        ([], "lab", "lab-1"),
        ([{"close": {"run": "r"}}], None, ""),
        ([{"open": {"run": "s", "resumes": ["r"]}}], None, "prod-2 prod-3"),  # it was cut short as well
        ([{"open": {"run": "s", "resumes": ["r"]}}, {"close": {"run": "s", "outcome": "denied"}}], None, ""),
    ],
)
def test_of_work_that_is_done_by_a_run_never_closed_the_last_wave_is_looked_at_again(
    more: list[dict[str, Any]], ring: str | None, hosts: str
) -> None:
    everything = {"run": "r", "assets": DONE["done"]["assets"]}
    cut = [{"deploy": everything}, *({"see": {"kind": kind, **everything}} for kind in ("version", "health"))]
    assert waves_to_ask_for([*cut, *more], ring) == hosts.split()


@pytest.mark.parametrize(
    ("events", "ring", "hosts"),
    [
        ([DONE], None, ""),
        ([{"deploy": {"run": "r", "assets": ["lab-1"]}}, back("lab-1")], "pilot", "pilot-1"),
        ([{"deploy": {"run": "r", "assets": ["lab-1"]}}, back("lab-1")], "lab", "lab-1"),
        ([DONE, back("lab-1", "request")], None, "lab-1"),
        ([DONE, back("lab-1", "request")], "pilot", ""),
        ([DONE, back("prod-1", "request"), back("lab-1", "request")], None, "lab-1 prod-1"),
        ([DONE, back("prod-1")], None, ""),  # the ring endures one, and the rest of it is verified
        ([DONE, back("prod-1"), back("prod-2")], None, "prod-1 prod-2"),
    ],
)
def test_where_only_hosts_that_went_back_are_left_the_gate_is_asked_for_them(
    events: list[dict[str, Any]], ring: str | None, hosts: str
) -> None:
    assert waves_to_ask_for(events, ring) == hosts.split()


def waves_to_ask_for(events: list[dict[str, Any]], ring: str | None) -> list[str]:
    change = Book(plan()).write([*START, *events]).state()
    assert change is not None
    rules = policy([{"name": "production", "failure_budget": {"unhealthy": 1}}])
    site: Any = SimpleNamespace(policy=rules, clusters={})
    case = opening.Case(site, (), change, plan())
    return [asset for wave in case.waves_to_ask_for(ring) for asset in wave.assets]
