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


SAME = {"id": "page", "command": {"argv": ["echo", "42"], "same": True}}
OTHER = {"id": "page", "command": {"argv": ["echo", "41"], "same": True}}


def test_a_later_run_compares_with_the_answer_that_is_kept_on_the_host(run, tmp_path):
    kept = tmp_path / "answers.json"
    assert run(checks=[SAME, GOOD], remember=str(kept), salt="one run")["healthy"]
    assert kept.stat().st_mode & 0o777 == 0o600
    later = {"recall": str(kept), "salt": "another run", "expect": "report"}
    assert run(checks=[{**SAME, "before": ""}], **later)["healthy"]
    (changed,) = run(checks=[{**OTHER, "before": ""}], **later)["results"]
    assert changed["why"] == "the answer is another than before the change"
    (own,) = run(checks=[{**SAME, "before": "0" * 64}], **later)["results"]
    assert own["result"] == "fail", "what the run itself knows comes first"


@pytest.mark.parametrize("spoil", ["mode", "text", "form", "link", "gone"])
def test_what_is_kept_counts_for_nothing_where_others_may_have_written_it(run, tmp_path, spoil):
    kept = tmp_path / "answers.json"
    run(checks=[SAME], remember=str(kept), salt="one run")
    if spoil == "mode":
        kept.chmod(0o644)
    elif spoil in ("text", "form"):
        kept.write_text("{" if spoil == "text" else "[]", encoding="utf-8")
    else:
        kept.rename(tmp_path / "elsewhere")
        if spoil == "link":
            kept.symlink_to(tmp_path / "elsewhere")
    (said,) = run(checks=[{**SAME, "before": ""}], recall=str(kept), expect="report")["results"]
    assert said["why"].startswith("nothing is known of the answer before the change")


def test_nothing_is_kept_of_what_failed_in_check_mode_or_where_there_is_no_folder(run, tmp_path):
    kept = tmp_path / "answers.json"
    run(checks=[SAME], remember=str(kept), _ansible_check_mode=True)
    assert not kept.exists()
    run(checks=[SAME], remember=str(kept))
    assert kept.exists()
    run(checks=[{"id": "page", "command": {"argv": ["false"], "same": True}}], remember=str(kept), expect="report")
    assert not kept.exists(), "an old answer is not kept for a look that failed"
    assert run(checks=[SAME], remember=str(tmp_path / "absent" / "answers.json"))["healthy"]
