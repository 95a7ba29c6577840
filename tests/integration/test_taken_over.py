# Copyright: (c) 2026, Holdfast contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""A patch cut off before its last look: the run that takes over compares with the answer from before the change."""

from __future__ import annotations

import json
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from lab.fleet import Fleet
from tests.faults.toyd import NAME, NEW, OLD, PORT, WRONG
from tests.integration.conftest import _fleet, _up
from tests.integration.shop import approved, debs, equip, open_shop, plan, results, versions
from tests.integration.sites import ROOT

__all__ = ["debs"]  # a fixture

pytestmark = pytest.mark.waves

HOST = "one"
ASK = f"import urllib.request as u; print(u.urlopen('http://127.0.0.1:{PORT}', timeout=5).read().decode().split()[-1])"
HEALTH = [{"id": "sum", "command": {"argv": ["python3", "-c", ASK], "same": True}}]
"""The sum is all that health asks for, and only the host itself knows what it was."""


@pytest.fixture(scope="module")
def fleet(debs: dict[str, Path]) -> Iterator[Fleet]:
    """One host that knows no archive but the lab's."""
    with _fleet("over") as fleet:
        _up(fleet, [f"{HOST}=bookworm"])
        equip(fleet, (HOST,), debs[OLD])
        yield fleet


@pytest.mark.parametrize(("version", "ends"), [(NEW, NEW), (WRONG, OLD)])
def test_the_run_that_takes_over_keeps_the_same_answer_and_takes_back_another(
    version: str, ends: str, fleet: Fleet, debs: dict[str, Path], tmp_path: Path
) -> None:
    fleet.exec(HOST, ["sh", "-c", f"rm -rf /var/lib/holdfast; dpkg -i /root/{debs[OLD].name}"], check=True)
    fleet.offer([debs[OLD], debs[version]])
    site = open_shop(tmp_path / "site", fleet, [{"id": HOST, "health": HEALTH}])
    plan(site)
    change = approved(site)
    mark = tmp_path / "tripped"
    killed = site.play(
        "patch", "-e", f"change={change}",
        ANSIBLE_CALLBACK_PLUGINS=str(ROOT / "tests" / "callbacks"),
        ANSIBLE_CALLBACKS_ENABLED="holdfast.hipaa.recorder,trip",
        TRIP=json.dumps({"at": "health: Check health after$", "mark": str(mark)}),
    )  # fmt: skip
    assert mark.exists()
    assert killed.returncode == -signal.SIGKILL
    assert versions(fleet, HOST)[f"{NAME}:all"] == version

    again = site.play("patch", "-e", f"change={change}")
    assert versions(fleet, HOST)[f"{NAME}:all"] == ends, again.stdout
    told = [result["verdict"] for result in results(site, "verify", "health")]
    if ends == NEW:
        assert again.returncode == 0, again.stdout + again.stderr
        assert told == ["pass", "pass"]
        assert results(site, "rollback") == []
    else:
        assert again.returncode == 2
        assert "sum: the answer is another than before the change" in again.stdout
        assert told == ["pass", "fail", "pass"], "and after the way back it is the one from before"
        assert [(one["asset"], one["result"]) for one in results(site, "rollback")] == [(HOST, "restored")]
    assert site.holdfast("audit").returncode == 0
