# Copyright: (c) 2026, Holdfast contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is installed against what advisories say: sources and binaries, kernels, markers, ended support, VEX."""

from __future__ import annotations

import pytest
from ansible_collections.holdfast.hipaa.plugins.plugin_utils.advisories.model import (
    Advisory,
    Affected,
    Product,
    Support,
    VendorAdvisory,
    VendorFlaw,
)
from ansible_collections.holdfast.hipaa.plugins.plugin_utils.observed.model import Observation
from ansible_collections.holdfast.hipaa.plugins.plugin_utils.observed.parts import Package
from ansible_collections.holdfast.hipaa.plugins.plugin_utils.risk.installed import ecosystem_of, installed
from ansible_collections.holdfast.hipaa.plugins.plugin_utils.risk.matching import Hit, Index
from ansible_collections.holdfast.hipaa.plugins.plugin_utils.risk.products import Product as Mine
from ansible_collections.holdfast.hipaa.plugins.plugin_utils.risk.products import cpe_key, is_in, is_same, within
from ansible_collections.holdfast.hipaa.plugins.plugin_utils.risk.vendors import Clearances

from .cases import NOW, advisory, by_package

ONE, TWO = "CVE-2026-1111", "CVE-2026-2222"


def hits(version: str, *advisories: Advisory, package: str = "foo", **more: object) -> list[Hit]:
    index = Index(by_package(advisories), **more)  # type: ignore[arg-type]  # what the cases give
    ecosystem = advisories[0].affected[0].ecosystem if advisories else "debian:12"
    return [hit for (hit,) in index.hits(ecosystem, package, version)]


def host(*rows: tuple[str, str, str, str], kernel: str = "", distribution: str = "debian:12") -> Observation:
    """Return a host with packages of (name, version, source, source version)."""
    packages = tuple(Package(name, version, "x86_64", *source) for name, version, *source in rows)
    manager = "dpkg" if distribution.startswith("debian") else "rpm"
    return Observation("h", NOW, distribution, kernel=kernel, manager=manager, packages=packages)


@pytest.mark.parametrize(("version", "found"), [("1.0-1", True), ("1.0-2~rc1", True), ("1.0-2", False), ("1:0", False)])
def test_below_the_fixed_version_is_affected(version: str, found: bool) -> None:
    assert bool(hits(version, advisory("DSA-1", "foo", "1.0-2", ONE))) is found


def test_the_source_counts_for_debian_and_the_binary_for_almalinux() -> None:
    rows = [("libssl3", "3.0.15-1", "openssl", "3.0.15-1"), ("systemd-cryptsetup", "15+248", "systemd", "248")]
    assert installed(host(*rows)) == (("openssl", "3.0.15-1"), ("systemd", "248"))
    alma = host(("openssl-libs", "1:3.5.1-4.el9", "openssl", "1:3.5.1-4.el9"), distribution="almalinux:9.6")
    assert installed(alma) == (("openssl-libs", "1:3.5.1-4.el9"),)
    assert ecosystem_of(alma) == "almalinux:9"
    errata = advisory("ALSA-1", "openssl-libs", "1:3.5.1-7.el9", ONE, ecosystem="almalinux:9")
    assert hits("1:3.5.1-4.el9", errata, package="openssl-libs")
    assert not hits("1:3.5.1-7.el9", errata, package="openssl-libs")


def test_what_a_signing_service_built_counts_as_what_was_signed() -> None:
    rows = [
        ("linux-image-6.1.0-40-amd64", "6.1.153-1", "linux-signed-amd64", "6.1.153+1"),
        ("grub-efi-amd64-signed", "1+2.06-13+deb12u1", "grub-efi-amd64-signed", "1+2.06+13+deb12u1"),
    ]
    assert installed(host(*rows)) == (("grub2", "2.06-13+deb12u1"), ("linux", "6.1.153-1"))


