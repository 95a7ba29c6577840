# Copyright: (c) 2026, Holdfast contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Fourteen real flaws come out as the model's own table of worked examples has them, in every context."""

from __future__ import annotations

import csv
import json
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.holdfast.hipaa.plugins.plugin_utils.advisories.model import (
    CvssVector,
    Epss,
    Kev,
    Ssvc,
    Vulnerability,
)
from ansible_collections.holdfast.hipaa.plugins.plugin_utils.risk.assess import assess, points_of
from ansible_collections.holdfast.hipaa.plugins.plugin_utils.risk.context import Context
from ansible_collections.holdfast.hipaa.plugins.plugin_utils.risk.model import FILES, read_model
from ansible_collections.holdfast.hipaa.plugins.plugin_utils.site.risk import RiskPolicy

ROOT = Path(__file__).resolve().parents[5]
CASES = ROOT / "tests" / "unit" / "cases" / "risk"
MODEL = read_model({name: (ROOT / "policy" / "risk" / name).read_bytes() for name in FILES})
EPHI, REACH, OTHER = (Context(kind, kind != "other", "") for kind in ("ephi", "reach", "other"))
_YES = {"yes": True, "no": False, None: None}


def flaw(said: dict[str, Any]) -> Vulnerability:
    """Return a flaw as the joined feeds of the day tell it."""
    epss, kev, ssvc = said.get("epss"), said.get("kev"), said.get("ssvc")
    return Vulnerability(
        said["id"],
        tuple(CvssVector(one["version"], one["vector"], one["score"], one["source"]) for one in said.get("cvss", ())),
        Epss(epss["score"], epss["percentile"], None, date.fromisoformat(epss["date"])) if epss else None,
        Kev(date.fromisoformat(kev["date_added"]), date.fromisoformat(kev["due_date"]), False, False) if kev else None,
        Ssvc(ssvc["exploitation"], _YES[ssvc["automatable"]], ssvc["technical_impact"], datetime.now(UTC))
        if ssvc
        else None,
    )


FLAWS = {
    one.cve: one
    for one in (
        flaw(json.loads(line)) for line in (CASES / "enrichment.jsonl").read_text(encoding="utf-8").splitlines()
    )
}
with (CASES / "worked-examples.csv").open(encoding="utf-8") as _file:
    EXAMPLES = list(csv.DictReader(_file))


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda one: one["cve"])
def test_a_worked_example_comes_out_as_tabled(example: dict[str, str]) -> None:
    known = FLAWS[example["cve"]]
    ephi, reach, other = (assess(known, None, one, MODEL, RiskPolicy()) for one in (EPHI, REACH, OTHER))
    internal = assess(known, None, Context("ephi", False, ""), MODEL, RiskPolicy())
    points = points_of(known, ephi.severity)
    assert ephi.forensic == (ephi.bod == "3DF" or ephi.threat == "active")
    assert internal.forensic == (internal.bod == "3DF")
    assert other.forensic == (other.bod == "3DF")
    assert {
        "threat": ephi.threat,
        "tier_ephi": ephi.tier,
        "tier_reach": reach.tier,
        "tier_other": other.tier,
        "bod_exposed": ephi.bod,
        "bod_internal": internal.bod,
        "ssvc_cisa_high": ephi.ssvc,
        "cvss": "" if ephi.severity.assumed else ephi.severity.score,
    } == {name: example[name] for name in ("threat", "tier_ephi", "tier_reach", "tier_other", "bod_exposed",
                                           "bod_internal", "ssvc_cisa_high", "cvss")}  # fmt: skip
    exploitation, automatable, impact = example["ssvc"].removesuffix(" assumed").split("/")
    assert {True: "yes", False: "no", None: "-"}[points.automatable] == automatable
    assert (points.impact or "-") == impact
    assert example["ssvc"].endswith("assumed") == any("assumed for the worst" in line for line in points.why)
    assert (known.ssvc.exploitation if known.ssvc else "-") == exploitation


def test_every_example_is_there() -> None:
    assert len(EXAMPLES) == 14
    assert {one["cve"] for one in EXAMPLES} == set(FLAWS)
