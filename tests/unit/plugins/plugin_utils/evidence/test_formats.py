# Copyright: (c) 2026, Holdfast contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Four formats of one result: what each says of the five verdicts, and that each is well formed."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from typing import Any

import pytest
from ansible_collections.holdfast.hipaa.plugins.plugin_utils.edge.results import read_results
from ansible_collections.holdfast.hipaa.plugins.plugin_utils.evidence.formats.junit import junit
from ansible_collections.holdfast.hipaa.plugins.plugin_utils.evidence.formats.sarif import sarif
from ansible_collections.holdfast.hipaa.plugins.plugin_utils.evidence.formats.table import text
from ansible_collections.holdfast.hipaa.plugins.plugin_utils.evidence.results import RunResults
from jsonschema import Draft202012Validator

from tests.unit.plugins.plugin_utils.evidence.judged import FIVE, judged, parsed
from tests.unit.plugins.plugin_utils.evidence.story import EXCEPTION, Story


@pytest.fixture
def results(story: Story) -> RunResults:
    """All five verdicts, on two assets."""
    judged(story, FIVE)
    return read_results(story.site, story.records(), None)


def test_the_table_shows_the_worst_first(results: RunResults) -> None:
    lines = text(results).splitlines()
    assert lines[0] == f"{results.run_id} (check), 2026-11-16 08:00:03 UTC"
    assert lines[2] == "lab-1: 2 pass, 1 not applicable, 1 waived, 1 not measured, 1 fail"
    assert [line.split("  ")[1] for line in lines[3:9]] == [
        "fail", "not measured", "waived", "not applicable", "pass", "pass",
    ]  # fmt: skip
    assert 'expected "no", is "yes\\u001b[31m"; set in 50-cloud.conf' in lines[3]
    assert "\x1b" not in text(results)
    assert f"(exception {EXCEPTION})" in lines[5]


def test_junit_keeps_the_verdicts_apart(results: RunResults) -> None:
    root = parsed(junit(results))
    assert root.tag == "testsuites"
    assert {name: root.get(name) for name in ("tests", "failures", "errors", "skipped")} == {
        "tests": "12", "failures": "2", "errors": "1", "skipped": "2",
    }  # fmt: skip
    lab = root[0]
    cases = {case.get("name"): case for case in lab.iter("testcase")}
    outcome = {name: [child.tag for child in case] for name, case in cases.items()}
    assert outcome == {
        "ssh-01": ["failure"], "ssh-02": ["skipped"], "kernel-01": ["skipped"], "files-01": [],
        "time-01": ["error"], "packages-01": [],
    }  # fmt: skip
    assert cases["ssh-01"].get("classname") == "lab-1.ssh"
    failure = cases["ssh-01"][0]
    assert (failure.get("type"), "set in 50-cloud.conf" in str(failure.get("message"))) == ("high", True)
    assert "164.312(d)" in str(failure.text)
    assert str(cases["ssh-02"][0].get("message")).startswith(f"waived by {EXCEPTION}: ")
    assert cases["kernel-01"][0].get("message") == "not applicable: no sshd here"
    assert cases["time-01"][0].get("message") == "the clock belongs to the container's host"


def test_counts_of_junit_are_those_of_its_cases(results: RunResults) -> None:
    for suite in parsed(junit(results)):
        tags = [child.tag for case in suite.iter("testcase") for child in case]
        assert int(str(suite.get("tests"))) == len(list(suite.iter("testcase")))
        for name, tag in (("failures", "failure"), ("errors", "error"), ("skipped", "skipped")):
            assert int(str(suite.get(name))) == tags.count(tag)


def test_what_xml_cannot_hold_is_replaced(results: RunResults) -> None:
    document = junit(results)
    assert not re.search("[\x00-\x08\x0b\x0c\x0e-\x1f]", document)
    assert "\ufffd" in junit(_with_actual(results, "bell \x07 and null \x00 and \ud800"))


def _with_actual(results: RunResults, actual: str) -> RunResults:
    asset = results.assets[0]
    first = replace(asset.controls[0], why=actual)
    return replace(results, assets=(replace(asset, controls=(first, *asset.controls[1:])),))


