# Copyright: (c) 2026, Holdfast contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The module health: what it takes, and when it fails."""

from __future__ import annotations

import json

import pytest
from ansible.module_utils.testing import patch_module_args
from ansible_collections.holdfast.hipaa.plugins.modules import health

GOOD = {"id": "good", "command": {"argv": ["true"]}}
BAD = {"id": "bad", "command": {"argv": ["false"]}}


@pytest.fixture
def run(capsys):
    """Run the module with arguments; return its result."""

    def call(**arguments):
        arguments = {"retries": 0, **arguments}
        with patch_module_args(arguments), pytest.raises(SystemExit):
            health.main()
        return json.loads(capsys.readouterr().out)

    return call


def test_healthy_checks_pass(run):
    said = run(checks=[GOOD])
    assert (said["healthy"], said["changed"], said.get("failed")) == (True, False, None)
    assert said["results"][0]["result"] == "pass"


def test_an_unhealthy_check_fails_the_module_and_is_named(run):
    said = run(checks=[GOOD, BAD])
    assert said["failed"]
    assert said["msg"] == "bad: exit code 1, expected 0"
    assert [result["result"] for result in said["results"]] == ["pass", "fail"]


def test_an_unhealthy_check_is_only_reported_when_asked_so(run):
    said = run(checks=[BAD], expect="report")
    assert (said["healthy"], said.get("failed")) == (False, None)


def test_no_checks_are_not_health(run):
    assert run(checks=[])["failed"]
    assert run(checks=[], expect="report")["healthy"] is False


@pytest.mark.parametrize("check", [{"id": "none"}, {"id": "two", "service": "a", "tcp": {"port": 1}}])
def test_a_check_has_exactly_one_kind(run, check):
    assert run(checks=[check])["failed"]


def test_an_id_said_twice_is_refused(run):
    assert "found the id good twice" in run(checks=[GOOD, GOOD])["msg"]


def test_it_looks_in_check_mode_too(run):
    assert run(checks=[BAD], _ansible_check_mode=True)["failed"]
