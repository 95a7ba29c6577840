# Copyright: (c) 2026, Holdfast contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""A gate's answer as SARIF 2.1.0 (OASIS, March 2020), so that pull requests show it: a result for each objection.

An allowed change is a log without results whose invocation was successful; a reader sees that the gate was asked.
"""

from __future__ import annotations

import hashlib
from typing import Any

from .explaining import Explained

SCHEMA = "https://docs.oasis-open.org/sarif/sarif/v2.1.0/os/schemas/sarif-schema-2.1.0.json"
_FILES = {
    "site": "policy/rules.yml",
    "window": "policy/calendar.yml",
    "freeze": "policy/calendar.yml",
    "tests-passed": "policy/pipeline.yml",
    "artefacts-traced": "policy/pipeline.yml",
}
"""Where a reader can go, by the rule; a change is no file, and the rings' policy is what it is held against."""


def log(answer: Explained, site: str, version: str) -> dict[str, Any]:
    """Return the log as plain data; `version` is the product's."""
    rules: dict[str, dict[str, Any]] = {}
    for reason in answer.decision.reasons:
        tags = [f"HIPAA {reason.citation}"] if reason.citation else []
        rules.setdefault(
            reason.rule,
            {
                "id": reason.rule,
                "shortDescription": {"text": reason.rule},
                "help": {"text": reason.remedy},
                "defaultConfiguration": {"level": "error"},
                "properties": {"tags": tags},
            },
        )
    numbers = {name: number for number, name in enumerate(rules)}
    run = {
        "tool": {"driver": {"name": "Holdfast", "semanticVersion": version, "rules": list(rules.values())}},
        "automationDetails": {"id": f"holdfast/{site}/gate/{answer.change}/{answer.ring}"},
        "invocations": [
            {
                "executionSuccessful": True,
                "endTimeUtc": answer.at.isoformat(timespec="milliseconds").replace("+00:00", "Z"),
            }
        ],
        "columnKind": "unicodeCodePoints",
        "results": [
            {
                "ruleId": reason.rule,
                "ruleIndex": numbers[reason.rule],
                "kind": "fail",
                "level": "error",
                "message": {"text": f"{answer.change}, {answer.ring}: {reason.message}; {reason.remedy}"},
                "locations": [
                    {
                        "physicalLocation": {"artifactLocation": {"uri": _file(reason.rule)}},
                        "logicalLocations": [
                            {
                                "name": answer.change,
                                "fullyQualifiedName": f"{answer.change}/{answer.ring}",
                                "kind": "resource",
                            }
                        ],
                    }
                ],
                "partialFingerprints": {
                    "changeRule/v1": hashlib.sha256(
                        f"{answer.change}\n{answer.ring}\n{reason.rule}\n{reason.message}".encode()
                    ).hexdigest()
                },
            }
            for reason in answer.decision.reasons
        ],
        "properties": {"allowed": answer.decision.allowed, "grounds": list(answer.decision.grounds)},
    }
    return {"$schema": SCHEMA, "version": "2.1.0", "runs": [run]}


def _file(rule: str) -> str:
    return _FILES.get(rule.partition(":")[0], "policy/rings.yml")
