# Copyright: (c) 2026, Holdfast contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Every feed, as it is published, says in normal form what it says in its own."""

from __future__ import annotations

import gzip
import io
import json
import zipfile
from datetime import UTC, date, datetime

import pytest
from ansible_collections.holdfast.hipaa.plugins.plugin_utils.advisories import debian_changelogs
from ansible_collections.holdfast.hipaa.plugins.plugin_utils.advisories.bounds import FeedError
from ansible_collections.holdfast.hipaa.plugins.plugin_utils.advisories.kinds import KINDS
from ansible_collections.holdfast.hipaa.plugins.plugin_utils.advisories.model import (
    Affected,
    CvssVector,
    Epss,
    Kev,
    Ssvc,
    Support,
)
from ansible_collections.holdfast.hipaa.plugins.plugin_utils.advisories.parts import Options

from tests.feed_cases import BOOKWORM, CASES, DATA, SHARED, Case, read, records
from tests.shared import shared


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_an_excerpt_is_taken_whole(case: Case) -> None:
    found = case.read()
    assert (found.rejected, found.count > 0, sum(records(found).values()) > 0) == ([], True, True)


@pytest.mark.parametrize(("case", "count"), SHARED, ids=lambda value: getattr(value, "name", ""))
def test_a_whole_feed_is_taken_whole(case: Case, count: int) -> None:
    found = read(case.kind, [(case.name, shared(case.path).read_bytes())], case.options)
    assert (found.count, found.rejected) == (count, [])


def test_a_folder_of_csaf_is_taken_whole() -> None:
    found = read("csaf", [(path.name, path.read_bytes()) for path in sorted(shared("csaf").glob("*.json"))])
    assert (found.count, found.rejected, len(found.vendor)) == (5, [], 5)


@pytest.mark.parametrize("kind", KINDS)
def test_no_kind_takes_a_feed_of_another_for_its_own(kind: str) -> None:
    options = Options(("debian:12",))
    for case in CASES:
        # Facts of CVEs joined in our own form are lines of JSON as any, told apart by their members.
        if case.kind != kind:
            with pytest.raises(FeedError):
                read(kind, [(case.name, case.bytes())], options)


@pytest.mark.parametrize(
    "path", ["epss/epss-history.csv", "apt/bookworm-12.15-pending-security.json", "schemas/osv-schema.json",
             "ssvc/human_impact_1_0_0.json", "risk-model/decision-table-v1.csv", "x12/835_managed-care.835"],
)  # fmt: skip
@pytest.mark.parametrize("kind", KINDS)
def test_what_is_no_feed_is_refused_by_every_kind(path: str, kind: str) -> None:
    file = shared(path)
    with pytest.raises(FeedError, match="expected"):
        read(kind, [(file.name, file.read_bytes())], Options(("debian:12",)))


def test_kev_says_when_until_when_and_what_else_to_do() -> None:
    found = Case("kev.json", "kev").read()
    assert (found.feed_version, found.feed_date) == ("2026.08.21", datetime(2026, 8, 21, 17, 46, 43, 601900, UTC))
    assert found.vulnerabilities["CVE-2026-73570"].kev == Kev(date(2026, 8, 21), date(2026, 8, 24), False, True)
    assert found.vulnerabilities["CVE-2023-34362"].kev == Kev(date(2023, 6, 2), date(2023, 6, 23), True, False)
    assert found.vulnerabilities["CVE-2023-34362"].cwes == ("CWE-89",)


@pytest.mark.parametrize("packed", [False, True])
def test_epss_keeps_model_and_day_packed_or_not(packed: bool) -> None:
    data = Case("epss.csv", "epss").bytes()
    found = read("epss", [("epss_scores-current.csv.gz", gzip.compress(data))] if packed else [("epss.csv", data)])
    assert found.vulnerabilities["CVE-2002-0367"].epss == Epss(0.04919, 0.9137, "v2026.06.15", date(2026, 8, 16))
    assert (found.feed_version, found.feed_date) == ("v2026.06.15", datetime(2026, 8, 16, tzinfo=UTC))