def test_a_kernel_that_neither_runs_nor_is_the_newest_is_not_held_against_the_host() -> None:
    rows = [
        (f"linux-image-6.1.0-{number}-amd64", f"6.1.{number}-1", "linux-signed-amd64", f"6.1.{number}+1")
        for number in (30, 40, 50)
    ]
    assert installed(host(*rows, kernel="6.1.0-40-amd64")) == (("linux", "6.1.40-1"), ("linux", "6.1.50-1"))
    assert len(installed(host(*rows))) == 3
    rpms = [("kernel-core", f"5.14.0-{number}.el9", "kernel", f"5.14.0-{number}.el9") for number in (1, 2, 10)]
    alma = host(*rpms, kernel="5.14.0-2.el9.x86_64", distribution="almalinux:9")
    assert installed(alma) == (("kernel-core", "5.14.0-10.el9"), ("kernel-core", "5.14.0-2.el9"))


def test_markers_say_what_they_say() -> None:
    assert hits("1.0", advisory("DSA-1", "foo", None, ONE, status="not-affected")) == []
    (unfixed,) = hits("1.0", advisory("DSA-1", "foo", None, ONE, status="unfixed", note="<no-dsa> (Minor issue)"))
    assert (unfixed.status, unfixed.fixed, unfixed.notes) == ("unfixed", None, ("<no-dsa> (Minor issue)",))
    (ended,) = hits("1.0", advisory("DSA-1", "foo", None, ONE, status="end-of-life"))
    assert ended.status == "end-of-life"


def test_a_fix_that_one_advisory_has_counts_over_another_that_knew_of_none() -> None:
    (hit,) = hits("1.0", advisory("DSA-1", "foo", None, ONE), advisory("DSA-2", "foo", "1.1", ONE))
    assert (hit.status, hit.fixed, hit.advisories) == ("fixed", "1.1", ("DSA-1", "DSA-2"))


def test_where_advisories_contradict_each_other_the_worse_stands_and_both_are_told() -> None:
    cleared = advisory("DSA-1", "foo", None, ONE, status="not-affected")
    (hit,) = hits("1.0", cleared, advisory("DSA-2", "foo", "1.1", ONE))
    assert not hit.cleared
    assert hit.notes == ("DSA-1 says that it is not affected, DSA-2 that it is",)


def test_the_latest_of_several_fixes_is_the_goal() -> None:
    (hit,) = hits("1.0", advisory("DSA-1", "foo", "1.9", ONE), advisory("DSA-2", "foo", "1.10", ONE))
    assert hit.fixed == "1.10"


def test_an_advisory_taken_back_says_nothing_and_one_without_cves_speaks_for_itself() -> None:
    assert hits("1.0", advisory("DSA-1", "foo", "1.1", ONE, withdrawn=NOW)) == []
    assert [hit.vulnerability for hit in hits("1.0", advisory("DSA-2", "foo", "1.1"))] == ["DSA-2"]


@pytest.mark.parametrize(
    ("members", "affected"),
    [
        ({"introduced": "1.5", "fixed": "2.0"}, False),
        ({"introduced": "1.0", "fixed": "2.0"}, True),
        ({"introduced": "0", "fixed": "2.0"}, True),
        ({"last_affected": "1.0"}, True),
        ({"last_affected": "0.9"}, False),
        ({"versions": ("1.0",)}, True),
        ({"versions": ("0.9",)}, False),
        ({}, True),
    ],
)
def test_ranges(members: dict[str, object], affected: bool) -> None:
    said = Affected("debian:12", "foo", "fixed" if "fixed" in members else "affected", **members)  # type: ignore[arg-type]  # as parametrized
    assert bool(hits("1.0", Advisory("OSV-1", "osv", (ONE,), (said,)))) is affected


def test_a_package_that_nobody_mends_any_more_is_a_finding_of_its_own() -> None:
    supports = (Support("debian:12", "foo", "ended"), Support("debian:12", "php-", "limited", prefix=True))
    (hit,) = Index({}, supports).hits("debian:12", "foo", "1.0")[0]
    assert (hit.vulnerability, hit.status) == ("unsupported:foo", "end-of-life")
    assert Index({}, supports).hits("debian:12", "php-x", "1.0") == ()
    assert Index({}, supports).hits("debian:11", "foo", "1.0") == ()
    (limited,) = hits("1.0", advisory("DSA-1", "php-x", "1.1", ONE), package="php-x", supports=supports)
    assert limited.notes == ("security support for it is limited",)


