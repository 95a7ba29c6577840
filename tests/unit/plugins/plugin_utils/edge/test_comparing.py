# Copyright: (c) 2026, Holdfast contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the look before a change tells the look after it."""

from __future__ import annotations

import pytest
from ansible_collections.holdfast.hipaa.plugins.plugin_utils.edge.comparing import (
    Before,
    asked_checks,
    complaints,
    digest_salt,
)
from ansible_collections.holdfast.hipaa.plugins.plugin_utils.site.health import Health

CHECKS = [
    Health.from_dict({"id": "page", "http": {"url": "http://127.0.0.1/", "same": True}}),
    Health.from_dict({"id": "noise", "log": {"unit": "nginx", "pattern": "emerg", "seconds": 30}}),
    Health.from_dict({"id": "nginx", "service": "nginx"}),
]
RESULTS = [
    {"id": "page", "result": "pass", "digest": "d1", "why": ""},
    {"id": "noise", "result": "fail", "digest": None, "why": "1 new line with the pattern"},
]


def test_a_digest_goes_from_before_to_after_through_a_fact_of_the_same_run():
    fact = Before.of("run_one", RESULTS).to_dict()
    before = Before.from_dict(fact, "run_one")
    assert (before.digests, before.results) == ({"page": "d1"}, {"page": "pass", "noise": "fail"})
    assert asked_checks(CHECKS, before, watched=True)[0]["before"] == "d1"


@pytest.mark.parametrize("fact", [None, {}, Before.of("run_other", RESULTS).to_dict()])
def test_without_a_look_before_of_this_run_the_module_is_told_that_nothing_is_known(fact):
    before = Before.from_dict(fact, "run_one")
    assert asked_checks(CHECKS, before, watched=True)[0]["before"] == ""


def test_the_digest_of_an_answer_that_did_not_hold_is_nothing_to_compare_with():
    assert Before.of("run_one", [{**RESULTS[0], "result": "fail"}]).digests == {}


def test_before_a_change_nothing_is_compared_and_no_log_watched():
    page, noise, service = asked_checks(CHECKS, None, watched=False)
    assert "before" not in page
    assert noise["log"]["seconds"] == 0
    assert service == {"id": "nginx", "service": "nginx", "timeout": 10}
    assert asked_checks(CHECKS, None, watched=True)[1]["log"]["seconds"] == 30


def test_a_check_that_failed_before_too_is_named_as_such():
    after = [
        {"id": "page", "result": "fail", "why": "status 502, expected 200", "before": "pass"},
        {"id": "noise", "result": "fail", "why": "1 new line with the pattern", "before": "fail"},
        {"id": "nginx", "result": "pass", "why": "", "before": "fail"},
    ]
    assert complaints(after) == [
        "page: status 502, expected 200",
        "noise: 1 new line with the pattern (it failed before the change too)",
    ]


def test_each_run_has_a_salt_of_its_own_that_is_not_its_nonce():
    assert digest_salt("ab" * 16) != digest_salt("cd" * 16)
    assert "ab" * 16 not in digest_salt("ab" * 16)
