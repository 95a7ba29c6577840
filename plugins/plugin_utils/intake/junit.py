# Copyright: (c) 2026, Holdfast contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""A report of tests in JUnit's XML, as every runner of tests writes it: how many ran, how many went wrong, and of what.

There is no standard, only the form that Ant's junitreport began and that CI systems read: `testsuites` or `testsuite`,
in it `testcase`, in that `failure` or `error` where it went wrong and `skipped` where it did not run. What was tested
stands in properties named holdfast.sha256: the digest of the plan, or of a file.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from ..errors import PolicyError

LARGEST = 16 * 1024 * 1024
"""Bytes of a report."""
PROPERTY = "holdfast.sha256"
_DIGEST = re.compile(r"[0-9a-f]{64}")


@dataclass(frozen=True)
class TestReport:
    """What a report says: tests that ran, those of them that went wrong, and the digests that were tested."""

    ran: int
    wrong: int
    of: frozenset[str]


def read_junit(data: bytes, name: str) -> TestReport:
    """Return what a report says; raises PolicyError for what is none. Cases count, never the sums in attributes.

    A document type is refused: no report needs one, and entities could make a small file large.
    """
    from xml.etree import ElementTree

    if len(data) > LARGEST:
        raise _none(name, f"{len(data)} bytes", f"at most {LARGEST}")
    try:
        text = data.decode("utf-8")
        if "<!DOCTYPE" in text or "<!ENTITY" in text:
            raise _none(name, "a document type", "plain XML")
        # As text it is read as it was looked at, whatever encoding its first line claims.
        root = ElementTree.fromstring(text)  # noqa: S314 - bounded, and without a document type there are no entities
    except (ElementTree.ParseError, ValueError) as error:
        raise _none(name, f"no XML in UTF-8 ({error})", "a report in JUnit's form") from error
    if root.tag not in ("testsuites", "testsuite"):
        raise _none(name, f"<{root.tag[:40]}>", "<testsuites> or <testsuite>")
    cases = [case for case in root.iter("testcase") if case.find("skipped") is None]
    wrong = sum(case.find("failure") is not None or case.find("error") is not None for case in cases)
    # Beside its cases a suite may itself have gone wrong, before any of them could run.
    suites = list(root.iter("testsuite"))
    wrong += sum(suite.find("error") is not None or suite.find("failure") is not None for suite in suites)
    named = [one for one in root.iter("property") if one.get("name") == PROPERTY]
    values = [(one.get("value") or one.text or "").strip() for one in named]
    if strange := [value for value in values if not _DIGEST.fullmatch(value)]:
        raise _none(name, f"property {PROPERTY} {strange[0][:70]!r}", "a SHA-256, 64 digits of 0-9a-f")
    return TestReport(len(cases), wrong, frozenset(values))


def _none(name: str, found: str, expected: str) -> PolicyError:
    return PolicyError(f"{name}: {found}; expected {expected}; hand in the file that the runner of tests wrote")
