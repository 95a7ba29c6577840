# Copyright: (c) 2026, Holdfast contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Bills of materials and VEX are valid by the schemas of those who own the formats, and say neither more nor less."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest
from ansible_collections.holdfast.hipaa.plugins.plugin_utils.advisories import csaf_schema
from ansible_collections.holdfast.hipaa.plugins.plugin_utils.observed import sbom, vex
from ansible_collections.holdfast.hipaa.plugins.plugin_utils.observed.forms import ObservationError
from ansible_collections.holdfast.hipaa.plugins.plugin_utils.observed.model import Observation
from ansible_collections.holdfast.hipaa.plugins.plugin_utils.observed.parts import Package

NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)
DEBIAN = Observation(
    asset="billing-1",
    read_at=NOW,
    distribution="debian:12",
    manager="dpkg",
    kernel="6.1.0-40-amd64",
    packages=(
        Package("libssl3", "3.0.17-1~deb12u2", "amd64", "openssl", "3.0.17-1~deb12u2"),
        Package("openssl", "3.0.17-1~deb12u2", "amd64", "openssl", "3.0.17-1~deb12u2"),
        Package("vim", "2:9.0.1378-2", "amd64", "vim", "2:9.0.1378-2"),
        Package("libstdc++6", "12.2.0-14", "amd64", "gcc-12", "12.2.0-14"),
    ),
)
ALMA = replace(
    DEBIAN,
    distribution="almalinux:9.6",
    manager="rpm",
    packages=(
        Package("openssl-libs", "1:3.2.2-6.el9_5", "x86_64", "openssl", "3.2.2-6.el9_5"),
        Package("kernel-core", "5.14.0-570.el9", "x86_64", "kernel", "5.14.0-570.el9"),
        Package("kernel-core", "5.14.0-571.el9", "x86_64", "kernel", "5.14.0-571.el9"),
    ),
)
STATEMENTS = (
    vex.Statement("CVE-2026-1000", "openssl", "3.0.17-1~deb12u2", "3.0.17-1~deb12u3", True, "listed by CISA"),
    vex.Statement("CVE-2026-1001", "vim", "2:9.0.1378-2", None, True),
    vex.Statement("CVE-2026-1002", "vim", "2:9.0.1378-2", None, False, "code_not_present"),
    vex.Statement("DSA-1-1", "gcc-12", "12.2.0-14", None, None),
    vex.Statement("CVE-2026-1003", "gone", "1", None, True),
)


def written(seen: Observation, spec: str) -> dict[str, Any]:
    return dict(json.loads(sbom.as_json(sbom.bill(seen, "0.1.0"), spec)))


@pytest.mark.parametrize("spec", sbom.SPECS)
@pytest.mark.parametrize("seen", [DEBIAN, ALMA], ids=lambda one: one.manager)
def test_a_bill_is_valid_and_has_each_package_once(seen: Observation, spec: str) -> None:
    said = written(seen, spec)
    assert sbom.faults(json.dumps(said), spec) is None
    assert said["specVersion"] == spec
    libraries = [(one["name"], one["version"]) for one in said["components"] if one["type"] == "library"]
    assert sorted(libraries) == sorted((one.name, one.version) for one in seen.packages)
    assert said["metadata"]["timestamp"].startswith("2026-11-22T12:00:00")


def test_packages_are_named_as_package_urls_want_it() -> None:
    purls = {one["name"]: one["purl"] for one in written(DEBIAN, "1.6")["components"] if "purl" in one}
    assert purls["libssl3"] == "pkg:deb/debian/libssl3@3.0.17-1~deb12u2?arch=amd64&distro=debian-12"
    assert purls["vim"] == "pkg:deb/debian/vim@2:9.0.1378-2?arch=amd64&distro=debian-12"
    alma = [str(sbom.purl_of(one, ALMA)) for one in ALMA.packages]
    assert alma[0] == "pkg:rpm/almalinux/openssl-libs@3.2.2-6.el9_5?arch=x86_64&distro=almalinux-9.6&epoch=1"


