# Copyright: (c) 2026, Holdfast contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Asking the gate in a run on record: it waits for a moment it can name, and hears stop orders meanwhile."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from ansible_collections.holdfast.hipaa.plugins.plugin_utils.cli.main import main
from ansible_collections.holdfast.hipaa.plugins.plugin_utils.edge import asking
from ansible_collections.holdfast.hipaa.plugins.plugin_utils.edge.asking import Answer, ask_patiently
from ansible_collections.holdfast.hipaa.plugins.plugin_utils.edge.environment import utc_now
from ansible_collections.holdfast.hipaa.plugins.plugin_utils.edge.opening import Run, open_recorder, open_site
from ansible_collections.holdfast.hipaa.plugins.plugin_utils.errors import PolicyError
from ansible_collections.holdfast.hipaa.plugins.plugin_utils.ledger.signers import FileSigner

from tests.change_cases import plan


@dataclass
class Desk:
    """A site with one approved change of lab-1, and a patch run of it on record."""

    root: Path
    change: str
    run: Run

    def freeze(self, until: datetime) -> None:
        """Let nothing change in any ring until a moment, to the second."""
        ends = until.isoformat(timespec="seconds")
        freeze = {"name": "claims cut-off", "from": "2026-01-01T00:00:00Z", "to": ends}
        (self.root / "policy/calendar.yml").write_text(json.dumps({"freezes": [freeze]}), encoding="utf-8")
        self.run = Run(open_site(self.root), self.run.opened)

    def ask(self, patience: timedelta, say: Callable[[str], None]) -> Answer:
        return ask_patiently(self.run, self.change, ["lab-1"], patience=patience, say=say)


@pytest.fixture(name="desk")
def a_run_on_record(tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Desk:
    monkeypatch.setattr(asking, "_LOOK", 0.1)
    root, key = tmp_path / "site", tmp_path / "ana"
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", "ana", "-f", key], check=True)
    assert main(["init", str(root), "--name", "demo", "--approver", f"ana={key}.pub"]) == 0
    asset = {"id": "lab-1", "ring": "lab", "kind": "server", "owner": "operations", "address": "192.0.2.1"}
    asset |= {"environment": "lab", "data_class": "none", "tier": 4, "baselines": ["debian-server"]}
    register = {"plugin": "holdfast.hipaa.register", "assets": [asset]}
    (root / "holdfast.yml").write_text(json.dumps(register), encoding="utf-8")
    path = plan(hosts=["lab-1"]).save(root / "plans")
    capsys.readouterr()
    assert main(["change", "request", "--plan", str(path), "--site", str(root), "--format", "json"]) == 0
    asked = json.loads(capsys.readouterr().out)
    change = str(asked["change"])
    assert main(["change", "approve", change, "--as", "ana", "--ssh-key", str(key), "--site", str(root)]) == 0
    site = open_site(root)
    opened = open_recorder(site).open_run(
        FileSigner.load(site.key_paths["implementer"]),
        kind="patch",
        mode="apply",
        expected_assets=["lab-1"],
        change_id=change,
        plan=asked["plan_sha256"],
        request=asked["request"]["sha256"],
        materials=[],
        forks=1,
        limit=False,
        ansible_core="2.19.0",
    )
    return Desk(root, change, Run(site, opened))


def test_it_does_not_wait_for_what_may_start_now(desk: Desk) -> None:
    said: list[str] = []
    assert desk.ask(timedelta(hours=1), said.append).decision.allowed
    assert said == []


def test_it_waits_for_the_moment_and_says_what_for(desk: Desk) -> None:
    ends = utc_now().replace(microsecond=0) + timedelta(seconds=3)
    desk.freeze(ends)
    said: list[str] = []
    answer = desk.ask(timedelta(minutes=1), said.append)
    assert answer.decision.allowed, answer.decision.lines()
    assert utc_now() >= ends
    (told,) = said
    assert 'freeze: freeze "claims cut-off" holds in lab until' in told
    assert told.startswith("waits ")


def test_without_patience_it_says_no_at_once_and_from_when_on(desk: Desk) -> None:
    ends = utc_now().replace(microsecond=0) + timedelta(seconds=20)
    desk.freeze(ends)
    said: list[str] = []
    answer = desk.ask(timedelta(seconds=5), said.append)
    assert (answer.decision.allowed, answer.decision.until, said) == (False, ends, [])


def test_a_stop_order_is_heard_while_it_waits(desk: Desk) -> None:
    """The order comes while it waits; the answer comes before the moment that it waits for."""
    desk.freeze(utc_now().replace(microsecond=0) + timedelta(seconds=20))

    def stop(_words: str) -> None:
        key = desk.root.parent / "ana"
        words = ["change", "stop", desk.change, "--as", "ana", "--ssh-key", str(key), "--site", str(desk.root)]
        assert main(words) == 0

    answer = desk.ask(timedelta(minutes=1), stop)
    assert set(answer.decision.rules) == {"freeze", "stop-order"}
    assert answer.decision.until is None


def test_a_run_asks_for_no_change_but_its_own(desk: Desk) -> None:
    with pytest.raises(PolicyError, match="the run was opened for change"):
        ask_patiently(desk.run, "chg_another00000", ["lab-1"], say=print)