def test_osv_of_debian_names_source_packages_and_the_version_that_mends() -> None:
    found = {one.id: one for one in Case("debian12.osv.jsonl", "osv").read().advisories}
    assert found["DSA-5724-1"].cves == ("CVE-2024-6387",)
    assert found["DSA-5724-1"].affected == (Affected("debian:12", "openssh", "fixed", "1:9.2p1-2+deb12u3"),)
    assert found["DSA-5724-1"].published == datetime(2024, 7, 1, tzinfo=UTC)


def test_osv_of_almalinux_names_binary_packages_and_the_vendor_s_word() -> None:
    found = Case("almalinux9.osv.jsonl", "osv").read().advisories
    assert {one.severity_word for one in found} <= {"low", "moderate", "important", "critical"}
    assert {affected.ecosystem for one in found for affected in one.affected} == {"almalinux:9"}
    # One erratum names its flaw in a link alone.
    assert {one.id: one.cves for one in found}["ALSA-2026:19367"] == ("CVE-2026-23868",)


def osv(**more: object) -> dict[str, object]:
    """A record about one Python package."""
    package = {"package": {"ecosystem": "PyPI", "name": "Zope.Interface_x"}}
    return {"id": "PYSEC-2026-1", "modified": "2026-01-02T03:04:05Z", "affected": [{**package, **more}]}


def events(*pairs: tuple[str, str], kind: str = "ECOSYSTEM") -> dict[str, object]:
    return {"type": kind, "events": [dict([pair]) for pair in pairs]}


@pytest.mark.parametrize(
    ("more", "expected"),
    [
        ({"ranges": [events(("introduced", "0"), ("fixed", "1.2"))]}, [("fixed", "1.2", None, (), None)]),
        ({"ranges": [events(("introduced", "1.0"), ("last_affected", "1.2"))]}, [("affected", None, "1.0", (), "1.2")]),
        ({"ranges": [events(("introduced", "0"))]}, [("unfixed", None, None, (), None)]),
        ({"versions": ["1.0", "1.1"]}, [("affected", None, None, ("1.0", "1.1"), None)]),
        (
            {"ranges": [events(("introduced", "0"), ("fixed", "1.2"))], "versions": ["1.0"]},
            [("fixed", "1.2", None, ("1.0",), None)],
        ),
        (
            {"ranges": [events(("introduced", "0"), ("fixed", "1.2"), ("introduced", "2.0"), ("fixed", "2.1"))]},
            [("fixed", "1.2", None, (), None), ("fixed", "2.1", "2.0", (), None)],
        ),
        (
            {"ranges": [events(("introduced", "0"), kind="GIT"), events(("introduced", "3"), ("fixed", "4"))]},
            [("fixed", "4", "3", (), None)],
        ),
    ],
)
def test_osv_ranges_become_intervals(more: dict[str, object], expected: list[tuple[object, ...]]) -> None:
    (advisory,) = read("osv", [("one.json", json.dumps(osv(**more)).encode())]).advisories
    found = [(one.status, one.fixed, one.introduced, one.versions, one.last_affected) for one in advisory.affected]
    assert found == expected
    assert {(one.ecosystem, one.package) for one in advisory.affected} == {("pypi", "zope-interface-x")}


def test_osv_comes_as_a_record_as_lines_as_a_folder_and_as_an_archive() -> None:
    lines = Case("debian12.osv.jsonl", "osv").bytes().splitlines()
    expected = Case("debian12.osv.jsonl", "osv").read().advisories
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w", zipfile.ZIP_DEFLATED) as packed:
        for line in lines:
            packed.writestr(f"{json.loads(line)['id']}.json", line)
        packed.writestr("README", "no record")
    folder = [(f"{number}.json", line) for number, line in enumerate(lines)]
    for parts in ([("all.zip", archive.getvalue())], folder, [("all.json", b"[" + b",".join(lines) + b"]")]):
        assert sorted(read("osv", parts).advisories, key=lambda one: one.id) == sorted(expected, key=lambda one: one.id)


def test_only_the_ecosystems_asked_for_are_kept_and_all_are_counted() -> None:
    parts = [(name, (DATA / name).read_bytes()) for name in ("debian12.osv.jsonl", "almalinux9.osv.jsonl")]
    found = read("osv", parts, Options(("almalinux:9",)))
    assert found.count == 28
    assert {affected.ecosystem for one in found.advisories for affected in one.affected} == {"almalinux:9"}