def test_the_same_observation_gives_the_same_bytes_and_another_gives_another_serial_number() -> None:
    assert sbom.as_json(sbom.bill(DEBIAN, "0.1.0"), "1.6") == sbom.as_json(sbom.bill(DEBIAN, "0.1.0"), "1.6")
    assert sbom.serial_of(DEBIAN) != sbom.serial_of(replace(DEBIAN, packages=DEBIAN.packages[:1]))


def test_a_host_whose_packages_were_not_read_gets_no_bill() -> None:
    with pytest.raises(ObservationError, match="rpm failed"):
        sbom.bill(replace(DEBIAN, packages=(), not_measured={"packages": "rpm failed"}), "0.1.0")


def test_what_is_no_valid_document_is_not_handed_out(monkeypatch: pytest.MonkeyPatch) -> None:
    said = written(DEBIAN, "1.6")
    said["components"][0]["type"] = "weird"
    assert "weird" in (sbom.faults(json.dumps(said), "1.6") or "")
    monkeypatch.setattr(sbom, "faults", lambda _text, _spec: "some fault")
    with pytest.raises(ObservationError, match="some fault"):
        sbom.as_json(sbom.bill(DEBIAN, "0.1.0"), "1.6")


@pytest.mark.parametrize("spec", sbom.SPECS)
def test_vex_points_into_the_bill_of_the_same_observation(spec: str) -> None:
    text = sbom.as_json(vex.cyclonedx(DEBIAN, STATEMENTS, NOW, "0.1.0"), spec)
    assert sbom.faults(text, spec) is None
    flaws = {one["id"]: one for one in json.loads(text)["vulnerabilities"]}
    bill = written(DEBIAN, spec)
    serial = bill["serialNumber"].removeprefix("urn:uuid:")
    references = {f"urn:cdx:{serial}/1#{one['bom-ref']}" for one in bill["components"]}
    affected = [target["ref"] for target in flaws["CVE-2026-1000"]["affects"]]
    assert len(affected) == 2
    assert set(affected) <= references
    assert {name: flaw["analysis"]["state"] for name, flaw in flaws.items()} == {
        "CVE-2026-1000": "exploitable",
        "CVE-2026-1001": "exploitable",
        "CVE-2026-1002": "not_affected",
        "CVE-2026-1003": "exploitable",
        "DSA-1-1": "in_triage",
    }


def test_csaf_is_valid_and_says_what_to_do() -> None:
    said = json.loads(vex.csaf(DEBIAN, STATEMENTS, NOW, "0.1.0", "org-demo", "https://example.org"))
    assert csaf_schema.fault(said) is None
    assert said["document"]["category"] == "csaf_vex"
    flaws = {one.get("cve", "DSA-1-1"): one for one in said["vulnerabilities"]}
    assert {name: list(flaw["product_status"]) for name, flaw in flaws.items()} == {
        "CVE-2026-1000": ["known_affected"],
        "CVE-2026-1001": ["known_affected"],
        "CVE-2026-1002": ["known_not_affected"],
        "CVE-2026-1003": ["known_affected"],
        "DSA-1-1": ["under_investigation"],
    }
    # CSAF 2.0, 6.1.27.9 and 6.1.27.10: why one is not affected, and what to do about one that is.
    assert flaws["CVE-2026-1002"]["threats"][0]["category"] == "impact"
    assert flaws["CVE-2026-1000"]["remediations"][0]["category"] == "vendor_fix"
    known = {one["product_id"] for one in said["product_tree"]["full_product_names"]}
    used = {name for flaw in flaws.values() for ids in flaw["product_status"].values() for name in ids}
    assert used == known


def test_csaf_without_a_flaw_is_refused() -> None:
    with pytest.raises(ObservationError, match="no flaw is known"):
        vex.csaf(DEBIAN, (), NOW, "0.1.0", "org-demo", "https://example.org")
