# Copyright: (c) 2026, Holdfast contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the gate denies it denies to all who ask: the action at the head of a play, the command, and a pipeline."""

from __future__ import annotations

import json
import re
import subprocess
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import yaml
from ansible_collections.holdfast.hipaa.plugins.action.gate import ActionModule
from ansible_collections.holdfast.hipaa.plugins.plugin_utils.cli.main import main
from ansible_collections.holdfast.hipaa.plugins.plugin_utils.edge import asking
from ansible_collections.holdfast.hipaa.plugins.plugin_utils.edge.environment import utc_now
from ansible_collections.holdfast.hipaa.plugins.plugin_utils.edge.opening import Run, open_recorder, open_site
from ansible_collections.holdfast.hipaa.plugins.plugin_utils.errors import PolicyError
from ansible_collections.holdfast.hipaa.plugins.plugin_utils.ledger.signers import FileSigner
from ansible_collections.holdfast.hipaa.plugins.plugin_utils.policy.explaining import Explained
from ansible_collections.holdfast.hipaa.plugins.plugin_utils.policy.question import Decision, Reason
from ansible_collections.holdfast.hipaa.plugins.plugin_utils.policy.sarif import log
from hypothesis import given
from hypothesis import strategies as st

from tests.change_cases import plan, when


class Shop:
    """A site with one approved change of lab-1, and a patch run of it on record."""

    def __init__(self, root: Path, key: Path, capsys: pytest.CaptureFixture[str]) -> None:
        self.root, self.key, self._capsys = root, key, capsys
        path = plan(hosts=["lab-1"]).save(root / "plans")
        said = json.loads(self.say("change", "request", "--plan", str(path), "--format", "json")[1])
        self.change, self.asked = str(said["change"]), said
        assert self.say("change", "approve", self.change, "--as", "ana", "--ssh-key", str(key))[0] == 0
        self.run = self.opened()

    def say(self, *words: str) -> tuple[int, str]:
        """Return exit code and what the command says."""
        self._capsys.readouterr()
        return main([*words, "--site", str(self.root)]), self._capsys.readouterr().out

    def opened(self) -> Run:
        """Put a run of the change on record."""
        site = open_site(self.root)
        run = open_recorder(site).open_run(
            FileSigner.load(site.key_paths["implementer"]), kind="patch", mode="apply", expected_assets=["lab-1"],
            change_id=self.change, plan=self.asked["plan_sha256"], request=self.asked["request"]["sha256"],
            materials=[], forks=1, limit=False, ansible_core="2.19.0",
        )  # fmt: skip
        return Run(site, run)

    def play(self) -> set[str]:
        """Return the rules that stop a play at its gate; none where it goes on."""
        action: Any = ActionModule.__new__(ActionModule)
        action.variables = {"ansible_play_batch": ["lab-1"]}
        action._display = _Silent()
        run = Run(open_site(self.root), self.run.opened)
        try:
            answer = action.act(run, {"change": self.change, "after": None, "wait_minutes": 0})
        except PolicyError as error:
            return set(re.findall(r"^  - ([a-z-]+(?::[a-z-]+)?): ", str(error), re.M)) or {str(error)}
        assert answer["plan"] == self.asked["plan_sha256"]
        return set()

    def command(self) -> set[str]:
        """Return the rules that `holdfast policy explain` names, and hold it to its exit code."""
        code, said = self.say("policy", "explain", "--change", self.change, "--ring", "lab", "--format", "json")
        (answer,) = json.loads(said)
        rules = {reason["rule"] for reason in answer["reasons"]}
        assert (code, answer["allowed"]) == ((1, False) if rules else (0, True))
        return rules

    def pipeline(self) -> set[str]:
        """Return the rules that `holdfast gate` names in SARIF, and hold it to its exit code."""
        code, said = self.say("gate", "--change", self.change, "--ring", "lab", "--format", "sarif")
        (run,) = json.loads(said)["runs"]
        rules = {result["ruleId"] for result in run["results"]}
        assert all(result["level"] == "error" for result in run["results"])
        assert (code, run["properties"]["allowed"]) == ((1, False) if rules else (0, True))
        return rules

    def edit(self, file: str, change: Callable[[dict[str, Any]], object]) -> None:
        """Change a file of the site's policy."""
        path = self.root / "policy" / file
        data = yaml.safe_load(path.read_text(encoding="utf-8")) if path.exists() else {}
        change(data)
        path.parent.mkdir(exist_ok=True)
        path.write_text(json.dumps(data), encoding="utf-8")


