# Copyright: (c) 2026, Holdfast contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Findings as SARIF 2.1.0 (OASIS, March 2020): a rule a flaw, a result a flaw and asset.

What a vendor says is not affected, and what an exception lets stay, is a fail with an accepted suppression that says
why (section 3.35), so that a reader which knows no suppressions shows it rather than hides it. A host is no file: the
physical location is the register, the logical one `<asset>/<flaw>`.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from ..finding import Finding, score_of, stamp
from ..scan import Scan

SCHEMA = "https://docs.oasis-open.org/sarif/sarif/v2.1.0/os/schemas/sarif-schema-2.1.0.json"
LEVELS = {"critical": "error", "high": "error", "medium": "warning", "low": "note"}
REGISTER = "holdfast.yml"


def findings_sarif(scan: Scan, findings: Sequence[Finding], version: str) -> dict[str, Any]:
    """Return the log as plain data; `version` is the product's."""
    numbers: dict[str, int] = {}
    rules: list[dict[str, Any]] = []
    for finding in findings:
        if finding.vulnerability not in numbers:
            numbers[finding.vulnerability] = len(rules)
            rules.append(_rule(finding))
    said = [f"{asset} is not measured: {why}" for asset, why in sorted(scan.not_measured.items())]
    said += [f"feed {one.name}: {why}" for one in scan.feeds for why in one.wrong]
    unknown = [{"level": "error", "message": {"text": text}} for text in said]
    run = {
        "tool": {"driver": {"name": "Holdfast", "semanticVersion": version, "rules": rules}},
        "automationDetails": {"id": f"holdfast/{scan.site}/findings/{stamp(scan.at)}"},
        "invocations": [
            {
                "executionSuccessful": True,
                "startTimeUtc": stamp(scan.at),
                **({"toolExecutionNotifications": unknown} if unknown else {}),
            }
        ],
        "columnKind": "unicodeCodePoints",
        "results": [_result(finding, numbers[finding.vulnerability], scan.at) for finding in findings],
        "properties": {
            "model": dict(scan.model),
            "feeds": [one.to_dict() for one in scan.feeds],
        },
    }
    return {"$schema": SCHEMA, "version": "2.1.0", "runs": [run]}


def _rule(finding: Finding) -> dict[str, Any]:
    name = finding.vulnerability
    address = f"https://www.cve.org/CVERecord?id={name}"
    return {
        "id": name,
        "shortDescription": {"text": f"{name} in {', '.join(finding.packages)}"},
        **({"helpUri": address} if name.startswith("CVE-") else {}),
        "properties": {"security-severity": f"{score_of(finding.assessment):.1f}", "tags": ["security"]},
    }


def _result(finding: Finding, number: int, now: datetime) -> dict[str, Any]:
    told: Mapping[str, Any] = finding.to_dict(now)
    name, asset = finding.vulnerability, finding.asset
    until = f", due {told['deadline']}{' (overdue)' if told['overdue'] else ''}" if finding.stands else ""
    notes = [note for hit in finding.hits for note in hit.notes]
    why = finding.permit.why if finding.permit else notes[-1] if notes else "not affected"
    cleared = {"suppressions": [{"kind": "external", "status": "accepted", "justification": why}]}
    return {
        "ruleId": name,
        "ruleIndex": number,
        "kind": "fail",
        "level": LEVELS[finding.tier],
        "message": {"text": f"{asset}: {name} in {', '.join(finding.packages)}: {finding.tier}{until}"},
        "locations": [
            {
                "physicalLocation": {"artifactLocation": {"uri": REGISTER}},
                "logicalLocations": [{"name": asset, "fullyQualifiedName": f"{asset}/{name}", "kind": "resource"}],
            }
        ],
        "partialFingerprints": {"assetVulnerability/v1": hashlib.sha256(f"{asset}\n{name}".encode()).hexdigest()},
        **({} if finding.stands else cleared),
        "properties": {key: told[key] for key in told if key not in ("asset", "vulnerability")},
    }
