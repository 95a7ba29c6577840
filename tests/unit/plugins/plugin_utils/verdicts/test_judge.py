# Copyright: (c) 2026, Holdfast contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""One verdict a control; asked and answered are the same set, and only an observed value can pass."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import pytest
from ansible_collections.holdfast.hipaa.plugins.plugin_utils.verdicts.judge import (
    JudgementError,
    heard,
    judge,
    judge_all,
    told_vanished,
    unanswered,
)
from ansible_collections.holdfast.hipaa.plugins.plugin_utils.verdicts.summary import line, lines, summary
from ansible_collections.holdfast.hipaa.plugins.plugin_utils.verdicts.verdict import RESULTS, Verdict


@dataclass(frozen=True)
class Asked:
    id: str
    value: Any = "no"
    compare: str = "equals"
    title: str = "Nobody logs in"


def answer(control_id, actual="no", status="observed", why=""):
    return {"id": control_id, "status": status, "actual": actual, "why": why}


@pytest.mark.parametrize(
    ("observation", "result", "actual"),
    [
        (answer("x-01", "no"), "pass", "no"),
        (answer("x-01", "yes"), "fail", "yes"),
        (answer("x-01", None), "fail", None),
        (answer("x-01", "no", "not_applicable", "no such thing"), "not_applicable", None),
        (answer("x-01", "no", "not_measured", "TimeoutExpired"), "not_measured", None),
    ],
)
def test_only_an_observed_value_can_pass(observation, result, actual):
    verdict = judge(Asked("x-01"), observation)
    assert (verdict.result, verdict.actual, verdict.expected) == (result, actual, "no")


def test_silence_is_not_measured_and_keeps_its_place():
    verdicts = judge_all([Asked("x-01"), Asked("x-02"), Asked("x-03")], [answer("x-03"), answer("x-01")])
    assert [(v.control_id, v.result) for v in verdicts] == [
        ("x-01", "pass"), ("x-02", "not_measured"), ("x-03", "pass")
    ]  # fmt: skip
    assert verdicts[1].why == "no answer"


def test_what_was_asked_and_not_answered_is_named():
    asked = [Asked("x-01"), Asked("x-02"), Asked("x-03")]
    assert unanswered(asked, [answer("x-03"), answer("x-02"), answer("x-01", status="not_measured")]) == ()
    assert unanswered(asked, [answer("x-02")]) == ("x-01", "x-03")
    words = told_vanished(("x-01", "x-03"), 3)
    assert words.startswith("2 of 3 controls vanished, asked and not answered: x-01, x-03; ")


@pytest.mark.parametrize(
    ("observations", "message"),
    [
        ([answer("x-01"), answer("y-99"), answer("y-98")], "answers to controls that were not asked: y-98, y-99"),
        ([answer("x-01"), answer("x-01")], "x-01 was answered twice"),
        ([{**answer("x-01"), "extra": 1}], "an observation has the members actual, extra, id, status, why"),
        ([{"id": "x-01", "status": "observed"}], "an observation has the members id, status"),
        ([answer("x-01", status="pass")], "x-01: status 'pass'; expected one of observed, not_applicable"),
    ],
)
def test_answers_that_cannot_be_trusted_are_errors(observations, message):
    with pytest.raises(JudgementError) as error:
        judge_all([Asked("x-01")], observations)
    assert message in str(error.value)


def test_no_controls_is_an_error_and_no_pass():
    with pytest.raises(JudgementError, match="no controls to judge"):
        judge_all([], [])


def test_an_answer_is_never_judged_for_another_control():
    with pytest.raises(JudgementError, match="the answer belongs to x-02"):
        judge(Asked("x-01"), answer("x-02"))


def test_an_unknown_operator_is_an_error():
    with pytest.raises(JudgementError, match='compare: "about" is no operator; use one of at_least'):
        judge(Asked("x-01", compare="about"), answer("x-01"))


def test_a_verdict_survives_writing_and_reading():
    verdict = judge(Asked("x-01", value=["a"]), answer("x-01", ["b"]))
    assert Verdict.from_dict(verdict.to_dict()) == verdict


def test_every_kind_is_counted_zero_or_not():
    assert summary([]) == dict.fromkeys(RESULTS, 0)
    assert summary(judge_all([Asked("x-01")], [answer("x-01", "yes")]))["fail"] == 1


@pytest.mark.parametrize(
    ("verdict", "text"),
    [
        (Verdict("x-01", "fail", "no", "yes", ""), 'x-01 fail expected "no", actual "yes" (T)'),
        (Verdict("x-01", "fail", 4, None, "X is not set"), "x-01 fail expected 4, actual nothing, X is not set (T)"),
        (Verdict("x-01", "fail", ["é"], list("abcdefg"), "a"), 'x-01 fail expected ["é"], actual 7 values, a (T)'),
        (Verdict("x-01", "not_measured", 4, None, "no answer"), "x-01 not_measured no answer (T)"),
    ],
)
def test_a_difference_reads_in_one_line(verdict, text):
    assert line("T", verdict) == text


def test_what_nobody_needs_to_look_at_is_counted_and_not_listed():
    controls = [Asked("x-01"), Asked("x-02"), Asked("x-03"), Asked("x-04")]
    observations = [
        answer("x-01"),
        answer("x-02", status="not_applicable", why="none here"),
        answer("x-03", status="not_measured", why="too slow"),
        answer("x-04", "yes"),
    ]
    assert lines("lab-1", controls, judge_all(controls, observations)) == [
        "lab-1: 1 pass, 1 fail, 0 waived, 1 not applicable, 1 not measured",
        '  x-04 fail expected "no", actual "yes" (Nobody logs in)',
        "  x-03 not_measured too slow (Nobody logs in)",
    ]


def test_a_thing_of_the_sites_own_that_no_overlay_names_does_not_apply():
    for actual in ("logs.example.org:6514", None, "unnamed"):
        verdict = judge(Asked("x-01", "unnamed"), answer("x-01", actual))
        assert (verdict.result, verdict.expected) == ("not_applicable", "unnamed")
        assert judge(Asked("x-01", ["unnamed"], "includes"), answer("x-01", [actual])).result == "not_applicable"


@pytest.mark.parametrize("said", [None, 7, "", "{", '{"id": "x-01"}', '["x-01"]', [answer("x-01")], "[" * 100_000])
def test_a_host_that_answers_with_anything_but_a_list_of_observations_is_refused(said):
    with pytest.raises(JudgementError, match="no JSON list of observations"):
        heard(said)


def test_what_a_host_says_is_heard_as_it_is():
    assert heard('[{"id": "x-01", "actual": ["\u00e4"]}]') == [{"id": "x-01", "actual": ["\u00e4"]}]
