# Copyright: (c) 2026, Holdfast contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The rules of CSAF 2.0 that say which product is meant and in which state: each broken once (section 6.1)."""

from __future__ import annotations

import copy
import json
from collections.abc import Callable
from typing import Any

import pytest
from ansible_collections.holdfast.hipaa.plugins.plugin_utils.advisories import csaf_schema
from ansible_collections.holdfast.hipaa.plugins.plugin_utils.advisories.bounds import FeedError

from tests.feed_cases import DATA, read

ADVISORY: dict[str, Any] = json.loads((DATA / "csaf" / "icsma-24-249-01.json").read_text(encoding="utf-8"))
VEX: dict[str, Any] = json.loads((DATA / "csaf" / "vex-2022-evd-uc-02-na-001.json").read_text(encoding="utf-8"))
ONE, TWO = "CSAFPID-0001", "CSAFPID-0002"


def flaw(document: Any) -> Any:
    return document["vulnerabilities"][0]


def product(name: str) -> dict[str, str]:
    return {"name": f"Product {name}", "product_id": name}


def related(document: Any, name: str, to: str) -> None:
    document["product_tree"].setdefault("relationships", []).append(
        {
            "category": "installed_on",
            "full_product_name": product(name),
            "product_reference": to,
            "relates_to_product_reference": ONE,
        }
    )


def state(name: str, products: list[str]) -> Callable[[Any], Any]:
    return lambda document: flaw(document)["product_status"].update({name: products})


CASES: list[tuple[dict[str, Any], Callable[[Any], Any], str]] = [
    (ADVISORY, state("fixed", ["CSAFPID-9"]), r"product_status.fixed: 'CSAFPID-9' is no product .* \(6\.1\.1\)"),
    (ADVISORY, lambda d: flaw(d)["scores"][0].update(products=["CSAFPID-9"]), r"\(6\.1\.1\)"),
    (ADVISORY, lambda d: flaw(d)["remediations"][0].update(product_ids=["CSAFPID-9"]), r"\(6\.1\.1\)"),
    (ADVISORY, lambda d: d["product_tree"].update(full_product_names=[product(ONE)]), r"\(6\.1\.2\)"),
    (ADVISORY, lambda d: related(d, TWO, TWO), r"rests on itself \(6\.1\.3\)"),
    (
        ADVISORY,
        lambda d: (related(d, TWO, "CSAFPID-0003"), related(d, "CSAFPID-0003", TWO)),
        r"rests on itself through others \(6\.1\.3\)",
    ),
    (ADVISORY, lambda d: flaw(d)["remediations"][0].update(group_ids=["G"]), r"'G' is no group .* \(6\.1\.4\)"),
    (
        ADVISORY,
        lambda d: d["product_tree"].update(
            full_product_names=[product(TWO)], product_groups=[{"group_id": "G", "product_ids": [ONE, TWO]}] * 2
        ),
        r"unique|\(6\.1\.5\)",
    ),
    (ADVISORY, state("known_not_affected", [ONE]), r"exclude each other \(6\.1\.6\)"),
    (ADVISORY, state("fixed", [ONE]), r"fixed and known_affected, which exclude each other \(6\.1\.6\)"),
    (ADVISORY, state("under_investigation", [ONE]), r"\(6\.1\.6\)"),
    (
        ADVISORY,
        lambda d: flaw(d)["scores"].append({**flaw(d)["scores"][0], "products": [ONE], "cvss_v2": None} and {
            "products": [ONE], "cvss_v3": flaw(d)["scores"][0]["cvss_v3"]}),
        r"scored twice in CVSS 3\.1 \(6\.1\.7\)",
    ),
    (ADVISORY, lambda d: d["vulnerabilities"].append(copy.deepcopy(flaw(d))), r"one CVE stands twice \(6\.1\.23\)"),
    (ADVISORY, lambda d: flaw(d).pop("product_status"), r"no product_status"),
    (ADVISORY, lambda d: flaw(d)["product_status"].update(known_afected=[ONE]), r"unknown state 'known_afected'"),
    (ADVISORY, lambda d: d.pop("vulnerabilities"), r"\(6\.1\.27\)"),
    (VEX, lambda d: flaw(d).pop("threats"), r"nothing says why \(6\.1\.27\.9\)"),
    (VEX, lambda d: flaw(d).pop("cve"), r"neither cve nor ids; expected either \(6\.1\.27\.8\)"),
    (
        VEX,
        lambda d: flaw(d).update(product_status={"recommended": [ONE]}),
        r"no product has a state that VEX knows \(6\.1\.27\.7\)",
    ),
    (
        VEX,
        lambda d: flaw(d).update(product_status={"known_affected": [ONE]}),
        r"nothing says what to do \(6\.1\.27\.10\)",
    ),
    (ADVISORY, lambda d: d["document"].pop("tracking"), r"breaks required of the CSAF 2\.0 schema"),
    (ADVISORY, lambda d: d["document"]["tracking"].update(status="ready"), r"document.tracking.status: breaks enum"),
    (ADVISORY, lambda d: flaw(d).update(cve="CVE-1"), r"vulnerabilities.0.cve: breaks pattern"),
    (
        ADVISORY,
        lambda d: flaw(d)["scores"][0]["cvss_v3"].update(vectorString="CVSS:3.1/AV:X"),
        r"vulnerabilities.0.scores.0.cvss_v3",
    ),
]  # fmt: skip


