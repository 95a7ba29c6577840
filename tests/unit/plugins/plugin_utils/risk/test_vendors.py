# Copyright: (c) 2026, Holdfast contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Four real CSAF advisories, and a VEX, held against items of the register: hosted portals and medical systems."""

from __future__ import annotations

from pathlib import Path

import pytest
from ansible_collections.holdfast.hipaa.plugins.plugin_utils.advisories.kinds import contents_of
from ansible_collections.holdfast.hipaa.plugins.plugin_utils.advisories.model import VendorAdvisory
from ansible_collections.holdfast.hipaa.plugins.plugin_utils.advisories.parts import Options
from ansible_collections.holdfast.hipaa.plugins.plugin_utils.risk.scan import evaluate
from ansible_collections.holdfast.hipaa.plugins.plugin_utils.site.vendor import Vendor

from .cases import NOW, inputs, item

FOLDER = Path(__file__).resolve().parents[3] / "data" / "advisories" / "csaf"
BAXTER = {"vendor": "Baxter", "name": "Connex Health Portal"}


@pytest.fixture(name="advisories", scope="module")
def real_ones() -> tuple[VendorAdvisory, ...]:
    files = [(path.name, path.read_bytes()) for path in sorted(FOLDER.glob("*.json"))]
    return tuple(contents_of("vendors", "csaf", files, Options(checked=True)).vendor)


@pytest.mark.parametrize(
    ("product", "found"),
    [
        (BAXTER, {"CVE-2024-6795", "CVE-2024-6796"}),
        ({**BAXTER, "version": "8/29/2024"}, {"CVE-2024-6795", "CVE-2024-6796"}),
        ({**BAXTER, "version": "8/30/2024"}, set()),
        ({"vendor": "LifePoint Informatics", "name": "Patient Portal", "version": "LPI 3.5.12.P30"}, {"CVE-2022-1067"}),
        ({"vendor": "LifePoint Informatics", "name": "Patient Portal", "version": "LPI 3.5.15"}, set()),
        ({"vendor": "Philips", "name": "Tasy EMR HTML5", "version": "3.06.1803"}, {"CVE-2021-39375", "CVE-2021-39376"}),
        ({"vendor": "Philips", "name": "Tasy EMR HTML5", "version": "3.06.1804"}, set()),
        ({"vendor": "Medtronic", "name": "Paceart Optima", "version": "1.10"}, {"CVE-2023-31222"}),
        ({"vendor": "Medtronic", "name": "Paceart Optima", "version": "1.12"}, set()),
        ({"vendor": "Medtronic", "name": "Other"}, set()),
    ],
)
def test_an_item_has_the_flaws_of_its_product_and_version(
    advisories: tuple[VendorAdvisory, ...], product: dict[str, str], found: set[str]
) -> None:
    scan = evaluate(inputs([item("portal", product=product)], [], [], vendor_advisories=advisories), NOW)
    assert {one.vulnerability for one in scan.findings if one.stands} == found


def test_the_vendors_own_score_counts_and_what_it_says_to_do_is_told(advisories: tuple[VendorAdvisory, ...]) -> None:
    scan = evaluate(inputs([item("portal", product=BAXTER)], [], [], vendor_advisories=advisories), NOW)
    found = next(one for one in scan.findings if one.vulnerability == "CVE-2024-6795")
    assert (found.assessment.severity.score, found.tier) == ("10.0", "critical")
    assert any("no version is registered" in reason for reason in found.reasons())
    assert any(reason.startswith("vendor, mitigation:") for reason in found.reasons())
    assert found.needs == "mitigation"


def test_the_clock_is_the_contracts_where_that_is_shorter(advisories: tuple[VendorAdvisory, ...]) -> None:
    portal = item("portal", product=BAXTER, vendor="baxter")
    baxter = Vendor("baxter", "Baxter", patch_days={"critical": 10})
    scan = evaluate(inputs([portal], [], [], vendor_advisories=advisories, vendors={"baxter": baxter}), NOW)
    found = next(one for one in scan.findings if one.vulnerability == "CVE-2024-6795")
    assert found.clock is not None
    assert (found.clock.deadline, found.clock.by) == (NOW, "the contract with Baxter: 10 days")


def test_a_vendor_that_says_not_affected_without_saying_why_clears_nothing(
    advisories: tuple[VendorAdvisory, ...],
) -> None:
    product = {"vendor": "Example Company", "name": "ABC", "version": "4.2"}
    scan = evaluate(inputs([item("abc", product=product)], [], [], vendor_advisories=advisories), NOW)
    assert not [one for one in scan.findings if one.stands]
    vex = next(one for one in advisories if one.is_vex)
    justified = {one.cve for one in vex.flaws if one.justifications}
    assert {one.vulnerability for one in scan.findings} == justified