def vex(label: str | None, state: str = "known_not_affected", purl: str = "pkg:deb/debian/foo@1.0") -> VendorAdvisory:
    justified = (("P", label),) if label else ()
    flaw = VendorFlaw(ONE, (), None, (("P", state),), justifications=justified)
    product = Product("P", "foo", purls=(purl,))
    return VendorAdvisory(
        "VEX-1", "vex", "csaf_vex", "Debian", "t", "final", "1", NOW, NOW, (product,), (flaw,)
    )  # fmt: skip


@pytest.mark.parametrize(
    ("statement", "cleared"),
    [
        (vex("vulnerable_code_not_present"), True),
        (vex("component_not_present", purl="pkg:deb/debian/foo"), True),
        (vex(None), False),
        (vex("component_not_present", purl="pkg:deb/debian/foo@1.1"), False),
        (vex("component_not_present", purl="pkg:deb/debian/bar@1.0"), False),
        (vex("component_not_present", state="under_investigation"), False),
    ],
)
def test_only_a_vex_statement_with_its_justification_clears_a_flaw(statement: VendorAdvisory, cleared: bool) -> None:
    clearing = Clearances([statement])
    found = hits("1.0", advisory("DSA-1", "foo", "1.1", ONE), advisory("DSA-2", "foo", "1.1", TWO), clearing=clearing)
    assert [hit.cleared for hit in found] == [cleared, False]
    if cleared:
        assert "not affected" in found[0].notes[-1]
        assert found[0].advisories == ("DSA-1", "VEX-1")


@pytest.mark.parametrize(
    ("version", "written", "expected"),
    [
        ("3.06.1803", "<= 3.06.1803", True),
        ("3.06.1804", "<= 3.06.1803", False),
        ("1.9", "< 1.11", True),
        ("1.5", "vers:generic/>=1|<2", True),
        ("2.0", "vers:generic/>=1|<2", False),
        ("8/29/2024", "<8/30/2024", True),
        ("9/1/2024", "<8/30/2024", False),
        ("2024.1", "<8/30/2024", None),
        ("1.0", "all before the autumn release", None),
        ("LPI 3", "< 4", None),
    ],
)
def test_what_vendors_write_of_versions(version: str, written: str, expected: bool | None) -> None:
    assert within(version, written) is expected


@pytest.mark.parametrize(
    ("mine", "named", "same"),
    [
        (Mine("Baxter", "Connex Health Portal"), Product("P", "", "Baxter", "Baxter Connex Health Portal"), True),
        (Mine("baxter", "BAXTER Connex-Health Portal"), Product("P", "", "Baxter", "Connex Health Portal"), True),
        (Mine("Baxter", "Portal"), Product("P", "", "Baxter", "Connex Health Portal"), False),
        (Mine("Other", "Portal"), Product("P", "", "Acme", "Portal"), False),
        (Mine(cpe="cpe:2.3:a:acme:portal:1:*:*:*:*:*:*:*"), Product("P", "", cpe="cpe:/a:Acme:Portal:2"), True),
        (Mine(cpe="cpe:2.3:a:acme:portal:1:*:*:*:*:*:*:*"), Product("P", "", cpe="cpe:/a:acme:other"), False),
        (Mine(purl="pkg:generic/acme/portal@1"), Product("P", "", purls=("pkg:generic/acme/portal@2?x=y",)), True),
        (Mine(), Product("P", ""), False),
        (Mine(cpe="x", purl="y"), Product("P", "", cpe="x", purls=("y",)), False),
    ],
)
def test_names_of_products(mine: Mine, named: Product, same: bool) -> None:
    assert is_same(mine, named) is same


def test_an_unknown_version_is_neither_in_nor_out() -> None:
    assert is_in(Mine("a", "b"), Product("P", "", version_range="<2")) is None
    assert is_in(Mine("a", "b"), Product("P", "")) is True
    assert is_in(Mine("a", "b", "1"), Product("P", "", version="2")) is False
    assert cpe_key("cpe:2.3:a:ac\\:me:portal") == ("ac\\:me", "portal")


def test_each_version_of_a_package_is_looked_at_once() -> None:
    index = Index(by_package([advisory("DSA-1", "foo", "1.1", ONE)]))
    for _host in range(50):
        assert index.hits("debian:12", "foo", "1.0") is index.hits("debian:12", "foo", "1.0")
    assert index.looked_at == 1