class _Silent:
    def display(self, words: str) -> None:
        """Say nothing."""


@pytest.fixture
def shop(tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Shop:
    monkeypatch.setattr(asking, "_LOOK", 0.1)
    root, key = tmp_path / "site", tmp_path / "ana"
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", "ana", "-f", key], check=True)
    assert main(["init", str(root), "--name", "demo", "--approver", f"ana={key}.pub"]) == 0
    asset = {"id": "lab-1", "ring": "lab", "kind": "server", "owner": "operations", "address": "192.0.2.1"}
    asset |= {"environment": "lab", "data_class": "none", "tier": 4, "baselines": ["debian-server"]}
    register = {"plugin": "holdfast.hipaa.register", "assets": [asset]}
    (root / "holdfast.yml").write_text(json.dumps(register), encoding="utf-8")
    (root / "policy").mkdir(exist_ok=True)
    # A pipeline may be asked for more than a play; here for the same.
    (root / "policy/pipeline.yml").write_text('{"tests": "optional", "artefacts": "optional"}', encoding="utf-8")
    return Shop(root, key, capsys)


def stop(shop: Shop) -> None:
    assert shop.say("change", "stop", shop.change, "--as", "ana", "--ssh-key", str(shop.key))[0] == 0


def reject(shop: Shop) -> None:
    words = ("change", "approve", shop.change, "--as", "ana", "--ssh-key", str(shop.key), "--reject")
    assert shop.say(*words)[0] == 0


def freeze(shop: Shop) -> None:
    begins, ends = (utc_now() + timedelta(hours=hours) for hours in (-1, 1))
    one = {
        "name": "claims cut-off",
        "from": begins.isoformat(timespec="seconds"),
        "to": ends.isoformat(timespec="seconds"),
    }
    shop.edit("calendar.yml", lambda data: data.update(freezes=[one]))


def want_leaders(shop: Shop) -> None:
    said = {"version": 1, "owner": "it-operations", "approval": "required", "approved_by": ["compliance-officer"]}
    shop.edit("leadership.yml", lambda data: data.update(said))


def forbid(shop: Shop) -> None:
    rule = {"id": "never", "message": "not today", "citation": "164.316(a)", "deny": "hosts | length > 0"}
    shop.edit("rules.yml", lambda data: data.update(zone="UTC", rules=[rule]))


SHUT: dict[str, tuple[Callable[[Shop], None], str]] = {
    "a stop order": (stop, "stop-order"),
    "a rejection": (reject, "change-rejected"),
    "a freeze": (freeze, "freeze"),
    "a policy that nobody approved": (want_leaders, "policy-approved"),
    "a rule of the site": (forbid, "site:never"),
}


def test_what_is_approved_is_open_to_all(shop: Shop) -> None:
    """Guards the rest: without it all of them could be shut to everybody, always."""
    assert (shop.play(), shop.command(), shop.pipeline()) == (set(), set(), set())


@pytest.mark.parametrize("name", SHUT)
def test_what_is_denied_is_denied_to_play_command_and_pipeline_alike(shop: Shop, name: str) -> None:
    shut, rule = SHUT[name]
    shut(shop)
    found = shop.play()
    assert rule in found
    assert shop.command() == found
    assert shop.pipeline() == found


reasons = st.lists(
    st.builds(
        Reason, st.sampled_from(["freeze", "site:never", "stop-order"]), st.text(min_size=1, max_size=9), st.just(""),
        st.just("wait"), st.sampled_from([None, when("2026-11-22 08:00")]),
    ),
    max_size=4,
).map(tuple)  # fmt: skip


@given(reasons, st.lists(st.text(max_size=5), max_size=2).map(tuple))
def test_no_word_of_a_denied_decision_says_yes(said: tuple[Reason, ...], grounds: tuple[str, ...]) -> None:
    """With any objection, be there grounds as well, and one that only time lifts."""
    decision = Decision(said, grounds)
    answer = Explained("chg_one", "lab", when("2026-11-21 08:00"), decision, {})
    (run,) = log(answer, "demo", "0.1.0")["runs"]
    told = {
        decision.allowed, bool(decision), decision.to_dict()["allowed"], decision.lines()[0] == "allowed",
        answer.to_dict()["allowed"], answer.lines()[0].endswith("may run"), not run["results"],
        run["properties"]["allowed"], not decision.rules,
    }  # fmt: skip
    assert told == {not said}
    assert replace(decision, reasons=()).allowed