def test_csaf_names_products_states_remedies_and_scores() -> None:
    (found,) = Case("csaf/icsma-24-249-01.json", "csaf").read().vendor
    assert (found.id, found.category, found.status, found.tlp) == (
        "ICSMA-24-249-01", "csaf_security_advisory", "final", "WHITE",
    )  # fmt: skip
    (product,) = found.products
    assert (product.vendor, product.product, product.version_range) == (
        "Baxter", "Baxter Connex Health Portal", "<8/30/2024",
    )  # fmt: skip
    assert [flaw.cve for flaw in found.flaws] == ["CVE-2024-6795", "CVE-2024-6796"]
    assert found.flaws[0].states_of(product.id) == {"known_affected"}
    assert {one.category for one in found.flaws[0].remediations} == {"mitigation"}
    assert found.flaws[0].cvss[0][0].published_score == 10.0
    assert not found.is_vex


def test_vex_says_of_what_a_product_is_free() -> None:
    (found,) = Case("csaf/vex-2022-evd-uc-02-na-001.json", "csaf").read().vendor
    assert found.is_vex
    assert {state for flaw in found.flaws for _product, state in flaw.states} == {"known_not_affected"}
    assert len(found.flaws) == 19


def test_cve_records_hold_every_version_of_cvss_and_the_points_of_others() -> None:
    found = read("cve", [(path.name, path.read_bytes()) for path in sorted((DATA / "cve").glob("*.json"))])
    assert (found.count, found.rejected) == (4, [])
    openssh = found.vulnerabilities["CVE-2024-6387"]
    assert openssh.cvss == (CvssVector("3.1", "CVSS:3.1/AV:N/AC:H/PR:N/UI:N/S:U/C:H/I:H/A:H", 8.1, "cna"),)
    assert openssh.ssvc == Ssvc("poc", False, "total", datetime(2024, 7, 2, 13, 18, 34, 695298, UTC))
    assert openssh.cwes == ("CWE-364",)
    http2 = found.vulnerabilities["CVE-2023-44487"]
    assert http2.kev == Kev(date(2023, 10, 10), None, False, False)
    assert http2.cvss[0].source == "adp:CISA-ADP"
    assert [one.version for one in found.vulnerabilities["CVE-2024-40005"].cvss] == ["2.0", "3.0", "4.0"]
    assert found.vulnerabilities["CVE-2024-40006"].rejected


def test_enrichment_keeps_a_score_without_a_vector() -> None:
    found = Case("enrichment.jsonl", "enrichment").read()
    assert CvssVector("3.x", None, 5.4, "nvd") in found.vulnerabilities["CVE-2020-11899"].cvss
    assert found.vulnerabilities["CVE-2023-20867"].kev is not None


def test_debian_s_own_list_has_a_state_for_every_marker_and_release() -> None:
    found = {one.id: one for one in Case("dsa/list", "debian-list").read().advisories}
    assert found["DSA-5724-1"].affected == (
        Affected("debian:11", "openssh", "not-affected", note="<not-affected> (Vulnerable code not present)"),
        Affected("debian:12", "openssh", "fixed", "1:9.2p1-2+deb12u3"),
    )
    assert {one.ecosystem: one.status for one in found["DSA-5600-1"].affected} == {
        "debian:10": "end-of-life", "debian:11": "unfixed", "debian:12": "unfixed", "debian:13": "affected",
    }  # fmt: skip
    assert found["DSA-5843-1"].published == datetime(2025, 1, 11, tzinfo=UTC)
    assert [one.package for one in found["DSA-5599-1"].affected] == ["toolbox", "toolbox-extra"]
    assert found["DSA-305-1"].cves == ()


def test_debian_s_list_says_the_same_as_osv_rebuilt_from_it() -> None:
    osv_ = {one.id: one for one in Case("debian12.osv.jsonl", "osv").read().advisories}
    listed = read("debian-list", [("list", Case("dsa/list", "debian-list").bytes())], Options(("debian:12",)))
    for one in listed.advisories:
        if one.id in osv_:
            assert (one.cves, one.affected) == (osv_[one.id].cves, osv_[one.id].affected)
    assert {one.id for one in listed.advisories} & osv_.keys() == {"DSA-5843-1", "DSA-5724-1", "DSA-5514-1"}


