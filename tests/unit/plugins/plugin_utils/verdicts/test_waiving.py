# Copyright: (c) 2026, Holdfast contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""A failure is waived while its exception holds, to the second, and only where its compensating control passes."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from ansible_collections.holdfast.hipaa.plugins.plugin_utils.site.baseline import Control
from ansible_collections.holdfast.hipaa.plugins.plugin_utils.site.exceptions import Waiver
from ansible_collections.holdfast.hipaa.plugins.plugin_utils.site.scope import Scope
from ansible_collections.holdfast.hipaa.plugins.plugin_utils.verdicts.summary import lines, summary
from ansible_collections.holdfast.hipaa.plugins.plugin_utils.verdicts.verdict import RESULTS, Verdict
from ansible_collections.holdfast.hipaa.plugins.plugin_utils.verdicts.waiving import waive
from hypothesis import given
from hypothesis import strategies as st

NOW = datetime(2026, 11, 22, 8, tzinfo=UTC)
RESULT = st.sampled_from([one for one in RESULTS if one != "waived"])


def exception(compensating: str = "ssh-01", expires: datetime = NOW + timedelta(days=12)) -> Waiver:
    why = "" if compensating else "nothing can"
    return Waiver("old-client", "ssh-02", Scope("all", ()), "It is old.", "security", compensating, why, expires)


def control(name: str, **resolved: Any) -> Control:
    return Control(name, f"What {name} wants", "w", "low", ("164.312(d)",), {"sshd": "x"}, 1, **resolved)


def judged(ssh_01: str, ssh_02: str, **resolved: Any) -> tuple[Verdict, ...]:
    """Return the verdicts on two controls, the second of which has an exception."""
    controls = [control("ssh-01"), control("ssh-02", **(resolved or {"exception": exception()}))]
    given = [Verdict("ssh-01", ssh_01, 1, 1, ""), Verdict("ssh-02", ssh_02, 1, 2, "")]
    return waive(controls, given, NOW)


def test_a_failure_is_waived_and_says_by_what_until_when_and_by_whom() -> None:
    found = judged("pass", "fail")[1]
    assert (found.result, found.exception, found.expected, found.actual) == ("waived", "old-client", 1, 2)
    assert found.why == (
        "exception old-client until 2026-12-04T08:00:00+00:00, 12 days left, ssh-01 compensates, approved by security"
    )


def test_a_waived_control_that_passes_is_a_pass() -> None:
    assert judged("pass", "pass")[1] == Verdict("ssh-02", "pass", 1, 2, "")


@pytest.mark.parametrize("result", ["not_measured", "not_applicable"])
def test_what_was_not_seen_is_not_waived(result: str) -> None:
    assert (judged("pass", result)[1].result, judged("pass", result)[1].exception) == (result, "")


@pytest.mark.parametrize("beside", ["fail", "not_measured", "not_applicable"])
def test_an_exception_ends_where_its_compensating_control_is_no_pass(beside: str) -> None:
    found = judged(beside, "fail")[1]
    assert (found.result, found.exception) == ("fail", "")
    what = beside.replace("_", " ")
    expected = f"exception old-client does not hold, for its compensating control ssh-01 is {what} here"
    assert found.why == expected


def test_a_compensating_control_that_is_waived_itself_compensates_nothing() -> None:
    other = Waiver("other", "ssh-01", Scope("all", ()), "r", "security", "", "none", NOW + timedelta(days=1))
    controls = [control("ssh-01", exception=other), control("ssh-02", exception=exception())]
    given = [Verdict("ssh-01", "fail", 1, 0, ""), Verdict("ssh-02", "fail", 1, 2, "")]
    assert [verdict.result for verdict in waive(controls, given, NOW)] == ["waived", "fail"]


def test_an_exception_without_compensation_says_so() -> None:
    found = judged("fail", "fail", exception=exception(compensating=""))[1]
    assert found.result == "waived"
    assert "nothing compensates" in found.why


def test_a_lapsed_exception_is_named_and_waives_nothing() -> None:
    found = judged("pass", "fail", lapsed=exception(expires=NOW))[1]
    assert (found.result, found.exception) == ("fail", "")
    assert found.why == "exception old-client lapsed 2026-11-22T08:00:00+00:00"


def test_what_is_waived_is_counted_and_printed() -> None:
    verdicts = judged("pass", "fail")
    assert summary(verdicts) == {"pass": 1, "fail": 0, "waived": 1, "not_applicable": 0, "not_measured": 0}
    told = lines("prod-1", [control("ssh-01"), control("ssh-02")], verdicts)
    assert told[0] == "prod-1: 1 pass, 0 fail, 1 waived, 0 not applicable, 0 not measured"
    assert told[1].startswith(
        "  ssh-02 waived expected 1, actual 2, exception old-client until 2026-12-04T08:00:00+00:00"
    )


@given(
    st.sampled_from(RESULTS[:2] + RESULTS[3:]), st.sampled_from(RESULTS[:2] + RESULTS[3:]), st.booleans(), st.booleans()
)
def test_only_a_failure_with_a_living_exception_is_waived(beside: str, own: str, lives: bool, rests: bool) -> None:
    one = exception("ssh-01" if rests else "")
    found = judged(beside, own, **{"exception" if lives else "lapsed": one})
    waived = own == "fail" and lives and (beside == "pass" or not rests)
    assert found[0].result == beside
    assert found[1].result == ("waived" if waived else own)
    assert (found[1].exception != "") == waived


def test_where_an_exception_lapses_its_finding_is_overdue_from_its_first_due_date() -> None:
    due = replace(exception(compensating="ssh-01"), first_due=NOW - timedelta(days=52))
    found = judged("fail", "fail", exception=due)[1]
    assert found.result == "fail"
    assert "its compensating control ssh-01 is fail here; it was first due 2026-10-01T08:00:00+00:00" in found.why
    assert found.why.endswith("and is 52 days overdue")
    ended = judged("pass", "fail", lapsed=replace(due, expires=NOW))[1]
    assert ended.why.endswith("and is 52 days overdue")
    assert "overdue" not in judged("pass", "fail", exception=due)[1].why
    still = replace(due, first_due=NOW + timedelta(days=1))
    assert "overdue" not in judged("fail", "fail", exception=still)[1].why
