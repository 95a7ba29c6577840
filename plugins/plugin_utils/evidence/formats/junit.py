# Copyright: (c) 2026, Holdfast contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Results as JUnit XML: a suite an asset, a case a control.

A fail is a failure. What was not measured is an error, which is JUnit's word for a test that could not be run: a
build that goes on as if nothing was wrong would take no data for good news. Waived and not applicable are skipped,
with the exception or the reason.
"""

from __future__ import annotations

import re
from xml.etree import ElementTree

from ..results import AssetResults, ControlResult, RunResults
from .table import said

_ILLEGAL = re.compile("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
"""What XML 1.0 cannot hold; observed values may."""


def junit(results: RunResults) -> str:
    """Return the whole document."""
    root = ElementTree.Element("testsuites", {"name": f"holdfast {_clean(results.site)}", **_counts(results.counts)})
    for asset in results.assets:
        root.append(_suite(results, asset))
    ElementTree.indent(root)
    return '<?xml version="1.0" encoding="UTF-8"?>\n' + ElementTree.tostring(root, encoding="unicode") + "\n"


def _suite(results: RunResults, asset: AssetResults) -> ElementTree.Element:
    found = [one.result for one in asset.controls]
    suite = ElementTree.Element(
        "testsuite",
        {
            "name": asset.asset,
            "hostname": asset.asset,
            "timestamp": f"{results.opened_at:%Y-%m-%dT%H:%M:%S}",
            **_counts({name: found.count(name) for name in results.counts}),
        },
    )
    properties = ElementTree.SubElement(suite, "properties")
    for name, value in (("run", results.run_id), ("kind", results.kind), ("holdfast", results.version)):
        ElementTree.SubElement(properties, "property", {"name": name, "value": _clean(value)})
    for one in asset.controls:
        suite.append(_case(asset.asset, one))
    return suite


def _case(asset: str, one: ControlResult) -> ElementTree.Element:
    # The name is the id alone, so that a reworded title does not begin a new history in the CI system.
    case = ElementTree.Element(
        "testcase", {"classname": f"{asset}.{one.id.rpartition('-')[0]}", "name": one.id, "time": "0"}
    )
    told = _clean(said(one))
    if one.result == "fail":
        problem = ElementTree.SubElement(case, "failure", {"type": one.severity, "message": told})
        problem.text = _clean(f"{one.title}\nseverity: {one.severity}\nHIPAA: {', '.join(one.hipaa)}")
    elif one.result == "not_measured":
        ElementTree.SubElement(case, "error", {"type": "not_measured", "message": told})
    elif one.result == "waived":
        ElementTree.SubElement(case, "skipped", {"message": _clean(f"waived by {one.exception}: {said(one)}")})
    elif one.result == "not_applicable":
        ElementTree.SubElement(case, "skipped", {"message": f"not applicable: {told}"})
    return case


def _counts(found: dict[str, int]) -> dict[str, str]:
    return {
        "tests": str(sum(found.values())),
        "failures": str(found["fail"]),
        "errors": str(found["not_measured"]),
        "skipped": str(found["waived"] + found["not_applicable"]),
        "time": "0",
    }


def _clean(text: str) -> str:
    return _ILLEGAL.sub("\ufffd", text)