@pytest.mark.parametrize(("document", "breaking", "said"), CASES, ids=[case[2] for case in CASES])
def test_a_document_that_breaks_a_rule_is_refused(
    document: dict[str, Any], breaking: Callable[[Any], Any], said: str
) -> None:
    broken = copy.deepcopy(document)
    breaking(broken)
    with pytest.raises(FeedError, match=said):
        read("csaf", [("one.json", json.dumps(broken).encode())])


def test_groups_and_relations_mean_their_products() -> None:
    document = copy.deepcopy(ADVISORY)
    document["product_tree"]["full_product_names"] = [product(TWO)]
    document["product_tree"]["product_groups"] = [{"group_id": "G", "product_ids": [ONE, TWO]}]
    related(document, "CSAFPID-0003", TWO)
    flaw(document)["product_status"]["known_affected"] += [TWO, "CSAFPID-0003"]
    flaw(document)["remediations"] = [
        {"category": "vendor_fix", "details": "Take 2.0", "date": "2026-10-01T00:00:00Z", "group_ids": ["G"]}
    ]
    (found,) = read("csaf", [("one.json", json.dumps(document).encode())]).vendor
    assert found.flaws[0].remediations[0].products == (ONE, TWO)
    assert found.flaws[0].states_of("CSAFPID-0003") == {"known_affected"}
    assert found.flaws[0].remediations[0].date is not None


def test_what_the_schema_compares_is_compared_in_one_pass() -> None:
    document = copy.deepcopy(ADVISORY)
    # Each pair compared would be 10^10 comparisons.
    flags = [{"label": "component_not_present", "product_ids": [f"P{number}"]} for number in range(100_000)]
    flaw(document)["flags"] = flags
    assert csaf_schema.fault(document) is None
    flaw(document)["flags"] = [*flags, flags[0]]
    assert "uniqueItems" in (csaf_schema.fault(document) or "")


def test_a_pattern_of_the_schema_is_not_tried_on_what_is_far_too_long() -> None:
    document = copy.deepcopy(ADVISORY)
    document["document"]["lang"] = "a" * 3000
    assert "document.lang: breaks pattern" in (csaf_schema.fault(document) or "")


def test_the_later_version_of_a_document_counts() -> None:
    later = copy.deepcopy(ADVISORY)
    later["document"]["tracking"].update(current_release_date="2025-01-01T00:00:00Z", version="2")
    parts = [("a.json", json.dumps(later).encode()), ("b.json", json.dumps(ADVISORY).encode())]
    for order in (parts, parts[::-1]):
        assert [one.version for one in read("csaf", order).vendor] == ["2"]
