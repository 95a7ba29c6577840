# Copyright: (c) 2026, Holdfast contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""All controls are answered in one go; a faulty source costs its own controls, a faulty baseline stops everything."""

from __future__ import annotations

import ast
import os
import subprocess
import sys
from pathlib import Path

import pytest
from ansible_collections.holdfast.hipaa.plugins.module_utils.probes import _registry, login_defs
from ansible_collections.holdfast.hipaa.plugins.module_utils.probes._common import (
    BadArgumentError,
    Kind,
    UnreadableError,
    observed,
    output_of,
)


def question(control_id, **probe):
    return {"id": control_id, "probe": probe}


def test_answers_come_in_the_order_asked(tmp_path):
    here = {"path": str(tmp_path), "ask": "mode"}
    tmp_path.chmod(0o750)
    answers = _registry.observe([question("b-02", file=here), question("a-01", accounts="superusers")])
    assert [answer["id"] for answer in answers] == ["b-02", "a-01"]
    assert answers[0] == {"id": "b-02", "status": "observed", "actual": "0750", "why": ""}


@pytest.mark.parametrize(
    ("probe", "message"),
    [
        ({"telepathy": "x"}, "x-01: there is no probe kind 'telepathy'; expected one of accounts, apt_config"),
        ({"file": {"path": "relative", "ask": "mode"}}, "x-01: file: 'relative' is no absolute path"),
        ({"file": {"path": "/etc", "ask": "colour"}}, "x-01: file: 'colour' is not known; expected one of mode, owner"),
        ({"file": "/etc"}, "x-01: file: '/etc' is no file question"),
        ({"unit": {"name": "chrony", "ask": "live"}}, "x-01: unit: 'chrony' is no full unit name"),
        ({"unit": {"name": "--version.service", "ask": "live"}}, "is no full unit name"),
        ({"sysctl": "net/ipv4"}, "x-01: sysctl: 'net/ipv4' is no dotted kernel setting"),
        ({"sshd": "two words"}, "x-01: sshd: 'two words' is no keyword of sshd_config"),
        ({"shell_profile": "tmout"}, "x-01: shell_profile: 'tmout' is no shell variable in capitals"),
        ({"accounts": "everybody"}, "x-01: accounts: 'everybody' is not known"),
        ({"package": {"ask": "all"}}, "x-01: package: 'all' is not known; expected one of unfinished"),
        ({"systemd_config": {"file": "../x.conf", "section": "X", "key": "Y"}}, "is no file name of systemd"),
        ({}, "x-01: probe must be one"),
        ({"sshd": "a", "manager": "b"}, "x-01: probe must be one"),
    ],
)
def test_a_question_no_host_could_answer_stops_everything(probe, message):
    with pytest.raises(BadArgumentError) as error:
        _registry.observe([question("ok-01", accounts="superusers"), {"id": "x-01", "probe": probe}])
    assert message in str(error.value)


@pytest.mark.parametrize(
    "control",
    [{"id": "x-01"}, {"probe": {"accounts": "superusers"}}, {"id": 1, "probe": {}}, {**question("a"), "b": 1}],
)
def test_what_is_no_control_stops_everything(control):
    with pytest.raises(BadArgumentError, match=r"a control must be \{id, probe\}"):
        _registry.observe([control])


def test_a_source_that_cannot_be_read_costs_only_its_own_controls(monkeypatch, tmp_path):
    monkeypatch.setattr(login_defs, "PATH", str(tmp_path / "missing"))
    first, second = _registry.observe(
        [question("accounts-01", login_defs="PASS_MAX_DAYS"), question("accounts-06", accounts="superusers")]
    )
    assert first["status"] == "not_measured"
    assert first["why"].startswith("FileNotFoundError: ")
    assert first["actual"] is None
    assert second["status"] == "observed"


def test_an_answer_that_fails_costs_only_its_own_control(monkeypatch):
    def answer(argument, state):
        return observed(state[argument])

    monkeypatch.setitem(_registry.KINDS.read, "odd", Kind(lambda argument: None, lambda asked: {"a": "1"}, answer))
    first, second = _registry.observe([question("odd-01", odd="a"), question("odd-02", odd="b")])
    assert first["actual"] == "1"
    assert (second["status"], second["why"]) == ("not_measured", "KeyError: 'b'")


def test_a_program_that_does_not_answer_in_time_is_not_measured(monkeypatch):
    def collect(asked):
        return output_of(["sleep", "60"], timeout=0.05)

    monkeypatch.setitem(_registry.KINDS.read, "slow", Kind(lambda argument: None, collect, lambda a, s: observed(s)))
    (answer,) = _registry.observe([question("slow-01", slow="x")])
    assert answer["status"] == "not_measured"
    assert answer["why"] == "TimeoutExpired: sleep gave no answer within 0.05 seconds"


def test_a_program_that_fails_says_its_last_line():
    with pytest.raises(UnreadableError) as error:
        output_of([sys.executable, "-c", "import sys; sys.exit('first\\nlast')"])
    assert str(error.value).endswith("left with 1: last")


def test_a_long_error_is_cut():
    assert len(_registry.describe(ValueError("x" * 5000))) == _registry.LONGEST_WHY


def test_every_kind_is_a_file_is_named_and_is_sent_along():
    tree = ast.parse(Path(_registry.__file__).read_text(encoding="utf-8"))
    (never_run,) = (node for node in tree.body if isinstance(node, ast.If))
    sent = [name.name for name in never_run.body[0].names]
    files = {path.stem for path in Path(_registry.__file__).parent.glob("[a-z]*.py")}
    assert sorted(files) == sent == list(_registry.NAMES)
    assert len(_registry.KINDS) == len(files)


def test_a_kind_that_nobody_asks_is_not_read():
    asked = "import sys; from {0}._registry import check_question; check_question('x', {{'sshd': 'port'}}); "
    package = _registry.__name__.rpartition(".")[0]
    said = "print([name for name in ('sshd', 'postgresql') if '{0}.' + name in sys.modules])"
    done = subprocess.run(
        [sys.executable, "-c", (asked + said).format(package)], env={**os.environ, "PYTHONPATH": "collections"},
        text=True, capture_output=True, check=False,
    )  # fmt: skip
    assert (done.stdout.strip(), done.stderr) == ("['sshd']", "")