_WORD = {"type": "string"}
_TEXT = {"type": "object", "required": ["text"], "properties": {"text": {"type": "string", "minLength": 1}}}
SARIF: dict[str, Any] = {
    "type": "object",
    "required": ["version", "runs"],
    "additionalProperties": False,
    "properties": {
        "$schema": {"type": "string", "format": "uri"},
        "version": {"const": "2.1.0"},
        "runs": {
            "type": "array",
            "items": {
                "type": "object",
                "required": ["tool", "results"],
                "additionalProperties": False,
                "properties": {
                    "tool": {
                        "type": "object",
                        "required": ["driver"],
                        "properties": {
                            "driver": {
                                "type": "object",
                                "required": ["name", "rules"],
                                "additionalProperties": False,
                                "properties": {
                                    "name": {"type": "string"},
                                    "semanticVersion": {"type": "string", "pattern": r"^\d+\.\d+\.\d+"},
                                    "rules": {
                                        "type": "array",
                                        "uniqueItems": True,
                                        "items": {
                                            "type": "object",
                                            "required": ["id"],
                                            "additionalProperties": False,
                                            "properties": {
                                                "id": {"type": "string"},
                                                "shortDescription": _TEXT,
                                                "defaultConfiguration": {
                                                    "properties": {
                                                        "level": {"enum": ["none", "note", "warning", "error"]}
                                                    }
                                                },
                                                "properties": {
                                                    "properties": {
                                                        "tags": {"uniqueItems": True, "items": {"type": "string"}},
                                                        "security-severity": {"type": "string"},
                                                    }
                                                },
                                            },
                                        },
                                    },
                                },
                            }
                        },
                    },
                    "automationDetails": {"required": ["id"], "additionalProperties": False, "properties": {"id": {}}},
                    "invocations": {
                        "items": {
                            "required": ["executionSuccessful"],
                            "additionalProperties": False,
                            "properties": {
                                "executionSuccessful": {"type": "boolean"},
                                "startTimeUtc": {"pattern": r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z$"},
                            },
                        }
                    },
                    "columnKind": {"enum": ["utf16CodeUnits", "unicodeCodePoints"]},
                    "results": {
                        "type": "array",
                        "items": {
                            "type": "object",
                            "required": ["message", "ruleId", "ruleIndex", "kind", "level", "locations"],
                            "additionalProperties": False,
                            "properties": {
                                "ruleId": {"type": "string"},
                                "ruleIndex": {"type": "integer", "minimum": 0},
                                "kind": {"enum": ["notApplicable", "pass", "fail", "review", "open", "informational"]},
                                "level": {"enum": ["none", "note", "warning", "error"]},
                                "message": _TEXT,
                                "locations": {
                                    "items": {
                                        "additionalProperties": False,
                                        "properties": {
                                            "physicalLocation": {
                                                "required": ["artifactLocation"],
                                                "properties": {"artifactLocation": {"required": ["uri"]}},
                                            },
                                            "logicalLocations": {
                                                "uniqueItems": True,
                                                "items": {
                                                    "additionalProperties": False,
                                                    "properties": {
                                                        "name": _WORD,
                                                        "fullyQualifiedName": _WORD,
                                                        "kind": _WORD,
                                                    },
                                                },
                                            },
                                        },
                                    }
                                },
                                "partialFingerprints": {"additionalProperties": {"type": "string"}},
                                "suppressions": {
                                    "uniqueItems": True,
                                    "items": {
                                        "required": ["kind"],
                                        "additionalProperties": False,
                                        "properties": {
                                            "kind": {"enum": ["inSource", "external"]},
                                            "status": {"enum": ["accepted", "underReview", "rejected"]},
                                            "justification": {"type": "string"},
                                        },
                                    },
                                },
                                "properties": {"type": "object"},
                            },
                            # Section 3.27.10: a result that is no fail has level none.
                            "if": {"properties": {"kind": {"not": {"const": "fail"}}}},
                            "then": {"properties": {"level": {"const": "none"}}},
                        },
                    },
                },
            },
        },
    },
}
"""What SARIF 2.1.0 asks of the members we write; no package we use brings the official schema."""


def test_sarif_is_what_its_standard_asks_for(results: RunResults) -> None:
    log = json.loads(json.dumps(sarif(results)))
    assert [error.message for error in Draft202012Validator(SARIF).iter_errors(log)] == []
    (run,) = log["runs"]
    rules = [rule["id"] for rule in run["tool"]["driver"]["rules"]]
    assert all(rules[one["ruleIndex"]] == one["ruleId"] for one in run["results"])
    assert len({json.dumps(one["partialFingerprints"]) for one in run["results"]}) == len(run["results"]) == 12
    broken = {**log, "runs": [{**run, "results": [{**run["results"][0], "kind": "waived"}]}]}
    assert list(Draft202012Validator(SARIF).iter_errors(broken))


def test_sarif_keeps_the_verdicts_apart(results: RunResults) -> None:
    (run,) = sarif(results)["runs"]
    lab = {one["ruleId"]: one for one in run["results"] if one["message"]["text"].startswith("lab-1: ")}
    assert {name: (one["kind"], one["level"], "suppressions" in one) for name, one in lab.items()} == {
        "ssh-01": ("fail", "error", False),
        "ssh-02": ("fail", "error", True),
        "kernel-01": ("notApplicable", "none", False),
        "files-01": ("pass", "none", False),
        "time-01": ("open", "none", False),
        "packages-01": ("pass", "none", False),
    }
    assert lab["ssh-02"]["suppressions"][0]["justification"] == f"exception {EXCEPTION}"
    assert lab["ssh-01"]["locations"][0]["logicalLocations"][0]["fullyQualifiedName"] == "lab-1/ssh-01"


def test_the_same_control_has_the_same_fingerprint_in_the_next_run(story: Story, results: RunResults) -> None:
    judged(story, {})
    again = read_results(story.site, story.records(), None)
    assert again.run_id != results.run_id
    prints = [[one["partialFingerprints"] for one in sarif(run)["runs"][0]["results"]] for run in (results, again)]
    assert prints[0] == prints[1]
