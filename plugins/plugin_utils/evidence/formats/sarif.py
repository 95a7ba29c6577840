# Copyright: (c) 2026, Holdfast contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Results as SARIF 2.1.0 (OASIS, March 2020): a rule a control, a result a control and asset.

`kind` says which verdict it is: pass, fail, notApplicable, and open for what was not measured ("insufficient
information to decide", section 3.27.9). A waived control is a fail with an accepted suppression that names the
exception (3.35), so that a reader which knows no suppressions shows it rather than hides it.
"""

from __future__ import annotations

import hashlib
from typing import Any

from ..results import ControlResult, RunResults
from .table import said

SCHEMA = "https://docs.oasis-open.org/sarif/sarif/v2.1.0/os/schemas/sarif-schema-2.1.0.json"
KINDS = {
    "pass": "pass",
    "fail": "fail",
    "waived": "fail",
    "not_applicable": "notApplicable",
    "not_measured": "open",
}
LEVELS = {"critical": "error", "high": "error", "medium": "warning", "low": "note"}
SCORES = {"critical": "9.5", "high": "8.0", "medium": "5.5", "low": "2.0"}
"""What viewers that sort by `security-severity` (0.0 to 10.0, as CVSS) take for our four words."""


def sarif(results: RunResults) -> dict[str, Any]:
    """Return the log as plain data."""
    rules: dict[str, ControlResult] = {}
    for asset in results.assets:
        for one in asset.controls:
            rules.setdefault(one.id, one)
    numbers = {name: number for number, name in enumerate(rules)}
    run = {
        "tool": {
            "driver": {
                "name": "Holdfast",
                "semanticVersion": results.version,
                "rules": [_rule(one) for one in rules.values()],
            }
        },
        "automationDetails": {"id": f"holdfast/{results.site}/{results.run_id}"},
        "invocations": [
            {
                "executionSuccessful": True,
                "startTimeUtc": results.opened_at.isoformat(timespec="milliseconds").replace("+00:00", "Z"),
            }
        ],
        "columnKind": "unicodeCodePoints",
        "results": [_result(asset.asset, one, numbers[one.id]) for asset in results.assets for one in asset.controls],
    }
    return {"$schema": SCHEMA, "version": "2.1.0", "runs": [run]}


def _rule(one: ControlResult) -> dict[str, Any]:
    return {
        "id": one.id,
        "shortDescription": {"text": one.title},
        "defaultConfiguration": {"level": LEVELS[one.severity]},
        "properties": {
            "security-severity": SCORES[one.severity],
            "tags": [*(f"HIPAA {name}" for name in one.hipaa), *(f"NIST {name}" for name in one.nist)],
        },
    }


def _result(asset: str, one: ControlResult, number: int) -> dict[str, Any]:
    kind = KINDS[one.result]
    excused = (
        {"suppressions": [{"kind": "external", "status": "accepted", "justification": f"exception {one.exception}"}]}
        if one.result == "waived"
        else {}
    )
    return {
        "ruleId": one.id,
        "ruleIndex": number,
        "kind": kind,
        # Section 3.27.10: only a fail has a level.
        "level": LEVELS[one.severity] if kind == "fail" else "none",
        "message": {"text": f"{asset}: {one.title}: {said(one) or one.result}"},
        # A host is no file; the file that registers it is where a reader can go.
        "locations": [
            {
                "physicalLocation": {"artifactLocation": {"uri": "holdfast.yml"}},
                "logicalLocations": [{"name": asset, "fullyQualifiedName": f"{asset}/{one.id}", "kind": "resource"}],
            }
        ],
        "partialFingerprints": {"assetControl/v1": hashlib.sha256(f"{asset}\n{one.id}".encode()).hexdigest()},
        **excused,
        "properties": {"verdict": one.result, "severity": one.severity},
    }