def test_the_tracker_s_list_of_cves_is_refused_by_name() -> None:
    with pytest.raises(FeedError, match="list of CVEs; expected its list of advisories"):
        read("debian-list", [("list", b"CVE-2026-1234 (A flaw)\n\t- toys 1.2-1\n")])


def test_a_changelog_gives_an_advisory_for_every_upload_to_the_release() -> None:
    case = Case("changelog/toys.changelog", "debian-changelogs", BOOKWORM)
    found = {one.id: one for one in case.read().advisories}
    assert list(found) == [f"debian:12/toys/1.2-1+deb12u{number}" for number in (3, 2, 1)]
    newest = found["debian:12/toys/1.2-1+deb12u3"]
    assert newest.cves == ("CVE-2026-40010", "CVE-2026-40011", "CVE-2026-123633")
    assert newest.affected == (Affected("debian:12", "toys", "fixed", "1.2-1+deb12u3"),)
    assert newest.published == datetime(2026, 11, 13, 13, 27, 47, tzinfo=UTC)


def test_collected_changelogs_count_what_went_to_unstable_in_between() -> None:
    uploads = [
        ("3-1~deb12u1", "bookworm-security", "CVE-2026-1003"),
        ("3-1", "unstable", "CVE-2026-1002"),
        ("1-1+deb12u2", "bullseye-security", "CVE-2026-1001"),
    ]
    more = {"urgency": "high", "date": "2026-10-01T00:00:00Z"}
    entries = [{"version": one[0], "distribution": one[1], "cves": [one[2]], **more} for one in uploads]
    line = json.dumps({"source": "toys", "fixed_version": "3-1~deb12u1", "entries": entries}).encode()
    found = read("debian-changelogs", [("one.jsonl", line)], Options(("debian:12",))).advisories
    assert [(one.affected[0].fixed, one.affected[0].ecosystem, one.cves) for one in found] == [
        ("3-1~deb12u1", "debian:12", ("CVE-2026-1002", "CVE-2026-1003")),
        ("1-1+deb12u2", "debian:12", ("CVE-2026-1001",)),
    ]


def test_what_hosts_report_of_pending_updates_becomes_advisories() -> None:
    said = {"bind9/1:9.18.49-1~deb12u3": ["CVE-2026-75029", "CVE-2026-19033"], "apt/2.6.2": [], "bad name/1": ["x"]}
    found = debian_changelogs.from_hosts("hosts", "debian:12", said)
    assert [(one.id, one.cves) for one in found] == [
        ("debian:12/apt/2.6.2", ()),
        ("debian:12/bind9/1:9.18.49-1~deb12u3", ("CVE-2026-19033", "CVE-2026-75029")),
    ]


def test_ended_and_limited_support_is_known_by_name_and_by_prefix() -> None:
    folder = DATA / "support-lists"
    parts = [(path.name, path.read_bytes()) for path in sorted(folder.iterdir())]
    found = read("debian-support", parts, Options(("debian:12",))).support
    assert Support("debian:12", "wpewebkit", "ended", False, "2.38.6-1", date(2023, 5, 9)) in found
    assert Support("debian:12", "golang", "limited", True) in found
    covering = [one.package for one in found if one.covers("php-horde-imp")]
    assert covering == ["php-horde"]
    assert not any(one.covers("wpewebkit2") for one in found)


def test_a_folder_keeps_its_good_files_and_names_the_bad_one() -> None:
    parts = [(path.name, path.read_bytes()) for path in sorted((DATA / "cve").glob("*.json"))]
    parts = parts * 20  # one in 80 is within what a feed may get wrong
    found = read("cve", [*parts, ("CVE-2026-9999.json", b"{")])
    assert [one.where for one in found.rejected] == ["CVE-2026-9999.json"]


def test_csaf_2_1_is_refused_by_name() -> None:
    text = (DATA / "csaf" / "icsma-24-249-01.json").read_text(encoding="utf-8")
    schema = '{"$schema": "https://docs.oasis-open.org/csaf/csaf/v2.1/schema/csaf.json",'
    for said in (text.replace('"csaf_version": "2.0"', '"csaf_version": "2.1"'), text.replace("{", schema, 1)):
        with pytest.raises(FeedError, match=r"CSAF 2\.1, which is not read yet; expected CSAF 2\.0"):
            read("csaf", [("one.json", said.encode())])
