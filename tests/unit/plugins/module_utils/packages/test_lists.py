# Copyright: (c) 2026, Holdfast contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Lists are believed only as far as their own dates and our refresh go."""

from __future__ import annotations

from dataclasses import replace

from ansible_collections.holdfast.hipaa.plugins.module_utils.packages import lists
from ansible_collections.holdfast.hipaa.plugins.module_utils.packages.lists import Lists, Source, parse_indexes
from ansible_collections.holdfast.hipaa.plugins.module_utils.packages.state import judge

TARGETS = """\
MetaKey: main/binary-amd64/Packages
Description: http://deb.example.org/debian-security bookworm-security/main amd64 Packages
URI: http://deb.example.org/debian-security/dists/bookworm-security/main/binary-amd64/Packages
Filename: {folder}/deb.example.org_debian-security_dists_bookworm-security_main_binary-amd64_Packages
Codename: bookworm-security
Label: Debian-Security
Origin: Debian
Suite: oldstable-security
Trusted: yes
Architecture: amd64
Base-URI: http://deb.example.org/debian-security/dists/bookworm-security/
Repo-URI: http://deb.example.org/debian-security/

MetaKey: main/i18n/Translation-en
"""

RELEASE = """\
Origin: Debian
Date: Fri, 20 Nov 2026 00:12:41 UTC
Valid-Until: Fri, 27 Nov 2026 00:12:41 UTC
"""

NOV_21 = 1795219200.0
NOV_28 = NOV_21 + 7 * 86400

GOOD = Lists(True, "", False, "2026-11-21T00:00:00Z", 3600, ())


def test_an_index_is_read_with_its_archive(tmp_path):
    (index,) = parse_indexes(TARGETS.format(folder=tmp_path))
    assert (index.label, index.suite, index.codename, index.architecture) == (
        "Debian-Security",
        "oldstable-security",
        "bookworm-security",
        "amd64",
    )
    assert index.security
    assert index.trusted


def test_the_release_beside_an_index_says_when_it_was_made_and_until_when_it_holds(tmp_path):
    release = tmp_path / "deb.example.org_debian-security_dists_bookworm-security_InRelease"
    release.write_text(RELEASE, encoding="utf-8")
    (index,) = parse_indexes(TARGETS.format(folder=tmp_path))
    fresh = lists.source_of(index, NOV_21)
    assert (fresh.date, fresh.valid_until, fresh.expired) == (
        "2026-11-20T00:12:41Z",
        "2026-11-27T00:12:41Z",
        False,
    )
    assert lists.source_of(index, NOV_28).expired


def test_an_archive_without_a_release_file_has_no_dates(tmp_path):
    (index,) = parse_indexes(TARGETS.format(folder=tmp_path))
    assert lists.source_of(index, NOV_21).date is None


def test_lists_within_the_limit_are_measured():
    assert judge(GOOD, 1) == GOOD
    assert judge(replace(GOOD, age_seconds=10**9), None).measured


def test_lists_older_than_the_limit_are_not_measured():
    judged = judge(replace(GOOD, age_seconds=3601), 1)
    assert not judged.measured
    assert "the limit is 1" in judged.why


def test_lists_of_an_expired_archive_are_not_measured():
    source = Source(
        "http://deb.example.org/debian/", "s", "c", "o", "l", True, True, None, "2026-11-20T00:00:00Z", True
    )
    judged = judge(replace(GOOD, sources=(source,)), None)
    assert not judged.measured
    assert "http://deb.example.org/debian/ s" in judged.why


def test_lists_that_are_not_there_say_what_to_do():
    missing = Lists(False, "run package_state with refresh", False, None, None, ())
    assert judge(missing, 1) == missing
